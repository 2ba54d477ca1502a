"""The network around the cells of ShuffleNASNet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field

from hwbench.errors import HwbenchError
from hwbench.spaces.base import Skeleton


@dataclass(frozen=True)
class ShuffleSkeleton(Skeleton):
    """A skeleton whose cells work on halves of the channels.

    Attributes
    ----------
    batch_normalisation : whether convolutions are normalised, as those of ShuffleNASNet-B are and
        those of A are not (LAUBE 522-526, 540).
    reductions : reduction cells, with `depth` normal cells before, between and behind them. One
        alone is for images of a few pixels.
    merge : how a cell joins its blocks that no later one is applied to: "sum"; or "concatenation",
        behind which a ReLU and a 1x1 convolution give it as many channels as it was given, one
        block alone too (LAUBE 3.4.5).
    bypass : what goes past a reduction cell: "factorized_reduction"; "separable_convolutions", two
        3x3 ones of which the first has stride 2, as in ShuffleNet V2; or "cell", the same cell with
        weights of its own (LAUBE 3.4.5).
    """

    batch_normalisation: bool = True
    reductions: Annotated[int, Field(ge=1, le=2, strict=True)] = 2
    merge: Literal["sum", "concatenation"] = "sum"
    bypass: Literal["factorized_reduction", "separable_convolutions", "cell"] = (
        "factorized_reduction"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels % 2:
            raise HwbenchError(
                f"skeleton: cells of ShuffleNASNet work on half of the channels, which must be "
                f"even, not {self.channels}"
            )

    @classmethod
    def of(cls, skeleton: Skeleton) -> Self:
        """A skeleton as one of these, with the defaults for what it does not say."""
        return skeleton if isinstance(skeleton, cls) else cls(**vars(skeleton))


class CellShape(NamedTuple):
    """A cell's place in the network.

    Attributes
    ----------
    reduction : whether it halves the size and doubles the channels.
    in_channels : of its input.
    size : height of its input.
    """

    reduction: bool
    in_channels: int
    size: int

    @property
    def channels(self) -> int:
        """Channels that the operations work on: half of the input, in a reduction cell all of it.

        As in ShuffleNet V2, where the channels are to double, they are not split: both paths, the
        cell's and the one that goes past it, are given all of them.
        """
        return self.in_channels if self.reduction else self.in_channels // 2

    @property
    def out_channels(self) -> int:
        """Channels of the output: those of both paths."""
        return 2 * self.channels

    @property
    def out_size(self) -> int:
        """Height of the output."""
        return -(-self.size // 2) if self.reduction else self.size


def cell_shapes(skeleton: ShuffleSkeleton) -> list[CellShape]:
    """The cells of a network: `depth` normal ones before, between and behind reduction cells."""
    shapes: list[CellShape] = []
    channels, size = skeleton.channels, skeleton.input_size
    for stage in range(skeleton.reductions + 1):
        kinds = [True] * (stage > 0) + [False] * skeleton.depth
        for reduction in kinds:
            shape = CellShape(reduction, channels, size)
            shapes.append(shape)
            channels, size = shape.out_channels, shape.out_size
    return shapes
