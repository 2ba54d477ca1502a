"""Tree-structured Parzen estimators, by Optuna."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwbench.arrays import IntArray
from hwbench.imports import import_module_of
from hwbench.search.strategies.base import Strategy


class TPE(Strategy):
    """Tree-structured Parzen estimator with one categorical parameter a position (YU 171-187).

    Optuna's sampler, for several objectives and limits too. It is asked once for each architecture:
    what it suggests again is not measured again, the nearest unknown mutant takes its place.

    Parameters
    ----------
    multivariate : whether positions are sampled together (Optuna's option of that name).
    """

    name = "tpe"
    title = "TPE"
    family = "Bayesian optimisation"
    paper = "Bergstra et al. 2011, Algorithms for hyper-parameter optimization"

    def __init__(self, *args: Any, multivariate: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._optuna = _optuna()
        self._distributions = {
            str(position): self._optuna.distributions.CategoricalDistribution(range(int(n)))
            for position, n in enumerate(self.space.n_choices)
        }
        sampler = self._optuna.samplers.TPESampler(
            seed=self.seed,
            n_startup_trials=2,
            multivariate=multivariate,
        )
        directions = ["minimize"] * int(self.objectives.optimised.sum())
        self._study = self._optuna.create_study(directions=directions, sampler=sampler)
        self._trials: dict[Any, Any] = {}  # by key, of what was suggested and not told yet

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_optuna": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({**state, "_optuna": _optuna()})

    def _learn(self, first: int) -> None:
        limited = np.isfinite(self.objectives.limits)
        keys = self.candidates.keys(self._archs[first : self._n_told])
        for row, key in zip(range(first, self._n_told), keys, strict=True):
            trial = self._trials.pop(key, None)
            costs = self._costs[row]
            if np.isnan(costs).any():  # nothing that a density could be estimated from
                if trial is not None:
                    self._give_up(trial)
                continue
            excess = (costs - self.objectives.limits)[limited]
            values = [float(value) for value in costs[self.objectives.optimised]]
            constraints = {str(i): float(value) for i, value in enumerate(excess)}
            if trial is not None:
                for name, value in constraints.items():
                    trial.set_constraint(name, value)
                self._study.tell(trial, values)
                continue
            self._study.add_trial(
                self._optuna.trial.create_trial(
                    params={str(i): int(op) for i, op in enumerate(self._archs[row])},
                    distributions=self._distributions,
                    values=values,
                    constraints=constraints,
                )
            )

    def _propose(self, n_archs: int) -> list[IntArray]:
        proposed: list[IntArray] = []
        if not self._n_told:
            return proposed
        taken: set[Any] = set()
        for _ in range(n_archs):
            arch = self._suggest(taken)
            taken.update(self.candidates.keys(arch[None, :]))
            proposed.append(arch)
        return proposed

    def _suggest(self, taken: set[Any]) -> IntArray:
        """A candidate that is neither known nor taken, if one is near what Optuna suggests."""
        trial = self._study.ask(self._distributions)
        arch = np.array([trial.params[name] for name in self._distributions], dtype=np.int64)
        if self._is_new(arch, taken):
            (key,) = self.candidates.keys(arch[None, :])
            self._trials[key] = trial  # is told what the architecture measures
            return arch
        self._give_up(trial)
        for member in self.candidates.bring_in(arch[None, :], self.generator):
            arch = member
            if self._is_new(arch, taken):
                return arch
        for _ in range(self.space.n_positions):
            mutants = self.candidates.mutate(np.repeat(arch[None, :], 8, axis=0), self.generator)
            for mutant in mutants:
                if self._is_new(mutant, taken):
                    return mutant
            arch = mutants[0]
        return arch

    def _give_up(self, trial: Any) -> None:
        """What is measured in its place, if anything, is a trial of its own."""
        self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)

    def _is_new(self, arch: IntArray, taken: set[Any]) -> bool:
        if not self.candidates.contain(arch[None, :])[0]:
            return False
        (key,) = self.candidates.keys(arch[None, :])
        return key not in self._seen and key not in taken


def _optuna() -> Any:
    optuna = import_module_of("optuna", owner="strategy tpe", extra="search")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
