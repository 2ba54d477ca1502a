"""The graph convolutional predictor of Wen et al. 2020 (Neural Predictor)."""

from __future__ import annotations

from itertools import pairwise

import torch
from pydantic import PositiveInt

from hwbench.arguments import NotNegative, Positive
from hwbench.predictors.models.graph_network import (
    GraphNetworkRegressor,
    GraphReader,
    Network,
    start_for_relu,
)
from hwbench.spaces import Space

N_CONVOLUTIONS = 3
HEAD_WIDTH = 128


class BidirectionalConvolution(torch.nn.Module):
    """Mean of a graph convolution along the edges and one against them.

    Wen et al. 2020, section 3.2: with A the adjacency plus the identity, its rows scaled to sum to
    one, and relu outside, (relu(A x W) + relu(A' x V)) / 2.
    """

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.along = torch.nn.Linear(n_inputs, n_outputs, bias=False)
        self.against = torch.nn.Linear(n_inputs, n_outputs, bias=False)

    def forward(
        self, values: torch.Tensor, after: torch.Tensor, before: torch.Tensor
    ) -> torch.Tensor:
        """Values of shape (n_archs, n_vertices, n_outputs).

        Parameters
        ----------
        values : float of shape (n_archs, n_vertices, n_inputs).
        after, before : `neighbour_mean` of the adjacency and of its transpose.
        """
        along = torch.relu(after @ self.along(values))
        against = torch.relu(before @ self.against(values))
        return (along + against) / 2


def neighbour_mean(adjacency: torch.Tensor) -> torch.Tensor:
    """Adjacency (n, n_vertices, n_vertices) plus the identity, its rows scaled to sum to one."""
    looped = adjacency + torch.eye(adjacency.shape[1], dtype=adjacency.dtype)
    return looped / looped.sum(dim=2, keepdim=True)


class GCNNetwork(Network):
    """Three bidirectional convolutions, the mean over vertices, and two layers."""

    def __init__(self, n_vertices: int, n_operations: int, width: int) -> None:
        super().__init__()
        self.reader = GraphReader(n_vertices, n_operations)
        widths = [n_operations, *[width] * N_CONVOLUTIONS]
        self.convolutions = torch.nn.ModuleList(
            BidirectionalConvolution(a, b) for a, b in pairwise(widths)
        )
        self.hidden = torch.nn.Linear(width, HEAD_WIDTH)
        self.output = torch.nn.Linear(HEAD_WIDTH, 1)
        start_for_relu(self)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Predict, from features (n_archs, n_features) to (n_archs,)."""
        adjacency, values, present = self.reader(features)
        after, before = neighbour_mean(adjacency), neighbour_mean(adjacency.transpose(1, 2))
        for convolution in self.convolutions:
            values = convolution(values, after, before)
        weights = present / present.sum(dim=1, keepdim=True)
        mean = (values * weights[:, :, None]).sum(dim=1)
        return self.output(torch.relu(self.hidden(mean)))[:, 0]


class GCN(GraphNetworkRegressor):
    """Graph convolutional network on op-on-node graphs (LAUBE A.1).

    Parameters
    ----------
    space : the search space.
    width : of the convolutions.
    batch_size : graphs a step.
    learning_rate : the largest of a schedule that warms up and falls along a cosine.
    weight_decay : decoupled.
    steps : of the optimiser, at least.
    passes : over the training rows, at least, if they take no more than `most_steps`.
    random_state : seed of start and batches.
    """

    def __init__(
        self,
        space: Space | None = None,
        width: PositiveInt = 144,
        batch_size: PositiveInt = 7,
        learning_rate: Positive = 1e-4,
        weight_decay: NotNegative = 3e-4,
        steps: PositiveInt = 2000,
        passes: PositiveInt = 60,
        random_state: int | None = None,
    ) -> None:
        self.space = space
        self.width = width
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.steps = steps
        self.passes = passes
        self.random_state = random_state

    def _make_network(self, n_vertices: int, n_operations: int) -> Network:
        return GCNNetwork(n_vertices, n_operations, self.width)
