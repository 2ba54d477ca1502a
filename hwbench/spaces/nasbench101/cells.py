"""The cells of NAS-Bench-101: how they are written as integers, which are one, and all of them.

A cell is a directed acyclic graph of two to seven vertices: vertex 0 is its input, the last one its
output, and those between hold operations. An architecture is a row of 26 integers: 21 edge bits in
the order of the benchmark's generator (edge x -> y is position x + y (y - 1) / 2), then the
operations of vertices 1 .. 5. A cell of fewer vertices leaves the last of these positions absent,
so that its output is the vertex after its last operation.

Two cells are one if a new order of the vertices turns one into the other. The first of them by
number of vertices, edge bits (as a number) and operations stands for all, as in the benchmark.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
N_OPERATIONS = len(OPERATIONS)
ABSENT = N_OPERATIONS
MAX_VERTICES = 7
MAX_INTERIOR = MAX_VERTICES - 2
MAX_EDGES = 9
EDGES = tuple((source, target) for target in range(MAX_VERTICES) for source in range(target))
N_EDGES = len(EDGES)
N_POSITIONS = N_EDGES + MAX_INTERIOR
N_CELLS = 423_624  # rows of `cell_table().cells`, said here to spare making them

BoolArray = NDArray[np.bool_]

_SOURCES, _TARGETS = (np.array(ends) for ends in zip(*EDGES, strict=True))
_INTERIOR_WEIGHTS = N_OPERATIONS ** np.arange(MAX_INTERIOR - 1, -1, -1)


def edge_position(source: int, target: int) -> int:
    """The position of the edge `source` -> `target` in an architecture."""
    return source + target * (target - 1) // 2


# ---------------------------------------------------------------------- rows and their parts


def count_vertices(archs: IntArray) -> IntArray:
    """Vertices of each cell with input and output, int64 of shape (n_archs,)."""
    return 2 + (archs[:, N_EDGES:] != ABSENT).sum(axis=1)


def edge_bits(archs: IntArray) -> IntArray:
    """The edge bits of each cell as one number, int64 of shape (n_archs,)."""
    return archs[:, :N_EDGES] @ (1 << np.arange(N_EDGES))


def labelling(archs: IntArray) -> IntArray:
    """The operations of each cell as one number, the first vertex most significant, (n_archs,)."""
    operations = archs[:, N_EDGES:]
    padded = np.where(operations == ABSENT, 0, operations) @ _INTERIOR_WEIGHTS
    return padded // N_OPERATIONS ** (operations == ABSENT).sum(axis=1)


def matrix_keys(archs: IntArray) -> IntArray:
    """A number for the matrix of each cell that sorts by vertices, then by edge bits, (n_archs,).

    It is -1 where an absent vertex stands before one that is there.
    """
    absent = archs[:, N_EDGES:] == ABSENT
    in_order = (absent[:, 1:] >= absent[:, :-1]).all(axis=1)
    return np.where(in_order, (count_vertices(archs) << N_EDGES) | edge_bits(archs), -1)


def matrices_of_keys(keys: IntArray) -> tuple[NDArray[np.uint8], IntArray]:
    """Adjacency matrices (n, 7, 7), uint8, and numbers of vertices (n,) of keys."""
    adjacency = np.zeros((len(keys), MAX_VERTICES, MAX_VERTICES), dtype=np.uint8)
    adjacency[:, _SOURCES, _TARGETS] = (keys[:, None] >> np.arange(N_EDGES)) & 1
    return adjacency, keys >> N_EDGES


def output_last(adjacency: NDArray[np.uint8], n_vertices: IntArray) -> NDArray[np.uint8]:
    """Matrices whose output is vertex 6 whatever the size of the cell; absent ones before it.

    Parameters
    ----------
    adjacency : uint8 of shape (n, 7, 7) with the output at vertex n_vertices - 1.
    n_vertices : int64 of shape (n,).
    """
    moved = adjacency.copy()
    rows = np.flatnonzero(n_vertices < MAX_VERTICES)
    output = n_vertices[rows] - 1
    moved[rows, :, -1] = adjacency[rows, :, output]
    moved[rows, :, output] = 0
    return moved


def live_vertices(adjacency: NDArray[np.uint8]) -> BoolArray:
    """Which vertices lie on a path from the first vertex to the last.

    Parameters
    ----------
    adjacency : uint8 of shape (n, V, V), upper triangular.

    Returns
    -------
    bool array of shape (n, V).
    """
    size = adjacency.shape[1]
    edges = adjacency.astype(bool)
    reached = np.zeros(edges.shape[:2], dtype=bool)
    reaching = np.zeros_like(reached)
    reached[:, 0] = reaching[:, -1] = True
    for vertex in range(1, size):
        reached[:, vertex] = (edges[:, :vertex, vertex] & reached[:, :vertex]).any(axis=1)
    for vertex in range(size - 2, -1, -1):
        after = slice(vertex + 1, None)
        reaching[:, vertex] = (edges[:, vertex, after] & reaching[:, after]).any(axis=1)
    return reached & reaching


def rows_of(adjacency: NDArray[np.uint8], operations: IntArray) -> IntArray:
    """Architectures from matrices and operations.

    Parameters
    ----------
    adjacency : uint8 of shape (n, 7, 7) with the output at its place in the cell.
    operations : int64 of shape (n, 5), `ABSENT` behind the last vertex.
    """
    edges = adjacency[:, _SOURCES, _TARGETS].astype(np.int64)
    return np.concatenate([edges, operations], axis=1)


# ---------------------------------------------------------------------- all cells


@dataclass(frozen=True)
class CellTable:
    """Every cell in every order of its vertices, and the place of the one that stands for it.

    Attributes
    ----------
    keys : int64 (n_matrices,), ascending: every matrix of live vertices with at most nine edges.
    first : int64 (n_matrices,), where the labellings of a matrix begin in `places`.
    places : int32, for each matrix and labelling the place of its cell in the space's order.
    cells : int8 (n_cells, 26), the cells in the space's order.
    """

    keys: IntArray
    first: IntArray
    places: NDArray[np.int32]
    cells: NDArray[np.int8]

    def find(self, keys: IntArray) -> IntArray:
        """Where each key stands in `keys`; -1 where it is the key of no valid matrix."""
        found = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[found] == keys, found, -1)

    def places_of(self, archs: IntArray) -> IntArray:
        """The place of the cell each valid row is, int64 of shape (n_archs,)."""
        return self.places[self.first[self.find(matrix_keys(archs))] + labelling(archs)].astype(
            np.int64
        )


@cache
def cell_table() -> CellTable:
    """The table of all cells; made once, in about a second."""
    keys: list[IntArray] = []
    places: list[NDArray[Any]] = []  # (n_matrices, n_labellings) for each number of vertices
    cells: list[NDArray[np.int8]] = []
    n_cells = 0
    for n_vertices in range(2, MAX_VERTICES + 1):
        bits = _full_matrices(n_vertices)
        first_bits, first_labels = _first_of_class(bits, n_vertices)
        n_labels = first_labels.shape[1]
        codes, place = np.unique(first_bits[:, None] * n_labels + first_labels, return_inverse=True)
        keys.append((n_vertices << N_EDGES) | bits)
        places.append(place.reshape(first_labels.shape) + n_cells)
        cells.append(_rows_of_codes(codes // n_labels, codes % n_labels, n_vertices))
        n_cells += len(codes)
    sizes = np.concatenate([np.full(len(group), group.shape[1]) for group in places])
    return CellTable(
        keys=np.concatenate(keys),
        first=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64),
        places=np.concatenate([group.ravel() for group in places]).astype(np.int32),
        cells=np.concatenate(cells),
    )


def _full_matrices(n_vertices: int) -> IntArray:
    """Edge bits, ascending, of the matrices of `n_vertices` live vertices and at most 9 edges."""
    bits = np.arange(1 << edge_position(0, n_vertices), dtype=np.int64)
    for vertex in range(n_vertices - 1):
        leaving = sum(1 << edge_position(vertex, t) for t in range(vertex + 1, n_vertices))
        arriving = sum(1 << edge_position(s, vertex + 1) for s in range(vertex + 1))
        bits = bits[((bits & leaving) != 0) & ((bits & arriving) != 0)]
    return bits[((bits[:, None] >> np.arange(N_EDGES)) & 1).sum(axis=1) <= MAX_EDGES]


def _first_of_class(bits: IntArray, n_vertices: int) -> tuple[IntArray, IntArray]:
    """Edge bits (n,) and labellings (n, 3**interior) of the cell that stands for each of them."""
    interior = n_vertices - 2
    n_labels = N_OPERATIONS**interior
    shape = (1, *[N_OPERATIONS] * interior)  # a leading 1, so that no interior is a shape too
    digits = np.stack(np.unravel_index(np.arange(n_labels), shape))[1:]
    orders = [(0, *order, n_vertices - 1) for order in permutations(range(1, n_vertices - 1))]
    reordered = np.stack([_reorder(bits, order) for order in orders])
    first_bits = reordered.min(axis=0)
    first_labels = np.full((len(bits), n_labels), n_labels, dtype=np.int64)
    for order, new_bits in zip(orders, reordered, strict=True):
        weights = [N_OPERATIONS ** (interior - place) for place in order[1:-1]]
        labels = np.array(weights, dtype=np.int64) @ digits
        rows = np.flatnonzero(new_bits == first_bits)
        first_labels[rows] = np.minimum(first_labels[rows], labels)
    return first_bits, first_labels


def _reorder(bits: IntArray, order: tuple[int, ...]) -> IntArray:
    """Edge bits after vertex v became vertex order[v]; too large a number where edges turn back."""
    result = np.zeros_like(bits)
    for source, target in EDGES[: edge_position(0, len(order))]:
        there = (bits >> edge_position(source, target)) & 1
        new_source, new_target = order[source], order[target]
        turned = new_source > new_target
        place = N_EDGES if turned else edge_position(new_source, new_target)
        result |= there << place
    return result


def _rows_of_codes(bits: IntArray, labels: IntArray, n_vertices: int) -> NDArray[np.int8]:
    rows = np.full((len(bits), N_POSITIONS), ABSENT, dtype=np.int8)
    rows[:, :N_EDGES] = (bits[:, None] >> np.arange(N_EDGES)) & 1
    for vertex in range(n_vertices - 2):
        weight = N_OPERATIONS ** (n_vertices - 3 - vertex)
        rows[:, N_EDGES + vertex] = labels // weight % N_OPERATIONS
    return rows


def why_refused(row: IntArray) -> str:
    """What makes a row, int64 of shape (26,), no cell of the space."""
    absent = row[N_EDGES:] == ABSENT
    n_vertices = int(count_vertices(row[None, :])[0])
    if absent[: n_vertices - 2].any():
        first = int(absent.argmax()) + 1
        return f"has an absent vertex {first} before one that is there"
    for source, target in EDGES:
        if target >= n_vertices and row[edge_position(source, target)]:
            return (
                f"has the edge {source}->{target}, though its output is vertex {n_vertices - 1} "
                f"(the operations of {n_vertices - 2} vertices are there)"
            )
    adjacency, _ = matrices_of_keys(matrix_keys(row[None, :]))
    live = live_vertices(adjacency[:, :n_vertices, :n_vertices])[0]
    if not live.any():
        return "has no path from input to output"
    if not live.all():
        return (
            f"has a vertex {int((~live).argmax())} on no path from input to output; "
            "prune() takes such vertices out"
        )
    return f"has {int(row[:N_EDGES].sum())} edges; at most {MAX_EDGES} are allowed"


def check_matrix(adjacency: ArrayLike, n_operations: int) -> NDArray[np.uint8]:
    """The matrix as uint8 (V, V) after checking that it is upper triangular, of zeros and ones."""
    matrix = np.asarray(adjacency)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise HwbenchError(
            f"nasbench101: the matrix must be square with at least two rows, not {matrix.shape}"
        )
    if n_operations != len(matrix):
        raise HwbenchError(
            f"nasbench101: {n_operations} operations for a matrix of {len(matrix)} vertices"
        )
    if not np.isin(matrix, (0, 1)).all():
        raise HwbenchError("nasbench101: the matrix must hold zeros and ones alone")
    if np.tril(matrix).any():
        row, column = np.argwhere(np.tril(matrix))[0]
        raise HwbenchError(
            f"nasbench101: the matrix has an edge {row}->{column}; edges lead to later vertices"
        )
    return matrix.astype(np.uint8)
