"""How well predictors say how uncertain they are."""

from __future__ import annotations

import numpy as np

from hwbench.arrays import Floats
from hwbench.results.study_columns import COVERAGE_AT, UNCERTAINTY_SCORES


def uncertainty_scores(truth: Floats, prediction: Floats, deviation: Floats) -> dict[str, float]:
    """Scores of normal distributions as predictions, in the deviations of the truth where a unit.

    Parameters
    ----------
    truth : float64 of shape (n_archs,).
    prediction, deviation : means and standard deviations of new measurements, (n_archs,).

    Returns
    -------
    `coverage_50` and its like, the share of the truth, in %, inside the central interval that is
    to hold so much; `crps`, the mean continuous ranked probability score (Gneiting and Raftery
    2007, eq. 21), and `negative_log_likelihood`, the mean in nats, both of values in units of the
    truth's standard deviation, so that targets can be compared. NaN where the truth is constant or
    a deviation is not a positive number.
    """
    from scipy.special import ndtr, ndtri

    scale = float(truth.std())
    if scale == 0 or not (np.isfinite(deviation).all() and (deviation > 0).all()):
        return dict.fromkeys(UNCERTAINTY_SCORES, float("nan"))
    far = (truth - prediction) / deviation
    density = np.exp(-(far**2) / 2) / np.sqrt(2 * np.pi)
    own = deviation / scale
    crps = own * (far * (2 * ndtr(far) - 1) + 2 * density - 1 / np.sqrt(np.pi))
    surprise = far**2 / 2 + np.log(own) + np.log(2 * np.pi) / 2
    inside = [np.abs(far) <= ndtri(0.5 + percent / 200) for percent in COVERAGE_AT]
    return {
        **{
            f"coverage_{percent}": float(100 * within.mean())
            for percent, within in zip(COVERAGE_AT, inside, strict=True)
        },
        "crps": float(crps.mean()),
        "negative_log_likelihood": float(surprise.mean()),
    }
