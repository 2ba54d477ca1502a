"""Soft cost terms: the metric that is expected of a supernet, from any differentiable predictor.

The sources give no formula (CHOE 382-456 mentions a term, LAUBE 1114 a lookup table): here the
predictor is given the candidates' probabilities in place of a one-hot encoding. With a lookup table
or another linear model that is the exact expectation over independent choices.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hwbench.errors import HwbenchError
from hwbench.live.supernet import Supernet
from hwbench.spaces import Space
from hwbench.spaces.base import IntArray

Values = NDArray[np.float64]


class ExpectedMetric(torch.nn.Module):
    """weight * predicted metric / mean metric, from probabilities of candidates.

    Parameters
    ----------
    supernet : whose positions are those of its space.
    predictor : from features (1, n_features), the space's one-hot encoding, to (1,).
    scale : the metric's mean, in its unit.
    weight : of the term.
    """

    def __init__(
        self, supernet: Supernet, predictor: torch.nn.Module, scale: float, weight: float
    ) -> None:
        super().__init__()
        space = supernet.space
        if len(supernet.positions) != space.n_positions:
            raise HwbenchError(
                f"cost: the supernet of {space.name} decides on edges, its predictors on "
                "architectures; a cost term needs a space where both are the same"
            )
        offsets = np.concatenate([[0], np.cumsum(space.n_choices)])
        columns = [
            int(offsets[i]) + space.choices[i].index(name)
            for i, position in enumerate(supernet.positions)
            for name in position.operations
        ]
        present = [[k < size for k in range(max(supernet.sizes))] for size in supernet.sizes]
        self.n_features = int(offsets[-1])
        self.register_buffer("columns", torch.tensor(columns))
        self.register_buffer("present", torch.tensor(present))
        self.predictor = predictor
        self.scale = scale
        self.weight = weight

    def expected(self, probabilities: Tensor) -> Tensor:
        """The expected metric in its unit, a scalar, from (n_positions, most candidates)."""
        values = probabilities[self.get_buffer("present")]
        features = values.new_zeros(self.n_features).index_copy(
            0, self.get_buffer("columns"), values
        )
        return self.predictor(features[None, :])[0]

    def forward(self, probabilities: Tensor) -> Tensor:
        return self.weight * self.expected(probabilities) / self.scale


def make_cost(
    supernet: Supernet, target: str, predictor: str, samples: int, weight: float, seed: int
) -> ExpectedMetric:
    """A cost term from a predictor of the zoo, fitted on a table's column.

    Parameters
    ----------
    supernet : see `ExpectedMetric`.
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
    return ExpectedMetric(supernet, module.requires_grad_(False), float(used.mean()), weight)


def _of_the_zoo(
    name: str, space: Space, archs: IntArray, values: Values, samples: int, seed: int
) -> tuple[torch.nn.Module, Values]:
    """A predictor fitted on drawn architectures, and the values it was fitted on."""
    from hwbench.predictors import make_predictor

    known = np.flatnonzero(np.isfinite(values))
    generator = np.random.default_rng(seed)
    rows = generator.choice(known, size=min(samples, len(known)), replace=False)
    model = make_predictor(name, space=space, seed=seed, encoding="onehot")
    model.fit(archs[rows], values[rows])
    return model.to_torch(), values[rows]


def _lookup_table(
    space: Space, archs: IntArray, values: Values, target: str
) -> tuple[torch.nn.Module, Values]:
    """The published lookup table, of one architecture and all its neighbours (LAUBE A.1)."""
    from hwbench.predictors.differentiable import Linear
    from hwbench.predictors.lookup_table import LookupTable, neighbourhood

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
