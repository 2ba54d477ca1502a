"""How long work still takes: by its own pace, and before its first unit by that of earlier runs.

What a unit of a stage took is kept in `HWBENCH_HOME`/pace.json, so that the same command on the
same machine knows from its start how long it will take.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

from hwbench.errors import HwbenchError

MOST_KEPT = 200
"""Stages whose pace is kept; the oldest are left out."""

SHORTEST = 1.0
"""Seconds: what took less is not worth keeping."""

EARLIER_COUNTS = 1.0
"""How many units of this run the pace of an earlier one weighs."""


class Pace:
    """Tells how long a stage still takes.

    Parameters
    ----------
    expected : seconds of a unit, as an earlier run took them; None where that is not known.
    in_all : seconds that the whole stage is planned to take, where no earlier run tells.
    clock : seconds, as `time.monotonic` gives them.

    Attributes
    ----------
    done, total : units; total is 0 until it is told.
    """

    def __init__(
        self,
        expected: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        in_all: float | None = None,
    ) -> None:
        self._expected = expected
        self._in_all = in_all
        self._clock = clock
        self._start = self._last = clock()
        self._before: int | None = None
        self.done = self.total = 0

    def update(self, done: int, total: int) -> None:
        """Take down how far the stage is; what the first call says was done before it began."""
        if self._before is None:
            self._before = done
            if self._expected is None and self._in_all is not None and total:
                self._expected = self._in_all / total
        if done != self.done:
            self._last = self._clock()
        self.done, self.total = done, total

    @property
    def seconds_a_unit(self) -> float | None:
        """What a unit takes, by those of this run and as much of an earlier one; else None."""
        done = self.done - (self._before or 0)
        weight = 0.0 if self._expected is None else EARLIER_COUNTS
        if done + weight == 0:
            return None
        spent = self._last - self._start
        return ((self._expected or 0.0) * weight + spent) / (done + weight)

    @property
    def measured(self) -> float | None:
        """Seconds of a unit of this run alone; None where no unit is done, or all went at once."""
        done, spent = self.done - (self._before or 0), self._last - self._start
        return spent / done if done > 0 and spent >= SHORTEST else None

    def seconds_left(self) -> float | None:
        """What is left, in seconds; None where nothing tells."""
        pace = self.seconds_a_unit
        if pace is None or not self.total:
            return None
        since = self._clock() - self._last
        # A unit that takes longer than the others goes on to take longer.
        return max(self.total - self.done - 1, 0) * pace + max(pace - since, 0.0)


def left_in_words(pace: Pace) -> str:
    """What stands behind a bar: "3 min left", or when it will be known."""
    if pace.total and pace.done >= pace.total:
        return ""
    seconds = pace.seconds_left()
    if seconds is None:
        return f"time left after 1 of {pace.total}" if pace.total > 1 else ""
    return f"{in_words(seconds)} left"


def in_words(seconds: float) -> str:
    """Seconds as people say them: "45 s", "3 min", "2 h 5 min", "3 days"."""
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{round(hours / 24)} days"


def _file() -> Path:
    from hwbench.assets import home

    return home() / "pace.json"


def earlier(stage: str) -> float | None:
    """Seconds of a unit of a stage in an earlier run; None where there was none."""
    seconds = _kept().get(stage)
    return seconds if isinstance(seconds, float) and 0 < seconds < math.inf else None


def keep(stage: str, seconds: float | None) -> None:
    """Keep what a unit of a stage took for later runs; where that cannot be written, it is not."""
    from hwbench.files import write_text

    if seconds is None:
        return
    known = {name: value for name, value in _kept().items() if name != stage}
    known[stage] = seconds
    newest = dict(list(known.items())[-MOST_KEPT:])
    try:
        write_text(_file(), json.dumps(newest, indent=1))
    except (HwbenchError, OSError):
        return


def _kept() -> dict[str, float]:
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
