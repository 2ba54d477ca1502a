"""Methods of 0.1.0 that parts of one's own may still have."""

from __future__ import annotations

from collections.abc import Mapping

from hwbench.errors import HwbenchError


def refuse_renamed(part: type, kind: str, renamed: Mapping[str, str]) -> None:
    """Refuse a class with a method that is not called any more: a wrong number in silence.

    Parameters
    ----------
    part : the subclass, when it is made.
    kind : of part, for the message.
    renamed : by old name what is called in its place.

    Raises
    ------
    HwbenchError
        Naming the method and what it is now.
    """
    for old, new in renamed.items():
        if old in vars(part):
            raise HwbenchError(
                f"{kind} {part.__name__}: {old} is not called any more; it is {new} now"
            )
