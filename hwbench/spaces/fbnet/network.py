"""The real network of an FBNet architecture, with the official skeletons at any size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hwbench.spaces.base import Skeleton
from hwbench.spaces.fbnet.skeleton import BLOCKS, LayerShape, network_shape
from hwbench.spaces.layers import conv_bn


class ChannelShuffle(nn.Module):
    """Deal the channels of each group out to all groups, so that groups see one another."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        grouped = x.reshape(batch, self.groups, channels // self.groups, height, width)
        return grouped.transpose(1, 2).reshape(batch, channels, height, width)


class InvertedResidual(nn.Module):
    """Expand (1x1), depthwise convolution, project (1x1), with a shortcut where shapes allow it.

    With groups the channels are shuffled behind the first convolution.
    """

    def __init__(self, shape: LayerShape, kernel_size: int, expansion: int, groups: int) -> None:
        super().__init__()
        hidden = shape.in_channels * expansion
        self.body = nn.Sequential(
            *conv_bn(shape.in_channels, hidden, groups=groups, relu=True),
            *([ChannelShuffle(groups)] if groups > 1 else []),
            *conv_bn(hidden, hidden, kernel_size, stride=shape.stride, groups=hidden, relu=True),
            *conv_bn(hidden, shape.out_channels, groups=groups),
        )
        self.shortcut = not shape.changes

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + x if self.shortcut else self.body(x)


def make_operation(name: str, shape: LayerShape) -> nn.Module:
    """The module of one operation of the space."""
    if name != "skip":
        return InvertedResidual(shape, *BLOCKS[name])
    if not shape.changes:
        return nn.Identity()
    return nn.Sequential(
        *conv_bn(shape.in_channels, shape.out_channels, stride=shape.stride, relu=True)
    )


class FBNetNetwork(nn.Module):
    """Stem, 22 chosen layers in seven stages, a wide 1x1 convolution, classifier.

    Parameters
    ----------
    operations : the 22 operation names.
    skeleton : sizes of the network, see `network_shape`; `depth` repeats every chosen layer.
    """

    def __init__(self, operations: Sequence[str], skeleton: Skeleton) -> None:
        super().__init__()
        shape = network_shape(skeleton)
        stem = shape.stem
        self.stem = nn.Sequential(
            *conv_bn(stem.in_channels, stem.out_channels, 3, stride=stem.stride, relu=True)
        )
        layers: list[nn.Module] = []
        for name, layer in zip(operations, shape.layers, strict=True):
            layers.append(make_operation(name, layer))
            layers.extend(make_operation(name, layer.repeat) for _ in range(skeleton.depth - 1))
        self.layers = nn.Sequential(*layers)
        last = shape.layers[-1].out_channels
        self.head = nn.Sequential(*conv_bn(last, shape.head_channels, relu=True))
        self.classifier = nn.Linear(shape.head_channels, skeleton.classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.head(self.layers(self.stem(x)))
        return self.classifier(torch.mean(features, dim=(2, 3)))
