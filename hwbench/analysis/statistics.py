"""Small statistics that several parts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from hwbench.arrays import Floats

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


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
    numbers = _without_missing(values)
    if numbers.size == 0:
        return float("nan"), float("nan"), float("nan")
    mean = float(numbers.mean())
    if numbers.size == 1:
        return mean, float("nan"), float("nan")
    deviation = np.asarray(numbers.std(ddof=1))
    half = float(half_interval(deviation, np.asarray(numbers.size), confidence))
    return mean, mean - half, mean + half


NINE_IN_TEN, HALF = 0.9, 0.5
"""Shares of values that are shown beside a median: of single selections, and of seeds."""


def central_range(values: ArrayLike, share: float = NINE_IN_TEN) -> tuple[float, float, float]:
    """The median, and between what the middle share of values lies.

    Where a few values make most of a mean, as hopeless architectures do that of accuracy lost, this
    says what to expect.

    Parameters
    ----------
    values : any shape; NaN entries are left out.
    share : of the values within; 0.9 for the 5 % and 95 % quantiles, 0.5 for quartiles.

    Returns
    -------
    (low, median, high), in the unit of `values`; NaN for no value.
    """
    numbers = _without_missing(values)
    if numbers.size == 0:
        return float("nan"), float("nan"), float("nan")
    low, median, high = np.quantile(numbers, [(1 - share) / 2, 0.5, (1 + share) / 2])
    return float(low), float(median), float(high)


def half_interval(deviation: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Floats:
    """Half of the two-sided Student t interval of means of repeated measurements.

    Parameters
    ----------
    deviation : of the measurements, with n - 1.
    n : how many they are, of the same shape.
    confidence : the interval's coverage.

    Returns
    -------
    In the unit of `deviation` and its shape; NaN for fewer than two values.
    """
    # The quantile function itself: scipy.stats wraps it at a hundred times the cost.
    from scipy.special import stdtrit

    deviations, counts = np.asarray(deviation, dtype=np.float64), np.asarray(n)
    half = stdtrit(np.maximum(counts - 1, 1), 0.5 + confidence / 2)
    known = np.where(counts > 1, half * deviations / np.sqrt(np.maximum(counts, 1)), np.nan)
    return np.asarray(known, dtype=np.float64)


def mean_p_value(values: ArrayLike) -> float:
    """Two-sided p-value of Student's t-test that the mean is zero.

    Parameters
    ----------
    values : any shape, such as differences between two methods by seed; NaN entries are left out.

    Returns
    -------
    1 where all values are zero, NaN for fewer than two values.
    """
    numbers = _without_missing(values)
    if numbers.size < 2:
        return float("nan")
    mean, spread = float(numbers.mean()), float(numbers.std(ddof=1))
    if spread == 0:
        return 1.0 if mean == 0 else 0.0
    from scipy.special import stdtr

    return float(2 * stdtr(numbers.size - 1, -abs(mean) / spread * np.sqrt(numbers.size)))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted for being many: those below a level hold together at that level.

    Holm 1979, *A simple sequentially rejective multiple test procedure*.

    Parameters
    ----------
    p_values : shape (n_tests,); NaN entries are no tests and stay NaN.

    Returns
    -------
    float64 of shape (n_tests,), at least the given values and at most 1.
    """
    given = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(given.shape, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return adjusted


def _without_missing(values: ArrayLike) -> NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64).ravel()
    return numbers[~np.isnan(numbers)]


def bootstrap_interval(
    values: ArrayLike, confidence: float = 0.95, *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Mean of repeated measurements and its percentile bootstrap interval.

    It assumes no distribution, where `mean_interval` assumes a normal one.

    Parameters
    ----------
    values : any shape; NaN entries are left out.
    confidence : the interval's coverage, between 0 and 1 (exclusive).
    resamples : how often as many values are drawn with replacement.
    seed : of the draws.

    Returns
    -------
    (mean, low, high), in the unit of `values`. `low` and `high` are NaN for fewer than two values,
    all three for none.
    """
    numbers = _without_missing(values)
    if numbers.size == 0:
        return float("nan"), float("nan"), float("nan")
    mean = float(numbers.mean())
    if numbers.size == 1:
        return mean, float("nan"), float("nan")
    means = bootstrap_weights(numbers.size, resamples, seed) @ numbers
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return mean, float(low), float(high)


@lru_cache(maxsize=8)  # most entries of a study have as many seeds as the others
def bootstrap_weights(n: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How much each of n values weighs in each resample: shape (resamples, n), rows sum to 1."""
    generator = np.random.default_rng(seed)
    weights: NDArray[np.float64] = generator.multinomial(n, np.full(n, 1 / n), size=resamples) / n
    weights.flags.writeable = False
    return weights


@dataclass(frozen=True)
class CriticalDifference:
    """Average ranks of methods over data sets, and how far apart they must be to differ.

    Attributes
    ----------
    ranks : average rank of each method, 1 the best, sorted from the best.
    difference : two methods whose ranks differ by less are not told apart (Nemenyi).
    p_value : of the Friedman test that all methods are equal.
    n_blocks : data sets.
    groups : first and last place of methods that are not told apart; none lies within another.
    why_not : why the difference, the p-value and the groups are no claim, in a sentence; "" where
        they are one.
    """

    ranks: dict[str, float]
    difference: float
    p_value: float
    n_blocks: int
    groups: tuple[tuple[int, int], ...]
    why_not: str = ""

    @property
    def claim(self) -> bool:
        """Whether there are data sets enough to say which methods differ."""
        return not self.why_not


FEWEST_BLOCKS = 5
"""Data sets from which on it is said which methods differ: with four, even a method that wins them
all is not told from a second one by a sign test at 5 % (p = 0.125), with five hardly (0.0625)."""


def critical_difference(
    scores: ArrayLike, names: Sequence[str], alpha: float = 0.05
) -> CriticalDifference:
    """Compare methods over data sets by the Friedman test and Nemenyi's critical difference.

    From fewer than `FEWEST_BLOCKS` data sets average ranks stand without a claim (`why_not`).

    Demsar 2006, *Statistical comparisons of classifiers over multiple data sets*, section 3.2.2.

    Parameters
    ----------
    scores : higher is better, shape (n_blocks, n_methods), at least 2 of both.
    names : of the methods.
    alpha : the level of both tests.

    Raises
    ------
    ValueError
        Where there are fewer than two data sets or methods, or a score is missing.
    """
    from scipy import stats

    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or min(table.shape) < 2 or np.isnan(table).any():
        raise ValueError("scores must be complete, for at least two data sets and two methods")
    n_blocks, n_methods = table.shape
    ranks = stats.rankdata(-table, axis=1)
    mean_ranks = ranks.mean(axis=0)
    if np.ptp(ranks, axis=1).max() == 0:
        p_value = 1.0  # all methods are equal everywhere
    elif n_methods == 2:  # which the Friedman test refuses; of two methods it is the sign test
        wins = int((ranks[:, 0] < ranks[:, 1]).sum())
        losses = int((ranks[:, 0] > ranks[:, 1]).sum())
        p_value = float(stats.binomtest(wins, wins + losses).pvalue)
    else:
        p_value = float(stats.friedmanchisquare(*table.T).pvalue)
    studentized = stats.studentized_range.ppf(1 - alpha, n_methods, np.inf) / np.sqrt(2)
    difference = float(studentized * np.sqrt(n_methods * (n_methods + 1) / (6 * n_blocks)))
    order = np.argsort(mean_ranks, kind="stable")
    groups: list[tuple[int, int]] = []
    for first in range(n_methods):
        near = mean_ranks[order] - mean_ranks[order[first]] < difference
        last = int(np.flatnonzero(near).max())
        if last > first and (not groups or last > groups[-1][1]):
            groups.append((first, last))
    return CriticalDifference(
        {names[i]: float(mean_ranks[i]) for i in order},
        difference,
        p_value,
        n_blocks,
        tuple(groups),
        ""
        if n_blocks >= FEWEST_BLOCKS
        else f"{n_blocks} independent measurements are too few to say which differ: it takes "
        f"{FEWEST_BLOCKS}.",
    )
