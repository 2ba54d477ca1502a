"""The real network of a DARTS architecture: the one evaluated on CIFAR-10, at any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from hwbench.spaces.base import Skeleton
from hwbench.spaces.darts.separable import SeparableConvolutions
from hwbench.spaces.darts.skeleton import STEM_MULTIPLIER, CellShape, cell_shapes
from hwbench.spaces.layers import CellOfOperations, FactorizedReduction, relu_conv_bn


def depthwise_conv(
    channels: int,
    kernel_size: int,
    stride: int = 1,
    dilation: int = 1,
    out_channels: int | None = None,
) -> list[nn.Module]:
    """ReLU, depthwise convolution, 1x1 convolution, batch normalisation."""
    out_channels = channels if out_channels is None else out_channels
    padding = dilation * (kernel_size // 2)
    return [
        nn.ReLU(),
        nn.Conv2d(
            channels,
            channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups=channels,
            bias=False,
        ),
        nn.Conv2d(channels, out_channels, 1, bias=False),
        nn.BatchNorm2d(out_channels),
    ]


def separable_convolutions(
    convolutions: SeparableConvolutions, channels: int, stride: int
) -> nn.Sequential:
    """The stages one after the other; the first has the stride."""
    stages: list[nn.Module] = []
    given = channels
    for stage, width in enumerate(convolutions.widths):
        stages += depthwise_conv(
            given,
            convolutions.kernel_size,
            stride if stage == 0 else 1,
            convolutions.dilation,
            width * channels,
        )
        given = width * channels
    return nn.Sequential(*stages)


def make_operation(name: str, channels: int, stride: int) -> nn.Module:
    """The module of one operation of DARTS, or of what PR-DARTS makes of them."""
    convolutions = SeparableConvolutions.read(name)
    if convolutions is not None:
        return separable_convolutions(convolutions, channels, stride)
    kernel_size = 5 if name.endswith("5x5") else 3
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, padding=1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduction(channels, channels)
    if name.startswith("sep_conv"):
        return nn.Sequential(
            *depthwise_conv(channels, kernel_size, stride), *depthwise_conv(channels, kernel_size)
        )
    if name.startswith("dil_conv"):
        return nn.Sequential(*depthwise_conv(channels, kernel_size, stride, dilation=2))
    raise AssertionError(name)


Item = tuple[str, int, int]
"""An operation, the number of what it is given, and of the node that it is added to."""


class FreeCell(CellOfOperations):
    """Two inputs, and the nodes that something is added to side by side.

    A cell without operations passes its last input on, or where it reduces, a half of its size.

    Parameters
    ----------
    items : its operations by node, each of which computes something.
    shape : the cell's place in the network.
    joined : nodes that its output joins; by default all that something is added to.
    """

    def __init__(
        self, items: Sequence[Item], shape: CellShape, joined: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        self.items = tuple(items)
        self.joined = tuple(sorted({node for *_, node in items}) if joined is None else joined)
        if not items:
            self.last: nn.Module = nn.Identity()
            if shape.reduction:
                self.last = FactorizedReduction(shape.channels_last, shape.out_channels)
            return
        channels = shape.channels
        self.before_last: nn.Module = (
            FactorizedReduction(shape.channels_before_last, channels)
            if shape.after_reduction
            else relu_conv_bn(shape.channels_before_last, channels, 1)
        )
        self.last = relu_conv_bn(shape.channels_last, channels, 1)
        self.operations.extend(
            make_operation(name, channels, 2 if shape.reduction and source < 2 else 1)
            for name, source, _ in items
        )

    def forward(self, before_last: Tensor, last: Tensor) -> Tensor:
        if not self.items:
            output: Tensor = self.last(last)
            return output
        states = {0: self.before_last(before_last), 1: self.last(last)}
        for (_, source, node), operation in zip(self.items, self.operations, strict=True):
            added = operation(states[source])
            states[node] = states[node] + added if node in states else added
        return torch.cat([states[node] for node in self.joined], dim=1)


class Cell(FreeCell):
    """Two inputs, four nodes of two operations each, their outputs side by side.

    Parameters
    ----------
    edges : for each node two operations with the numbers of their inputs.
    shape : the cell's place in the network.
    """

    def __init__(self, edges: Sequence[tuple[str, int]], shape: CellShape) -> None:
        super().__init__(
            [(name, source, 2 + place // 2) for place, (name, source) in enumerate(edges)], shape
        )


class CellNetwork(nn.Module):
    """Stem, normal cells with a reduction cell after the first and second third, classifier.

    Parameters
    ----------
    shapes : of the cells, see `cell_shapes`.
    make_cell : makes the cell of a shape, from the outputs of the two before it to its own.
    skeleton : sizes of the network; `depth` is the number of normal cells in each third.

    Attributes
    ----------
    auxiliary_channels : of the second reduction cell, on which training puts another classifier.
    """

    def __init__(
        self,
        shapes: Sequence[CellShape],
        make_cell: Callable[[CellShape], nn.Module],
        skeleton: Skeleton,
    ) -> None:
        super().__init__()
        stem = STEM_MULTIPLIER * skeleton.channels
        self.stem = nn.Sequential(
            nn.Conv2d(skeleton.input_channels, stem, 3, padding=1, bias=False),
            nn.BatchNorm2d(stem),
        )
        self.cells = nn.ModuleList(map(make_cell, shapes))
        self.classifier = nn.Linear(shapes[-1].out_channels, skeleton.classes)
        self.auxiliary_channels = shapes[2 * skeleton.depth + 1].out_channels

    def forward(self, x: Tensor) -> Tensor:
        before_last = last = self.stem(x)
        for cell in self.cells:
            before_last, last = last, cell(before_last, last)
        return self.classifier(torch.mean(last, dim=(2, 3)))


class DARTSNetwork(CellNetwork):
    """The network of two DARTS cells.

    Parameters
    ----------
    normal, reduction : for each node of the cell two operations with the numbers of their inputs.
    skeleton : sizes of the network; `depth` is the number of normal cells in each third.
    """

    def __init__(
        self,
        normal: Sequence[tuple[str, int]],
        reduction: Sequence[tuple[str, int]],
        skeleton: Skeleton,
    ) -> None:
        super().__init__(
            cell_shapes(skeleton),
            lambda shape: Cell(reduction if shape.reduction else normal, shape),
            skeleton,
        )
