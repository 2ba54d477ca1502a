"""Units with small weights go first."""

from __future__ import annotations

from torch import Tensor

from hwbench.compress.methods.base import Method, Network, relative, unit_weights


class Magnitude(Method):
    """By the length of the weights that lead to a unit (Li et al. 2017), over a layer's mean."""

    def scores(self, network: Network) -> list[Tensor]:
        weights = network.weights
        return [
            relative(unit_weights(dimension, weights).norm(dim=1))
            for dimension in network.units.dimensions
        ]
