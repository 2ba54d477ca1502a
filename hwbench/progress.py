"""How long work tells how far it is: the library calls a function, the command line draws a bar."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with (units done, units in all), at the start and after every unit."""


def silent(_done: int, _total: int) -> None:
    """Report nothing."""


StageProgress = Callable[[str], Progress]
"""Given the title of a stage, the function that is told how far it is."""


def silent_stage(_title: str) -> Progress:
    """Report nothing of a stage."""
    return silent


Note = Callable[[str], None]
"""Told in one line what somebody who waits should know."""


def silent_note(_text: str) -> None:
    """Pass nothing on."""
