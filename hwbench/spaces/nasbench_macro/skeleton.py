"""The network around the layers of NAS-Bench-Macro."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwbench.spaces.base import Skeleton

if TYPE_CHECKING:
    pass


STAGES = (2, 3, 3)


BOTTLENECKS = {"ir_3x3_e3": (3, 3), "ir_5x5_e6": (5, 6)}  # kernel size, expansion


HEAD_CHANNELS = 1280


def layer_shapes(skeleton: Skeleton) -> list[tuple[int, int, int, int]]:
    """(in_channels, out_channels, stride, input_size) of the first layer of each of the 8 choices.

    With a depth above 1 each choice is repeated; the repeats keep channels and size.
    """
    shapes = []
    channels, size = skeleton.channels, skeleton.input_size
    for layers in STAGES:
        for layer in range(layers):
            stride = 2 if layer == 0 else 1
            shapes.append((channels, channels * stride, stride, size))
            channels, size = channels * stride, -(-size // stride)
    return shapes
