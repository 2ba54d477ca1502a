"""The graph convolutional predictor of BONAS (Shi et al. 2020)."""

from __future__ import annotations

from itertools import pairwise

import torch
from pydantic import PositiveInt

from hwbench.arguments import Positive
from hwbench.predictors.models.gcn import BidirectionalConvolution, neighbour_mean
from hwbench.predictors.models.graph_network import (
    GraphNetworkRegressor,
    GraphReader,
    Network,
    start_for_relu,
)
from hwbench.spaces import Space

N_CONVOLUTIONS = 4


class BONASNetwork(Network):
    """Graph convolutions with a global vertex that every vertex tells, read out there.

    Shi et al. 2020, section 3.2: relu(A x W) with A the adjacency plus the identity, rows scaled to
    sum to one. Here vertices hear of those after them and of those before them, by weights of their
    own: along the edges alone, what lies behind a vertex cannot change what it tells, and without a
    direction a graph is hard to tell from its reverse.
    """

    def __init__(self, n_vertices: int, n_operations: int, width: int) -> None:
        super().__init__()
        self.reader = GraphReader(n_vertices, n_operations)
        widths = [n_operations + 1, *[width] * N_CONVOLUTIONS]  # the global vertex is one kind more
        self.convolutions = torch.nn.ModuleList(
            BidirectionalConvolution(a, b) for a, b in pairwise(widths)
        )
        self.output = torch.nn.Linear(width, 1)
        start_for_relu(self)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Predict, from features (n_archs, n_features) to (n_archs,)."""
        adjacency, operations, present = self.reader(features)
        everyone = torch.nn.functional.pad(present, (0, 1))[:, None, :]
        after, before = (
            neighbour_mean(torch.cat([torch.nn.functional.pad(edges, (0, 1)), everyone], dim=1))
            for edges in (adjacency, adjacency.transpose(1, 2))
        )
        kinds = torch.nn.functional.pad(operations, (0, 1))
        globally = torch.nn.functional.pad(torch.zeros_like(kinds[:, :1, :-1]), (0, 1), value=1.0)
        values = torch.cat([kinds, globally], dim=1)
        for convolution in self.convolutions:
            values = convolution(values, after, before)
        return self.output(values[:, -1])[:, 0]


class BONAS(GraphNetworkRegressor):
    """Graph convolutional network with a global vertex on op-on-node graphs (LAUBE A.1).

    Parameters
    ----------
    space : the search space.
    width : of the convolutions.
    batch_size : graphs a step.
    learning_rate : the largest of a schedule that warms up and falls along a cosine.
    steps : of the optimiser, at least.
    passes : over the training rows, at least, if they take no more than `most_steps`.
    random_state : seed of start and batches.
    """

    most_steps = 8_000

    def __init__(
        self,
        space: Space | None = None,
        width: PositiveInt = 64,
        batch_size: PositiveInt = 128,
        learning_rate: Positive = 1e-4,
        steps: PositiveInt = 1000,
        passes: PositiveInt = 400,
        random_state: int | None = None,
    ) -> None:
        self.space = space
        self.width = width
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.steps = steps
        self.passes = passes
        self.random_state = random_state

    def _make_network(self, n_vertices: int, n_operations: int) -> Network:
        return BONASNetwork(n_vertices, n_operations, self.width)
