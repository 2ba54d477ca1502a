"""The real network of a NAS-Bench-201 cell, with the official skeleton at any size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hwbench.spaces.base import Skeleton
from hwbench.spaces.edge_cell import N_STAGES
from hwbench.spaces.layers import EdgeCell, relu_conv_bn


class Zero(nn.Module):
    """The operation `none`: zeros of the input's shape, computed as the official network does."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mul(0.0)


def make_operation(name: str, channels: int) -> nn.Module:
    """The module of one operation of the space, keeping channels and size."""
    if name == "none":
        return Zero()
    if name == "skip_connect":
        return nn.Identity()
    if name == "nor_conv_1x1":
        return relu_conv_bn(channels, channels, 1)
    if name == "nor_conv_3x3":
        return relu_conv_bn(channels, channels, 3)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    raise AssertionError(name)


class ReductionBlock(nn.Module):
    """The residual block between stages: halves the size and doubles the channels."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            relu_conv_bn(in_channels, out_channels, 3, stride=2),
            relu_conv_bn(out_channels, out_channels, 3),
        )
        self.downsample = nn.Sequential(
            nn.AvgPool2d(2, stride=2), nn.Conv2d(in_channels, out_channels, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.downsample(x) + self.body(x)


class NASBench201Network(nn.Module):
    """Stem, three stages of equal cells, classifier.

    Parameters
    ----------
    operations : the six operation names, in the order of `EDGES`.
    skeleton : sizes of the network; `depth` is the number of cells a stage.
    """

    def __init__(self, operations: Sequence[str], skeleton: Skeleton) -> None:
        super().__init__()
        channels = skeleton.channels
        self.stem = nn.Sequential(
            nn.Conv2d(skeleton.input_channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        blocks: list[nn.Module] = []
        for stage in range(N_STAGES):
            if stage > 0:
                blocks.append(ReductionBlock(channels, 2 * channels))
                channels *= 2
            blocks.extend(_cell(operations, channels) for _ in range(skeleton.depth))
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        self.classifier = nn.Linear(channels, skeleton.classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.last(self.blocks(self.stem(x)))
        return self.classifier(torch.mean(features, dim=(2, 3)))


def _cell(operations: Sequence[str], channels: int) -> EdgeCell:
    return EdgeCell(make_operation(name, channels) for name in operations)
