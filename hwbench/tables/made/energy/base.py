"""What an energy meter is, and how much a run uses by it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping

from hwbench.tables.made.runtimes.base import MeasureError, Run

SECONDS = 0.2
"""How long runs are repeated, at least, between two readings: counters move every millisecond."""


class EnergyMeter(ABC):
    """Counters of energy. One of one's own is named "module:Class".

    It is made once a process, without arguments, before anything is measured; its constructor
    raises a `HwbenchError` where nothing can be read here.

    Attributes
    ----------
    columns : what it tells, in words, by the name of a table's column.
    """

    columns: Mapping[str, str]

    @abstractmethod
    def read(self) -> Mapping[str, int]:
        """The counters now, in microjoules, by the meter's own names.

        Raises
        ------
        OSError
            Where a file of a counter cannot be read any more.
        MeasureError
            Where a counter cannot be read in another way.
        """

    @abstractmethod
    def used(self, before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, float]:
        """What was used between two readings, in millijoules, for each of `columns`."""


def energy_of(meter: EnergyMeter, run: Run, *, seconds: float = SECONDS) -> dict[str, float]:
    """Energy of one run in millijoules, for each of the meter's columns.

    The run is repeated for some time, and all that the counters cover in it is divided by the
    number of runs: what a machine uses while it idles, and for others, is part of it.

    Parameters
    ----------
    meter, run : what reads, and what is repeated.
    seconds : of repeating, at least.

    Raises
    ------
    MeasureError
        Where a counter cannot be read or does not move.
    """
    try:
        before = meter.read()
        runs, start = 0, time.monotonic()
        while not runs or time.monotonic() - start < seconds:
            run()
            runs += 1
        used = meter.used(before, meter.read())
    except OSError as error:
        raise MeasureError(f"the energy cannot be read: {error}") from error
    for column, millijoules in used.items():
        if millijoules <= 0:
            raise MeasureError(f"the counter of {column} did not move in {runs} runs")
    return {column: millijoules / runs for column, millijoules in used.items()}
