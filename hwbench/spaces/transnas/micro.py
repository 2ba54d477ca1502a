"""The cell space of TransNAS-Bench-101: NAS-Bench-201's cell without pooling, on five modules.

The network's modules are fixed to 4, 1, 4, 1, 4 (see `transnas_macro`), each of two equal cells;
the first cell of a module 4 doubles the channels and halves the size on its edges from node 0.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces.base import Skeleton
from hwbench.spaces.edge_cell import EDGES, EdgeCellSpace
from hwbench.spaces.strings import PieceStrings
from hwbench.spaces.transnas.macro import stem_costs, stem_size

if TYPE_CHECKING:
    import torch

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3")
MODULES = (4, 1, 4, 1, 4)

_STRING = re.compile(r"(?:64-41414-)?([0-3])_([0-3]{2})_([0-3]{3})")


class TransNASMicro(PieceStrings, EdgeCellSpace):
    """4,096 cells of six edges with four operations each; strings such as "64-41414-1_02_333".

    Where a cell changes the shape, a skip connection is a pair of strided convolutions; hence two
    cells count as the same function only by dead branches and the order of their nodes. The
    networks are those of the classification tasks. FLOPs count the multiply-adds of convolutions
    and of the classifier without its bias.
    """

    name = "transnas_micro"
    title = "TransNAS-Bench-101 micro"
    choices = (OPERATIONS,) * len(EDGES)
    cell_operations = OPERATIONS
    kinds = ("zero", "function", "function", "function")
    default_skeleton = Skeleton(channels=64, depth=2, input_size=256, classes=75)
    named_by_position: ClassVar[bool] = True

    @cached_property
    def _pieces(self) -> list[list[str]]:
        around = (("64-41414-", "_"), ("", ""), ("", "_"), ("", ""), ("", ""), ("", ""))
        digits = range(len(OPERATIONS))
        return [[f"{before}{digit}{after}" for digit in digits] for before, after in around]

    def from_string(self, text: str) -> IntArray:
        match = _STRING.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise HwbenchError(
                f"architecture {text!r} is no {self.title} string; expected 64-41414- and one, "
                "two and three digits 0 .. 3, such as 64-41414-1_02_333"
            )
        return np.array([int(digit) for digit in "".join(match.groups())], dtype=np.int64)

    # ------------------------------------------------------------------ cost and network

    def _parameter_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        return self._cost(skeleton, kind=0)

    def _flop_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        return self._cost(skeleton, kind=1)

    def _cost(self, skeleton: Skeleton, kind: int) -> tuple[int, list[list[int]]]:
        by_position = np.zeros((len(EDGES), len(OPERATIONS)), dtype=np.int64)
        channels, size = skeleton.channels, stem_size(skeleton)
        for module in MODULES:
            for repeat in range(skeleton.depth):
                grows = module == 4 and repeat == 0
                in_channels = channels
                if grows:
                    channels, size = 2 * channels, -(-size // 2)
                for position, (source, _) in enumerate(EDGES):
                    reduces = grows and source == 0
                    given = in_channels if reduces else channels
                    for operation, name in enumerate(OPERATIONS):
                        costs = _operation_costs(name, given, channels, size, reduces=reduces)
                        by_position[position, operation] += costs[kind]
        classifier = channels * skeleton.classes
        base = stem_costs(skeleton)[kind] + classifier + (skeleton.classes if kind == 0 else 0)
        return base, by_position.tolist()

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.transnas.network import TransNASNetwork

        return TransNASNetwork(MODULES, [OPERATIONS[op] for op in arch], skeleton)


def _operation_costs(
    name: str, in_channels: int, out_channels: int, size: int, *, reduces: bool
) -> tuple[int, int]:
    """Parameters and multiply-adds of an operation whose output has the given size."""
    if name == "none" or (name == "skip_connect" and not reduces):
        return 0, 0
    taps = 9 if name == "nor_conv_3x3" else 1
    weights = taps * in_channels * out_channels
    return weights + 2 * out_channels, weights * size**2
