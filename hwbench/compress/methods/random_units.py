"""Any units go: what training alone makes up for."""

from __future__ import annotations

import torch
from torch import Tensor

from hwbench.compress.methods.base import Method, Network


class RandomUnits(Method):
    """Each unit with the same probability."""

    def scores(self, network: Network) -> list[Tensor]:
        return [torch.rand(size) for size in network.units.sizes]
