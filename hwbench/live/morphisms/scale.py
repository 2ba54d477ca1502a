"""Biases of zero and factors of one, the trivial morphisms (LAUBE 711)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PerChannel(nn.Module):
    """A learned number for each channel of an input (batch, channels, ...).

    Parameters
    ----------
    channels : of the input.
    start : all numbers at the start.
    """

    def __init__(self, channels: int, start: float) -> None:
        super().__init__()
        self.channels = channels
        self.values = nn.Parameter(torch.full((channels,), start))

    def along(self, x: Tensor) -> Tensor:
        """The numbers, of a shape that goes with the input's."""
        return self.values.view(1, -1, *[1] * (x.dim() - 2))


class Bias(PerChannel):
    """Adds a learned number to each channel; zero at the start."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.along(x)


class Scale(PerChannel):
    """Multiplies each channel with a learned number; one at the start."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.along(x)
