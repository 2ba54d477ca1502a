"""Metrics that take few values: predictions that cannot be told from a measured one are that."""

from __future__ import annotations

import numpy as np

from hwbench.arrays import Floats

REPEATED_SHARE = 0.5
"""Where so many of the measurements repeat another, a metric counts as taking few values."""


def repeated_values(values: Floats) -> Floats:
    """The different values of a metric that takes few, such as a count or a modelled intensity.

    Parameters
    ----------
    values : measurements, float64 of shape (n_archs,).

    Returns
    -------
    float64, rising; empty where fewer than `REPEATED_SHARE` of the measurements repeat another, as
    with everything that is measured by a clock.
    """
    different, counts = np.unique(values, return_counts=True)
    repeated = counts[counts > 1].sum() / len(values)
    return different if repeated >= REPEATED_SHARE else np.empty(0)


def nearest_repeated(predictions: Floats, different: Floats, tolerance: float) -> Floats:
    """Replace predictions by the nearest measured value where that is within the tolerance.

    Two architectures of one value then rank alike, rather than by the last digits of a sum.

    Parameters
    ----------
    predictions : float64 of shape (n_archs,).
    different : of `repeated_values`; where empty, predictions stay as they are.
    tolerance : how far predictions usually are from the truth.
    """
    if not len(different):
        return predictions
    above = np.searchsorted(different, predictions).clip(1, max(len(different) - 1, 1))
    low, high = different[above - 1], different[np.minimum(above, len(different) - 1)]
    nearest = np.where(predictions - low < high - predictions, low, high)
    return np.where(np.abs(predictions - nearest) <= tolerance, nearest, predictions)
