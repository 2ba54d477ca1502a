"""Bayesian optimisation: Gaussian process and random forest, by expected improvement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.predictors.posterior import Fantasies
from hwbench.search.strategies.acquisition import log_probability_within
from hwbench.search.strategies.batches import Acquisition, ByHypervolume, ByWeights
from hwbench.search.strategies.surrogate import FittedObjective, SurrogateSearch


class ExpectedImprovementSearch(SurrogateSearch):
    """Measure where the expected improvement is largest.

    Several objectives become one by random weights, drawn anew for every architecture of a round
    (as in ParEGO, Knowles 2006, but with a weighted sum, whose expectation is in closed form). Or,
    of one or two, the improvement is by how much the dominated hypervolume grows (Emmerich et al.
    2011), in warped costs over their standard deviations and up to a tenth of their range beyond
    the worst that was measured. Limits enter by the probability that they are kept (Gardner et al.
    2014).

    A round is chosen one after the other: what was chosen counts as measured, with the value that
    is expected of it, before the next is (the kriging believer of Ginsbourger et al. 2010). A
    predictor with a joint posterior learns from it how much surer it is of what is near.

    Parameters
    ----------
    acquisition : "expected_improvement", with random weights, or
        "expected_hypervolume_improvement", of one or two optimised objectives.
    fantasies : whether what was chosen counts as measured; if not, a round is the best by what is
        known before it.
    predictor, predictor_parameters, round_size, pool, pool_size, n_parents, warp : as for
        `SurrogateSearch`.
    """

    def __init__(
        self,
        *args: Any,
        acquisition: Acquisition = "expected_improvement",
        fantasies: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        n_optimised = int(self.objectives.optimised.sum())
        if acquisition == "expected_hypervolume_improvement" and n_optimised > 2:
            raise HwbenchError(
                f"strategy {self.name}: the expected hypervolume improvement is of one or two "
                f"optimised objectives, not {n_optimised}; acquisition='expected_improvement' "
                "takes more"
            )
        self.acquisition = acquisition
        self.fantasies = fantasies
        self._need_deviations()

    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        pool = self._candidates()
        if len(pool) == 0:
            return pool
        beliefs = [Fantasies(each.posterior(pool)) for each in fitted]
        means = np.stack([each.mean for each in beliefs], axis=1)
        deviations = np.stack([each.deviation for each in beliefs], axis=1)
        feasibility = log_probability_within(means, deviations, self._limits(fitted))
        kept = self.objectives.violations(self._measured()[1]) == 0
        optimised = self.objectives.optimised
        scales = self._scales(fitted)[optimised]
        known = self._warped(fitted)[kept][:, optimised] / scales
        chosen_beliefs = [each for each, wanted in zip(beliefs, optimised, strict=True) if wanted]
        round_of = ByWeights if self.acquisition == "expected_improvement" else ByHypervolume
        made = round_of(chosen_beliefs, scales, known, feasibility, self.generator)
        return pool[made.choose(min(n_archs, len(pool)), fantasies=self.fantasies)]


class GaussianProcessSearch(ExpectedImprovementSearch):
    """Bayesian optimisation with a Gaussian process on the structure of architectures.

    YU 171-187. The kernel is by default the zoo's `structural_gaussian_process`: it compares which
    operations stand where in the graph, which of them lie on a path from input to output, and how
    many there are. "weisfeiler_lehman_gaussian_process" compares subtrees, as NAS-BOWL does.

    Parameters
    ----------
    predictor, predictor_parameters, round_size, pool, pool_size, n_parents, warp : as for
        `SurrogateSearch`; any zoo entry that knows its uncertainty.
    acquisition, fantasies : as for `ExpectedImprovementSearch`.
    """

    name = "gaussian_process"
    title = "Bayesian optimisation, Gaussian process"
    family = "Bayesian optimisation"
    paper = "Jones et al. 1998; Ru et al. 2021 and Kandasamy et al. 2018 for kernels on graphs"


class RandomForestSearch(ExpectedImprovementSearch):
    """Sequential model-based optimisation with a random forest.

    YU 171-187; Hutter et al. 2011 (SMAC): the mean over the trees and their deviation.

    Parameters
    ----------
    n_trees : of the forest.
    predictor_parameters, round_size, pool, pool_size, n_parents, warp : as for `SurrogateSearch`.
    acquisition, fantasies : as for `ExpectedImprovementSearch`; trees have no joint posterior, so
        what was chosen counts as measured, but tells of no other.
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
