"""Kendall's tau-b in compiled code: a bucket sort, then inversions counted with a set of bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import Floats
from hwbench.errors import HwbenchError
from hwbench.simulation.compiled import Ints, compiled, count_bits

LONGEST_BUCKET = 48
"""Buckets hold a few values each; with more than this in one, insertion would be slow."""


@compiled
def sort_order(values: Floats, buckets: Ints, keys: Ints, order: Ints, ordered: Floats) -> None:
    """Sort by (value, position): `order` receives positions, `ordered` the values.

    Parameters
    ----------
    values : finite, float64 of shape (n,), n at least 1.
    buckets : int32 of shape (n + 1,), overwritten.
    keys, order : int32 of shape (n,), overwritten.
    ordered : float64 of shape (n,), overwritten.
    """
    n = values.size
    lowest = highest = values[0]
    for i in range(n):
        lowest = min(lowest, values[i])
        highest = max(highest, values[i])
    spread = highest - lowest
    scale = (n - 1) / spread if spread > 0.0 else 0.0
    if not (np.isfinite(scale) and np.isfinite(spread)):
        scale = 0.0  # values too near or too far apart for their difference: all in one bucket
    buckets[: n + 1] = 0
    for i in range(n):
        key = np.int32((values[i] - lowest) * scale) if scale > 0.0 else np.int32(0)
        keys[i] = key
        buckets[key + 1] += 1
    longest = 0
    for k in range(n):
        longest = max(longest, buckets[k + 1])
        buckets[k + 1] += buckets[k]
    for i in range(n):
        place = buckets[keys[i]]
        buckets[keys[i]] += 1
        order[place] = i
        ordered[place] = values[i]
    # Shell's gaps only where many values share a bucket; the last gap is plain insertion.
    gap = 1
    if longest > LONGEST_BUCKET:
        while gap < n // 3:
            gap = 3 * gap + 1
    while gap >= 1:
        for i in range(gap, n):
            value = ordered[i]
            position = order[i]
            j = i
            while j >= gap and (
                ordered[j - gap] > value
                or (ordered[j - gap] == value and order[j - gap] > position)
            ):
                ordered[j] = ordered[j - gap]
                order[j] = order[j - gap]
                j -= gap
            ordered[j] = value
            order[j] = position
        gap //= 3


@compiled
def count_inversions(
    order: Ints, n: int, ties: Ints, bits: NDArray[np.uint64], inner: Ints, outer: Ints, used: Ints
) -> int:
    """Pairs of positions of different ties that `order` swaps.

    Positions enter a set of bits one by one; two levels of counters (of 64 and 1,024 positions) say
    how many lie before, and are kept by additions without branches.

    Parameters
    ----------
    order : int32 of shape (n,), a permutation.
    ties : int32 of shape (n,), the first position of each position's group; pairs within a group
        do not count.
    bits : uint64; inner : int32; both of shape at least (16 * ceil(n / 1024),), overwritten.
    outer : int32 of shape at least (ceil(n / 1024),), overwritten.
    used : int32 of shape (n,), overwritten.
    """
    blocks = (n + 1023) >> 10
    bits[: blocks << 4] = 0
    inner[: blocks << 4] = 0
    outer[:blocks] = 0
    used[:n] = 0
    one = np.uint64(1)
    inversions = 0
    for done in range(n):
        group = ties[order[done]]
        place = group + used[group]  # within a group in the order of `order`: nothing is swapped
        used[group] += 1
        word = place >> 6
        block = place >> 10
        bit = one << np.uint64(place & 63)
        before = outer[block] + inner[word] + np.int64(count_bits(bits[word] & (bit - one)))
        inversions += done - before
        bits[word] |= bit
        first = block << 4
        for k in range(16):
            inner[first + k] += np.int32(first + k > word)
        for k in range(blocks):
            outer[k] += np.int32(k > block)
    return inversions


@compiled
def tie_groups(values: Floats, n: int, ties: Ints) -> int:
    """Fill `ties` with the first position of each run of equal values; the number of tied pairs."""
    pairs = 0
    first = 0
    for i in range(n):
        if values[i] != values[first]:
            first = i
        pairs += i - first
        ties[i] = first
    return pairs


@compiled
def tau_from_sorted(
    n: int,
    ties: Ints,
    tied_first: int,
    order: Ints,
    ordered: Floats,
    bits: NDArray[np.uint64],
    inner: Ints,
    outer: Ints,
    used: Ints,
) -> float:
    """Tau-b of two variables, of which the first is sorted and the second has been by `sort_order`.

    Parameters
    ----------
    n : how many.
    ties, tied_first : of the first variable, as from `tie_groups`.
    order, ordered : of the second, as from `sort_order`.
    bits, inner, outer, used : see `count_inversions`.

    Returns
    -------
    Tau-b; NaN where a variable is constant.
    """
    tied_second = tied_both = 0
    first = first_both = 0
    for i in range(n):
        if ordered[i] != ordered[first]:
            first = first_both = i
        elif ties[order[i]] != ties[order[first_both]]:
            first_both = i
        tied_second += i - first
        tied_both += i - first_both
    pairs = n * (n - 1) // 2
    if tied_first == pairs or tied_second == pairs:
        return np.nan
    discordant = count_inversions(order, n, ties, bits, inner, outer, used)
    concordant = pairs - tied_first - tied_second + tied_both - discordant
    return (concordant - discordant) / np.sqrt(pairs - tied_first) / np.sqrt(pairs - tied_second)


@compiled
def _tau(first: Floats, second: Floats) -> float:
    n = first.size
    words = ((n + 1023) >> 10) << 4
    ties = np.empty(n, np.int32)
    order = np.empty(n, np.int32)
    ordered = np.empty(n, np.float64)
    keys = np.empty(n, np.int32)
    sort_order(second, np.empty(n + 1, np.int32), keys, order, ordered)
    return tau_from_sorted(
        n,
        ties,
        tie_groups(first, n, ties),
        order,
        ordered,
        np.empty(words, np.uint64),
        np.empty(words, np.int32),
        np.empty(words, np.int32),
        keys,
    )


def kendall_tau(first: ArrayLike, second: ArrayLike) -> float:
    """Kendall's tau-b, the number that `scipy.stats.kendalltau` gives, several times faster.

    Parameters
    ----------
    first, second : finite numbers of shape (n,), n at least 2.

    Raises
    ------
    HwbenchError
        Where the shapes differ or a value is missing or infinite.

    Returns
    -------
    A number in -1 .. 1; NaN where a variable is constant.
    """
    x: Any = np.asarray(first, dtype=np.float64)
    y: Any = np.asarray(second, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2:
        raise HwbenchError(
            f"kendall_tau: two arrays of one shape (n,) are needed, not {x.shape} and {y.shape}"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise HwbenchError("kendall_tau: a value is missing or infinite")
    order = np.argsort(x)
    return float(_tau(x[order], y[order]))
