"""How similar the operations of a pool are (LAUBE Table 4.1)."""

from __future__ import annotations

from collections.abc import Sequence

from hwbench.spaces.darts.separable import SeparableConvolutions

_POOLINGS = ("max_pool_3x3", "avg_pool_3x3")


def similarity(first: str, second: str) -> float:
    """From 0 for operations of different types to 1 for the same.

    Of separable convolutions the type, kernel size, dilation and widths count a quarter each.
    Widths agree by the share of these that hold: as many stages, and the same width at each place
    that both have. Of poolings the type, kernel size and kind count a third each.

    Parameters
    ----------
    first, second : names of operations.
    """
    one, other = SeparableConvolutions.read(first), SeparableConvolutions.read(second)
    if one is not None and other is not None:
        places = list(zip(one.widths, other.widths, strict=False))
        agreeing = (one.depth == other.depth) + sum(low == high for low, high in places)
        equal = (one.kernel_size == other.kernel_size) + (one.dilation == other.dilation)
        return (1 + equal + agreeing / (len(places) + 1)) / 4
    if first == second:
        return 1.0
    return 2 / 3 if first in _POOLINGS and second in _POOLINGS else 0.0


def pool_similarity(names: Sequence[str]) -> float:
    """The mean similarity of every operation of a pool with all others; 1 for one alone."""
    pairs = [
        similarity(first, second)
        for place, first in enumerate(names)
        for second in names[place + 1 :]
    ]
    return sum(pairs) / len(pairs) if pairs else 1.0
