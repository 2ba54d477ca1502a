"""How good a ranking of architectures is, given true values (LAUBE 6.3.4)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from hwbench.errors import HwbenchError

TOP = (1, 5, 10)
"""Sizes of the selections whose mean true value is reported."""

TOP_TRUE = 50
"""How many of the truly best architectures the second rank correlation is taken over."""


def ranking_measures(predicted: ArrayLike, true: ArrayLike) -> dict[str, float]:
    """How good a ranking is, given true values; larger is better in both.

    Parameters
    ----------
    predicted, true : of shape (n_archs,), at least two.

    Returns
    -------
    `kendall_tau` over all and `kendall_tau_top50` over the 50 truly best (tau-b; NaN where either
    is constant); for n of `TOP` the `mean_true_top<n>` of the n best ranked, in the unit of `true`,
    and `improvement_top<n>`, 0 for the mean of all and 1 for the best; `mean_true`, `best_true`.
    Equally ranked architectures count in the order given.
    """
    from scipy.stats import kendalltau

    scores = np.asarray(predicted, dtype=np.float64)
    values = np.asarray(true, dtype=np.float64)
    if scores.shape != values.shape or scores.ndim != 1 or len(scores) < 2:
        raise HwbenchError("ranking: give as many true values as predictions, two or more")
    best = np.argsort(-values, kind="stable")[:TOP_TRUE]
    order = np.argsort(-scores, kind="stable")
    mean, highest = float(values.mean()), float(values.max())
    measures = {
        "kendall_tau": float(kendalltau(scores, values).statistic),
        "kendall_tau_top50": float(kendalltau(scores[best], values[best]).statistic),
        "mean_true": mean,
        "best_true": highest,
    }
    for count in TOP:
        top = float(values[order[:count]].mean())
        span = highest - mean
        measures[f"mean_true_top{count}"] = top
        measures[f"improvement_top{count}"] = (top - mean) / span if span > 0 else float("nan")
    return measures


def measures_of(ranking: pd.DataFrame) -> dict[str, float]:
    """The measures of a ranking with the columns `score` and `true`, over known true values.

    None where it is held against nothing, or fewer than two true values are known.
    """
    if "true" not in ranking or ranking["true"].count() < 2:
        return {}
    known = ranking.dropna(subset="true")
    return ranking_measures(known["score"], known["true"])


def unmeasured(ranking: pd.DataFrame, target: str) -> str:
    """Why a ranking that is held against a target has no measures; empty where it has some."""
    if "true" not in ranking or ranking["true"].count() > 1:
        return ""
    known = int(ranking["true"].count())
    return (
        f"{target} knows {known or 'none'} of the {len(ranking):,} architectures ranked: how good "
        "the ranking is cannot be said"
    )
