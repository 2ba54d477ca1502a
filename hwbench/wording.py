"""Numbers and lists of things as sentences have them."""

from __future__ import annotations

from collections.abc import Sequence


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
