"""Bayesian optimisation: Gaussian process and random forest, by expected improvement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from hwbench.arrays import Floats, IntArray
from hwbench.search.strategies.acquisition import (
    draw_weights,
    expected_improvement,
    log_probability_within,
)
from hwbench.search.strategies.surrogate import FittedObjective, SurrogateSearch


class ExpectedImprovementSearch(SurrogateSearch):
    """Measure where the expected improvement is largest.

    Several objectives become one by random weights, drawn anew for every architecture of a round
    (as in ParEGO, Knowles 2006, but with a weighted sum, whose expectation is in closed form);
    limits enter by the probability that they are kept (Gardner et al. 2014).
    """

    default_round_size = 10

    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        pool = self._pool()
        means, deviations = self._moments(fitted, pool)
        feasibility = log_probability_within(means, deviations, self._limits(fitted))
        optimised = self.objectives.optimised
        scales = self._scales(fitted)
        warped = (self._warped(fitted) / scales)[:, optimised]
        kept = self.objectives.violations(self._measured()[1]) == 0
        means = (means / scales)[:, optimised]
        deviations = (deviations / scales)[:, optimised]
        open_ = np.ones(len(pool), dtype=bool)
        picked = []
        for _ in range(min(n_archs, len(pool))):
            weights = draw_weights(means.shape[1], self.generator)
            promise = feasibility
            if kept.any():  # before anything keeps the limits, the aim is to find what does
                best = float((warped[kept] @ weights).min())
                deviation = np.sqrt(deviations**2 @ weights**2)
                improvement = expected_improvement(means @ weights, deviation, best)
                promise = np.log(np.maximum(improvement, 1e-300)) + feasibility
            # No two alike in a round, though nothing is learned before it ends.
            chosen = int(np.argmax(np.where(open_, promise, -np.inf)))
            open_[chosen] = False
            picked.append(chosen)
        return pool[picked]


class GaussianProcessSearch(ExpectedImprovementSearch):
    """Bayesian optimisation with a Gaussian process on the structure of architectures.

    YU 171-187. The kernel is by default the zoo's `structural_gaussian_process`: it compares which
    operations stand where in the graph, which of them lie on a path from input to output, and how
    many there are. "weisfeiler_lehman_gaussian_process" compares subtrees, as NAS-BOWL does.

    Parameters
    ----------
    predictor, predictor_parameters, round_size, pool_size, warp : as for `SurrogateSearch`; any
        zoo entry that knows its uncertainty.
    """

    name = "gaussian_process"
    title = "Bayesian optimisation, Gaussian process"
    family = "Bayesian optimisation"
    paper = "Jones et al. 1998; Ru et al. 2021 and Kandasamy et al. 2018 for kernels on graphs"
    default_round_size = 25


class RandomForestSearch(ExpectedImprovementSearch):
    """Sequential model-based optimisation with a random forest.

    YU 171-187; Hutter et al. 2011 (SMAC): the mean over the trees and their deviation.

    Parameters
    ----------
    n_trees : of the forest.
    predictor_parameters, round_size, pool_size, warp : as for `SurrogateSearch`.
    """

    name = "random_forest"
    title = "SMBO, random forest"
    family = "Bayesian optimisation"
    paper = "Hutter et al. 2011, Sequential model-based optimization for algorithm configuration"
    default_predictor = "random_forest"
    predictor_fixed = True

    def __init__(
        self, *args: Any, n_trees: Annotated[int, Field(ge=2)] = 50, **kwargs: Any
    ) -> None:
        self.n_trees = n_trees
        super().__init__(*args, **kwargs)

    def _make_model(self) -> Any:
        self.predictor_parameters = {"n_estimators": self.n_trees, **self.predictor_parameters}
        return _Forest(super()._make_model())


@dataclass
class _Forest:
    """The zoo's random forest, with the deviation of its trees."""

    model: Any

    def fit(self, archs: IntArray, costs: Floats) -> _Forest:
        self.model.fit(archs, costs)
        return self

    def predict(self, archs: IntArray, return_std: bool = False) -> Any:
        if not return_std:
            return self.model.predict(archs)
        features = self.model.space.encode(archs, self.model.encoding)
        forest = self.model.estimator_
        trees = np.stack([tree.predict(features) for tree in forest.estimators_])
        mean = trees.mean(axis=0) * self.model.target_scale_ + self.model.target_mean_
        return mean, trees.std(axis=0) * self.model.target_scale_
