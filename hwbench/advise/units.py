"""Running independent pieces of work in order until the time is over."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any


def run_units(
    function: Callable[..., Any],
    units: Sequence[tuple[Any, ...]],
    stop: Callable[[int], bool],
    workers: int,
) -> Iterator[Any]:
    """Call a function with each unit's arguments.

    Parameters
    ----------
    function : a module's own, so that other processes find it.
    units : arguments.
    stop : given the place of a unit, whether neither it nor a later one is begun.
    workers : processes; 1 works in this one.

    Returns
    -------
    Results in the order of the units, fewer where it was stopped.
    """
    from joblib import Parallel, delayed

    def calls() -> Iterator[Any]:
        for place, arguments in enumerate(units):
            if stop(place):
                return
            yield delayed(function)(*arguments)

    several = workers > 1 and len(units) > 1
    options = {"inner_max_num_threads": 1, "pre_dispatch": workers} if several else {}
    parallel = Parallel(n_jobs=workers if several else 1, return_as="generator", **options)
    with warnings.catch_warnings():
        # joblib replaces a worker that has grown, and says so: nothing is lost.
        warnings.filterwarnings("ignore", message="A worker stopped", category=UserWarning)
        yield from parallel(calls())
