"""Evolution of the k best of all: the search of AutoSNN."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from hwbench.arguments import Share
from hwbench.arrays import IntArray
from hwbench.search.strategies.base import Strategy


class TopKEvolution(Strategy):
    """Rounds of mutants and crossings of the `n_parents` best of all that were measured.

    Algorithm 1 of NA 1453-1479, also the second step of SPOS (Guo et al. 2020). A mutant changes
    every position with a probability, to another operation; a crossing has the first positions of
    one parent and the rest of another. What was measured before is left out, and the rest of a
    round is drawn at random.

    Parameters
    ----------
    round_size : architectures of a round.
    n_parents : k, the pool that parents are drawn from.
    n_mutants, n_crossings : of a round.
    mutation_rate : of each position.
    attempts : children that are tried for each that is wanted, until one is new.
    """

    name = "top_k_evolution"
    round_parameter = "round_size"
    title = "Top-k evolution"
    family = "evolution"
    paper = "Na et al. 2022, AutoSNN: Towards energy-efficient spiking neural networks"

    def __init__(
        self,
        *args: Any,
        round_size: PositiveInt = 20,
        n_parents: PositiveInt = 10,
        n_mutants: NonNegativeInt = 10,
        n_crossings: NonNegativeInt = 10,
        mutation_rate: Share = 0.2,
        attempts: PositiveInt = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.round_size = round_size
        self.n_parents = n_parents
        self.n_mutants = n_mutants
        self.n_crossings = n_crossings
        self.mutation_rate = mutation_rate
        self.attempts = attempts
        self._queue: list[IntArray] = []

    def _propose(self, n_archs: int) -> list[IntArray]:
        if not self._queue:
            self._queue = self._round()
        proposed, self._queue = self._queue[:n_archs], self._queue[n_archs:]
        return proposed

    def _round(self) -> list[IntArray]:
        """Architectures that nobody has asked for, as many as a round has where there are."""
        found: dict[Any, IntArray] = {}
        parents = self._parents()
        if len(parents):
            self._add(found, self._mutants(parents), self.n_mutants)
        if len(parents) > 1 and self.space.n_positions > 1:
            self._add(found, self._crossings(parents), self.n_crossings)
        missing = self.round_size - len(found)
        if missing > 0:
            known = self._seen | found.keys()
            rest = self.candidates.sample(missing, self.generator, known)
            self._add(found, rest, missing)
        return list(found.values())[: self.round_size]

    def _parents(self) -> IntArray:
        """The best of what could be measured, int64 (n, n_positions)."""
        best = self._best_first()
        measured = np.isfinite(self._costs[best]).all(axis=1)
        return self._archs[best[measured][: self.n_parents]]

    def _mutants(self, parents: IntArray) -> IntArray:
        n_mutants = self.attempts * self.n_mutants
        chosen = parents[self.generator.integers(len(parents), size=n_mutants)]
        n_choices = self.space.n_choices
        changes = self.generator.random(chosen.shape) < self.mutation_rate
        shift = self.generator.integers(1, np.maximum(n_choices, 2), size=chosen.shape)
        return np.where(changes, (chosen + shift) % n_choices, chosen)

    def _crossings(self, parents: IntArray) -> IntArray:
        n_crossings = self.attempts * self.n_crossings
        first = self.generator.integers(len(parents), size=n_crossings)
        second = (first + self.generator.integers(1, len(parents), size=n_crossings)) % len(parents)
        cut = self.generator.integers(1, self.space.n_positions, size=n_crossings)
        of_first = np.less(np.arange(self.space.n_positions)[None, :], cut[:, None])
        return np.where(of_first, parents[first], parents[second])

    def _add(self, found: dict[Any, IntArray], children: IntArray, most: int) -> None:
        """Put up to so many children that are new beside those of the round."""
        kept = self.candidates.bring_in(children, self.generator)
        wanted = len(found) + most
        for key, arch in zip(self.candidates.keys(kept), kept, strict=True):
            if len(found) < wanted and key not in self._seen:
                found.setdefault(key, arch)
