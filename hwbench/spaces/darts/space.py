"""The cell space of DARTS (NA 306-345; LAUBE 789-800): a normal and a reduction cell.

A cell has two inputs, the outputs of the two cells before it, and four nodes. Each node adds up two
operations on two different inputs among everything before it; the cell's output is the four nodes
side by side. A reduction cell halves the size: its operations on the cell's inputs have stride 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import IntArray
from hwbench.spaces.base import Skeleton, Space
from hwbench.spaces.code import AmbiguousCodeError, Code
from hwbench.spaces.darts.cost import conv_cost, operation_cost
from hwbench.spaces.darts.genotype import read_genotype
from hwbench.spaces.darts.genotype_variants import (
    compact_cells,
    genotype_of_cells,
    genotype_of_compact,
)
from hwbench.spaces.darts.skeleton import N_NODES, STEM_MULTIPLIER, cell_shapes
from hwbench.spaces.drawing import DrawnAs, Edge
from hwbench.spaces.graphs import Graphs
from hwbench.spaces.strings import join_pieces, parse_rows

if TYPE_CHECKING:
    import torch

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
CELLS = ("normal", "reduction")
STATES = ("c_{k-2}", "c_{k-1}", *map(str, range(N_NODES)))
PAIRS = tuple(tuple(combinations(range(node + 2), 2)) for node in range(N_NODES))

# A cell's positions: node 2 has but one pair of inputs, the others choose one.
N_CELL_POSITIONS = 3 * N_NODES - 1
_OPERATION_COLUMNS = np.array([[0, 1], [3, 4], [6, 7], [9, 10]])
_PAIR_COLUMNS = np.array([2, 5, 8])  # of nodes 3, 4 and 5

# Vertices of a cell's graph: the inputs, two operations a node, the output.
N_CELL_VERTICES = 2 + 2 * N_NODES + 1


def cell_choices(operations: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The choices of a cell's positions, where edges hold one of some operations."""
    choices: list[tuple[str, ...]] = []
    for pairs in PAIRS:
        if len(pairs) > 1:
            choices.append(tuple(f"{low}+{high}" for low, high in pairs))
        choices += [operations, operations]
    return tuple(choices)


def _cell_positions(cell: str) -> tuple[str, ...]:
    positions = []
    for node, pairs in enumerate(PAIRS, start=2):
        kinds = ["inputs"] if len(pairs) > 1 else []
        positions += [f"{cell}{node}.{kind}" for kind in (*kinds, "op1", "op2")]
    return tuple(positions)


class DARTS(Space):
    """1.08e18 pairs of cells; strings are the genotypes that DARTS prints.

    For each node but the first a position chooses its pair of inputs, such as "0+2"; "op1" is the
    operation on the lower of them. Published genotypes may name a node's edges in either order;
    printed ones name the lower input first. All nodes are joined, so nothing is ever dead; a path
    encoding would take 11,200 columns and is left out.

    The network is the one that DARTS evaluates on CIFAR-10, without its auxiliary head and without
    dropping paths; `depth` is the number of normal cells before, between and behind the two
    reduction cells, 6 for the official 20 cells. FLOPs count the multiply-adds of convolutions and
    of the classifier without its bias.

    Attributes
    ----------
    edge_operations : what an edge may hold; a subclass with others has `choices` of its own too.
    """

    name = "darts"
    title = "DARTS"
    edge_operations: ClassVar[tuple[str, ...]] = OPERATIONS
    choices = cell_choices(OPERATIONS) * len(CELLS)
    positions = tuple(position for cell in CELLS for position in _cell_positions(cell))
    encodings = ("onehot", "counts", "integers", "paths", "structure", "graph")
    default_skeleton = Skeleton(channels=36, depth=6)
    drawn_as: ClassVar[DrawnAs] = "states"

    # ------------------------------------------------------------------ edges of the cells

    def edges(self, archs: ArrayLike) -> tuple[IntArray, IntArray]:
        """Inputs and operations of every node.

        Parameters
        ----------
        archs : integers of shape (n_archs, 22).

        Returns
        -------
        inputs : int64 of shape (n_archs, 2, 4, 2): cell (normal, reduction), node, edge. Inputs
            0 and 1 are the cells before, 2 .. 4 nodes; the lower one stands first.
        operations : int64 of the same shape, indices into `self.edge_operations`.
        """
        return _edges_of(self.check(archs).reshape(-1, len(CELLS), N_CELL_POSITIONS))

    def edges_of(self, arch: ArrayLike) -> list[Edge]:
        """The operations of an architecture as the edges of graphs.

        "c_{k-2}" and "c_{k-1}" are the outputs of the cells before; the output, the nodes side by
        side, has no edge of its own.
        """
        inputs, operations = self.edges(self.check_one(arch)[None])
        return [
            Edge(cell, STATES[source], STATES[node + 2], self.edge_operations[choice])
            for number, cell in enumerate(CELLS)
            for node in range(N_NODES)
            for source, choice in zip(
                inputs[0, number, node], operations[0, number, node], strict=True
            )
        ]

    # ------------------------------------------------------------------ strings

    def to_string(self, arch: ArrayLike) -> str:
        return self.to_strings(np.asarray(arch)[None, :])[0]

    def to_strings(self, archs: ArrayLike) -> list[str]:
        inputs, operations = self.edges(archs)
        names = self.edge_operations
        nodes = _PAIR_NUMBER[-1][inputs[..., 0], inputs[..., 1]]
        for edge in range(2):
            nodes = nodes * len(names) + operations[..., edge]
        # Of all pairs of inputs and all pairs of operations the texts of those that there are.
        there, nodes = np.unique(nodes, return_inverse=True)
        sizes = (len(PAIRS[-1]), len(names), len(names))
        texts = [
            f"('{names[first]}', {PAIRS[-1][pair][0]}), ('{names[second]}', {PAIRS[-1][pair][1]})"
            for pair, first, second in zip(
                *(part.tolist() for part in np.unravel_index(there, sizes)), strict=True
            )
        ]
        pieces = []
        for start, end in (
            ("Genotype(normal=[", "], normal_concat=range(2, 6), "),
            ("reduce=[", "], reduce_concat=range(2, 6))"),
        ):
            pieces.append([start + text for text in texts])
            pieces += [[f", {text}" for text in texts]] * (N_NODES - 2)
            pieces.append([f", {text}{end}" for text in texts])
        return join_pieces(pieces, nodes.reshape(-1, len(CELLS) * N_NODES))

    def from_string(self, text: str) -> IntArray:
        cells = read_genotype(text, self.edge_operations, N_NODES)
        inputs = [[[edge.source for edge in node] for node in cell] for cell in cells]
        names = [[[edge.operation for edge in node] for node in cell] for cell in cells]
        place_of = {name: place for place, name in enumerate(self.edge_operations)}
        operations = [[[place_of[name] for name in node] for node in cell] for cell in names]
        return _rows_of(np.array(inputs), np.array(operations)).reshape(self.n_positions)

    def from_strings(self, texts: Iterable[str]) -> IntArray:
        """Parse genotypes into an int64 array of shape (n_archs, 22).

        Raises
        ------
        HwbenchError
            What `from_string` says of the first malformed string, behind its row.
        """
        return parse_rows(self.from_string, texts, self.n_positions)

    def other_codes(self) -> list[Code]:
        """Compact pairs of (input, operation): of NAS-Bench-301, and counting "none" first."""
        return [
            Code(
                "compact",
                "pairs (input, operation), 0 is max_pool_3x3, as in NASLib and NAS-Bench-301",
                partial(self._from_compact, names=OPERATIONS),
            ),
            Code(
                "compact-with-none",
                "pairs (input, operation), 0 is none and 1 max_pool_3x3, as DARTS numbers them",
                partial(self._from_compact, names=("none", *OPERATIONS)),
            ),
        ]

    def from_other_code(self, value: Any) -> IntArray | None:
        """A genotype as a dictionary of cells; compact pairs are refused as ambiguous."""
        if compact_cells(value) is not None:
            raise AmbiguousCodeError(
                "a compact genotype, whose operations count with or without 'none'",
                self.other_codes(),
            )
        text = genotype_of_cells(value)
        return None if text is None else self.from_string(text)

    def _from_compact(self, value: Any, *, names: tuple[str, ...]) -> IntArray:
        return self.from_string(genotype_of_compact(value, names))

    # ------------------------------------------------------------------ graphs

    def _build_graphs(self, archs: IntArray) -> Graphs:
        # Both cells in one graph: operations become vertices between a cell's inputs and its
        # output, and the normal cell's output is what the reduction cell is given.
        inputs, operations = self.edges(archs)
        n_vertices = len(CELLS) * N_CELL_VERTICES
        adjacency = np.zeros((len(archs), n_vertices, n_vertices), dtype=np.uint8)
        every = np.arange(len(archs))
        for cell in range(len(CELLS)):
            start = cell * N_CELL_VERTICES
            output = start + N_CELL_VERTICES - 1
            adjacency[:, start + 2 : output, output] = 1
            for node in range(N_NODES):
                for edge in range(2):
                    target = start + 2 + 2 * node + edge
                    source = inputs[:, cell, node, edge]
                    # What a node holds is the sum of two operations: both lead on.
                    for vertex in (2 * source - 2, 2 * source - 1):
                        adjacency[every, start + np.where(source < 2, source, vertex), target] = 1
        normal_output = N_CELL_VERTICES - 1
        adjacency[:, normal_output, N_CELL_VERTICES : N_CELL_VERTICES + 2] = 1
        vertices = np.empty((len(archs), len(CELLS), N_CELL_VERTICES), dtype=np.int8)
        n_operations = len(self.edge_operations)
        vertices[:, :, 0], vertices[:, :, 1] = n_operations, n_operations + 1
        vertices[:, :, 2:-1] = operations.reshape(-1, len(CELLS), 2 * N_NODES)
        vertices[:, :, -1] = n_operations + 2
        names = (*self.edge_operations, "input 0", "input 1", "output")
        return Graphs(adjacency, vertices.reshape(len(archs), n_vertices), names)

    # ------------------------------------------------------------------ functions and twins

    def twins(self, archs: ArrayLike) -> IntArray:
        """Each architecture with nodes 2 and 3 of its cells in the other order.

        A cell in which node 3 has node 2 for an input keeps its order. The other order is the same
        network, with the channels of its cells' outputs in another order.
        """
        valid = self.check(archs).reshape(-1, len(CELLS), N_CELL_POSITIONS)
        swapped, possible = _renumbered(valid, (1, 0, 2, 3))
        return np.where(possible[..., None], swapped, valid).reshape(-1, self.n_positions)

    def function_classes(self, archs: ArrayLike) -> IntArray:
        """For each architecture the index of the first that differs by the order of nodes alone.

        Such architectures compute the same functions, with the channels of their cells' outputs in
        another order.

        Returns
        -------
        int64 array of shape (n_archs,), places in the space's order.
        """
        self._require_index()
        cells = self.check(archs).reshape(-1, len(CELLS), N_CELL_POSITIONS)
        sizes = tuple(self.n_choices[:N_CELL_POSITIONS])
        first = np.full(cells.shape[:2], np.iinfo(np.int64).max)
        for order in permutations(range(N_NODES)):
            rows, possible = _renumbered(cells, order)
            places = np.ravel_multi_index(tuple(np.moveaxis(rows, -1, 0)), sizes)
            first = np.where(possible, np.minimum(first, places), first)
        return first[:, 0] * int(np.prod(sizes)) + first[:, 1]

    # ------------------------------------------------------------------ cost and network

    def _count_parameters(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._count(archs, skeleton, kind=0)

    def _count_flops(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._count(archs, skeleton, kind=1)

    def _count(self, archs: IntArray, skeleton: Skeleton, kind: int) -> IntArray:
        inputs, operations = self.edges(archs)
        shapes = cell_shapes(skeleton)
        stem = STEM_MULTIPLIER * skeleton.channels
        base = conv_cost(skeleton.input_channels, stem, skeleton.input_size, taps=9)[kind]
        base += N_NODES * shapes[-1].channels * skeleton.classes
        base += skeleton.classes if kind == 0 else 0
        shape_of_costs = (len(CELLS), 2, len(self.edge_operations))  # cell, strided, operation
        by_cell = np.zeros(shape_of_costs, dtype=np.int64)
        for shape in shapes:
            for given in (shape.channels_before_last, shape.channels_last):
                base += conv_cost(given, shape.channels, shape.size)[kind]
            for strided in (0, 1):
                by_cell[int(shape.reduction), strided] += [
                    operation_cost(name, shape.channels, shape.out_size, strided=bool(strided))[
                        kind
                    ]
                    for name in self.edge_operations
                ]
        strided_edges = (inputs < 2) & (np.arange(len(CELLS))[:, None, None] == 1)
        cell = np.arange(len(CELLS))[:, None, None]
        costs = by_cell[cell, strided_edges.astype(np.int64), operations]
        return base + costs.sum(axis=(1, 2, 3))

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.darts.network import DARTSNetwork

        inputs, operations = self.edges(arch[None, :])
        cells = [
            [
                (self.edge_operations[operation], int(source))
                for source, operation in zip(
                    inputs[0, cell].ravel(), operations[0, cell].ravel(), strict=True
                )
            ]
            for cell in range(len(CELLS))
        ]
        return DARTSNetwork(cells[0], cells[1], skeleton)


def _pair_numbers() -> IntArray:
    numbers = np.full((N_NODES, N_NODES + 1, N_NODES + 1), -1, dtype=np.int64)
    for node, pairs in enumerate(PAIRS):
        for number, (low, high) in enumerate(pairs):
            numbers[node, low, high] = number
    return numbers


_PAIR_NUMBER = _pair_numbers()  # [node, lower input, higher input]; -1 where it is no pair


def _edges_of(cells: IntArray) -> tuple[IntArray, IntArray]:
    """Inputs and operations, int64 (..., 4, 2), of cells, int64 (..., 11)."""
    operations = cells[..., _OPERATION_COLUMNS]
    inputs = np.empty_like(operations)
    inputs[..., 0, :] = PAIRS[0][0]
    for node, column in enumerate(_PAIR_COLUMNS, start=1):
        inputs[..., node, :] = np.array(PAIRS[node])[cells[..., column]]
    return inputs, operations


def _rows_of(inputs: IntArray, operations: IntArray) -> IntArray:
    """Cells, int64 (..., 11), of inputs in ascending order and operations, int64 (..., 4, 2)."""
    cells = np.empty((*inputs.shape[:-2], N_CELL_POSITIONS), dtype=np.int64)
    cells[..., _OPERATION_COLUMNS] = operations
    pairs = _PAIR_NUMBER[np.arange(N_NODES), inputs[..., 0], inputs[..., 1]]
    cells[..., _PAIR_COLUMNS] = pairs[..., 1:]
    return cells


def _renumbered(cells: IntArray, order: tuple[int, ...]) -> tuple[IntArray, NDArray[np.bool_]]:
    """Cells with their nodes in another order.

    Parameters
    ----------
    cells : int64 of shape (..., 11).
    order : the new place of each node.

    Returns
    -------
    cells : int64 of shape (..., 11), meaningless where the order is impossible.
    possible : bool of shape (...,), whether every node still stands behind its inputs.
    """
    inputs, operations = _edges_of(cells)
    number = np.array([0, 1, *(2 + place for place in order)])
    sources = number[inputs]
    by_source = np.argsort(sources, axis=-1)
    sources = np.take_along_axis(sources, by_source, axis=-1)
    sorted_operations = np.take_along_axis(operations, by_source, axis=-1)
    new_inputs, new_operations = np.empty_like(inputs), np.empty_like(operations)
    new_inputs[..., list(order), :] = sources
    new_operations[..., list(order), :] = sorted_operations
    behind: NDArray[np.bool_] = new_inputs < np.arange(2, 2 + N_NODES)[:, None]
    possible = np.asarray(behind.all(axis=(-1, -2)))
    new_inputs = np.where(possible[..., None, None], new_inputs, inputs)
    return _rows_of(new_inputs, new_operations), possible
