"""Parametric leaky integrate-and-fire neurons (NA 437-465), and the count of what they fire.

Spikes travel as float32 arrays of zeros and ones of shape (T, batch, ...), time first.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

SLOPES = {"scaled": math.pi, "printed": 1.0}
"""By name of a surrogate: the factor of its argument."""


class Fire(torch.autograd.Function):
    """The Heaviside step: 1 from 0 on; backwards 1 / (1 + (slope x)^2) stands for its derivative.

    NA eq. 2.15 and line 471, where the slope is 1.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float) -> Tensor:
        """Spikes of the potentials above the threshold, of any shape."""
        ctx.save_for_backward(x)
        ctx.slope = slope
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        """Gradient of the potentials; the slope has none."""
        (x,) = ctx.saved_tensors
        return gradient / (1.0 + (ctx.slope * x).square()), None


class SpikingLayer(nn.Module):
    """A layer whose output is spikes, which it counts.

    Attributes
    ----------
    spikes : of the last pass, over all time steps and the mean over its images, a scalar; None
        before there was one, and after `forget_spikes`.
    """

    spikes: Tensor | None = None

    def count(self, output: Tensor) -> Tensor:
        """Note how many spikes of shape (T, batch, ...) there are, and hand them on."""
        self.spikes = output.detach().sum() / output.shape[1]
        return output


class PLIF(SpikingLayer):
    """Neurons that leak, integrate and fire, with a learned time constant for all of a layer.

    With z the input, h = v + (z - (v - V_reset)) / tau; a spike where h >= V_th; then v = h, or
    V_reset where it has fired (NA eq. 2.7-2.9). 1 / tau = sigmoid(`decay`), a learned parameter.

    Parameters
    ----------
    threshold : V_th.
    tau : at the start, above 1.
    reset : V_reset, where the potential starts and returns to.
    surrogate : see `SLOPES`.
    detach_reset : whether no gradient passes through the reset; eq. 2.17 has it pass.
    """

    def __init__(
        self,
        threshold: float = 1.0,
        tau: float = 2.0,
        reset: float = 0.0,
        surrogate: str = "scaled",
        *,
        detach_reset: bool = True,
    ) -> None:
        super().__init__()
        self.threshold = threshold
        self.reset = reset
        self.slope = SLOPES[surrogate]
        self.detach_reset = detach_reset
        self.decay = nn.Parameter(torch.tensor(-math.log(tau - 1.0)))

    def forward(self, inputs: Tensor) -> Tensor:
        """Spikes of inputs, both of shape (T, batch, ...); the potential starts at `reset`."""
        share = torch.sigmoid(self.decay)
        potential: Tensor | float = self.reset
        fired = []
        for step in inputs.unbind(0):
            charged = potential + share * (step - (potential - self.reset))
            spikes = Fire.apply(charged - self.threshold, self.slope)
            fired.append(spikes)
            held = spikes.detach() if self.detach_reset else spikes
            potential = charged * (1.0 - held) + self.reset * held
        return self.count(torch.stack(fired))


def forget_spikes(network: nn.Module) -> None:
    """Drop the counts of earlier passes: a layer that the next one leaves out then has none."""
    for layer in network.modules():
        if isinstance(layer, SpikingLayer):
            layer.spikes = None


def counted_spikes(network: nn.Module) -> Tensor:
    """Spikes of an image in the last pass, over all layers and time steps, mean over its images."""
    counts = [
        layer.spikes
        for layer in network.modules()
        if isinstance(layer, SpikingLayer) and layer.spikes is not None
    ]
    return torch.stack(counts).sum()
