"""Local search: measure all neighbours of the best, move on, start again where none is better."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwbench.arrays import IntArray
from hwbench.fronts.many import best_first, non_dominated
from hwbench.search.strategies.base import Strategy


class LocalSearch(Strategy):
    """Hill climbing over single changes, in random order, with restarts.

    White et al. 2021 for a single objective; for several, Pareto local search (Paquete et al.
    2004): the neighbours of every architecture that is not dominated since the last start are
    measured. Where all of them are known, it starts from a new random architecture.
    """

    name = "local_search"
    title = "Local search"
    family = "local search"
    paper = "White et al. 2021, Exploring the loss landscape in neural architecture search"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._since = 0  # rows told since the last start
        self._explored: set[int] = set()
        self._queue: list[IntArray] = []
        self._started = True

    def _learn(self, first: int) -> None:
        if not self._started:  # the first of a new start: what was found before does not count
            self._since, self._started = first, True
        # A neighbour that improves is moved to at once.
        if set(range(first, self._n_told)) & set(self._standing()):
            self._queue.clear()

    def _propose(self, n_archs: int) -> list[IntArray]:
        proposed: list[IntArray] = []
        while len(proposed) < n_archs:
            if not self._queue and not self._look_around():
                break
            arch = self._queue.pop()
            if self._unknown(arch[None, :])[0]:
                proposed.append(arch)
        return proposed

    def _standing(self) -> list[int]:
        """Rows told since the last start that are not dominated there, the best first."""
        rows = np.arange(self._since, self._n_told)
        costs, violations = self.costs[rows], self.violations[rows]
        kept = np.flatnonzero(violations == 0)
        if len(kept) == 0:
            return [int(row) for row in rows[best_first(costs, violations)[:1]]]
        front = kept[non_dominated(costs[kept])]
        return [int(row) for row in rows[front[best_first(costs[front], violations[front])]]]

    def _look_around(self) -> bool:
        """Queue the neighbours of a standing architecture; False where a new start is due."""
        for row in self._standing():
            if row in self._explored:
                continue
            around = self.candidates.neighbours(self._archs[row])
            fresh = around[self._unknown(around)] if len(around) else around
            # It is explored once its neighbours are known: another may be moved to before that.
            if len(fresh):
                self._queue = list(fresh[self.generator.permutation(len(fresh))])
                return True
            self._explored.add(row)
        self._started = False
        return False
