"""The real networks of the literature, at any size."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hwbench.spaces.base import Skeleton
from hwbench.spaces.darts.network import CellNetwork, FreeCell
from hwbench.spaces.darts.skeleton import CellShape
from hwbench.spaces.layers import conv_bn, relu_conv_bn
from hwbench.spaces.published.networks import CellPair, MobileChain
from hwbench.spaces.published.shapes import BottleneckShape, chain_shape, pair_shapes, shallower


class PairNetwork(CellNetwork):
    """The network of a pair of cells, which may join some of their nodes only."""

    def __init__(self, pair: CellPair, skeleton: Skeleton) -> None:
        def make_cell(shape: CellShape) -> nn.Module:
            cell = pair.reduction if shape.reduction else pair.normal
            made = FreeCell(cell.items, shape, cell.joined)
            if pair.projects_twice:
                again = relu_conv_bn(shape.channels, shape.channels, 1)
                made.last = nn.Sequential(made.last, again)
            return made

        super().__init__(pair_shapes(pair, skeleton), make_cell, shallower(pair, skeleton))


class InvertedBottleneck(nn.Module):
    """Expand (1x1) where channels become more, depthwise convolution, project (1x1), shortcut.

    With ReLU6 behind the first two, as in MobileNet V2 (LAUBE Fig. 7.7).
    """

    def __init__(self, shape: BottleneckShape) -> None:
        super().__init__()
        hidden = shape.hidden_channels
        self.body = nn.Sequential(
            *(_convolution(shape.in_channels, hidden) if shape.expands else []),
            *_convolution(hidden, hidden, shape.kernel_size, shape.stride, groups=hidden),
            *_convolution(hidden, shape.out_channels, activated=False),
        )
        self.shortcut = shape.keeps_shape

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.body(x)
        return output + x if self.shortcut else output


def _convolution(
    in_channels: int,
    out_channels: int,
    kernel_size: int = 1,
    stride: int = 1,
    *,
    groups: int = 1,
    activated: bool = True,
) -> list[nn.Module]:
    """Convolution, batch normalisation and ReLU6."""
    modules = conv_bn(in_channels, out_channels, kernel_size, stride=stride, groups=groups)
    return [*modules, nn.ReLU6(inplace=True)] if activated else modules


class ChainNetwork(nn.Module):
    """Stem, inverted bottlenecks, a wide 1x1 convolution, classifier."""

    def __init__(self, chain: MobileChain, skeleton: Skeleton) -> None:
        super().__init__()
        shape = chain_shape(chain, skeleton)
        self.stem = nn.Sequential(
            *_convolution(skeleton.input_channels, shape.stem_channels, 3, shape.stem_stride)
        )
        self.layers = nn.Sequential(*map(InvertedBottleneck, shape.layers))
        last = shape.layers[-1].out_channels
        self.head = nn.Sequential(*_convolution(last, shape.head_channels))
        self.classifier = nn.Linear(shape.head_channels, skeleton.classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.head(self.layers(self.stem(x)))
        return self.classifier(torch.mean(features, dim=(2, 3)))


def published_network(network: CellPair | MobileChain, skeleton: Skeleton) -> nn.Module:
    """The network of a description."""
    if isinstance(network, CellPair):
        return PairNetwork(network, skeleton)
    return ChainNetwork(network, skeleton)
