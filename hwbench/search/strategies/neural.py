"""Strategies that propose mutants and ask neural predictors about them: BANANAS, BONAS, NPENAS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hwbench.arrays import Floats, IntArray
from hwbench.fronts.many import best_first
from hwbench.search.strategies.acquisition import draw_weights
from hwbench.search.strategies.surrogate import (
    ExploringSearch,
    FittedObjective,
    Pool,
    SurrogateSearch,
)

if TYPE_CHECKING:
    import torch


class Bananas(SurrogateSearch):
    """Ensemble of networks on the path encoding, independent Thompson sampling, mutants.

    White et al. 2021, Algorithm 1 and section 5. For every architecture of a round a value is drawn
    for each candidate from its predictive distribution, and the best draw is taken; several
    objectives are summed by random weights. The paper mutates the best one to ten times that was
    told, and takes ten of about a hundred mutants a round.

    Parameters
    ----------
    predictor, predictor_parameters, round_size, pool, pool_size, n_parents, warp : as for
        `SurrogateSearch`.
    """

    name = "bananas"
    title = "BANANAS"
    family = "neural Bayesian optimisation"
    paper = "White et al. 2021, BANANAS: Bayesian optimization with neural architectures"
    default_predictor = "bananas"
    default_pool: Pool = "mutants"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._need_deviations()

    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        pool = self._candidates()
        means, deviations = self._moments(fitted, pool)
        limits, scales = self._limits(fitted), self._scales(fitted)
        optimised = self.objectives.optimised
        picked: list[int] = []
        for _ in range(min(n_archs, len(pool))):
            weights = draw_weights(int(optimised.sum()), self.generator)
            drawn = self.generator.normal(means, deviations)
            score = (drawn / scales)[:, optimised] @ weights
            order = np.lexsort((score, self._violations_of(drawn, limits)))
            picked.append(int(order[~np.isin(order, picked)][0]))
        return pool[picked]


class Npenas(ExploringSearch):
    """Evolution whose children are screened by a graph predictor.

    Wei et al. 2022, NPENAS-NP: of the mutants of the best the predicted best are measured. With
    several objectives the order is that of NSGA-II on predictions.
    """

    name = "npenas"
    title = "NPENAS"
    family = "neural predictor evolution"
    paper = (
        "Wei et al. 2022, NPENAS: Neural predictor guided evolution for neural architecture search"
    )
    default_predictor = "gcn"
    default_pool: Pool = "mutants"

    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        pool = self._candidates()
        hoped = self._hoped(fitted, pool)
        violations = self._violations_of(hoped, self._limits(fitted))
        return pool[best_first(hoped[:, self.objectives.optimised], violations)[:n_archs]]


class Bonas(ExploringSearch):
    """Graph network, Bayesian linear regression on what it has learned, upper confidence bound.

    Shi et al. 2020, section 3: the network embeds an architecture, the regression on the embeddings
    says how uncertain a prediction is, and candidates from evolution are measured where mean and
    uncertainty promise most. The regression here is linear (the paper puts a sigmoid behind it,
    for accuracies), and the round is that of all strategies here (100 in the paper, of thousands).

    Parameters
    ----------
    exploration, predictor_parameters, round_size, pool, pool_size, n_parents, warp : as for
        `ExploringSearch`.
    """

    name = "bonas"
    title = "BONAS"
    family = "neural Bayesian optimisation"
    paper = "Shi et al. 2020, Bridging the gap between sample-based and one-shot NAS with BONAS"
    default_predictor = "bonas"
    predictor_fixed = True
    default_pool: Pool = "mutants"
    default_exploration = 0.5

    def _make_model(self) -> Any:
        return _EmbeddingRegression(super()._make_model())

    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        pool = self._candidates()
        hoped = self._hoped(fitted, pool)
        beyond = self._violations_of(hoped, self._limits(fitted))
        score = (hoped / self._scales(fitted))[:, self.objectives.optimised]
        picked: list[int] = []
        for _ in range(min(n_archs, len(pool))):
            weights = draw_weights(score.shape[1], self.generator)
            order = np.lexsort((score @ weights, beyond))
            picked.append(int(order[~np.isin(order, picked)][0]))
        return pool[picked]


@dataclass
class _EmbeddingRegression:
    """A graph network of the zoo, its last layer replaced by Bayesian linear regression."""

    model: Any
    regression: Any = None

    def fit(self, archs: IntArray, costs: Floats) -> _EmbeddingRegression:
        from sklearn.linear_model import BayesianRidge

        self.model.fit(archs, costs)
        self.regression = BayesianRidge().fit(self._embed(archs), costs)
        return self

    def predict(self, archs: IntArray, return_std: bool = False) -> Any:
        return self.regression.predict(self._embed(archs), return_std=return_std)

    def _embed(self, archs: IntArray) -> Floats:
        """What the network hands to its last layer, float64 of shape (n_archs, width)."""
        import torch

        features = self.model.space.encode(archs, self.model.encoding)
        network = self.model.estimator_.to_torch()
        if not hasattr(network, "output"):  # all costs were equal: there is nothing to embed
            return np.zeros((len(archs), 1))
        kept: list[torch.Tensor] = []
        network.output.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))
        with torch.no_grad():
            network(torch.from_numpy(features))
        return kept[0].numpy().astype(np.float64)
