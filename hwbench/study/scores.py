"""How well predictions rank and meet the truth."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import Floats
from hwbench.results.relative_scores import relative_scores
from hwbench.results.study_columns import PRECISION_AT
from hwbench.results.uncertainty_scores import uncertainty_scores


def score(
    truth: ArrayLike,
    prediction: ArrayLike,
    *,
    best: Literal["lowest", "highest"] = "lowest",
    deviation: ArrayLike | None = None,
) -> dict[str, float]:
    """Compare predictions with measured values.

    Parameters
    ----------
    truth, prediction : floats of shape (n_archs,), n_archs at least 2, in the target's unit.
    best : which end of the target a search wants.
    deviation : standard deviations of new measurements, of a predictor that tells them, (n_archs,).

    Returns
    -------
    `kendall_tau` (tau-b, as the published code uses), `spearman`, `pearson`, `mae` in the target's
    unit, `deviation` (standard deviation of prediction - truth in those of the truth, LAUBE A.5;
    NaN where the truth is constant), `precision_at_k`, see `precision_at`, and `rmspe` and
    `within_5_percent`, see `relative_scores`; with deviations those of `uncertainty_scores` too.
    A constant prediction ranks nothing: its
    correlations are 0.

    Raises
    ------
    ValueError
        Where a prediction is not finite.
    """
    from scipy import stats

    true = np.asarray(truth, dtype=np.float64)
    predicted = np.asarray(prediction, dtype=np.float64)
    if not np.isfinite(predicted).all():
        raise ValueError("a prediction is missing or infinite")
    sign = 1.0 if best == "lowest" else -1.0
    scale = float(true.std())
    others = {
        "mae": float(np.abs(true - predicted).mean()),
        "deviation": float((predicted - true).std()) / scale if scale > 0 else float("nan"),
        **{
            f"precision_at_{k}": precision_at(sign * true, sign * predicted, k)
            for k in PRECISION_AT
        },
        **relative_scores(true, predicted),
    }
    if deviation is not None:
        others |= uncertainty_scores(true, predicted, np.asarray(deviation, dtype=np.float64))
    if np.ptp(true) == 0 or np.ptp(predicted) == 0:
        return {"kendall_tau": 0.0, "spearman": 0.0, "pearson": 0.0, **others}
    return {
        "kendall_tau": float(stats.kendalltau(true, predicted).statistic),
        "spearman": float(stats.spearmanr(true, predicted).statistic),
        "pearson": float(np.corrcoef(true, predicted)[0, 1]),
        **others,
    }


def precision_at(truth: Floats, prediction: Floats, k: int) -> float:
    """Share of the truly lowest k architectures among the k that are predicted to be lowest.

    Where values are equal at either border, it is the share expected when ties are broken at
    random, so that no order of the rows is of use to a predictor of few different values.

    Parameters
    ----------
    truth, prediction : float64 of shape (n_archs,).
    k : how many; NaN is returned where there are no more architectures than that.
    """
    if len(truth) <= k:
        return float("nan")
    return float((_share_among_lowest(truth, k) * _share_among_lowest(prediction, k)).sum() / k)


def _share_among_lowest(values: Floats, k: int) -> Floats:
    """Probability of each value to be among the lowest k when ties are broken at random."""
    border = np.partition(values, k - 1)[k - 1]
    below, at_border = values < border, values == border
    share = below.astype(np.float64)
    share[at_border] = (k - below.sum()) / at_border.sum()
    return share
