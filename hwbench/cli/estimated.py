"""What commands that estimate the cost of others say in the end."""

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


def in_words(total: dict[str, Any]) -> str:
    """Totals as the end of a sentence."""
    from hwbench.wording import counted

    return (
        f"about {duration(total['cpu_seconds'])} of one core, "
        f"{duration(total['wall_seconds'])} with {counted(total['workers'], 'worker')}"
    )


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    from hwbench.pages.plotting import seconds as in_units

    return in_units(seconds)
