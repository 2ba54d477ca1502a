"""How well predictions rank and meet the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def score(truth: ArrayLike, prediction: ArrayLike) -> dict[str, float]:
    """Compare predictions with measured values.

    Parameters
    ----------
    truth, prediction : floats of shape (n_archs,), n_archs at least 2, in the target's unit.

    Returns
    -------
    `kendall_tau` (tau-b, as the published code uses), `spearman`, `pearson`, and `mae` in the
    target's unit. A constant prediction ranks nothing: its correlations are 0.

    Raises
    ------
    ValueError
        Where a prediction is not finite.
    """
    true = np.asarray(truth, dtype=np.float64)
    predicted = np.asarray(prediction, dtype=np.float64)
    if not np.isfinite(predicted).all():
        raise ValueError("a prediction is missing or infinite")
    mae = float(np.abs(true - predicted).mean())
    if np.ptp(true) == 0 or np.ptp(predicted) == 0:
        return {"kendall_tau": 0.0, "spearman": 0.0, "pearson": 0.0, "mae": mae}
    return {
        "kendall_tau": float(stats.kendalltau(true, predicted).statistic),
        "spearman": float(stats.spearmanr(true, predicted).statistic),
        "pearson": float(np.corrcoef(true, predicted)[0, 1]),
        "mae": mae,
    }
