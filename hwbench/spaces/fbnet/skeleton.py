"""The network around the blocks of FBNet."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hwbench.spaces.base import Skeleton

if TYPE_CHECKING:
    pass


BLOCKS = {  # kernel size, expansion, groups of the 1x1 convolutions
    "k3_e1": (3, 1, 1),
    "k3_e1_g2": (3, 1, 2),
    "k3_e3": (3, 3, 1),
    "k3_e6": (3, 6, 1),
    "k5_e1": (5, 1, 1),
    "k5_e1_g2": (5, 1, 2),
    "k5_e3": (5, 3, 1),
    "k5_e6": (5, 6, 1),
}


STAGE_LAYERS = (1, 4, 4, 4, 4, 4, 1)


STEM_CHANNELS = 16


STAGE_CHANNELS = (16, 24, 32, 64, 112, 184, 352)


LARGEST_SMALL_IMAGE = 64  # pixels; larger images are given the network for ImageNet


class LayerShape(NamedTuple):
    """What a layer is given and what it makes of it; `size` is the input's height."""

    in_channels: int
    out_channels: int
    stride: int
    size: int

    @property
    def changes(self) -> bool:
        """Whether the output has another shape than the input."""
        return self.stride > 1 or self.in_channels != self.out_channels

    @property
    def out_size(self) -> int:
        """Height of the output."""
        return -(-self.size // self.stride)

    @property
    def repeat(self) -> LayerShape:
        """The shape of another layer behind this one that changes nothing."""
        return LayerShape(self.out_channels, self.out_channels, 1, self.out_size)


class NetworkShape(NamedTuple):
    """The official network around the choices, at the size of a skeleton."""

    stem: LayerShape
    layers: list[LayerShape]
    head_channels: int


def network_shape(skeleton: Skeleton) -> NetworkShape:
    """The shapes of a network's layers.

    All official numbers of channels are multiplied by `skeleton.channels` / 16 and rounded to even
    ones, so that two groups can share them. Images of up to 64 pixels are given the network for
    CIFAR-100, larger ones that for ImageNet, which halves the size in the stem and in the second
    stage as well and has a wider head.
    """

    def width(channels: int) -> int:
        return 2 * max(1, (channels * skeleton.channels + STEM_CHANNELS) // (2 * STEM_CHANNELS))

    large = skeleton.input_size > LARGEST_SMALL_IMAGE
    strides = (1, 2 if large else 1, 2, 2, 1, 2, 1)
    stem = LayerShape(
        skeleton.input_channels, width(STEM_CHANNELS), 2 if large else 1, skeleton.input_size
    )
    layers: list[LayerShape] = []
    last = stem
    for n_layers, channels, stride in zip(STAGE_LAYERS, STAGE_CHANNELS, strides, strict=True):
        first = LayerShape(last.out_channels, width(channels), stride, last.out_size)
        layers += [first] + [first.repeat] * (n_layers - 1)
        last = layers[-1]
    return NetworkShape(stem, layers, width(1984 if large else 1504))
