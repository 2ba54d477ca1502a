"""Layers that the networks of several spaces are made of."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from hwbench.spaces.edge_cell import EDGES

FEW_CHANNELS = 8
"""Below, torch's own gradient of a strided 1x1 convolution is not safe."""


class StridedPointwiseConv2d(nn.Conv2d):
    """A strided 1x1 convolution that first drops the pixels which it does not look at.

    The same function with the same weights. On a CPU the gradient of torch's own (2.13, oneDNN)
    writes past the end of its buffer where fewer than eight channels stand last in memory, and
    sooner or later that ends the process ("free(): invalid pointer").
    """

    def forward(self, x: Tensor) -> Tensor:
        vertical, horizontal = self.stride
        return nn.functional.conv2d(x[:, :, ::vertical, ::horizontal], self.weight, self.bias)


def convolution(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, groups: int = 1
) -> nn.Conv2d:
    """A convolution without bias that keeps the size at stride 1, for an odd kernel."""
    pointwise = kernel_size == 1 and stride > 1 and groups == 1
    kind = StridedPointwiseConv2d if pointwise and in_channels < FEW_CHANNELS else nn.Conv2d
    return kind(
        in_channels,
        out_channels,
        kernel_size,
        stride,
        padding=kernel_size // 2,
        groups=groups,
        bias=False,
    )


def relu_conv_bn(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
) -> nn.Module:
    """ReLU, convolution without bias, batch normalisation; the size is kept at stride 1."""
    return nn.Sequential(
        nn.ReLU(),
        convolution(in_channels, out_channels, kernel_size, stride),
        nn.BatchNorm2d(out_channels),
    )


def conv_bn(
    in_channels: int,
    out_channels: int,
    kernel_size: int = 1,
    *,
    stride: int = 1,
    groups: int = 1,
    relu: bool = False,
) -> list[nn.Module]:
    """Convolution without bias, batch normalisation and, if wanted, ReLU."""
    modules: list[nn.Module] = [
        convolution(in_channels, out_channels, kernel_size, stride, groups),
        nn.BatchNorm2d(out_channels),
    ]
    return [*modules, nn.ReLU(inplace=True)] if relu else modules


class FactorizedReduction(nn.Module):
    """ReLU, two strided 1x1 convolutions side by side, one of them shifted by a pixel, and BN.

    Parameters
    ----------
    in_channels, out_channels : of its input and its output.
    activated : whether there is the ReLU.
    normalised : whether there is the batch normalisation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        activated: bool = True,
        normalised: bool = True,
    ) -> None:
        super().__init__()
        self.activated = activated
        half = out_channels // 2
        self.left = convolution(in_channels, half, 1, stride=2)
        self.right = convolution(in_channels, out_channels - half, 1, stride=2)
        self.bn = nn.BatchNorm2d(out_channels) if normalised else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x) if self.activated else x
        shifted = nn.functional.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        joined: Tensor = self.bn(torch.cat([self.left(x), self.right(shifted)], dim=1))
        return joined


class CellOfOperations(nn.Module):
    """A cell whose operations may be left out for some images in training (drop path).

    Attributes
    ----------
    operations : of the cell, each from one tensor to one of its nodes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations = nn.ModuleList()


class EdgeCell(nn.Module):
    """Four nodes and six edges; a node is the sum of its edges' outputs, the last is the output.

    Parameters
    ----------
    edges : the modules of the six edges, in the order of `EDGES`.
    """

    def __init__(self, edges: Iterable[nn.Module]) -> None:
        super().__init__()
        self.edges = nn.ModuleList(edges)

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x]
        incoming: list[Tensor] = []
        for (source, target), edge in zip(EDGES, self.edges, strict=True):
            incoming.append(edge(nodes[source]))
            if source == target - 1:
                nodes.append(sum(incoming[1:], start=incoming[0]))
                incoming = []
        return nodes[-1]
