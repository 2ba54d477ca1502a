"""The macro space of FBNet, as HW-NAS-Bench measured it: 22 layers, nine operations each.

The layers stand in seven stages; the first of each stage changes channels and size. Eight of the
operations are inverted residual blocks (kernel size, expansion, groups), the ninth skips the layer.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces.base import Skeleton
from hwbench.spaces.fbnet.skeleton import (
    BLOCKS,
    STAGE_LAYERS,
    STEM_CHANNELS,
    LayerShape,
    network_shape,
)
from hwbench.spaces.strings import PieceStrings

if TYPE_CHECKING:
    import torch

OPERATIONS = (*BLOCKS, "skip")

N_LAYERS = sum(STAGE_LAYERS)

_STRING = re.compile(rf"[0-{len(OPERATIONS) - 1}]{{{N_LAYERS}}}")


class FBNet(PieceStrings):
    """9^22 sequential networks; a string is the 22 operation indices, such as "0123456780...".

    The indices are those of HW-NAS-Bench's lists. There are more networks than places that fit 64
    bits: they have strings, and no indices. A skip keeps what it is given; where the shape changes
    it is a 1x1 convolution with batch normalisation and ReLU. FLOPs count the multiply-adds of
    convolutions and of the classifier without its bias.
    """

    name = "fbnet"
    title = "FBNet (HW-NAS-Bench)"
    choices = (OPERATIONS,) * N_LAYERS
    positions = tuple(f"layer{layer}" for layer in range(1, N_LAYERS + 1))
    default_skeleton = Skeleton(channels=STEM_CHANNELS, depth=1, classes=100)
    named_by_position: ClassVar[bool] = True

    @cached_property
    def _pieces(self) -> list[list[str]]:
        return [[str(operation) for operation in range(len(OPERATIONS))]] * N_LAYERS

    def from_string(self, text: str) -> IntArray:
        stripped = text.strip() if isinstance(text, str) else ""
        if not _STRING.fullmatch(stripped):
            example = "".join(str(layer % len(OPERATIONS)) for layer in range(N_LAYERS))
            raise HwbenchError(
                f"architecture {text!r} is no {self.title} string; expected {N_LAYERS} digits "
                f"0 .. {len(OPERATIONS) - 1}, such as {example}"
            )
        return np.array([int(digit) for digit in stripped], dtype=np.int64)

    # ------------------------------------------------------------------ cost and network

    def _parameter_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        return _network_cost(skeleton, kind=0)

    def _flop_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        return _network_cost(skeleton, kind=1)

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.fbnet.network import FBNetNetwork

        return FBNetNetwork([OPERATIONS[op] for op in arch], skeleton)


def _network_cost(skeleton: Skeleton, kind: int) -> tuple[int, list[list[int]]]:
    """Parameters (kind 0) or multiply-adds (kind 1): outside the choices, and of each choice."""
    shape = network_shape(skeleton)
    last = shape.layers[-1]
    head = LayerShape(last.out_channels, shape.head_channels, 1, last.out_size)
    base = _conv_cost(shape.stem, 3)[kind] + _conv_cost(head, 1)[kind]
    base += shape.head_channels * skeleton.classes + (skeleton.classes if kind == 0 else 0)
    by_position = [
        [
            _operation_cost(operation, layer)[kind]
            + (skeleton.depth - 1) * _operation_cost(operation, layer.repeat)[kind]
            for operation in OPERATIONS
        ]
        for layer in shape.layers
    ]
    return base, by_position


def _conv_cost(shape: LayerShape, kernel_size: int, groups: int = 1) -> tuple[int, int]:
    """Parameters (batch normalisation included) and multiply-adds of a convolution."""
    weights = kernel_size**2 * shape.in_channels * shape.out_channels // groups
    return weights + 2 * shape.out_channels, weights * shape.out_size**2


def _operation_cost(operation: str, shape: LayerShape) -> tuple[int, int]:
    """Parameters and multiply-adds of an operation."""
    if operation == "skip":
        return _conv_cost(shape, 1) if shape.changes else (0, 0)
    kernel_size, expansion, groups = BLOCKS[operation]
    hidden = shape.in_channels * expansion
    costs = (
        _conv_cost(LayerShape(shape.in_channels, hidden, 1, shape.size), 1, groups),
        _conv_cost(LayerShape(hidden, hidden, shape.stride, shape.size), kernel_size, hidden),
        _conv_cost(LayerShape(hidden, shape.out_channels, 1, shape.out_size), 1, groups),
    )
    return sum(cost[0] for cost in costs), sum(cost[1] for cost in costs)
