"""The real network of a pair of ExtCells: that of DARTS, with cells that may have anything."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hwbench.spaces.base import Skeleton
from hwbench.spaces.darts.network import make_operation
from hwbench.spaces.darts.skeleton import STEM_MULTIPLIER, CellShape, cell_shapes
from hwbench.spaces.layers import FactorizedReduction, relu_conv_bn

Item = tuple[str, int, int]
"""An operation, the number of what it is given, and of the node that it is added to."""


class ExtCellCell(nn.Module):
    """Two inputs, and the nodes that something is added to side by side.

    A cell without operations passes its last input on, or where it reduces, a half of its size.

    Parameters
    ----------
    items : its operations by node, each of which computes something.
    shape : the cell's place in the network.
    """

    def __init__(self, items: Sequence[Item], shape: CellShape) -> None:
        super().__init__()
        self.items = tuple(items)
        self.operations = nn.ModuleList()
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
        return torch.cat([states[node] for node in sorted(states)[2:]], dim=1)


class ExtCellNetwork(nn.Module):
    """Stem, normal cells with a reduction cell after the first and second third, classifier.

    Parameters
    ----------
    normal, reduction : operations of the cells by node, each of which computes something.
    skeleton : sizes of the network; `depth` is the number of normal cells in each third.
    """

    def __init__(
        self, normal: Sequence[Item], reduction: Sequence[Item], skeleton: Skeleton
    ) -> None:
        super().__init__()
        stem = STEM_MULTIPLIER * skeleton.channels
        self.stem = nn.Sequential(
            nn.Conv2d(skeleton.input_channels, stem, 3, padding=1, bias=False),
            nn.BatchNorm2d(stem),
        )
        normal_nodes, reduction_nodes = (
            len({node for *_, node in items}) for items in (normal, reduction)
        )
        shapes = cell_shapes(skeleton, (normal_nodes, reduction_nodes))
        self.cells = nn.ModuleList(
            ExtCellCell(reduction if shape.reduction else normal, shape) for shape in shapes
        )
        self.classifier = nn.Linear(shapes[-1].out_channels, skeleton.classes)
        self.auxiliary_channels = shapes[2 * skeleton.depth + 1].out_channels

    def forward(self, x: Tensor) -> Tensor:
        before_last = last = self.stem(x)
        for cell in self.cells:
            before_last, last = last, cell(before_last, last)
        return self.classifier(torch.mean(last, dim=(2, 3)))
