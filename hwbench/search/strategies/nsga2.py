"""NSGA-II, from pymoo's parts."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import Field

from hwbench.arrays import IntArray
from hwbench.imports import import_module_of
from hwbench.search.strategies.base import Strategy

ATTEMPTS = 10
"""Matings of a generation until it has enough unknown children."""


class NSGA2(Strategy):
    """Non-dominated sorting genetic algorithm (Deb et al. 2002; LAUBE 1307).

    pymoo sorts, selects and crosses: survival by rank and crowding with limits first, binary
    tournaments, uniform crossover. Each position then mutates with probability 1 / n_positions to
    another operation. Survivors are of everything that was told, which elitism makes the same as
    parents and children; children that are known already are not measured again.

    Parameters
    ----------
    population_size : parents, and children of a generation: what `round_size` is to strategies
        with predictors. The paper's 100 is for 25,000 evaluations; searches here have some hundred,
        of which 20 leaves some generations.
    """

    name = "nsga2"
    round_parameter = "population_size"
    title = "NSGA-II"
    family = "evolution"
    paper = "Deb et al. 2002, A fast and elitist multiobjective genetic algorithm: NSGA-II"

    def __init__(
        self, *args: Any, population_size: Annotated[int, Field(ge=2)] = 20, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.population_size = population_size
        self._queue: list[IntArray] = []
        _pymoo("core.population")  # that it is missing is said now

    def _propose(self, n_archs: int) -> list[IntArray]:
        if not self._queue:
            self._queue = self._children()
        proposed, self._queue = self._queue[:n_archs], self._queue[n_archs:]
        return proposed

    def _children(self) -> list[IntArray]:
        """A generation of unknown children, if enough are found."""
        measured = np.isfinite(self._costs[: self._n_told]).all(axis=1)
        if measured.sum() < 2:
            return []
        limited = np.isfinite(self.objectives.limits)
        costs = self._costs[: self._n_told][measured]
        population = _pymoo("core.population").Population.new(
            X=self._archs[: self._n_told][measured],
            F=costs[:, self.objectives.optimised],
            G=(costs - self.objectives.limits)[:, limited],
        )
        problem = _pymoo("core.problem").Problem(
            n_var=self.space.n_positions,
            n_obj=int(self.objectives.optimised.sum()),
            n_ieq_constr=int(limited.sum()),
            xl=0,
            xu=self.space.n_choices - 1,
            vtype=int,
        )
        nsga2 = _pymoo("algorithms.moo.nsga2")
        # Survival stores ranks and crowding in the population, by which tournaments are decided.
        parents = nsga2.RankAndCrowding().do(
            problem,
            population,
            n_survive=min(self.population_size, len(population)),
            random_state=self.generator,
        )
        algorithm = nsga2.NSGA2(pop_size=self.population_size)
        algorithm.random_state = self.generator  # where tournaments end in a draw
        children: dict[Any, IntArray] = {}
        for _ in range(ATTEMPTS):
            crossed = (
                _pymoo("core.mating")
                .Mating(
                    _pymoo("operators.selection.tournament").TournamentSelection(
                        func_comp=nsga2.binary_tournament
                    ),
                    _pymoo("operators.crossover.ux").UniformCrossover(),
                    _pymoo("core.mutation").Mutation(prob=0.7),  # changes nothing; ours comes after
                    eliminate_duplicates=_pymoo("core.duplicate").NoDuplicateElimination(),
                )
                .do(
                    problem,
                    parents,
                    self.population_size,
                    algorithm=algorithm,
                    random_state=self.generator,
                )
            )
            mutants = self._mutate(crossed.get("X").astype(np.int64))
            kept = self.candidates.bring_in(mutants, self.generator)
            for key, arch in zip(self.candidates.keys(kept), kept, strict=True):
                if key not in self._seen:
                    children.setdefault(key, arch)
            if len(children) >= self.population_size:
                break
        return list(children.values())[: self.population_size]

    def _mutate(self, archs: IntArray) -> IntArray:
        """Each position becomes another operation with probability 1 / n_positions."""
        n_choices = self.space.n_choices
        changes = self.generator.random(archs.shape) < 1 / self.space.n_positions
        shift = self.generator.integers(1, np.maximum(n_choices, 2), size=archs.shape)
        return np.where(changes, (archs + shift) % n_choices, archs)


def _pymoo(module: str) -> Any:
    return import_module_of(f"pymoo.{module}", owner="strategy nsga2")
