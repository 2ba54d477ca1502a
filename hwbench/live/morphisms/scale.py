"""Biases of zero and factors of one, the trivial morphisms (LAUBE 711)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Bias(nn.Module):
    """Adds a learned number to each channel; zero at the start.

    Parameters
    ----------
    channels : of the input (batch, channels, ...).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + _along(self.bias, x)


class Scale(nn.Module):
    """Multiplies each channel with a learned number; one at the start.

    Parameters
    ----------
    channels : of the input (batch, channels, ...).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.scale = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * _along(self.scale, x)


def _along(values: Tensor, x: Tensor) -> Tensor:
    return values.view(1, -1, *[1] * (x.dim() - 2))
