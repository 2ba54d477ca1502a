"""Regularised (aging) evolution."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from pydantic import PositiveInt

from hwbench.arrays import IntArray
from hwbench.fronts.many import best_first
from hwbench.search.strategies.base import Strategy


class RegularisedEvolution(Strategy):
    """Mutate the winner of a tournament; the oldest of the population dies, even the best.

    YU 146-170; Real et al. 2019, Algorithm 1. The population is the last `population_size`
    architectures that were told. With several objectives the winner of a tournament is the first of
    `best_first`: not dominated within it, the least crowded.

    Parameters
    ----------
    population_size : architectures that are alive.
    tournament_size : of them drawn for each child.
    """

    name = "regularised_evolution"
    title = "Regularised evolution"
    family = "evolution"
    paper = "Real et al. 2019, Regularized evolution for image classifier architecture search"

    def __init__(
        self,
        *args: Any,
        population_size: PositiveInt = 50,
        tournament_size: PositiveInt = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.population_size = population_size
        self.tournament_size = tournament_size
        self._population: deque[int] = deque(maxlen=population_size)

    def _learn(self, first: int) -> None:
        self._population.extend(range(first, self._n_told))

    def _propose(self, n_archs: int) -> IntArray:
        if not self._population:
            return self.candidates.sample(n_archs, self.generator, self._seen)
        alive = np.array(self._population)
        size = min(self.tournament_size, len(alive))
        costs, violations = self.costs[alive], self.violations[alive]
        children = []
        for _ in range(n_archs):
            drawn = self.generator.choice(len(alive), size=size, replace=False)
            parent = drawn[best_first(costs[drawn], violations[drawn])[0]]
            children.append(self._child(self._archs[alive[parent]]))
        return np.stack(children)

    def _child(self, parent: IntArray) -> IntArray:
        """A mutant that was not seen: of the parent, else of its mutants, and so on."""
        child = parent[None, :]
        for _ in range(self.space.n_positions):
            children = self.candidates.mutate(np.repeat(child, 4, axis=0), self.generator)
            new = np.flatnonzero(self._unknown(children))
            if len(new):
                return children[new[0]]
            child = children[:1]
        return child[0]
