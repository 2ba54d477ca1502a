"""The PyramidNet around the cells (Han et al. 2017), as Path-Level EAS and YANG 656 have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

from hwbench.errors import HwbenchError
from hwbench.spaces.base import Size, Skeleton

N_STAGES = 3
BOTTLENECK = 4
"""Channels of a block's output for each of its cell's."""

GROUPS = 2
"""Of the cell's first convolutions (YANG 656)."""


@dataclass(frozen=True)
class PyramidSkeleton(Skeleton):
    """A skeleton whose blocks grow wider one by one.

    Attributes
    ----------
    channels : of the stem.
    alpha : channels of a cell that are added from the first block to the last.
    """

    alpha: Size = 84

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels < GROUPS:
            raise HwbenchError(
                f"skeleton: cells begin with convolutions of {GROUPS} groups; channels must be "
                f"{GROUPS} or more, not {self.channels}"
            )

    @classmethod
    def of(cls, skeleton: Skeleton) -> Self:
        """A skeleton as one of these, with the defaults for what it does not say."""
        return skeleton if isinstance(skeleton, cls) else cls(**vars(skeleton))


class BlockShape(NamedTuple):
    """A block's place in the network.

    Attributes
    ----------
    choice : number of the block of the space that it is; `depth` blocks share one.
    in_channels : of its input.
    channels : of its cell.
    stride : of its cell.
    size : height of its input.
    """

    choice: int
    in_channels: int
    channels: int
    stride: int
    size: int

    @property
    def out_channels(self) -> int:
        """Channels of its output."""
        return BOTTLENECK * self.channels

    @property
    def out_size(self) -> int:
        """Height of its output."""
        return -(-self.size // self.stride)


def block_shapes(n_blocks: int, skeleton: PyramidSkeleton) -> list[BlockShape]:
    """The blocks of a network: those of the space, each `depth` times, in three stages.

    Parameters
    ----------
    n_blocks : of the space.
    skeleton : sizes of the network.
    """
    each_stage = n_blocks // N_STAGES * skeleton.depth
    added = skeleton.alpha / (each_stage * N_STAGES)
    shapes: list[BlockShape] = []
    in_channels, size = skeleton.channels, skeleton.input_size
    for number in range(each_stage * N_STAGES):
        width = round(skeleton.channels + (number + 1) * added)
        stride = 2 if number and number % each_stage == 0 else 1
        shape = BlockShape(
            number // skeleton.depth, in_channels, width - width % GROUPS, stride, size
        )
        shapes.append(shape)
        in_channels, size = shape.out_channels, shape.out_size
    return shapes
