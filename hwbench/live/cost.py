"""Soft cost terms: the metric that is expected of a supernet, from any differentiable predictor.

The sources give no formula (CHOE 382-456 mentions a term, LAUBE 1114 a lookup table): here the
predictor is given the expected one-hot encoding. With a lookup table or another linear model that
is the exact expectation over architectures drawn from the candidates' probabilities.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.live.supernets.expected_encoding import expected_encoding
from hwbench.live.supernets.supernet import Supernet
from hwbench.spaces import Space


class ExpectedMetric(torch.nn.Module):
    """weight * predicted metric / mean metric, from probabilities of candidates.

    Parameters
    ----------
    encoding : from probabilities (n_positions, most candidates) to the expected one-hot encoding,
        (n_features,); see `hwbench.live.supernets.expected_encoding`.
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
    predictor : name of a differentiable predictor on one-hot encodings, or "lookup_table".
    samples : architectures drawn from the table to fit it; a lookup table has its own.
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
    if predictor == "lookup_table":
        module, used = _lookup_table(table.space, table.archs, values, target)
    else:
        module, used = _of_the_zoo(predictor, table.space, table.archs, values, samples, seed)
    scale = float(used.mean())
    return ExpectedMetric(expected_encoding(supernet), module.requires_grad_(False), scale, weight)


def _of_the_zoo(
    name: str, space: Space, archs: IntArray, values: Floats, samples: int, seed: int
) -> tuple[torch.nn.Module, Floats]:
    """A predictor fitted on drawn architectures, and the values it was fitted on."""
    from hwbench.predictors import make_predictor

    known = np.flatnonzero(np.isfinite(values))
    generator = np.random.default_rng(seed)
    rows = generator.choice(known, size=min(samples, len(known)), replace=False)
    model = make_predictor(name, space=space, seed=seed, encoding="onehot")
    model.fit(archs[rows], values[rows])
    return model.to_torch(), values[rows]


def _lookup_table(
    space: Space, archs: IntArray, values: Floats, target: str
) -> tuple[torch.nn.Module, Floats]:
    """The published lookup table, of one architecture and all its neighbours (LAUBE A.1)."""
    from hwbench.predictors.differentiable import Linear
    from hwbench.predictors.models.lookup_table import LookupTable, neighbourhood

    measured = neighbourhood(space)
    by_place = dict(zip(space.keys_of(archs).tolist(), values.tolist(), strict=True))
    used = np.array([by_place.get(key, np.nan) for key in space.keys_of(measured).tolist()])
    if not np.isfinite(used).all():
        raise HwbenchError(
            f"cost: {target} lacks architectures that the lookup table is made of; "
            "choose another predictor"
        )
    fitted = LookupTable().fit(measured, used)
    differences = [
        row[:size] for row, size in zip(fitted.differences_, space.n_choices, strict=True)
    ]
    return Linear(np.concatenate(differences), fitted.baseline_value_), used
