"""Which of the nine paths of TreeCell-A each block of a PyramidNet has (YANG 5-2).

The tree is the one that Path-Level EAS found (Cai et al. 2018) and whose code lists it: nine paths
from its root to its leaves, as YANG 656 counts. Assumed, since the thesis does not say it: a path
is kept or left out as a whole, what no kept path leads through goes with it, means are of all
branches of the whole tree, and a block without any path is its shortcut.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces.base import Skeleton
from hwbench.spaces.drawing import NO_OPERATION, DrawnAs, Edge
from hwbench.spaces.strings import PieceStrings
from hwbench.spaces.tree_cell.cost import block_costs, cost_around
from hwbench.spaces.tree_cell.skeleton import N_STAGES, PyramidSkeleton, block_shapes
from hwbench.spaces.tree_cell.tree import LEAVES, N_PATHS

if TYPE_CHECKING:
    import torch

OFF = "-"
"""What stands in a string for a path that is left out."""

BETWEEN = "|"
"""What stands between two blocks."""

BRANCHES = ("a1", "a1", "a2", "a2", "b1", "b1", "b1", "b2", "b2")
"""By path what its last operation is given, in drawings: a1 is behind the first grouped convolution
and the 1x1 convolution, a2 behind the first and the max pooling, b1 and b2 behind the second and a
separable convolution of 5x5 and of 3x3."""


def _choices(n_blocks: int) -> tuple[tuple[str, ...], ...]:
    return tuple((NO_OPERATION, operation) for operation in LEAVES) * n_blocks


def _positions(n_blocks: int) -> tuple[str, ...]:
    numbers = range(1, n_blocks + 1)
    return tuple(f"block {block} path {path + 1}" for block in numbers for path in range(N_PATHS))


class TreeCell(PieceStrings):
    """PyramidNets of 54 blocks, each with any of nine paths; a string has the blocks one by one.

    Such as "12-4----9|---------|...": the first block has paths 1, 2, 4 and 9, the second none.
    The official network has 16 channels in its stem and grows by alpha = 84; `depth` blocks one
    after the other share their paths. FLOPs count the multiply-adds of convolutions and of the
    classifier without its bias.
    """

    name = "tree_cell"
    title = "TreeCell-A in PyramidNet"
    n_blocks: ClassVar[int] = 54
    choices = _choices(n_blocks)
    positions = _positions(n_blocks)
    default_skeleton = PyramidSkeleton(channels=16, depth=1)

    def paths(self, archs: ArrayLike) -> NDArray[np.bool_]:
        """Which paths each block has, bool of shape (n_archs, n_blocks, 9)."""
        kept: NDArray[np.bool_] = self.check(archs).reshape(-1, self.n_blocks, N_PATHS) > 0
        return kept

    @property
    def drawn_as(self) -> DrawnAs:
        return "states"

    def edges_of(self, arch: ArrayLike) -> list[Edge]:
        """The last operations of the paths, each block a cell.

        What they are given has the names of `BRANCHES`; all are added up in the node "sum".

        Parameters
        ----------
        arch : integers of shape (n_positions,).
        """
        kept = self.paths(self.check_one(arch)[None, :])[0]
        return [
            Edge(
                f"block {block}",
                branch,
                "sum",
                operation if there else NO_OPERATION,
                live=bool(there),
            )
            for block, row in enumerate(kept, start=1)
            for branch, operation, there in zip(BRANCHES, LEAVES, row, strict=True)
        ]

    # ------------------------------------------------------------------ strings

    @cached_property
    def _pieces(self) -> list[list[str]]:
        return [
            [f"{BETWEEN if block and not path else ''}{text}" for text in (OFF, str(path + 1))]
            for block in range(self.n_blocks)
            for path in range(N_PATHS)
        ]

    def from_string(self, text: str) -> IntArray:
        blocks = text.strip().split(BETWEEN) if isinstance(text, str) else []
        every = "".join(str(path + 1) for path in range(N_PATHS))
        if len(blocks) != self.n_blocks:
            raise HwbenchError(
                f"architecture {text!r} is no {self.title} string; expected {self.n_blocks} blocks "
                f"with {BETWEEN!r} between them, each such as {every} or {OFF * N_PATHS}"
            )
        pattern = re.compile("".join(f"[{OFF}{digit}]" for digit in every))
        for number, block in enumerate(blocks, start=1):
            if not pattern.fullmatch(block):
                raise HwbenchError(
                    f"architecture {text!r}: block {number}, {block!r}, is none; expected the "
                    f"digits {every}, with {OFF!r} in the place of each path that it lacks"
                )
        return np.array([mark != OFF for block in blocks for mark in block], dtype=np.int64)

    # ------------------------------------------------------------------ cost and network

    def _count_parameters(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._count(archs, PyramidSkeleton.of(skeleton), kind=0)

    def _count_flops(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._count(archs, PyramidSkeleton.of(skeleton), kind=1)

    def _count(self, archs: IntArray, skeleton: PyramidSkeleton, kind: int) -> IntArray:
        shapes, paths = block_shapes(self.n_blocks, skeleton), self.paths(archs)
        total = np.full(len(archs), cost_around(skeleton, shapes)[kind], dtype=np.int64)
        for shape in shapes:
            total += block_costs(shape, paths[:, shape.choice])[:, kind]
        return total

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.tree_cell.network import PyramidNetwork

        pyramid = PyramidSkeleton.of(skeleton)
        kept = [frozenset(np.flatnonzero(row).tolist()) for row in self.paths(arch[None, :])[0]]
        return PyramidNetwork(kept, block_shapes(self.n_blocks, pyramid), pyramid)


class SmallTreeCell(TreeCell):
    """The same with two blocks a stage, for searches at small scale; see `TreeCell`."""

    name = "tree_cell_6"
    title = "TreeCell-A in PyramidNet, six blocks"
    n_blocks = 2 * N_STAGES
    choices = _choices(n_blocks)
    positions = _positions(n_blocks)
    default_skeleton = PyramidSkeleton(channels=16, depth=1, alpha=28)
