"""A polynomial of the second degree as a module of torch."""

from __future__ import annotations

import torch

from hwbench.arrays import Floats


class Quadratic(torch.nn.Module):
    """A polynomial of the second degree: features (n_archs, n_features) to (n_archs,)."""

    def __init__(self, linear: Floats, pairs: Floats, intercept: float) -> None:
        super().__init__()
        self.register_buffer("linear", torch.tensor(linear))
        self.register_buffer("pairs", torch.tensor(pairs))
        self.intercept = intercept

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        linear = self.get_buffer("linear").to(features.dtype)
        pairs = self.get_buffer("pairs").to(features.dtype)
        return features @ linear + ((features @ pairs) * features).sum(1) + self.intercept
