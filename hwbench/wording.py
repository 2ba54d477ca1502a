"""Numbers and lists of things as sentences have them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def some(texts: Sequence[object], most: int = 5) -> str:
    """The first of several things, joined by commas."""
    shown = ", ".join(str(text) for text in texts[:most])
    return shown + (", ..." if len(texts) > most else "")


def counted(count: int, what: str, several: str = "") -> str:
    """A number of things: "1 row", "2,000 rows".

    Parameters
    ----------
    count : how many there are.
    what : one of them.
    several : what more than one are called; by default with an "s" at the end.
    """
    return f"{count:,} {what if count == 1 else several or f'{what}s'}"


def short_number(value: float, digits: int = 4) -> str:
    """A number of so many digits, and of no powers of ten where it is large: "91.25", "15,107"."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def duration(seconds: float) -> str:
    """A duration in the unit that suits it: "12 ms", "3.4 s", "5 min 20 s", "2 h 5 min"."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"


def shared_work(total: Mapping[str, Any]) -> str:
    """What work takes that processes share, as the end of a sentence.

    Parameters
    ----------
    total : `cpu_seconds` of one core, all of it, `wall_seconds` by the clock, and `workers`, how
        many processes there are.
    """
    return (
        f"about {duration(total['cpu_seconds'])} of one core, {duration(total['wall_seconds'])} "
        f"with {counted(total['workers'], 'worker')}"
    )
