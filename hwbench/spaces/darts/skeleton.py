"""The network around the cells of DARTS."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hwbench.spaces.base import Skeleton

if TYPE_CHECKING:
    pass


N_NODES = 4


STEM_MULTIPLIER = 3


class CellShape(NamedTuple):
    """A cell's place in the network: channels of its two inputs and nodes, and its input's size."""

    reduction: bool
    after_reduction: bool
    channels_before_last: int
    channels_last: int
    channels: int
    size: int

    @property
    def out_size(self) -> int:
        """Height of the output."""
        return -(-self.size // 2) if self.reduction else self.size


def cell_shapes(skeleton: Skeleton) -> list[CellShape]:
    """The cells of a network: `depth` normal ones, a reduction, `depth`, a reduction, `depth`."""
    shapes: list[CellShape] = []
    channels, size = skeleton.channels, skeleton.input_size
    before_last = last = STEM_MULTIPLIER * skeleton.channels
    after_reduction = False
    for cell in range(3 * skeleton.depth + 2):
        reduction = cell in (skeleton.depth, 2 * skeleton.depth + 1)
        channels = 2 * channels if reduction else channels
        shapes.append(CellShape(reduction, after_reduction, before_last, last, channels, size))
        size, after_reduction = shapes[-1].out_size, reduction
        before_last, last = last, N_NODES * channels
    return shapes
