"""Layers that the networks of several spaces are made of."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from hwbench.spaces.edge_cell import EDGES


def relu_conv_bn(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
) -> nn.Module:
    """ReLU, convolution without bias, batch normalisation; the size is kept at stride 1."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False
        ),
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
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        ),
        nn.BatchNorm2d(out_channels),
    ]
    return [*modules, nn.ReLU(inplace=True)] if relu else modules


class FactorizedReduction(nn.Module):
    """ReLU, two strided 1x1 convolutions side by side, one of them shifted by a pixel, and BN."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.left = nn.Conv2d(in_channels, half, 1, stride=2, bias=False)
        self.right = nn.Conv2d(in_channels, out_channels - half, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x)
        shifted = nn.functional.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:]
        return self.bn(torch.cat([self.left(x), self.right(shifted)], dim=1))


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
