"""The real network of a NAS-Bench-Macro architecture, with the official skeleton at any size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hwbench.spaces.base import Skeleton
from hwbench.spaces.layers import conv_bn
from hwbench.spaces.nasbench_macro.skeleton import BOTTLENECKS, HEAD_CHANNELS, layer_shapes


class InvertedBottleneck(nn.Module):
    """Expand (1x1), depthwise convolution, project (1x1), with a shortcut where shapes allow it."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, kernel_size: int, expansion: int
    ) -> None:
        super().__init__()
        hidden = in_channels * expansion
        self.body = nn.Sequential(
            *conv_bn(in_channels, hidden, relu=True),
            *conv_bn(hidden, hidden, kernel_size, stride=stride, groups=hidden, relu=True),
            *conv_bn(hidden, out_channels),
        )
        self.shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + x if self.shortcut else self.body(x)


def make_operation(name: str, in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The module of one operation of the space."""
    if name == "identity":
        if stride == 1:
            return nn.Identity()
        return nn.Sequential(*conv_bn(in_channels, out_channels, stride=stride))
    kernel_size, expansion = BOTTLENECKS[name]
    return InvertedBottleneck(in_channels, out_channels, stride, kernel_size, expansion)


class NASBenchMacroNetwork(nn.Module):
    """Stem, eight chosen layers in three stages, a wide 1x1 convolution, classifier.

    Parameters
    ----------
    operations : the eight operation names.
    skeleton : sizes of the network; `depth` repeats every chosen layer.
    """

    def __init__(self, operations: Sequence[str], skeleton: Skeleton) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *conv_bn(skeleton.input_channels, skeleton.channels, 3, relu=True)
        )
        layers: list[nn.Module] = []
        for name, shape in zip(operations, layer_shapes(skeleton), strict=True):
            in_channels, out_channels, stride, _ = shape
            layers.append(make_operation(name, in_channels, out_channels, stride))
            layers.extend(
                make_operation(name, out_channels, out_channels, 1)
                for _ in range(skeleton.depth - 1)
            )
        self.layers = nn.Sequential(*layers)
        self.head = nn.Sequential(*conv_bn(out_channels, HEAD_CHANNELS, relu=True))
        self.classifier = nn.Linear(HEAD_CHANNELS, skeleton.classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.head(self.layers(self.stem(x)))
        return self.classifier(torch.mean(features, dim=(2, 3)))
