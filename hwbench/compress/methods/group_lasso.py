"""Group lasso: every group is shrunk by the same amount."""

from __future__ import annotations

import torch
from torch import Tensor

from hwbench.compress.methods.base import Network
from hwbench.compress.methods.magnitude import Magnitude


class GroupLasso(Magnitude):
    """The penalty lambda * sum ||w_g|| (Wen et al. 2016); what it leaves goes by its magnitude.

    Lambda has no value that is right for all: several are to be tried.
    """

    penalised = True

    def penalties(self, network: Network) -> list[Tensor]:
        weights = network.weights
        strength = 1.0 / len(network.images) if self.strength is None else self.strength
        return [torch.full_like(family.norms(weights), strength) for family in network.families]
