"""Doing cross-validations in the order of a schedule, as many as a budget affords."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import closing
from dataclasses import dataclass

from hwbench.advise.schedule import Schedule
from hwbench.advise.trials import Data, Found, Unit, cross_validate
from hwbench.advise.work import Budget
from hwbench.progress import Progress, silent
from hwbench.workers.pool import Ended, run_units

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Done:
    """What was done of all there is to do.

    Attributes
    ----------
    work : units of work that were done.
    limit : units of work as a budget that does the same again, on any machine.
    all_of_it : units of work in which there would be nothing left to do, as far as that is known.
    """

    work: int
    limit: int
    all_of_it: int

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.work >= self.all_of_it


def do_work(
    schedule: Schedule, budget: Budget, *, workers: int = 1, progress: Progress = silent
) -> Done:
    """Do what the budget affords; the results are in the schedule's trials.

    Parameters
    ----------
    schedule : what is to be done.
    budget : how much of it; the first candidate is always tried.
    workers : processes.
    progress : is told of units of work.
    """
    feed = _Feed(schedule, budget, progress)
    progress(0, budget.ahead(0, schedule.known_work()))
    with closing(run_units(_CrossValidating(schedule.data), feed, workers=workers)) as stream:
        try:
            for ended in stream:
                if ended is not None:
                    feed.note(ended)
        finally:
            feed.close()
    progress(feed.done, feed.done)
    return Done(feed.done, feed.limit, feed.done + (schedule.known_work() if feed.cut else 0))


class _CrossValidating:
    """A unit's work, for other processes to do."""

    def __init__(self, data: Data) -> None:
        self.data = data

    def __call__(self, unit: Unit) -> Found:
        return cross_validate(self.data, unit)


class _Feed:
    """Units to be begun, each as soon as it is known that it is to be.

    Several threads may ask for the next: they wait for what was found of the batch before.
    """

    def __init__(self, schedule: Schedule, budget: Budget, progress: Progress) -> None:
        self.done = 0
        self.limit = 0
        self.cut = False
        """Whether the budget left something out."""
        self._schedule = schedule
        self._budget = budget
        self._progress = progress
        self._batches = schedule.batches()
        self._waiting: deque[Unit] = deque()
        self._batch: list[Unit] = []
        self._found: dict[Unit, Found] = {}
        self._reached = 0
        self._all = 0
        self._closed = False
        self._changed = threading.Condition()

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> Unit:
        with self._changed:
            while not self._closed:
                if self._waiting:
                    return self._waiting.popleft()
                if len(self._found) < len(self._batch):
                    self._changed.wait(POLL_SECONDS)
                    continue
                self._keep()
                self._all = self.done + self._schedule.known_work()
                self._batch = self._next_batch()
                self._waiting.extend(self._batch)
                self.done += self._schedule.work_of(self._batch)
                self._closed = not self._batch
        raise StopIteration

    def note(self, ended: Ended) -> None:
        """Take a result."""
        lost = ended.lost
        found = ended.result if lost is None else Found(None, lost.reason, lost.seconds)
        with self._changed:
            self._found[ended.unit] = found
            self._budget.learn(ended.unit, found)
            self._reached += self._schedule.work_of([ended.unit])
            total = self._budget.ahead(self._reached, max(self._all - self._reached, 0))
            self._changed.notify_all()
        self._progress(self._reached, total)

    def close(self) -> None:
        """Give nothing more, and let nobody wait for it."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _keep(self) -> None:
        """What a batch found, in its order, whatever the order in which it ended."""
        for unit in self._batch:
            trial = self._schedule.trials[unit.candidate]
            trial.keep(self._schedule.data, unit, self._found[unit])
        self._batch, self._found = [], {}

    def _next_batch(self) -> list[Unit]:
        """What is to be begun now; nothing where all is done or nothing more is afforded."""
        if self.cut:
            return self._schedule.closing_batch()
        for batch in self._batches:
            count = self._budget.affords(self.done, batch)
            if not self.done:  # something must be known
                count = max(count, 1)
                self.limit = self._schedule.work_of(batch[:1])
            self.limit = max(self.limit, self._budget.limit)
            if count < len(batch):
                self.cut = True
                return batch[:count] or self._schedule.closing_batch()
            if batch:
                return batch
        return []
