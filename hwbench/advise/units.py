"""Running independent pieces of work in order until the time is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from hwbench.workers.pool import run_in_order
from hwbench.workers.worker import Lost


def run_units(
    function: Callable[..., Any],
    units: Sequence[tuple[Any, ...]],
    stop: Callable[[int], bool],
    workers: int,
    *,
    lost: Callable[[Lost], Any],
) -> Iterator[Any]:
    """Call a function with each unit's arguments.

    Parameters
    ----------
    function : a module's own, so that other processes find it.
    units : arguments.
    stop : given the place of a unit, whether neither it nor a later one is begun.
    workers : processes; 1 works in this one.
    lost : gives the result of a unit whose process died, or raises.

    Returns
    -------
    Results in the order of the units, fewer where it was stopped.
    """

    def begun() -> Iterator[tuple[Any, ...]]:
        for place, arguments in enumerate(units):
            if stop(place):
                return
            yield arguments

    workers = workers if len(units) > 1 else 1
    with closing(run_in_order(_Calling(function), begun(), workers=workers)) as stream:
        for ended in stream:
            yield ended.result if ended.lost is None else lost(ended.lost)


@dataclass(frozen=True)
class _Calling:
    function: Callable[..., Any]

    def __call__(self, arguments: tuple[Any, ...]) -> Any:
        return self.function(*arguments)
