"""Soft cost terms: the metric that is expected of a supernet, from any differentiable predictor.

The sources give no formula (CHOE 382-456 mentions a term, LAUBE 1114 a lookup table): here the
predictor is given the expected one-hot encoding. With a lookup table or another linear model that
is the exact expectation over architectures drawn from the candidates' probabilities.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hwbench.arrays import Floats
from hwbench.live.metric import training_rows
from hwbench.live.supernets.supernet import Supernet
from hwbench.tables import Target, load_target


class ExpectedMetric(torch.nn.Module):
    """weight * predicted metric / mean metric, from probabilities of candidates.

    Parameters
    ----------
    encoding : from probabilities (n_positions, most candidates) to the expected one-hot encoding,
        (n_features,); see `Supernet.expected_encoding`.
    predictor : from features (1, n_features), the space's one-hot encoding, to (1,).
    scale : the size of the metric's mean, in its unit.
    weight : of the term; negative where a larger metric is better.
    """

    def __init__(
        self, encoding: torch.nn.Module, predictor: torch.nn.Module, scale: float, weight: float
    ) -> None:
        super().__init__()
        self.encoding = encoding
        self.predictor = predictor
        self.scale = scale
        self.weight = weight

    def follow(self, supernet: Supernet) -> None:
        """Take in that the supernet's candidates have become others."""
        device = next(supernet.parameters()).device
        self.encoding = supernet.expected_encoding().to(device)

    def expected(self, probabilities: Tensor) -> Tensor:
        """The expected metric in its unit, a scalar, from (n_positions, most candidates)."""
        return self.predictor(self.encoding(probabilities)[None, :])[0]

    def forward(self, probabilities: Tensor) -> Tensor:
        return self.weight * self.expected(probabilities) / self.scale


def make_cost(
    supernet: Supernet, target: str, predictor: str, samples: int, weight: float, seed: int
) -> ExpectedMetric:
    """A cost term from a predictor of the zoo, fitted on a table's column.

    Parameters
    ----------
    supernet : whose candidates have the probabilities.
    target : "table:column".
    predictor : name of a differentiable predictor; it is given one-hot encodings.
    samples : architectures drawn from the table to fit it; one with a training set of its own, such
        as the lookup table, is fitted to that.
    weight : of the term, positive; a metric whose card says that larger is better enters negated.
    seed : of the draw and the fit.

    Raises
    ------
    HwbenchError
        Where table, column or predictor is unknown, of another space, or not differentiable.
    """
    metric = load_target(target, missing="keep").check_space(supernet.space.name, "cost")
    module, used = _fitted(predictor, metric, samples, seed)
    return ExpectedMetric(
        supernet.expected_encoding(),
        module.requires_grad_(False),
        abs(float(used.mean())),
        metric.sign * weight,
    )


def _fitted(name: str, metric: Target, samples: int, seed: int) -> tuple[torch.nn.Module, Floats]:
    """The module of a fitted predictor, and the values it was fitted to."""
    from hwbench.predictors import make_predictor, predictor_card
    from hwbench.predictors.training_set import training_set

    card = predictor_card(name)
    archs, used = training_rows(name, metric, samples, seed)
    own = training_set(card, metric.space) is not None
    encoding = card.encoding if own else "onehot"
    model = make_predictor(name, space=metric.space, seed=seed, encoding=encoding, card=card)
    model.fit(archs, used)
    return model.to_torch(), used
