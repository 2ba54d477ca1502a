"""The blocks of AutoSNN (NA Fig. 5.2b and 5.6), and the layers that they are made of.

All take spikes and give spikes, float32 of shape (T, batch, channels, height, width).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, max_pool2d

from hwbench.spaces.autosnn.neuron import PLIF, SpikingLayer
from hwbench.spaces.autosnn.skeleton import BLOCKS, LayerShape, SpikingSkeleton
from hwbench.spaces.layers import convolution


def each_step(layer: Callable[[Tensor], Tensor], spikes: Tensor) -> Tensor:
    """A layer that knows no time, of every step of a sequence (T, batch, ...)."""
    output = layer(spikes.flatten(0, 1))
    return output.reshape(*spikes.shape[:2], *output.shape[1:])


class StepNorm(nn.BatchNorm2d):
    """Batch normalisation of sequences, (T, batch, channels, height, width), one scale for all.

    The running statistics move by `momentum` a pass, towards the mean over its steps.

    Parameters
    ----------
    channels : of the maps.
    by_step : whether each step of a batch in training is normalised by its own statistics, and not
        by those of the whole sequence.
    """

    def __init__(self, channels: int, *, by_step: bool) -> None:
        super().__init__(channels)
        self.by_step = by_step

    def forward(self, maps: Tensor) -> Tensor:
        """The maps normalised, of the same shape."""
        if not (self.training and self.by_step):
            return each_step(super().forward, maps)
        momentum, steps = self.momentum, len(maps)
        normalised = []
        try:
            for place, step in enumerate(maps.unbind(0), start=1):
                if momentum is not None:  # all steps weigh alike in what a pass adds
                    share = momentum / steps
                    self.momentum = share / (1.0 - (steps - place) * share)
                normalised.append(super().forward(step))
        finally:
            self.momentum = momentum
        return torch.stack(normalised)


class Convolution(nn.Module):
    """A convolution of every step, and batch normalisation.

    Parameters
    ----------
    shape : of the layer.
    kernel_size : odd.
    skeleton : says how batches are normalised.
    groups : of the convolution.
    """

    def __init__(
        self, shape: LayerShape, kernel_size: int, skeleton: SpikingSkeleton, groups: int = 1
    ) -> None:
        super().__init__()
        self.convolution = convolution(
            shape.in_channels, shape.out_channels, kernel_size, shape.stride, groups
        )
        self.norm = StepNorm(shape.out_channels, by_step=skeleton.normalised == "step")

    def forward(self, spikes: Tensor) -> Tensor:
        """What the neurons behind it are given."""
        maps: Tensor = self.norm(each_step(self.convolution, spikes))
        return maps


def neurons(skeleton: SpikingSkeleton) -> PLIF:
    """The neurons of a layer."""
    return PLIF(
        skeleton.threshold,
        skeleton.tau,
        surrogate=skeleton.surrogate,
        detach_reset=skeleton.detach_reset,
    )


def firing_convolution(
    shape: LayerShape, kernel_size: int, skeleton: SpikingSkeleton, groups: int = 1
) -> nn.Sequential:
    """A convolution with normalisation and neurons."""
    return nn.Sequential(Convolution(shape, kernel_size, skeleton, groups), neurons(skeleton))


class Residual(nn.Module):
    """A body whose output the input is added to before the neurons fire.

    Parameters
    ----------
    body : from spikes to what neurons are given.
    shortcut : of the input: the input itself, or a 1x1 convolution where shapes differ.
    skeleton : of the neurons.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module, skeleton: SpikingSkeleton) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.neurons = neurons(skeleton)

    def forward(self, spikes: Tensor) -> Tensor:
        """Spikes of the sum."""
        fired: Tensor = self.neurons(self.body(spikes) + self.shortcut(spikes))
        return fired


class StridedSkip(nn.Module):
    """A skip that halves the size: two strided 1x1 convolutions, one of them shifted by a pixel.

    Parameters
    ----------
    shape : of the layer.
    skeleton : of normalisation and neurons.
    """

    def __init__(self, shape: LayerShape, skeleton: SpikingSkeleton) -> None:
        super().__init__()
        half = shape.out_channels // 2
        self.left = convolution(shape.in_channels, half, 1, stride=2)
        self.right = convolution(shape.in_channels, shape.out_channels - half, 1, stride=2)
        self.norm = StepNorm(shape.out_channels, by_step=skeleton.normalised == "step")
        self.neurons = neurons(skeleton)

    def forward(self, spikes: Tensor) -> Tensor:
        """Spikes of half the size."""
        fired: Tensor = self.neurons(self.norm(each_step(self._halved, spikes)))
        return fired

    def _halved(self, maps: Tensor) -> Tensor:
        shifted = nn.functional.pad(maps, (0, 1, 0, 1))[:, :, 1:, 1:]
        return torch.cat([self.left(maps), self.right(shifted)], dim=1)


class MaxPooling(SpikingLayer):
    """The largest of 2x2 spikes, which is a spike."""

    def forward(self, spikes: Tensor) -> Tensor:
        """Spikes of half the size."""
        return self.count(each_step(partial(max_pool2d, kernel_size=2, ceil_mode=True), spikes))


class AveragePooling(nn.Module):
    """Neurons that are given the mean of 2x2 spikes, or of a whole map.

    Parameters
    ----------
    skeleton : of the neurons.
    whole : whether of a map.
    """

    def __init__(self, skeleton: SpikingSkeleton, *, whole: bool = False) -> None:
        super().__init__()
        self.whole = whole
        self.neurons = neurons(skeleton)

    def forward(self, spikes: Tensor) -> Tensor:
        """Spikes of half the size, or of one pixel."""
        fired: Tensor = self.neurons(each_step(self._mean, spikes))
        return fired

    def _mean(self, maps: Tensor) -> Tensor:
        if self.whole:
            return adaptive_avg_pool2d(maps, 1)
        return avg_pool2d(maps, 2, ceil_mode=True)


def make_block(name: str, shape: LayerShape, skeleton: SpikingSkeleton) -> nn.Module:
    """The module of one block of the space.

    Parameters
    ----------
    name : "skip", which passes on what it is given, or one of `BLOCKS`.
    shape : of the layer.
    skeleton : of normalisation and neurons.
    """
    if name == "skip":
        return _skip(shape, skeleton)
    kind, kernel_size, expansion = BLOCKS[name]
    if kind == "SIB":
        return _bottleneck(shape, kernel_size, expansion, skeleton)
    first = firing_convolution(shape, kernel_size, skeleton)
    if kind == "SCB":
        return nn.Sequential(first, firing_convolution(shape.repeat, kernel_size, skeleton))
    body = nn.Sequential(first, Convolution(shape.repeat, kernel_size, skeleton))
    return Residual(body, _shortcut(shape, skeleton), skeleton)


def _skip(shape: LayerShape, skeleton: SpikingSkeleton) -> nn.Module:
    if not shape.changes:
        return nn.Identity()
    if shape.stride > 1:
        return StridedSkip(shape, skeleton)
    return firing_convolution(shape, 1, skeleton)


def _shortcut(shape: LayerShape, skeleton: SpikingSkeleton) -> nn.Module:
    return Convolution(shape, 1, skeleton) if shape.changes else nn.Identity()


def _bottleneck(
    shape: LayerShape, kernel_size: int, expansion: int, skeleton: SpikingSkeleton
) -> nn.Module:
    """Expand (1x1), depthwise convolution, project (1x1), with a shortcut where it halves nothing.

    As in MobileNetV2, to which NA 1368 refers; the public code's convolution in the middle has no
    groups.
    """
    hidden = shape.in_channels * expansion
    wide = LayerShape(shape.in_channels, hidden, 1, shape.size)
    depthwise = LayerShape(hidden, hidden, shape.stride, shape.size)
    narrow = LayerShape(hidden, shape.out_channels, 1, shape.out_size)
    body = nn.Sequential(
        firing_convolution(wide, 1, skeleton),
        firing_convolution(depthwise, kernel_size, skeleton, groups=hidden),
        Convolution(narrow, 1, skeleton),
    )
    if shape.stride > 1:
        return nn.Sequential(body, neurons(skeleton))
    return Residual(body, _shortcut(shape, skeleton), skeleton)
