"""Fronts of what is known without measuring: baselines that cost nothing to be led by."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwbench.arrays import Floats, IntArray
from hwbench.fronts.many import front_numbers
from hwbench.search.strategies.base import Strategy

LISTED = 10_000
"""Candidates that are drawn and ordered at once, where there are too many to list."""


class FlopsFront(Strategy):
    """Measure along the front of few FLOPs and many parameters, evenly, then along the next front.

    Parameters stand for accuracy and FLOPs for the metric, as when nothing else is known (Li et al.
    2021, HW-NAS-Bench, section 4.2, on how far FLOPs stand for latency). Of architectures that have
    both alike one is drawn at random, and the next when all along the front have had their turn:
    in spaces of one skeleton all are on one front, and this is a draw that is even over FLOPs.
    Nothing that is measured changes the order, and limits are not looked at.
    """

    name = "flops"
    title = "FLOPs alone"
    family = "random"
    paper = "Li et al. 2021, HW-NAS-Bench: Hardware-Aware Neural Architecture Search Benchmark"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._costs_of(self.space.baseline[None, :])  # that a space has none is said now
        self._queue: list[IntArray] = []

    def _propose(self, n_archs: int) -> list[IntArray]:
        if len(self._queue) < n_archs:
            self._queue = self._ordered()
        proposed, self._queue = self._queue[:n_archs], self._queue[n_archs:]
        return proposed

    def _ordered(self) -> list[IntArray]:
        """Unknown candidates, by front, turn and what stands for the metric."""
        pool = self.candidates.unseen(LISTED, self.generator, self._seen)
        pool = pool[self.generator.permutation(len(pool))]
        if len(pool) == 0:
            return []
        costs = self._costs_of(pool)
        fronts = front_numbers(costs, np.zeros(len(pool)))
        _, points = np.unique(costs, axis=0, return_inverse=True)
        turns = _occurrence(points.reshape(-1))
        return list(pool[np.lexsort((costs[:, 0], turns, fronts))])

    def _costs_of(self, archs: IntArray) -> Floats:
        """What stands for the metric, and parameters negated; float64 of shape (n_archs, 2)."""
        known = [self._guess(archs), -self.space.parameters(archs)]
        return np.stack(known, axis=1).astype(np.float64)

    def _guess(self, archs: IntArray) -> Floats | IntArray:
        """What stands for the metric, of shape (n_archs,)."""
        return self.space.flops(archs)


class OperationsFront(FlopsFront):
    """Measure along the front of few operations and many parameters, evenly, then the next front.

    As `FlopsFront`, with the number of operations that compute on a path to the output in place of
    FLOPs: the baseline that predictors of a study have to beat too.
    """

    name = "operations"
    title = "Operation counts alone"
    paper = "hwbench"

    def _guess(self, archs: IntArray) -> Floats | IntArray:
        return self.space.structure.computing(archs)


def _occurrence(values: IntArray) -> IntArray:
    """For each value how many equal ones stand before it, int64 of the same shape."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    counts = np.arange(len(values)) - np.repeat(starts, np.diff(np.append(starts, len(values))))
    result = np.empty(len(values), dtype=np.int64)
    result[order] = counts
    return result
