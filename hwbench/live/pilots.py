"""A live search that works on a part of its images, and counts what all of them would take.

What goes through images in batches goes through the first few of them; what evaluates architectures
evaluates the first few. The rest is left out and counted at the mean of what was done, on a
stopwatch. So whatever strategy and trainer do with what they are given is timed as it is.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Self

import torch

from hwbench.arrays import IntArray
from hwbench.images.parts import Part, SearchData
from hwbench.live.ranking import Evaluator
from hwbench.live.search import Search
from hwbench.pilot import Clock

ENOUGH_BATCHES, ENOUGH_SECONDS = 3, 2.0
"""The rest is left out of what has done so many units and lasted so long."""

LONGEST = 10.0
"""Once a piece of work has lasted so many seconds, no more is done of anything than one unit."""


def clock_of(device: torch.device) -> Clock:
    """What tells the time when all that was asked of a device is done."""
    if device.type != "cuda":
        return time.perf_counter

    def clock() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return clock


class Stopwatch:
    """Times a piece of work, what was left out of it included.

    Parameters
    ----------
    clock : gives the seconds since some moment.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start, self._left_out = clock(), 0.0

    @property
    def spent(self) -> float:
        """Seconds of what was done."""
        return self._clock() - self._start

    @property
    def total(self) -> float:
        """Seconds that all of it would take."""
        return self.spent + self._left_out

    def leave_out(self, seconds: float) -> None:
        """Count what is not done."""
        self._left_out += seconds

    def time(self, work: Callable[[], object]) -> float:
        """Seconds that a piece of work would take; a short one is done again, as first ones last.

        Whatever was counted before is forgotten.
        """
        for _ in range(2):
            self._start, self._left_out = self._clock(), 0.0
            work()
            if self.spent > ENOUGH_SECONDS:
                break
        return self.total

    def is_enough(self, seconds: list[float]) -> bool:
        """Whether no more need be done of units of which some took so long."""
        long = len(seconds) >= ENOUGH_BATCHES and sum(seconds) > ENOUGH_SECONDS
        return long or (len(seconds) > 0 and self.spent > LONGEST)


def _mean(seconds: list[float]) -> float:
    """Of units, without the first one, which may have prepared something."""
    later = seconds[1:] or seconds
    return sum(later) / len(later)


@dataclass(frozen=True)
class CutPart(Part):
    """Images of which no more than a part is gone through, batch by batch.

    Attributes
    ----------
    watch : counts the other batches.
    """

    watch: Stopwatch = field(kw_only=True)

    def batches(self, batch_size: int) -> Iterator[Part]:
        yield from self._some(super().batches(batch_size), math.ceil(len(self) / batch_size))

    def shuffled(self, batch_size: int, generator: torch.Generator | None = None) -> Iterator[Part]:
        yield from self._some(super().shuffled(batch_size, generator), self.steps(batch_size))

    def endless(self, batch_size: int) -> Iterator[Part]:
        # Drawn from while others are gone through, whose time holds this one's.
        return Part(self.images, self.labels, self.black).endless(batch_size)

    def _some(self, batches: Iterator[Part], count: int) -> Iterator[Part]:
        """The first of so many batches, each timed until the next one is asked for."""
        seconds: list[float] = []
        before = self.watch.total
        for batch in batches:
            yield batch
            now = self.watch.total
            seconds.append(now - before)
            before = now
            if self.watch.is_enough(seconds):
                self.watch.leave_out((count - len(seconds)) * _mean(seconds))
                return


class CutEvaluator(Evaluator):
    """Evaluates the first few architectures; others get what the last of these was found to be.

    Parameters
    ----------
    search : whose supernet evaluates; its watch counts the others.
    """

    def __init__(self, search: PilotSearch) -> None:
        super().__init__(
            search.supernet,
            search.data,
            search.calibration,
            seed=search.config.seed,
            memory=search.memory,
        )
        self._watch = search.watch
        self._known: dict[int, tuple[list[float], dict[str, float]]] = {}

    def _one(self, arch: IntArray, images: Part) -> dict[str, float]:
        seconds, found = self._known.get(id(images), ([], {}))
        if self._watch.is_enough(seconds):
            self._watch.leave_out(_mean(seconds))
            return found
        before = self._watch.total
        found = super()._one(arch, images)
        self._known[id(images)] = [*seconds, self._watch.total - before], found
        return found


@dataclass
class PilotSearch(Search):
    """A search that works on a part of its images.

    Attributes
    ----------
    watch : counts the rest.
    """

    watch: Stopwatch = field(kw_only=True)

    @classmethod
    def of(cls, search: Search, watch: Stopwatch) -> Self:
        """The search, cut; its parts are the same objects."""
        given = {each.name: getattr(search, each.name) for each in fields(search)}
        parts = (search.data.train, search.data.validation, search.data.test)
        given["data"] = SearchData(
            *(CutPart(each.images, each.labels, each.black, watch=watch) for each in parts)
        )
        return cls(**given, watch=watch)

    def judge(self) -> Evaluator:
        return CutEvaluator(self)
