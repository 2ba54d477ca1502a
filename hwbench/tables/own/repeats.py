"""Several measurements of one architecture: one value of them, and how far they disagree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import Floats

WAYS = ("mean", "median", "min", "first")

OUTLIER = 2.0
"""A repeat so many times its architecture's median, or less than its inverse, is an outlier."""

FEWEST = 3
"""Repeats among which one can be an outlier."""


@dataclass(frozen=True)
class Settled:
    """One value of each architecture.

    Attributes
    ----------
    values : of shape (n_archs,), NaN where none was measured.
    deviations : standard deviation of one of the repeats, of shape (n_archs,), NaN where there are
        fewer than two.
    counts : measurements of each, int64 of shape (n_archs,).
    way : how they were made one: of `WAYS`.
    outliers : architectures, by place, one of whose repeats is an outlier.
    """

    values: Floats
    deviations: Floats
    counts: NDArray[np.int64]
    way: str
    outliers: NDArray[np.int64]


def settle(
    values: NDArray[np.float64], groups: NDArray[np.int64], n_groups: int, way: str | None
) -> Settled:
    """Make one value of the measurements of each architecture.

    Parameters
    ----------
    values : of shape (n_measurements,), NaN where one is missing.
    groups : the architecture of each, 0 .. n_groups - 1, int64 of shape (n_measurements,).
    n_groups : architectures.
    way : of `WAYS`; None for the mean, or the median where a repeat is an outlier.
    """
    known = np.isfinite(values)
    order = np.lexsort((values[known], groups[known]))
    ordered, group = values[known][order], groups[known][order]
    counts = np.bincount(group, minlength=n_groups)
    there = counts > 0
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    middle = np.full(n_groups, np.nan)
    low = starts[there] + (counts[there] - 1) // 2
    high = starts[there] + counts[there] // 2
    middle[there] = (ordered[low] + ordered[high]) / 2
    mean = np.full(n_groups, np.nan)
    # Scaled, so that a sum of large numbers stays finite.
    mean[there] = np.bincount(group, ordered / counts[group], minlength=n_groups)[there]
    single = counts == 1
    mean[single] = ordered[starts[single]]
    squares = np.bincount(group, (ordered - mean[group]) ** 2, minlength=n_groups)
    deviations = np.full(n_groups, np.nan)
    several = counts > 1
    deviations[several] = np.sqrt(squares[several] / (counts[several] - 1))
    outliers = _outliers(ordered, group, counts, middle)
    chosen = way or ("median" if len(outliers) else "mean")
    result = {"mean": mean, "median": middle}.get(chosen)
    if chosen == "min":
        result = np.full(n_groups, np.nan)
        result[there] = ordered[starts[there]]
    elif result is None:
        result = np.full(n_groups, np.nan)
        places = np.flatnonzero(known)
        first = places[np.unique(groups[known], return_index=True)[1]]
        result[groups[first]] = values[first]
    return Settled(result, deviations, counts.astype(np.int64), chosen, outliers)


def _outliers(
    ordered: Floats, group: NDArray[np.int64], counts: NDArray[np.int64], middle: Floats
) -> NDArray[np.int64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = ordered / middle[group]
    enough = counts[group] >= FEWEST
    far = enough & (middle[group] > 0) & ((ratio > OUTLIER) | (ratio < 1 / OUTLIER))
    return np.unique(group[far])
