"""Predictions of distributions over architectures, differentiable in their probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces import Space

MOST_ENUMERATED = 100_000
"""Architectures of a space that are all predicted once, and weighed by their probabilities."""

ROWS_AT_ONCE = 64
"""Distributions that are weighed together: their probabilities of all architectures fit memory."""

Predict = Callable[[IntArray], tuple[Floats, Floats]]
"""Of architectures (n_archs, n_positions), means and variances, float64 of shape (n_archs,)."""


class ExpectedPrediction(torch.nn.Module):
    """Mean and variance of a predictor over architectures drawn position by position.

    Features are probabilities of operations side by side, as one-hots are: float of shape (n_archs,
    n_onehot). Where all of a position's probability is on one operation at each position the
    prediction is that of the architecture, exactly, whatever the predictor is. Between, in a space
    of at most 100,000 architectures, it is the expectation over all (the multilinear extension). In
    a larger space it is the first-order part of that around the most probable architecture: what
    each change of one position would change.

    Parameters
    ----------
    space : the search space; every combination of operations is an architecture of it.
    predict : see `Predict`.

    Raises
    ------
    HwbenchError
        Where the space leaves out combinations.
    """

    def __init__(self, space: Space, predict: Predict) -> None:
        super().__init__()
        self.space = space
        self.predict = predict
        self.sizes = [int(size) for size in space.n_choices]
        product = math.prod(self.sizes)
        if space.n_architectures != product:
            raise HwbenchError(
                f"{space.name} leaves out combinations of operations, so that probabilities of "
                "operations tell no distribution over its architectures; predict them one by one"
            )
        self.enumerated = product <= MOST_ENUMERATED
        if self.enumerated:
            means, variances = predict(space.all_architectures())
            self.register_buffer("means", torch.as_tensor(means))
            self.register_buffer("squares", torch.as_tensor(variances + means**2))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Expected predictions (n_archs,) of probabilities (n_archs, n_onehot)."""
        return self.mean_and_variance(features)[0]

    def mean_and_variance(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Means, and variances of a new measurement of an architecture so drawn, (n_archs,) each.

        By the law of total variance: what the predictor does not know, and how predictions differ.
        """
        parts = [
            self._expected(features[start : start + ROWS_AT_ONCE])
            for start in range(0, len(features), ROWS_AT_ONCE)
        ]
        mean, square = (torch.cat(each) for each in zip(*parts, strict=True))
        return mean, (square - mean**2).clamp_min(0.0)

    def _expected(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Means, and means of squares, (n_archs,) each."""
        shares = list(torch.split(features, self.sizes, dim=1))
        if not self.enumerated:
            return self._around_the_most_probable(shares)
        joint = shares[0]
        for each in shares[1:]:  # the first position varies slowest, as in the space's order
            joint = (joint[:, :, None] * each[:, None, :]).flatten(1)
        means, squares = (self.get_buffer(name).to(joint.dtype) for name in ("means", "squares"))
        return joint @ means, joint @ squares

    def _around_the_most_probable(
        self, shares: list[torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        chosen = torch.stack([each.argmax(dim=1) for each in shares], dim=1)
        archs = chosen.cpu().numpy().astype(np.int64)
        changed = np.concatenate(
            [_with_each_operation(archs, place, size) for place, size in enumerate(self.sizes)],
            axis=1,
        )  # (n_archs, n_onehot, n_positions)
        own_mean, own_variance = self.predict(archs)
        mean, variance = self.predict(changed.reshape(-1, archs.shape[1]))
        found = []
        for own, each in (
            (own_mean, mean),
            (own_variance + own_mean**2, variance + mean**2),
        ):
            gain: Any = each.reshape(len(archs), -1) - own[:, None]
            rows = torch.as_tensor(gain).to(shares[0])
            start = torch.as_tensor(own).to(shares[0])
            # The gain of the operation that is there already is 0: its own share adds nothing.
            found.append(start + (torch.cat(shares, dim=1) * rows).sum(dim=1))
        return found[0], found[1]


def _with_each_operation(archs: IntArray, place: int, size: int) -> IntArray:
    """The architectures with every operation at one position, (n_archs, size, n_positions)."""
    changed = np.repeat(archs[:, None, :], size, axis=1)
    changed[:, :, place] = np.arange(size)
    return changed
