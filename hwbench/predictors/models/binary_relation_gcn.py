"""A graph network that learns which of two architectures is better (BRP-NAS)."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from pydantic import PositiveInt

from hwbench.arguments import NotNegative, Positive
from hwbench.predictors.models.gcn import GCN, GCNNetwork
from hwbench.predictors.models.graph_network import Network
from hwbench.spaces import Space


class BinaryRelationNetwork(GCNNetwork):
    """The GCN, trained on pairs of a batch by the logistic loss of their order.

    The published network puts a linear layer with two outputs on the concatenated embeddings of a
    pair and sees every pair both ways round. Its logits then differ by a linear function of the two
    embeddings that changes its sign with the order of the pair, which is the difference of two
    scores; here each architecture has that score.
    """

    def loss(self, features: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean over the batch's pairs of unequal targets; 0 where there is none."""
        scores = self(features)
        larger = targets[:, None] > targets[None, :]
        surprise = torch.nn.functional.softplus(scores[None, :] - scores[:, None])
        return (surprise * larger).sum() / larger.sum().clamp(min=1)


class BinaryRelationGCN(GCN):
    """GCN whose scores order architectures, scaled to the targets by least squares.

    Parameters
    ----------
    space, width, learning_rate, weight_decay, steps, passes, random_state : as for GCN.
    batch_size : graphs a step; all their pairs count.
    """

    def __init__(
        self,
        space: Space | None = None,
        width: PositiveInt = 144,
        batch_size: PositiveInt = 32,
        learning_rate: Positive = 1e-3,
        weight_decay: NotNegative = 3e-4,
        steps: PositiveInt = 1000,
        passes: PositiveInt = 60,
        random_state: int | None = None,
    ) -> None:
        super().__init__(
            space=space,
            width=width,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            steps=steps,
            passes=passes,
            random_state=random_state,
        )

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to rows of the encoding "graph" (n_archs, n_features) and targets (n_archs,)."""
        super().fit(X, y)
        if self.constant_ is None:
            targets = np.asarray(y, dtype=np.float64)
            scores = self.predict(X)
            spread = float(scores.var())
            scale = float(np.mean((scores - scores.mean()) * targets)) / spread if spread else 0.0
            offset = float(targets.mean()) - scale * float(scores.mean())
            # Within the last layer, so that every use of the network has it.
            weight, bias = self.weights_["output.weight"], self.weights_["output.bias"]
            self.weights_["output.weight"] = (weight * scale).astype(np.float32)
            self.weights_["output.bias"] = (bias * scale + offset).astype(np.float32)
        return self

    def _make_network(self, n_vertices: int, n_operations: int) -> Network:
        return BinaryRelationNetwork(n_vertices, n_operations, self.width)
