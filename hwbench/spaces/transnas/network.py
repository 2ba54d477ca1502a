"""The real networks of both spaces of TransNAS-Bench-101, with a classifier at the end."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hwbench.spaces.base import Skeleton
from hwbench.spaces.edge_cell import EDGES
from hwbench.spaces.layers import EdgeCell, FactorizedReduction, convolution, relu_conv_bn


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: a 1x1 convolution where the shape changes."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            relu_conv_bn(in_channels, out_channels, 3, stride),
            relu_conv_bn(out_channels, out_channels, 3),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                convolution(in_channels, out_channels, 1, stride),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.body(x)


class Zero(nn.Module):
    """Zeros of the output's shape."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.repeats = out_channels // in_channels
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        zeros = x[:, :, :: self.stride, :: self.stride].mul(0.0)
        return zeros.repeat(1, self.repeats, 1, 1) if self.repeats > 1 else zeros


def make_operation(name: str, in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """The module of one operation of the micro space."""
    if name == "none":
        return Zero(in_channels, out_channels, stride)
    if name == "skip_connect":
        if stride == 1:
            return nn.Identity()
        return FactorizedReduction(in_channels, out_channels)
    if name == "nor_conv_1x1":
        return relu_conv_bn(in_channels, out_channels, 1, stride)
    if name == "nor_conv_3x3":
        return relu_conv_bn(in_channels, out_channels, 3, stride)
    raise AssertionError(name)


def make_cell(
    operations: Sequence[str], in_channels: int, out_channels: int, stride: int
) -> EdgeCell:
    """A cell of the micro space; the edges from node 0 change channels and size."""
    return EdgeCell(
        make_operation(name, in_channels, out_channels, stride)
        if source == 0
        else make_operation(name, out_channels, out_channels, 1)
        for name, (source, _) in zip(operations, EDGES, strict=True)
    )


class TransNASNetwork(nn.Module):
    """Stem, modules, classifier.

    Parameters
    ----------
    modules : for each module 1 (keep), 2 (double the channels), 3 (halve the size) or 4 (both).
    operations : the six operation names of the cells in the modules; None for residual blocks.
    skeleton : sizes of the network; `depth` is the number of blocks or cells a module.
    """

    def __init__(
        self, modules: Sequence[int], operations: Sequence[str] | None, skeleton: Skeleton
    ) -> None:
        super().__init__()
        channels = skeleton.channels
        self.stem = nn.Sequential(
            nn.Conv2d(skeleton.input_channels, channels // 2, 3, 2, padding=1, bias=False),
            nn.BatchNorm2d(channels // 2),
            relu_conv_bn(channels // 2, channels, 3, stride=2),
        )
        blocks: list[nn.Module] = []
        for module in modules:
            for repeat in range(skeleton.depth):
                first = repeat == 0
                out_channels = channels * 2 if first and module in (2, 4) else channels
                stride = 2 if first and module in (3, 4) else 1
                if operations is None:
                    blocks.append(ResidualBlock(channels, out_channels, stride))
                else:
                    blocks.append(make_cell(operations, channels, out_channels, stride))
                channels = out_channels
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(channels, skeleton.classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.mean(self.blocks(self.stem(x)), dim=(2, 3)))
