"""What operations do, told by their names."""

from __future__ import annotations

EMPTY = frozenset({"none", "no edge", "absent"})
"""Choices that put nothing in a place."""

IDLE = EMPTY | {"edge", "skip_connect", "skip", "identity"}
"""Choices that compute nothing."""

_ENDS = ("input", "output")


def passes(name: str) -> bool:
    """Whether something gets through a place that holds this."""
    return name not in EMPTY


def computes(name: str) -> bool:
    """Whether it is an operation that costs something."""
    return name not in IDLE and name.split(" ")[0] not in _ENDS


def learns(name: str) -> bool:
    """Whether it computes by weights, as all but pooling do."""
    return computes(name) and "pool" not in name
