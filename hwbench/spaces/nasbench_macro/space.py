"""The macro space of NAS-Bench-Macro (LAUBE 1361-1369): eight layers, three operations each.

The layers stand in stages of 2, 3 and 3; the first of each stage has stride 2 and doubles the
channels, starting from the stem's. The operations are the identity (a strided 1x1 convolution where
the shape changes) and two inverted bottlenecks.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces.base import Skeleton
from hwbench.spaces.nasbench_macro.skeleton import BOTTLENECKS, HEAD_CHANNELS, STAGES, layer_shapes
from hwbench.spaces.strings import PieceStrings

if TYPE_CHECKING:
    import torch

OPERATIONS = ("identity", "ir_3x3_e3", "ir_5x5_e6")


class NASBenchMacro(PieceStrings):
    """6,561 sequential networks; a string is the eight operation indices, such as "02012100".

    FLOPs count the multiply-adds of convolutions and of the classifier without its bias, and
    nothing else, as the benchmark does.
    """

    name = "nasbench_macro"
    title = "NAS-Bench-Macro"
    choices = (OPERATIONS,) * sum(STAGES)
    positions = tuple(f"layer{layer}" for layer in range(1, sum(STAGES) + 1))
    default_skeleton = Skeleton(channels=32, depth=1)
    named_by_position: ClassVar[bool] = True

    @cached_property
    def _pieces(self) -> list[list[str]]:
        return [[str(operation) for operation in range(len(OPERATIONS))]] * self.n_positions

    def from_string(self, text: str) -> IntArray:
        stripped = text.strip() if isinstance(text, str) else ""
        if len(stripped) != self.n_positions or not set(stripped) <= set("012"):
            raise HwbenchError(
                f"architecture {text!r} is no {self.title} string; "
                f"expected {self.n_positions} digits, each 0, 1 or 2, such as 02012100"
            )
        return np.array([int(digit) for digit in stripped], dtype=np.int64)

    # ------------------------------------------------------------------ cost and network

    def _parameter_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        stem = 9 * skeleton.input_channels * skeleton.channels + 2 * skeleton.channels
        last = layer_shapes(skeleton)[-1][1]
        head = last * HEAD_CHANNELS + 2 * HEAD_CHANNELS
        head += HEAD_CHANNELS * skeleton.classes + skeleton.classes
        by_position = []
        for in_channels, out_channels, stride, _ in layer_shapes(skeleton):
            values = []
            for operation in OPERATIONS:
                first = _operation_parameters(operation, in_channels, out_channels, stride)
                repeat = _operation_parameters(operation, out_channels, out_channels, 1)
                values.append(first + (skeleton.depth - 1) * repeat)
            by_position.append(values)
        return stem + head, by_position

    def _flop_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        stem = 9 * skeleton.input_channels * skeleton.channels * skeleton.input_size**2
        by_position = []
        for in_channels, out_channels, stride, size in layer_shapes(skeleton):
            out_size = -(-size // stride)
            values = []
            for operation in OPERATIONS:
                first = _operation_flops(operation, in_channels, out_channels, stride, size)
                repeat = _operation_flops(operation, out_channels, out_channels, 1, out_size)
                values.append(first + (skeleton.depth - 1) * repeat)
            by_position.append(values)
        head = out_channels * HEAD_CHANNELS * out_size**2 + HEAD_CHANNELS * skeleton.classes
        return stem + head, by_position

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.nasbench_macro.network import NASBenchMacroNetwork

        return NASBenchMacroNetwork([OPERATIONS[op] for op in arch], skeleton)


def _operation_parameters(operation: str, in_channels: int, out_channels: int, stride: int) -> int:
    if operation == "identity":
        return in_channels * out_channels + 2 * out_channels if stride > 1 else 0
    kernel_size, expansion = BOTTLENECKS[operation]
    hidden = in_channels * expansion
    expand = in_channels * hidden + 2 * hidden
    depthwise = kernel_size**2 * hidden + 2 * hidden
    return expand + depthwise + hidden * out_channels + 2 * out_channels


def _operation_flops(
    operation: str, in_channels: int, out_channels: int, stride: int, size: int
) -> int:
    out_pixels = (-(-size // stride)) ** 2
    if operation == "identity":
        return in_channels * out_channels * out_pixels if stride > 1 else 0
    kernel_size, expansion = BOTTLENECKS[operation]
    hidden = in_channels * expansion
    return in_channels * hidden * size**2 + (kernel_size**2 + out_channels) * hidden * out_pixels
