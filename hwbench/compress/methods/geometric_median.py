"""Units that others can stand in for go first."""

from __future__ import annotations

import torch
from torch import Tensor

from hwbench.compress.methods.base import Method, Network, relative, unit_weights


class GeometricMedian(Method):
    """FPGM: by the distance of a unit's weights from those of all others (He et al. 2019).

    Those nearest to the geometric median of their layer are what the others can replace. Sums of
    distances are taken over a layer's mean.
    """

    def scores(self, network: Network) -> list[Tensor]:
        weights = network.weights
        found = []
        for dimension in network.units.dimensions:
            own = unit_weights(dimension, weights)
            found.append(relative(torch.cdist(own, own).sum(dim=1)))
        return found
