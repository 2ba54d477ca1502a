"""How far predictions are off in parts of the true values, as latency predictors report it."""

from __future__ import annotations

import numpy as np

from hwbench.arrays import Floats
from hwbench.results.study_columns import WITHIN_PERCENT


def relative_scores(truth: Floats, prediction: Floats) -> dict[str, float]:
    """How far predictions are off in parts of the true values.

    `rmspe` is the root mean square of the relative errors, in %, and `within_5_percent` the share
    of predictions, in %, that are off by 5 % at most: what latency predictors report (nn-Meter,
    Zhang et al. 2021, 4.1; LitePred, Feng et al. 2024, 5.1).

    Parameters
    ----------
    truth, prediction : float64 of shape (n_archs,).

    Returns
    -------
    NaN each where a true value is not above 0: a relative error needs a scale that begins at 0.
    """
    names = [f"within_{percent}_percent" for percent in WITHIN_PERCENT]
    if not (truth > 0).all():
        return dict.fromkeys(("rmspe", *names), float("nan"))
    error = np.abs(prediction - truth) / truth
    # 1.05 is off by 5 % of 1, though not to the last bit.
    within = [float(100 * (error <= percent / 100 + 1e-12).mean()) for percent in WITHIN_PERCENT]
    return {
        "rmspe": float(100 * np.sqrt(np.mean(error**2))),
        **dict(zip(names, within, strict=True)),
    }
