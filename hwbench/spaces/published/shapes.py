"""The shapes of published networks, at the size of a skeleton."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from hwbench.spaces.base import Skeleton
from hwbench.spaces.darts.skeleton import CellShape, cell_shapes
from hwbench.spaces.published.networks import CellPair, MobileChain

OFFICIAL = Skeleton(channels=36, depth=6)
"""At which every network has the size of its publication, if the images have it too."""

LARGEST_SMALL_IMAGE = 64  # pixels; smaller ones are not halved in stem and first halving stage


class BottleneckShape(NamedTuple):
    """An inverted bottleneck's place in a network; `size` is the input's height."""

    in_channels: int
    hidden_channels: int
    out_channels: int
    kernel_size: int
    stride: int
    size: int

    @property
    def expands(self) -> bool:
        """Whether there is a convolution that makes more channels of the input."""
        return self.hidden_channels != self.in_channels

    @property
    def keeps_shape(self) -> bool:
        """Whether the output has the input's shape, and is added to it."""
        return self.stride == 1 and self.in_channels == self.out_channels

    @property
    def out_size(self) -> int:
        """Height of the output."""
        return -(-self.size // self.stride)


class ChainShape(NamedTuple):
    """The layers of a mobile network.

    Attributes
    ----------
    stem_channels, stem_stride : of the first convolution.
    layers : behind it.
    head_channels : of the last convolution.
    """

    stem_channels: int
    stem_stride: int
    layers: list[BottleneckShape]
    head_channels: int


def shallower(pair: CellPair, skeleton: Skeleton) -> Skeleton:
    """A skeleton with no more cells a stage than the network has."""
    return replace(skeleton, depth=min(skeleton.depth, pair.depth))


def pair_shapes(pair: CellPair, skeleton: Skeleton) -> list[CellShape]:
    """The cells of a network of cells."""
    joined = (len(pair.normal.joined), len(pair.reduction.joined))
    return cell_shapes(shallower(pair, skeleton), joined)


def chain_shape(chain: MobileChain, skeleton: Skeleton) -> ChainShape:
    """The layers of a mobile network.

    All channels are multiplied by `skeleton.channels` / 36 and rounded to even numbers, and a stage
    has at most `skeleton.depth` layers. Images of up to 64 pixels are halved neither by the stem
    nor by the first stage that halves larger ones.
    """

    def width(channels: int) -> int:
        return 2 * max(1, round(channels * skeleton.channels / OFFICIAL.channels / 2))

    small = skeleton.input_size <= LARGEST_SMALL_IMAGE
    stem_stride = 1 if small else 2
    channels, size = width(chain.stem_channels), -(-skeleton.input_size // stem_stride)
    halving = next(place for place, stage in enumerate(chain.stages) if stage.stride > 1)
    layers = []
    for place, stage in enumerate(chain.stages):
        for number, layer in enumerate(stage.layers[: skeleton.depth]):
            halves = number == 0 and not (small and place == halving)
            shape = BottleneckShape(
                channels,
                channels * layer.expansion,
                width(stage.out_channels),
                layer.kernel_size,
                stage.stride if halves else 1,
                size,
            )
            layers.append(shape)
            channels, size = shape.out_channels, shape.out_size
    return ChainShape(width(chain.stem_channels), stem_stride, layers, width(chain.head_channels))
