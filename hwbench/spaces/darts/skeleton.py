"""The network around the cells of DARTS."""

from __future__ import annotations

from typing import NamedTuple

from hwbench.spaces.base import Skeleton

N_NODES = 4
STEM_MULTIPLIER = 3

EDGES = tuple((source, node) for node in range(2, 2 + N_NODES) for source in range(node))
"""The 14 edges that a cell may have, by the node they lead to; 0 and 1 are the cells before."""


class CellShape(NamedTuple):
    """A cell's place in the network.

    Attributes
    ----------
    reduction : whether it halves the size.
    after_reduction : whether the cell before it does.
    channels_before_last, channels_last : of its two inputs.
    channels : of its nodes.
    size : height of its inputs, of the last one where they differ.
    joined : nodes that its output joins; none in a cell that has no operations.
    """

    reduction: bool
    after_reduction: bool
    channels_before_last: int
    channels_last: int
    channels: int
    size: int
    joined: int = N_NODES

    @property
    def out_size(self) -> int:
        """Height of the output."""
        return -(-self.size // 2) if self.reduction else self.size

    @property
    def out_channels(self) -> int:
        """Channels of the output; a cell without operations passes its input on, or doubles it."""
        if self.joined:
            return self.joined * self.channels
        return self.channels_last * (2 if self.reduction else 1)


def cell_shapes(
    skeleton: Skeleton, joined: tuple[int, int] = (N_NODES, N_NODES)
) -> list[CellShape]:
    """The cells of a network: `depth` normal ones, a reduction, `depth`, a reduction, `depth`.

    Parameters
    ----------
    skeleton : sizes of the network.
    joined : nodes that the outputs of normal and of reduction cells join; all in DARTS cells.
    """
    shapes: list[CellShape] = []
    channels, size = skeleton.channels, skeleton.input_size
    before_last = last = STEM_MULTIPLIER * skeleton.channels
    after_reduction = False
    for cell in range(3 * skeleton.depth + 2):
        reduction = cell in (skeleton.depth, 2 * skeleton.depth + 1)
        channels = 2 * channels if reduction else channels
        shape = CellShape(
            reduction, after_reduction, before_last, last, channels, size, joined[int(reduction)]
        )
        shapes.append(shape)
        size, after_reduction = shape.out_size, reduction
        before_last, last = last, shape.out_channels
    return shapes
