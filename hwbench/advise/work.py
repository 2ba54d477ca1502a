"""How much cross-validation costs, in units of work, and how much of it there is to be.

A unit of work is about what cross-validating a linear model on 60 rows takes. What a
cross-validation costs follows from its predictor's card and the rows, nothing else, so that an
amount of work is the same cross-validations on every machine and under any load. A budget in
minutes is planned in units: the machine is calibrated by the cross-validations themselves, the
first before any other, and before each further batch by all until then. What was begun under it is
an amount of work, too, and that amount begins the same again, anywhere.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from hwbench.advise.trials import Found, Unit

WORK_OF_COST = {1: 1, 2: 30, 3: 30, 4: 500, 5: 300, 6: 400, 7: 1600}
"""Units of a cross-validation on `ROWS` rows, by the order of cost of a card that says none."""

TUNING = 15
"""Times the work of a candidate that is not tuned."""

ROWS = 60
GROWTH = {1: 0.2, 2: 1.2, 3: 0.4, 4: 1.0, 5: 0.4, 6: 0.4, 7: 0.8}
"""Power of the rows with which the work of an order grows, beyond `ROWS`."""

DEFAULT_WORK = 8000
"""Units; about a minute and a half on two cores of 2023 for 60 rows of NAS-Bench-201."""

CLOSING_WORK = 300
"""Units that the last fit, the simulated selections and the page take, about."""

SECONDS_OF_WORK = 0.012
"""Of a unit, on one core, until the machine has been calibrated."""


def work_of(unit: Unit, n_rows: int) -> int:
    """Units of work of a cross-validation, at least 1.

    Parameters
    ----------
    unit : which.
    n_rows : architectures that were measured.
    """
    card = unit.candidate.card
    rows = max(1.0, n_rows * unit.share / ROWS)
    tuning = TUNING if unit.candidate.tuned else 1
    base = card.work or WORK_OF_COST[card.cost]
    return max(1, round(base * tuning * rows ** GROWTH[card.cost]))


class Budget(Protocol):
    """How much work there is to be.

    Attributes
    ----------
    limit : units of work that all which was begun fits into.
    """

    @property
    def limit(self) -> int: ...

    def affords(self, done: int, batch: Sequence[Unit]) -> int:
        """How many units of a batch, from the first on, are to be begun.

        Parameters
        ----------
        done : units of work that were done.
        batch : in this order.
        """

    def learn(self, unit: Unit, found: Found) -> None:
        """Take note of what a unit took."""

    def ahead(self, done: int, known: int) -> int:
        """Units of work to expect in all.

        Parameters
        ----------
        done : units of work that were done.
        known : of what there is to do still, whatever the budget.
        """


class WorkBudget:
    """An amount of work, the same on every machine.

    Parameters
    ----------
    limit : units of work.
    n_rows : architectures that were measured.
    """

    def __init__(self, limit: int, n_rows: int) -> None:
        self.limit = limit
        self._n_rows = n_rows

    def affords(self, done: int, batch: Sequence[Unit]) -> int:
        """See `Budget`."""
        ends = done + np.cumsum([work_of(unit, self._n_rows) for unit in batch])
        return int((ends <= self.limit).sum())

    def learn(self, unit: Unit, found: Found) -> None:
        """Nothing: the clock does not matter."""

    def ahead(self, done: int, known: int) -> int:
        """See `Budget`."""
        return max(done, min(self.limit, done + known))


class TimeBudget:
    """Wall-clock time, planned in units of work.

    A batch is planned with what its units, or units of the same order of cost, took until then. The
    last unit is begun where the end comes nearer to the time asked for with it than without.

    Parameters
    ----------
    seconds : in all.
    n_rows : architectures that were measured.
    workers : processes that share the work.
    start : when the time began, of `time.monotonic`.
    """

    def __init__(self, seconds: float, n_rows: int, workers: int, start: float) -> None:
        self.seconds = seconds
        self.limit = 0
        self._n_rows = n_rows
        self._workers = workers
        self._start = start
        self._took: dict[object, list[tuple[float, int]]] = {}

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def affords(self, done: int, batch: Sequence[Unit]) -> int:
        """See `Budget`."""
        works = [work_of(unit, self._n_rows) for unit in batch]
        after = CLOSING_WORK * self._pace(None)
        end = self.elapsed + after
        busy, longest, work, count = 0.0, 0.0, done, 0
        for unit, units in zip(batch, works, strict=True):
            seconds = units * self._pace(unit)
            busy, longest, work = busy + seconds, max(longest, seconds), work + units
            # The longest is begun last: all but one worker may have to wait for it.
            idle = longest * (1 - 1 / self._workers)
            with_it = self.elapsed + after + busy / self._workers + idle
            if with_it - self.seconds > max(self.seconds - end, 0.0):
                break
            end, count = with_it, count + 1
            self.limit = max(self.limit, work)
        return count

    def learn(self, unit: Unit, found: Found) -> None:
        """Calibrate by what a unit took."""
        if np.isfinite(found.seconds):
            told = (found.seconds, work_of(unit, self._n_rows))
            for kind in _kinds(unit):
                self._took.setdefault(kind, []).append(told)

    def ahead(self, done: int, known: int) -> int:
        """See `Budget`."""
        left = max(0.0, self.seconds - self.elapsed) * done / max(self.elapsed, 1e-9)
        return max(self.limit, done, min(done + known, round(done + left)))

    def _pace(self, unit: Unit | None) -> float:
        """Seconds a unit of work, of the most similar ones that are known."""
        kinds = (None,) if unit is None else _kinds(unit)
        told = next((self._took[kind] for kind in kinds if kind in self._took), None)
        if told is None:
            return SECONDS_OF_WORK
        return sum(seconds for seconds, _ in told) / sum(work for _, work in told)


def _kinds(unit: Unit) -> tuple[object, ...]:
    """What a unit is like, the most similar first."""
    candidate = unit.candidate
    return (candidate, unit.share), candidate.predictor, candidate.card.cost, None
