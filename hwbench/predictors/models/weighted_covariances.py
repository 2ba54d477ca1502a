"""A constant plus weighted covariances, as a module of torch."""

from __future__ import annotations

import torch

from hwbench.arrays import Floats


class WeightedCovariances(torch.nn.Module):
    """A constant plus weighted squared exponential covariances with fixed rows.

    Parameters
    ----------
    rows : float64 of shape (n_rows, n_features).
    weights : float64 of shape (n_rows,).
    constant, lengthscale, outputscale : hyper-parameters of the process.
    """

    def __init__(
        self,
        rows: Floats,
        weights: Floats,
        constant: float,
        lengthscale: float,
        outputscale: float,
    ) -> None:
        super().__init__()
        self.register_buffer("rows", torch.tensor(rows / lengthscale))
        self.register_buffer("weights", torch.tensor(weights * outputscale))
        self.constant = constant
        self.lengthscale = lengthscale

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features of shape (n_archs, n_features) to predictions of shape (n_archs,)."""
        rows = self.get_buffer("rows").to(features.dtype)
        scaled = features / self.lengthscale
        # Not a distance but its square: the gradient of the first is infinite at a training row.
        products = scaled @ rows.T
        distances = (scaled**2).sum(1, keepdim=True) + (rows**2).sum(1) - 2.0 * products
        weights = self.get_buffer("weights").to(features.dtype)
        return torch.exp(-0.5 * distances) @ weights + self.constant
