"""Activations that begin as the identity (LAUBE eq. 4.5-4.8)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Interpolated(nn.Module):
    """(1 - share) x + share activation(x), with a share that is learned.

    Inserted with share 0 it changes nothing, to the last bit. Gradients reach a share that has left
    0 .. 1, but it is used as the nearer end.

    Parameters
    ----------
    activation : a module that works on each entry alone.
    share : lambda at the start.
    """

    def __init__(self, activation: nn.Module, share: float = 0.0) -> None:
        super().__init__()
        self.activation = activation
        self.share = nn.Parameter(torch.tensor(float(share)))

    def forward(self, x: Tensor) -> Tensor:
        share = self.share + (self.share.clamp(0.0, 1.0) - self.share).detach()
        return (1.0 - share) * x + share * self.activation(x)


class PTanH(Interpolated):
    """The parametrised hyperbolic tangent of LAUBE eq. 4.7."""

    def __init__(self, share: float = 0.0) -> None:
        super().__init__(nn.Tanh(), share)


class InterpolatedReLU(Interpolated):
    """The same of a ReLU, with which inserted stages begin."""

    def __init__(self, share: float = 0.0) -> None:
        super().__init__(nn.ReLU(), share)
