"""Strategies that propose mutants and ask neural predictors about them: BANANAS, BONAS, NPENAS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import PositiveInt

from hwbench.arguments import NotNegative
from hwbench.arrays import Floats, IntArray
from hwbench.search.strategies.acquisition import draw_weights
from hwbench.search.strategies.surrogate import FittedObjective, SurrogateSearch

if TYPE_CHECKING:
    import torch


class MutantSearch(SurrogateSearch):
    """Base of strategies whose candidates are mutants of the best that was told.

    Parameters
    ----------
    n_mutants : candidates that are predicted in a round.
    n_parents : of the best that they are mutants of.
    predictor, predictor_parameters, round_size, warp : as for `SurrogateSearch`.
    """

    default_n_mutants = 200

    def __init__(
        self,
        *args: Any,
        n_mutants: PositiveInt | None = None,
        n_parents: PositiveInt = 20,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.n_mutants = self.default_n_mutants if n_mutants is None else n_mutants
        self.n_parents = n_parents

    def _candidates(self, n_archs: int) -> IntArray:
        return self._mutants(self.n_parents, max(self.n_mutants, n_archs))


class Bananas(MutantSearch):
    """Ensemble of networks on the path encoding, independent Thompson sampling, mutants.

    White et al. 2021, Algorithm 1 and section 5. For every architecture of a round a value is drawn
    for each candidate from its predictive distribution, and the best draw is taken; several
    objectives are summed by random weights. The paper mutates the best one to ten times that was
    told, and takes ten of about a hundred mutants a round.
    """

    name = "bananas"
    title = "BANANAS"
    family = "neural Bayesian optimisation"
    paper = "White et al. 2021, BANANAS: Bayesian optimization with neural architectures"
    default_predictor = "bananas"
    default_round_size = 20

    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        pool = self._candidates(n_archs)
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


class Npenas(MutantSearch):
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
    default_round_size = 20

    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        return self._best_predicted(fitted, self._candidates(n_archs), n_archs)


class Bonas(MutantSearch):
    """Graph network, Bayesian linear regression on what it has learned, upper confidence bound.

    Shi et al. 2020, section 3: the network embeds an architecture, the regression on the embeddings
    says how uncertain a prediction is, and candidates from evolution are measured where mean and
    uncertainty promise most. The regression here is linear (the paper puts a sigmoid behind it,
    for accuracies), and the round is 20 (100 in the paper, of thousands).

    Parameters
    ----------
    exploration : standard deviations below the predicted cost that are hoped for.
    n_mutants, n_parents, predictor_parameters, round_size, warp : as for `MutantSearch`.
    """

    name = "bonas"
    title = "BONAS"
    family = "neural Bayesian optimisation"
    paper = "Shi et al. 2020, Bridging the gap between sample-based and one-shot NAS with BONAS"
    default_predictor = "bonas"
    predictor_fixed = True
    default_round_size = 20

    def __init__(self, *args: Any, exploration: NotNegative = 0.5, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.exploration = exploration

    def _make_model(self) -> Any:
        return _EmbeddingRegression(super()._make_model())

    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        pool = self._candidates(n_archs)
        means, deviations = self._moments(fitted, pool)
        hoped = means - self.exploration * deviations
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
