"""The real network of a NAS-Bench-101 cell, with the official skeleton at any size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hwbench.spaces.base import Skeleton
from hwbench.spaces.nasbench101.cost import N_STACKS, vertex_channels

BATCH_NORM_EPSILON = 1e-5
BATCH_NORM_MOMENTUM = 0.003  # of the newest batch; TensorFlow's 0.997 is that of the past


def conv_bn_relu(in_channels: int, out_channels: int, kernel_size: int) -> nn.Module:
    """Convolution without bias, batch normalisation, ReLU; the size is kept."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM),
        nn.ReLU(),
    )


def make_operation(name: str, channels: int) -> nn.Module:
    """The module of one operation of the space, keeping channels and size."""
    if name == "conv3x3-bn-relu":
        return conv_bn_relu(channels, channels, 3)
    if name == "conv1x1-bn-relu":
        return conv_bn_relu(channels, channels, 1)
    if name == "maxpool3x3":
        return nn.MaxPool2d(3, stride=1, padding=1)
    raise AssertionError(name)


class Cell(nn.Module):
    """A vertex adds what reaches it; the output joins its vertices and adds the projected input.

    The cell's input reaches a vertex through a 1x1 convolution of its own. Where a vertex is wider
    than one it leads to, its last channels are left out.

    Parameters
    ----------
    adjacency : uint8 of shape (V, V), the output at vertex V - 1.
    operations : names of the V - 2 operations.
    in_channels : of the cell's input.
    out_channels : of its output.
    """

    def __init__(
        self,
        adjacency: NDArray[np.uint8],
        operations: Sequence[str],
        in_channels: int,
        out_channels: int,
    ) -> None:
        super().__init__()
        self.widths = vertex_channels(adjacency[None], out_channels)[0].tolist()
        self.sources = [np.flatnonzero(column).tolist() for column in adjacency.T]
        self.projections = nn.ModuleDict(
            {
                str(vertex): conv_bn_relu(in_channels, self.widths[vertex], 1)
                for vertex, sources in enumerate(self.sources)
                if 0 in sources
            }
        )
        self.operations = nn.ModuleList(
            make_operation(name, width)
            for name, width in zip(operations, self.widths[1:-1], strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        vertices = [x]
        for vertex, operation in enumerate(self.operations, start=1):
            width = self.widths[vertex]
            summands = [vertices[source][:, :width] for source in self.sources[vertex] if source]
            if 0 in self.sources[vertex]:
                summands.append(self.projections[str(vertex)](x))
            vertices.append(operation(sum(summands[1:], start=summands[0])))
        output = len(vertices)
        joined = [vertices[source] for source in self.sources[output] if source]
        if 0 not in self.sources[output]:
            return torch.cat(joined, dim=1)
        projected: Tensor = self.projections[str(output)](x)
        return torch.cat(joined, dim=1) + projected if joined else projected


class NASBench101Network(nn.Module):
    """Stem, three stacks of equal cells with max pooling between them, classifier.

    Weights start as the benchmark's do: convolutions truncated normal with variance 1 / fan-in, the
    classifier uniform after Glorot with a bias of zero.

    Parameters
    ----------
    adjacency : uint8 of shape (V, V) of the cell, the output at vertex V - 1.
    operations : names of the V - 2 operations.
    skeleton : sizes of the network; `depth` is the number of cells a stack.
    """

    def __init__(
        self, adjacency: NDArray[np.uint8], operations: Sequence[str], skeleton: Skeleton
    ) -> None:
        super().__init__()
        channels = in_channels = skeleton.channels
        self.stem = conv_bn_relu(skeleton.input_channels, channels, 3)
        blocks: list[nn.Module] = []
        for stack in range(N_STACKS):
            if stack > 0:
                blocks.append(nn.MaxPool2d(2, stride=2, ceil_mode=True))
                channels *= 2
            for _ in range(skeleton.depth):
                blocks.append(Cell(adjacency, operations, in_channels, channels))
                in_channels = channels
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(channels, skeleton.classes)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.mean(self.blocks(self.stem(x)), dim=(2, 3)))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        fan_in = module.weight[0].numel()
        # A normal cut off at two deviations keeps 0.8796 of its deviation.
        deviation = fan_in**-0.5 / 0.87962566103423978
        nn.init.trunc_normal_(module.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
