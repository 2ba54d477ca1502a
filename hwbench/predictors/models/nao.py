"""The predictor of NAO (Luo et al. 2018): encoder, predictor and decoder learned together."""

from __future__ import annotations

import torch
from pydantic import PositiveInt

from hwbench.arguments import Positive
from hwbench.predictors.models.graph_network import GraphNetworkRegressor, GraphReader, Network
from hwbench.spaces import Space

PREDICTION_WEIGHT = 0.8
"""Share of the prediction in the loss; the rest is the reconstruction's (Luo et al., section 3)."""


class Recurrence(torch.nn.Module):
    """A long short-term memory over a short sequence, written out so that stacks of it train."""

    def __init__(self, n_inputs: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.inputs = torch.nn.Linear(n_inputs, 4 * width)
        self.gates = torch.nn.Linear(width, 4 * width, bias=False)

    def forward(self, sequence: torch.Tensor, length: int) -> torch.Tensor:
        """From (n, length, n_inputs) to the hidden states (n, length, width).

        A sequence (n, 1, n_inputs) gives every step the same inputs.
        """
        hidden = sequence.new_zeros(len(sequence), self.width)
        memory = hidden
        states = []
        for inputs in self.inputs(sequence).expand(-1, length, -1).unbind(dim=1):
            gates = inputs + self.gates(hidden)
            keep, let_in, let_out, news = gates.chunk(4, dim=1)
            memory = torch.sigmoid(keep + 1) * memory + torch.sigmoid(let_in) * torch.tanh(news)
            hidden = torch.sigmoid(let_out) * torch.tanh(memory)
            states.append(hidden)
        return torch.stack(states, dim=1)


class NAONetwork(Network):
    """An architecture's vertices as a sequence, each with its operation and incoming edges."""

    def __init__(self, n_vertices: int, n_operations: int, width: int) -> None:
        super().__init__()
        self.reader = GraphReader(n_vertices, n_operations)
        self.encoder = Recurrence(n_operations + n_vertices, width)
        self.hidden = torch.nn.Linear(width, width)
        self.output = torch.nn.Linear(width, 1)
        self.decoder = Recurrence(width, width)
        self.operations = torch.nn.Linear(width, n_operations)
        self.edges = torch.nn.Linear(width, n_vertices)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Predict, from features (n_archs, n_features) to (n_archs,)."""
        return self._predict(self.embed(features))

    def embed(self, features: torch.Tensor) -> torch.Tensor:
        """The embedding of architectures, (n_archs, width), of length 1."""
        adjacency, operations, _ = self.reader(features)
        sequence = torch.cat([operations, adjacency.transpose(1, 2)], dim=2)
        mean = self.encoder(sequence, sequence.shape[1]).mean(dim=1)
        return torch.nn.functional.normalize(mean, dim=1)

    def loss(self, features: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Error of the prediction, and of what the decoder makes of the embedding."""
        embedding = self.embed(features)
        prediction = torch.nn.functional.smooth_l1_loss(self._predict(embedding), targets)
        adjacency, operations, present = self.reader(features)
        states = self.decoder(embedding[:, None, :], operations.shape[1])
        surprise = torch.log_softmax(self.operations(states), dim=2) * operations
        wrong_operations = -surprise.sum() / present.sum()
        wrong_edges = torch.nn.functional.binary_cross_entropy_with_logits(
            self.edges(states), adjacency.transpose(1, 2)
        )
        rebuilt = wrong_operations + wrong_edges
        return PREDICTION_WEIGHT * prediction + (1 - PREDICTION_WEIGHT) * rebuilt

    def _predict(self, embedding: torch.Tensor) -> torch.Tensor:
        return self.output(torch.relu(self.hidden(embedding)))[:, 0]


class NAO(GraphNetworkRegressor):
    """Encoder, decoder and predictor on op-on-node graphs (LAUBE A.1).

    Parameters
    ----------
    space : the search space.
    width : of recurrences and embedding.
    batch_size : graphs a step.
    learning_rate : the largest of a schedule that warms up and falls along a cosine.
    steps : of the optimiser, at least.
    passes : over the training rows, at least, if they take no more than `most_steps`.
    random_state : seed of start and batches.
    """

    most_steps = 6_000

    def __init__(
        self,
        space: Space | None = None,
        width: PositiveInt = 64,
        batch_size: PositiveInt = 100,
        learning_rate: Positive = 1e-3,
        steps: PositiveInt = 600,
        passes: PositiveInt = 150,
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
        return NAONetwork(n_vertices, n_operations, self.width)
