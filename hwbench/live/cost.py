"""Soft cost terms: the metric that is expected of a supernet, from any differentiable predictor.

The sources give no formula (CHOE 382-456 mentions a term, LAUBE 1114 a lookup table): here the
predictor is given the expected one-hot encoding. With a lookup table or another linear model that
is the exact expectation over architectures drawn from the candidates' probabilities.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.live.supernets.supernet import Supernet
from hwbench.spaces import Space

Values = NDArray[np.float64]


class ExpectedMetric(torch.nn.Module):
    """weight * predicted metric / mean metric, from probabilities of candidates.

    Parameters
    ----------
    encoding : from probabilities (n_positions, most candidates) to the expected one-hot encoding,
        (n_features,); see `Supernet.expected_encoding`.
    predictor : from features (1, n_features), the space's one-hot encoding, to (1,).
    scale : the metric's mean, in its unit.
    weight : of the term.
    """

    def __init__(
        self, encoding: torch.nn.Module, predictor: torch.nn.Module, scale: float, weight: float
    ) -> None:
        super().__init__()
        self.encoding = encoding
        self.predictor = predictor
        self.scale = scale
        self.weight = weight

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
    target : "table:column", smaller is better.
    predictor : name of a differentiable predictor; it is given one-hot encodings.
    samples : architectures drawn from the table to fit it; one with a training set of its own, such
        as the lookup table, is fitted to that.
    weight : of the term.
    seed : of the draw and the fit.

    Raises
    ------
    HwbenchError
        Where table, column or predictor is unknown, of another space, or not differentiable.
    """
    from hwbench.tables import load_table
    from hwbench.tables.library import split_target

    name, column = split_target(target)
    table = load_table(name)
    if table.space.name != supernet.space.name:
        raise HwbenchError(
            f"cost: {target} is of the space {table.space.name}, not {supernet.space.name}"
        )
    values = np.asarray(table.column(column), dtype=np.float64)
    module, used = _fitted(predictor, table.space, table.archs, values, samples, seed, target)
    scale = float(used.mean())
    return ExpectedMetric(supernet.expected_encoding(), module.requires_grad_(False), scale, weight)


def _fitted(
    name: str, space: Space, archs: IntArray, values: Values, samples: int, seed: int, target: str
) -> tuple[torch.nn.Module, Values]:
    """The module of a fitted predictor, and the values it was fitted to."""
    from hwbench.predictors import make_predictor, predictor_card
    from hwbench.predictors.training_set import training_set

    card = predictor_card(name)
    own = training_set(card, space)
    known = np.flatnonzero(np.isfinite(values))
    if own is None:
        generator = np.random.default_rng(seed)
        rows = generator.choice(known, size=min(samples, len(known)), replace=False)
    else:
        place_of = {key: row for row, key in enumerate(space.keys_of(archs[known]).tolist())}
        places = [place_of.get(key) for key in space.keys_of(own).tolist()]
        if None in places:
            raise HwbenchError(
                f"cost: {target} lacks architectures that {name} is fitted to; choose another "
                "predictor"
            )
        rows = known[np.array(places, dtype=np.int64)]
    encoding = "onehot" if own is None else card.encoding
    model = make_predictor(name, space=space, seed=seed, encoding=encoding, card=card)
    model.fit(archs[rows], values[rows])
    return model.to_torch(), values[rows]
