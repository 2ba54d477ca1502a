"""Whether a fit is worth having: held against what costs no measurement, or next to no work.

A fit that ranks worse than the number of FLOPs, or than a linear model of how often each operation
is there, has been given too few architectures, or not those that its model is made for.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from hwbench.arrays import Floats, IntArray
from hwbench.predictors.card import PredictorCard, predictor_card
from hwbench.predictors.make import make_predictor
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.predictors.tuning import rank_agreement
from hwbench.spaces import Space, SpaceLacksError

FREE = (("flops", "FLOPs"), ("parameters", "parameters"))
"""Methods of a search space that tell of an architecture without measuring it, and their titles."""

SIMPLE, COUNTS = "ridge", "counts"
COUNTED = "a linear model of operation counts"
"""The predictor and encoding of a baseline that takes milliseconds, and its title."""

POOR = 0.4
"""Kendall's tau below which a ranking is of little use: more than three pairs in ten are wrong."""

MARGIN = 0.02
"""What a fit may rank worse by chance, on the hundreds of architectures that it is tested on."""

FOLDS, FEWEST, MOST_COST = 5, 10, 3
"""Where all rows are fitted to, predictors up to this cost are cross-validated on so many folds."""


class WeakFitWarning(UserWarning):
    """A fitted predictor ranks poorly, or worse than what costs nothing."""


@dataclass(frozen=True)
class Baseline:
    """What a fit has to be better than.

    Attributes
    ----------
    title : what it is, in words.
    kendall_tau : on the architectures that the fit was tested on.
    fitted : whether it is a model of the same measurements.
    """

    title: str
    kendall_tau: float
    fitted: bool = False


def baselines_of(
    space: Space,
    archs: IntArray,
    values: Floats,
    training: IntArray,
    tested: IntArray,
) -> list[Baseline]:
    """What costs nothing, or next to nothing, on the rows that a fit was tested on; the best first.

    Parameters
    ----------
    archs, values : all rows: integers of shape (n_archs, n_positions), float64 of (n_archs,).
    training, tested : which of them were fitted to, and which are not.
    """
    found = []
    for method, title in FREE:
        try:
            numbers = np.asarray(getattr(space, method)(archs[tested]), dtype=np.float64)
        except SpaceLacksError:
            continue
        # More may be better or worse: taken is what agrees.
        found.append(Baseline(title, abs(rank_agreement(values[tested], numbers))))
    if COUNTS in space.encodings:
        model = make_predictor(SIMPLE, space=space, encoding=COUNTS)
        model.fit(archs[training], values[training])
        tau = rank_agreement(values[tested], np.asarray(model.predict(archs[tested])))
        found.append(Baseline(COUNTED, tau, fitted=True))
    known = [each for each in found if np.isfinite(each.kendall_tau)]
    return sorted(known, key=lambda each: -each.kendall_tau)


def shortage_of(card: PredictorCard, model: ArchitectureRegressor, archs: IntArray) -> str:
    """What the training rows lack that a predictor is made for; empty where it lacks nothing.

    Parameters
    ----------
    card : its card.
    model : fitted.
    archs : that it was fitted to, integers of shape (n_archs, n_positions).
    """
    baseline = getattr(model.estimator_, "baseline_", None)
    if card.training != "neighbourhood" or baseline is None:
        return ""
    changed = archs != np.asarray(baseline)
    rows = np.flatnonzero(changed.sum(axis=1) == 1)
    positions = changed[rows].argmax(axis=1)
    measured = len(np.unique(np.stack([positions, archs[rows, positions]]), axis=1).T)
    wanted = int((model.space.n_choices - 1).sum())
    if measured >= wanted:
        return ""
    return (
        f"it learns from one architecture and each change of one of its operations, and of "
        f"{wanted} such changes {measured} were among {len(archs)} architectures; the others count "
        f"as nothing, for it is made for {wanted + 1} architectures of its own choice"
    )


def weaknesses_of(
    predictor: str, tau: float | None, baselines: list[Baseline], *, shortage: str = ""
) -> tuple[str, ...]:
    """What is wrong with a fit, a sentence each; none where it is as good as can be asked.

    Parameters
    ----------
    predictor : its name.
    tau : Kendall's tau on architectures that it was not fitted to; None where it is not known.
    baselines : on the same architectures, the best first.
    shortage : what is missing in its training rows, see `shortage_of`.
    """
    found = [f"{predictor}: {shortage}"] if shortage else []
    if tau is None:
        return tuple(found)
    if baselines and tau < baselines[0].kendall_tau - MARGIN:
        best = baselines[0]
        cost = "takes milliseconds" if best.fitted else "costs no measurement"
        found.append(
            f"{predictor} ranks other architectures with a tau of {tau:.3f}, worse than "
            f"{best.title} with {best.kendall_tau:.3f}, which {cost}"
        )
    elif tau < POOR or not np.isfinite(tau):
        wrong = 50 * (1 - (tau if np.isfinite(tau) else 0.0))
        found.append(
            f"{predictor} ranks other architectures with a tau of {tau:.3f}: about {wrong:.0f} % "
            "of all pairs are in the wrong order; more measurements or another predictor would help"
        )
    return tuple(found)


def cross_validated_tau(
    card: PredictorCard, model: ArchitectureRegressor, archs: IntArray, values: Floats
) -> float | None:
    """Kendall's tau of predictions for each row by a model of the other folds.

    Parameters
    ----------
    card : the predictor's.
    model : fitted to all rows; what is fitted to folds are clones of it.
    archs, values : integers of shape (n_archs, n_positions), float64 of (n_archs,).

    Returns
    -------
    None where there are too few rows, where it would take long, or where a predictor needs rows or
    devices of its own.
    """
    special = card.training != "sampled" or card.needs_sources or model.tuning is not None
    if len(archs) < FEWEST or card.cost > MOST_COST or special:
        return None
    folds = np.random.default_rng([len(archs), FOLDS]).permutation(len(archs)) % FOLDS
    predicted = np.empty(len(archs))
    for fold in range(FOLDS):
        part = clone(model)
        try:
            part.fit(archs[folds != fold], values[folds != fold])
        except ValueError:  # a part of the rows may be too few for what all of them are enough
            return None
        predicted[folds == fold] = part.predict(archs[folds == fold])
    return rank_agreement(values, predicted)


def quality_of(
    predictor: str,
    model: ArchitectureRegressor,
    archs: IntArray,
    values: Floats,
    training: IntArray,
    tested: IntArray,
    tau: float | None,
) -> dict[str, Any]:
    """What a fitted model's card says of how good the fit is; what is wrong with it is warned of.

    Parameters
    ----------
    predictor : its name.
    model : fitted.
    archs, values : all rows: integers of shape (n_archs, n_positions), float64 of (n_archs,).
    training, tested : which of them it was fitted to, and is tested on.
    tau : Kendall's tau on those; None where there are none.

    Returns
    -------
    `cross_validated_tau`, `baselines` and `warnings`, as `ModelCard` has them.

    Warns
    -----
    WeakFitWarning
        For each of `warnings`.
    """
    card = predictor_card(predictor)
    checked, baselines = None, []
    if tau is None:
        checked = cross_validated_tau(card, model, archs[training], values[training])
    else:
        baselines = baselines_of(model.space, archs, values, training, tested)
    found = weaknesses_of(
        predictor,
        checked if tau is None else tau,
        baselines,
        shortage=shortage_of(card, model, archs[training]),
    )
    for each in found:
        warnings.warn(each, WeakFitWarning, stacklevel=3)
    return {
        "cross_validated_tau": checked,
        "baselines": {each.title: each.kendall_tau for each in baselines},
        "warnings": found,
    }
