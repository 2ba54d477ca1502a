"""The cell space of ShuffleNASNet (LAUBE 499-528): a normal and a reduction cell of five blocks.

A cell works on half of its channels, the other half goes past it; both are shuffled behind it. A
block applies one operation to the cell's input or to an earlier block, and what no later block uses
is summed up. A reduction cell halves the size: its operations on the cell's input have stride 2,
and an identity there is a factorised reduction, like the path that goes past it.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import FloatArray, IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces.base import Skeleton
from hwbench.spaces.drawing import Edge
from hwbench.spaces.graphs import Graphs
from hwbench.spaces.shufflenasnet.cells import (
    N_BLOCKS,
    OPERATIONS,
    function_codes,
    simplified,
    unused_blocks,
)
from hwbench.spaces.shufflenasnet.cost import block_costs, cost_around, merge_costs
from hwbench.spaces.shufflenasnet.skeleton import ShuffleSkeleton
from hwbench.spaces.strings import PieceStrings

if TYPE_CHECKING:
    import torch

CELLS = ("normal", "reduction")

INPUT, OPERATION = "input", "operation"
"""What the names of positions end with, that choose a block's source and its operation."""

N_CELL_POSITIONS = 2 * N_BLOCKS - 1  # the first block has but one source

_OPERATION_COLUMNS = [0, *range(2, N_CELL_POSITIONS, 2)]
_SOURCE_COLUMNS = list(range(1, N_CELL_POSITIONS, 2))  # of all blocks but the first

N_CELL_VERTICES = N_BLOCKS + 2  # of a cell's graph: input, blocks, output

_BLOCK = re.compile(r"([0-9]) *-> *([0-9]) +(\w+)")


def _cell_choices() -> tuple[tuple[str, ...], ...]:
    choices: list[tuple[str, ...]] = [OPERATIONS]
    for block in range(2, N_BLOCKS + 1):
        choices += [tuple(map(str, range(block))), OPERATIONS]
    return tuple(choices)


def _cell_positions(cell: str) -> tuple[str, ...]:
    positions = [f"{cell} 1 {OPERATION}"]
    for block in range(2, N_BLOCKS + 1):
        positions += [f"{cell} {block} {INPUT}", f"{cell} {block} {OPERATION}"]
    return tuple(positions)


class ShuffleNASNet(PieceStrings):
    """870,712,934,400 pairs of cells, 933,120 codes a cell; a string lists the blocks of both.

    Such as "normal: 0->1 sep_conv_3x3, 1->2 identity, ...; reduction: ...": block 2 applies an
    identity to block 1, 0 being the cell's input. Of each block but the first a position chooses
    the source, and one its operation. "live" leaves out identities that do nothing.

    The network is a 3x3 convolution, `depth` normal cells before, between and behind the two
    reduction cells (5 for the official 17 cells), and a classifier behind a ReLU, as in ENAS.
    FLOPs count the multiply-adds of convolutions and of the classifier without its bias.
    """

    name = "shufflenasnet"
    title = "ShuffleNASNet"
    choices = _cell_choices() * len(CELLS)
    positions = tuple(position for cell in CELLS for position in _cell_positions(cell))
    encodings = ("onehot", "counts", "integers", "live", "paths", "structure", "graph")
    default_skeleton = ShuffleSkeleton(channels=64, depth=5)

    # ------------------------------------------------------------------ blocks of the cells

    def blocks(self, archs: ArrayLike) -> tuple[IntArray, IntArray]:
        """Source and operation of every block.

        Parameters
        ----------
        archs : integers of shape (n_archs, 18).

        Returns
        -------
        sources : int64 of shape (n_archs, 2, 5): cell (normal, reduction), block; 0 is the cell's
            input, j the j-th block.
        operations : int64 of the same shape, indices into `OPERATIONS`.
        """
        cells = self.check(archs).reshape(-1, len(CELLS), N_CELL_POSITIONS)
        sources = np.zeros((*cells.shape[:2], N_BLOCKS), dtype=np.int64)
        sources[..., 1:] = cells[..., _SOURCE_COLUMNS]
        return sources, cells[..., _OPERATION_COLUMNS]

    def of_blocks(self, sources: ArrayLike, operations: ArrayLike) -> IntArray:
        """The architectures of blocks, the inverse of `blocks`; int64 of shape (n_archs, 18)."""
        given = np.asarray(sources, dtype=np.int64)
        cells = np.empty((*given.shape[:2], N_CELL_POSITIONS), dtype=np.int64)
        cells[..., _SOURCE_COLUMNS] = given[..., 1:]
        cells[..., _OPERATION_COLUMNS] = np.asarray(operations, dtype=np.int64)
        return self.check(cells.reshape(len(cells), self.n_positions))

    def live_blocks(self, archs: ArrayLike) -> NDArray[np.bool_]:
        """Which blocks do something, bool of shape (n_archs, 2, 5).

        All but identities whose source may as well stand in their place: "the space contains all
        smaller ones" (eq. 3.1).
        """
        sources, operations = self.blocks(archs)
        live = [
            simplified(sources[:, cell], operations[:, cell], reduction=cell == 1)[1]
            for cell in range(len(CELLS))
        ]
        return np.stack(live, axis=1)

    def edges_of(self, arch: ArrayLike) -> list[Edge]:
        """The blocks of an architecture as the edges of graphs, each between its source and itself.

        Vertices have the numbers of blocks, 0 is a cell's input. The output, the sum of blocks that
        no later one uses, has no edge of its own.
        """
        row = self.check_one(arch)[None]
        sources, operations = self.blocks(row)
        live = self.live_blocks(row)
        return [
            Edge(
                cell,
                str(sources[0, number, block]),
                str(block + 1),
                OPERATIONS[operations[0, number, block]],
                live=bool(live[0, number, block]),
            )
            for number, cell in enumerate(CELLS)
            for block in range(N_BLOCKS)
        ]

    # ------------------------------------------------------------------ strings

    @cached_property
    def _pieces(self) -> list[list[str]]:
        pieces: list[list[str]] = []
        for before, cell in zip(("", "; "), CELLS, strict=True):
            start = f"{before}{cell}: 0->1 "
            pieces.append([f"{start}{operation}" for operation in OPERATIONS])
            for block in range(2, N_BLOCKS + 1):
                pieces.append([f", {source}->{block} " for source in range(block)])
                pieces.append(list(OPERATIONS))
        return pieces

    def from_string(self, text: str) -> IntArray:
        where = f"architecture {text!r}"
        parts = [part.partition(":") for part in text.split(";")] if isinstance(text, str) else []
        if tuple(name.strip() for name, _, _ in parts) != CELLS:
            raise HwbenchError(
                f"{where} is no {self.title} string; expected five blocks a cell, such as "
                f"{self.to_string(self.baseline)}"
            )
        found = [
            _read_cell(listed, f"{where}: the {name.strip()} cell") for name, _, listed in parts
        ]
        sources, operations = (np.array([each]) for each in zip(*found, strict=True))
        return self.of_blocks(sources, operations)[0]

    # ------------------------------------------------------------------ encodings

    def _encode_live(self, archs: IntArray) -> FloatArray:
        live = self.live_blocks(archs)
        held = np.empty((len(archs), len(CELLS), N_CELL_POSITIONS), dtype=np.bool_)
        held[..., _OPERATION_COLUMNS] = live
        held[..., _SOURCE_COLUMNS] = live[..., 1:]
        kept = np.repeat(held.reshape(len(archs), self.n_positions), self.n_choices, axis=1)
        return self._encode_onehot(archs) * kept

    def _live_names(self) -> list[str]:
        return [f"live {name}" for name in self._onehot_names()]

    def _build_graphs(self, archs: IntArray) -> Graphs:
        # Both cells in one graph; the normal cell's output is what the reduction cell is given.
        sources, operations = self.blocks(archs)
        n_vertices = len(CELLS) * N_CELL_VERTICES
        adjacency = np.zeros((len(archs), n_vertices, n_vertices), dtype=np.uint8)
        vertices = np.empty((len(archs), len(CELLS), N_CELL_VERTICES), dtype=np.int8)
        every = np.arange(len(archs))
        for cell in range(len(CELLS)):
            start = cell * N_CELL_VERTICES
            output = start + N_CELL_VERTICES - 1
            for block in range(N_BLOCKS):
                adjacency[every, start + sources[:, cell, block], start + 1 + block] = 1
            adjacency[:, start + 1 : output, output] = unused_blocks(sources[:, cell])
        adjacency[:, N_CELL_VERTICES - 1, N_CELL_VERTICES] = 1
        vertices[:, :, 0], vertices[:, :, -1] = len(OPERATIONS), len(OPERATIONS) + 1
        vertices[:, :, 1:-1] = operations
        names = (*OPERATIONS, "input", "output")
        return Graphs(adjacency, vertices.reshape(len(archs), n_vertices), names)

    def _architectures_of(self, graphs: Graphs) -> tuple[IntArray, NDArray[np.bool_]]:
        n_archs = len(graphs.operations)
        shape = (n_archs, len(CELLS), N_CELL_VERTICES)
        if graphs.operations.shape != (n_archs, len(CELLS) * N_CELL_VERTICES):
            return np.zeros((n_archs, self.n_positions), np.int64), np.zeros(n_archs, np.bool_)
        operations = graphs.operations.reshape(shape)[:, :, 1:-1].astype(np.int64)
        sources = np.zeros(operations.shape, dtype=np.int64)
        for cell in range(len(CELLS)):
            start = cell * N_CELL_VERTICES
            for block in range(1, N_BLOCKS):
                column = graphs.adjacency[:, start : start + 1 + block, start + 1 + block]
                sources[:, cell, block] = column.argmax(axis=1)
        known = np.clip(operations, 0, len(OPERATIONS) - 1)
        archs = self.of_blocks(sources, known)
        again = self._build_graphs(archs)
        same: NDArray[np.bool_] = (again.adjacency == graphs.adjacency).all(axis=(1, 2))
        return archs, same & (again.operations == graphs.operations).all(axis=1)

    # ------------------------------------------------------------------ functions and twins

    def twins(self, archs: ArrayLike) -> IntArray:
        """Each architecture with blocks 1 and 2 of its cells in the other order.

        A cell whose second block uses the first keeps its order.
        """
        sources, operations = self.blocks(archs)
        possible = sources[..., 1] == 0
        number = np.array([0, 2, 1, *range(3, N_BLOCKS + 1)])
        places = number[1:] - 1
        swapped = np.where(possible[..., None], number[sources[..., places]], sources)
        turned = np.where(possible[..., None], operations[..., places], operations)
        return self.of_blocks(swapped, turned)

    def function_classes(self, archs: ArrayLike) -> IntArray:
        """For each architecture the index of the first that computes the same function.

        Such architectures differ by the order of their blocks, and by identities that do nothing.

        Returns
        -------
        int64 array of shape (n_archs,), places in the space's order.
        """
        sources, operations = self.blocks(archs)
        places = np.zeros(len(sources), dtype=np.int64)
        for cell, (known, first) in enumerate(self._first_codes):
            codes = function_codes(sources[:, cell], operations[:, cell], reduction=cell == 1)
            places = places * self._n_cells + first[np.searchsorted(known, codes)]
        return places

    @cached_property
    def _n_cells(self) -> int:
        """Codes of a cell, 933,120."""
        return int(self.n_choices[:N_CELL_POSITIONS].prod())

    @cached_property
    def _first_codes(self) -> list[tuple[IntArray, IntArray]]:
        """Of normal and reduction cells: codes of functions, ascending, and the first of each."""
        pairs = self.architectures_at(np.arange(self._n_cells))  # all reduction cells
        sources, operations = (each[:, 1] for each in self.blocks(pairs))
        found = []
        for cell in range(len(CELLS)):
            codes = function_codes(sources, operations, reduction=cell == 1)
            known, first = np.unique(codes, return_index=True)
            found.append((known, first.astype(np.int64)))
        return found

    # ------------------------------------------------------------------ cost and network

    def _count_parameters(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._count(archs, ShuffleSkeleton.of(skeleton), kind=0)

    def _count_flops(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._count(archs, ShuffleSkeleton.of(skeleton), kind=1)

    def _count(self, archs: IntArray, skeleton: ShuffleSkeleton, kind: int) -> IntArray:
        sources, operations = self.blocks(archs)
        cell = np.arange(len(CELLS))[:, None]
        halves = ((sources == 0) & (cell == 1)).astype(np.int64)
        blocks = block_costs(skeleton)[kind][cell, halves, operations].sum(axis=(1, 2))
        unused = [unused_blocks(sources[:, each]).sum(axis=1) for each in range(len(CELLS))]
        of_block, once = merge_costs(skeleton)[kind].T
        return (
            cost_around(skeleton)[kind] + blocks + np.stack(unused, axis=1) @ of_block + once.sum()
        )

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.shufflenasnet.network import ShuffleNetwork

        sources, operations = self.blocks(arch[None, :])
        normal, reduction = (
            [
                (OPERATIONS[operation], int(source))
                for source, operation in zip(sources[0, cell], operations[0, cell], strict=True)
            ]
            for cell in range(len(CELLS))
        )
        return ShuffleNetwork(normal, reduction, ShuffleSkeleton.of(skeleton))


def _read_cell(listed: str, where: str) -> tuple[list[int], list[int]]:
    """Sources and operations of the blocks that a text lists."""
    items = [item.strip() for item in listed.split(",")]
    if len(items) != N_BLOCKS:
        raise HwbenchError(f"{where} lists {len(items)} blocks, not {N_BLOCKS}")
    sources, operations = [], []
    for block, item in enumerate(items, start=1):
        match = _BLOCK.fullmatch(item)
        if match is None:
            raise HwbenchError(f"{where}: {item!r} is no block such as '0->1 sep_conv_3x3'")
        source, number, operation = int(match[1]), int(match[2]), match[3]
        if number != block:
            raise HwbenchError(f"{where}: {item!r} stands where block {block} does")
        if source >= block:
            raise HwbenchError(
                f"{where}: block {block} is applied to {source}; what it may be applied to stands "
                f"before it: 0 .. {block - 1}"
            )
        if operation not in OPERATIONS:
            raise unknown_name("operation", operation, OPERATIONS, where=where)
        sources.append(source)
        operations.append(OPERATIONS.index(operation))
    return sources, operations
