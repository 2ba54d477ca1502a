"""Small statistics that several parts share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of repeated measurements and its two-sided Student t interval.

    Parameters
    ----------
    values : any shape; NaN entries are left out.
    confidence : the interval's coverage, between 0 and 1 (exclusive).

    Returns
    -------
    (mean, low, high), in the unit of `values`. `low` and `high` are NaN for fewer than two values,
    all three for none.

    Raises
    ------
    ValueError
        Where `confidence` is not between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    numbers = np.asarray(values, dtype=np.float64).ravel()
    numbers = numbers[~np.isnan(numbers)]
    if numbers.size == 0:
        return float("nan"), float("nan"), float("nan")
    mean = float(numbers.mean())
    if numbers.size == 1:
        return mean, float("nan"), float("nan")
    # The quantile function itself: scipy.stats wraps it at a hundred times the cost.
    from scipy.special import stdtrit

    error = float(numbers.std(ddof=1)) / float(np.sqrt(numbers.size))
    half = float(stdtrit(numbers.size - 1, 0.5 + confidence / 2)) * error
    return mean, mean - half, mean + half
