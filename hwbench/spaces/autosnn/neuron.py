"""Parametric leaky integrate-and-fire neurons (NA 437-465), and the count of what they fire.

Spikes travel as float32 arrays of zeros and ones of shape (T, batch, ...), time first.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

SLOPES = {"scaled": math.pi, "printed": 1.0}
"""By name of a surrogate: the factor of its argument."""


class Firing(torch.autograd.Function):
    """What the neurons of a layer fire, and the gradient of it back through time.

    The derivative of a spike with respect to h - V_th is taken to be 1 / (1 + (slope x)^2). The
    same as autograd would make of the equations step by step, in a third of the operations.
    """

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        share: Tensor,
        threshold: float,
        reset: float,
        slope: float,
        detach_reset: bool,
    ) -> Tensor:
        """Spikes of inputs, both of shape (T, batch, ...); `share` is 1 / tau, a scalar."""
        charged = torch.empty_like(inputs, memory_format=torch.contiguous_format)
        potential = torch.full_like(charged[0], reset)
        for step, into in zip(inputs.unbind(0), charged.unbind(0), strict=True):
            torch.lerp(potential, step + reset if reset else step, share, out=into)
            potential = into.masked_fill(into >= threshold, reset)
        ctx.save_for_backward(inputs, charged, share)
        ctx.constants = threshold, reset, slope, detach_reset
        return (charged >= threshold).to(inputs.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of inputs and share (NA eq. 2.12-2.17)."""
        inputs, charged, share = ctx.saved_tensors
        threshold, reset, slope, detach_reset = ctx.constants
        fired = charged >= threshold
        surrogate = 1.0 / (1.0 + (slope * (charged - threshold)).square())
        of_potential = (~fired).to(charged.dtype)
        if not detach_reset:
            of_potential = of_potential + (reset - charged) * surrogate
        of_charged = gradient * surrogate
        later = torch.zeros_like(charged[0])
        for own, kept in zip(
            reversed(of_charged.unbind(0)), reversed(of_potential.unbind(0)), strict=True
        ):
            own.addcmul_(later, kept)
            later = own * (1.0 - share)
        before = torch.full_like(charged, reset)
        before[1:] = charged[:-1].masked_fill(fired[:-1], reset)
        of_share = (of_charged * (inputs - before + reset)).sum()
        return of_charged * share, of_share, None, None, None, None


def fired_by_steps(inputs: Tensor, share: Tensor, threshold: float, reset: float) -> Tensor:
    """What `Firing` gives, in operations that files of networks have; without its gradient.

    Parameters
    ----------
    inputs, share, threshold, reset : as for `Firing`.
    """
    potential = torch.full_like(inputs[0], reset)
    fired = []
    for step in inputs.unbind(0):
        charged = torch.lerp(potential, step + reset if reset else step, share)
        fired.append(charged >= threshold)
        potential = charged.masked_fill(fired[-1], reset)
    return torch.stack(fired).to(inputs.dtype)


def being_exported() -> bool:
    """Whether the operations of a pass are written down, by torch.export or by a trace."""
    tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    return tracing or torch.compiler.is_exporting()


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
        if being_exported():  # the file's network fires, and counts nothing
            return output
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
        exact = inputs.to(torch.promote_types(inputs.dtype, share.dtype))  # in mixed precision
        if being_exported():
            return fired_by_steps(exact, share, self.threshold, self.reset)
        fired: Tensor = Firing.apply(  # type: ignore[no-untyped-call]
            exact, share, self.threshold, self.reset, self.slope, self.detach_reset
        )
        return self.count(fired)


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
