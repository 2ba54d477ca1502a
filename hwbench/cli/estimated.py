"""What commands that estimate the cost of others add up in the end."""

from __future__ import annotations

from typing import Any


def totals(cpu_seconds: float, workers: int, slowest: float = 0.0) -> dict[str, Any]:
    """What work costs that processes share.

    Parameters
    ----------
    cpu_seconds : of one core, all of it.
    workers : processes.
    slowest : the longest piece that one of them does, in s: all of it takes no less.
    """
    return {
        "cpu_seconds": cpu_seconds,
        "workers": workers,
        "wall_seconds": max(cpu_seconds / workers, slowest),
    }
