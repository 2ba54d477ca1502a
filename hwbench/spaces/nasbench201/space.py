"""The cell space of NAS-Bench-201, shared by HW-NAS-Bench and LatBench (LAUBE 1146-1165).

A cell has four nodes; each of the six edges i -> j (i < j) holds one of five operations, and a node
is the sum of what its incoming edges deliver. The network is a 3x3 convolution, three stages of
equal cells with a strided residual block between them, and a linear classifier.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces.base import Skeleton, SkeletonValue
from hwbench.spaces.code import Code
from hwbench.spaces.code_values import whole_number
from hwbench.spaces.edge_cell import EDGES, N_NODES, N_STAGES, EdgeCellSpace
from hwbench.spaces.nasbench201.codes import from_naslib_value, official_order
from hwbench.spaces.strings import PieceStrings

if TYPE_CHECKING:
    import torch

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")

_NODE = re.compile(r"\|(?:[^|+]+\|)+")


class NASBench201(PieceStrings, EdgeCellSpace):
    """15,625 cells of six edges with five operations each.

    Strings are the benchmark's own, `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`. FLOPs count the
    multiply-adds of convolutions and of the classifier with its bias, and nothing else, as the
    benchmark does. Dead edges cost what live ones cost: the official network computes them all.

    `function_classes` finds 4,660 different functions. The 6,466 of the benchmark's publication
    come from comparing strings in which an absent input still counts as a summand and sums of sums
    are not flattened, so that equal cells stay apart. Both counts take the convolution of an
    all-zero input for zero, although in the network its batch normalisation can still learn a
    constant.
    """

    name = "nasbench201"
    title = "NAS-Bench-201"
    choices = (OPERATIONS,) * len(EDGES)
    cell_operations = OPERATIONS
    kinds = ("zero", "identity", "function", "function", "linear")
    default_skeleton = Skeleton(channels=16, depth=5)
    named_by_position: ClassVar[bool] = True
    has_official_index: ClassVar[bool] = True

    @cached_property
    def _pieces(self) -> list[list[str]]:
        pieces = []
        for source, target in EDGES:
            before = "|" if source == 0 else ""
            after = "|+" if source == target - 1 < N_NODES - 2 else "|"
            pieces.append([f"{before}{name}~{source}{after}" for name in OPERATIONS])
        return pieces

    def from_string(self, text: str) -> IntArray:
        nodes = text.strip().split("+") if isinstance(text, str) else []
        if len(nodes) != 3 or not all(_NODE.fullmatch(node) for node in nodes):
            raise HwbenchError(
                f"architecture {text!r} is no {self.title} string; "
                "expected the form |op~0|+|op~0|op~1|+|op~0|op~1|op~2|"
            )
        indices = []
        for target, node in enumerate(nodes, start=1):
            entries = node.strip("|").split("|")
            if len(entries) != target:
                raise HwbenchError(
                    f"architecture {text!r}: node {target} has {len(entries)} edges, not {target}"
                )
            for source, entry in enumerate(entries):
                operation, _, given_source = entry.partition("~")
                if operation not in OPERATIONS:
                    raise unknown_name(
                        "operation", operation, OPERATIONS, where=f"architecture {text!r}"
                    )
                if given_source != str(source):
                    raise HwbenchError(
                        f"architecture {text!r}: {entry!r} at node {target} should come from "
                        f"node {source} (written '{operation}~{source}')"
                    )
                indices.append(OPERATIONS.index(operation))
        return np.array(indices, dtype=np.int64)

    # ------------------------------------------------------------------ codes of others

    @property
    def _official_order(self) -> IntArray:
        return official_order()

    def other_codes(self) -> list[Code]:
        """The benchmark's own numbers, and NASLib's indices."""
        return [
            Code(
                "official-index",
                "the benchmark's own numbers, as in NATS-Bench, HW-NAS-Bench and HELP",
                self._from_official_number,
            ),
            Code(
                "naslib",
                "NASLib's indices: skip, none, 3x3, 1x1, pool on 0->1, 0->2, 0->3, 1->2, ...",
                from_naslib_value,
            ),
        ]

    def _from_official_number(self, value: object) -> IntArray:
        number = whole_number(value)
        if number is None:
            raise HwbenchError(f"{self.name}: {str(value)[:40]!r} is no whole number")
        return self.from_official_index([number])[0]

    # ------------------------------------------------------------------ cost and network

    def skeleton(self, **changes: SkeletonValue) -> Skeleton:
        skeleton = super().skeleton(**changes)
        if skeleton.input_size % 4:
            raise HwbenchError(
                f"{self.name}: input_size must be a multiple of 4 (two strided blocks halve it), "
                f"not {skeleton.input_size}"
            )
        return skeleton

    def _parameter_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        first, last = skeleton.channels, skeleton.channels * 2 ** (N_STAGES - 1)
        base = 9 * skeleton.input_channels * first + 2 * first
        base += 2 * last + last * skeleton.classes + skeleton.classes
        conv_1x1 = conv_3x3 = 0
        for stage in range(N_STAGES):
            c = first * 2**stage
            conv_1x1 += skeleton.depth * (c * c + 2 * c)
            conv_3x3 += skeleton.depth * (9 * c * c + 2 * c)
            if stage > 0:
                half = c // 2
                base += (9 * half * c + 2 * c) + (9 * c * c + 2 * c) + half * c
        return base, [[0, 0, conv_1x1, conv_3x3, 0]] * len(EDGES)

    def _flop_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        first, last = skeleton.channels, skeleton.channels * 2 ** (N_STAGES - 1)
        base = 9 * skeleton.input_channels * first * skeleton.input_size**2
        base += last * skeleton.classes + skeleton.classes
        conv_1x1 = conv_3x3 = 0
        for stage in range(N_STAGES):
            c = first * 2**stage
            pixels = (skeleton.input_size // 2**stage) ** 2
            conv_1x1 += skeleton.depth * c * c * pixels
            conv_3x3 += skeleton.depth * 9 * c * c * pixels
            if stage > 0:
                half = c // 2
                base += (9 * half * c + 9 * c * c + half * c) * pixels
        return base, [[0, 0, conv_1x1, conv_3x3, 0]] * len(EDGES)

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.nasbench201.network import NASBench201Network

        return NASBench201Network([OPERATIONS[op] for op in arch], skeleton)
