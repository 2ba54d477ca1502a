"""What long work takes, told from small pieces of it that are timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np

Clock = Callable[[], float]
"""Gives the seconds since some moment."""

PILOT_SECONDS = 1.0
"""No larger piece is timed once two took so long: the growth from one to the other is no guess."""

PILOT_LONGEST = 20.0
"""Nor once one took so long."""

SHORTEST = 1e-9
"""What a clock may show as nothing is taken to have lasted so long, in s."""


def timed_pieces(
    sizes: Iterable[int], work: Callable[[int], object], *, clock: Clock = time.perf_counter
) -> tuple[list[int], list[float]]:
    """Time pieces of growing size until they get long.

    Parameters
    ----------
    sizes : of the pieces, rising; the first one is always timed.
    work : does a piece of a size.
    clock : that the pieces are timed by.

    Returns
    -------
    The sizes that were timed, and what each took (s).
    """
    timed: list[int] = []
    seconds: list[float] = []
    for size in sizes:
        long = [each for each in seconds if each > PILOT_SECONDS]
        if timed and (len(long) > 1 or max(seconds) > PILOT_LONGEST):
            break
        start = clock()
        work(size)
        timed.append(size)
        seconds.append(clock() - start)
    return timed, seconds


def power_law(sizes: Sequence[float], seconds: Sequence[float]) -> Callable[[float], float]:
    """Time by size: interpolated in logarithms, and the last slope beyond the largest.

    Parameters
    ----------
    sizes : rising, at least one; with one alone time grows in proportion.
    seconds : of each.
    """
    x, y = np.log(sizes), np.log(np.maximum(seconds, SHORTEST))
    slope = float(np.clip((y[-1] - y[-2]) / (x[-1] - x[-2]), 0.0, 3.0)) if len(x) > 1 else 1.0

    def fit(size: float) -> float:
        beyond = max(0.0, np.log(size) - x[-1])
        return float(np.exp(np.interp(np.log(size), x, y) + slope * beyond))

    return fit
