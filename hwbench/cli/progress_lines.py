"""How far a command is, as lines of a log, for what watches it without a terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import typer

from hwbench.progress import Progress, silent

VARIABLE = "HWBENCH_PROGRESS"
LINES = "lines"
"""The value of the variable that asks for lines."""

INTERVAL = 3.0
"""Seconds between two lines of a stage."""


def progress_lines(
    title: str, *, counted: bool = True, clock: Callable[[], float] = time.monotonic
) -> Progress:
    """What writes on stderr how far a stage is, where the environment asks for it; else nothing.

    Parameters
    ----------
    title : of the stage.
    counted : whether it has units that are counted; else it is named once.
    clock : gives the time in seconds.
    """
    if os.environ.get(VARIABLE) != LINES:
        return silent
    last = float("-inf")

    def update(done: int, total: int) -> None:
        nonlocal last
        now = clock()
        first = last == float("-inf")
        if (not counted and not first) or (now - last < INTERVAL and done < total):
            return
        last = now
        text = f"{title}: {done:,} of {total:,}" if counted else f"{title} ..."
        typer.echo(text, err=True)

    return update
