"""Small changes to a NAS-Bench-101 cell, some of which lead out of the space."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import IntArray
from hwbench.spaces.nasbench101.cells import (
    ABSENT,
    MAX_VERTICES,
    N_EDGES,
    N_OPERATIONS,
    N_POSITIONS,
    count_vertices,
    matrices_of_keys,
    matrix_keys,
    rows_of,
)


def steps(row: IntArray) -> IntArray:
    """One operation changed, one edge flipped, one vertex of two edges put in or taken out.

    Parameters
    ----------
    row : int64 of shape (26,), a cell.

    Returns
    -------
    int64 array of shape (n_steps, 26); not all are cells, and some may be the same.
    """
    size = int(count_vertices(row[None, :])[0])
    matrix = matrices_of_keys(matrix_keys(row[None, :]))[0][0, :size, :size]
    operations = row[N_EDGES : N_EDGES + size - 2].tolist()
    return np.concatenate([_steps_of(*order) for order in _orders(matrix, operations)])


def _orders(
    matrix: NDArray[np.uint8], operations: list[int]
) -> list[tuple[NDArray[np.uint8], list[int]]]:
    """Orders of a cell, enough for each vertex to stand before each it cannot be reached from.

    Edges lead to later vertices; which of two vertices without a path between them may lead to the
    other must not depend on the order in which the cell is written.
    """
    size = len(matrix)
    orders = {tuple(range(size)): None}
    for vertex in range(1, size - 1):
        reached = np.arange(size) == vertex
        for later in range(vertex + 1, size):
            reached[later] = (matrix[:, later].astype(bool) & reached).any()
        orders[tuple(np.argsort(reached, kind="stable").tolist())] = None
    return [
        (matrix[np.ix_(order, order)], [operations[vertex - 1] for vertex in order[1:-1]])
        for order in orders
    ]


def _steps_of(matrix: NDArray[np.uint8], operations: list[int]) -> IntArray:
    size = len(matrix)
    row = _row_of(matrix, operations)[0]
    found = [_flipped(row), _relabelled(row, size)]
    if size < MAX_VERTICES:
        found += [
            _with_vertex(matrix, operations, source, target)
            for source, target in combinations(range(size), 2)
        ]
    found += [
        _without_vertex(matrix, operations, vertex)
        for vertex in range(1, size - 1)
        if matrix[vertex].sum() == matrix[:, vertex].sum() == 1
    ]
    return np.concatenate(found)


def _flipped(row: IntArray) -> IntArray:
    rows = np.repeat(row[None, :], N_EDGES, axis=0)
    rows[:, :N_EDGES] ^= np.eye(N_EDGES, dtype=np.int64)
    return rows


def _relabelled(row: IntArray, size: int) -> IntArray:
    rows = np.repeat(row[None, :], (size - 2) * N_OPERATIONS, axis=0)
    positions = np.repeat(np.arange(N_EDGES, N_EDGES + size - 2), N_OPERATIONS)
    rows[np.arange(len(rows)), positions] = np.tile(np.arange(N_OPERATIONS), size - 2)
    return rows


def _with_vertex(
    matrix: NDArray[np.uint8], operations: list[int], source: int, target: int
) -> IntArray:
    """A vertex of each operation between two others, standing right behind the first."""
    place = source + 1
    grown = np.insert(np.insert(matrix, place, 0, axis=0), place, 0, axis=1)
    grown[source, place] = grown[place, target + 1] = 1
    before, after = operations[: place - 1], operations[place - 1 :]
    return np.concatenate(
        [_row_of(grown, [*before, operation, *after]) for operation in range(N_OPERATIONS)]
    )


def _without_vertex(matrix: NDArray[np.uint8], operations: list[int], vertex: int) -> IntArray:
    shrunk = np.delete(np.delete(matrix, vertex, axis=0), vertex, axis=1)
    return _row_of(shrunk, operations[: vertex - 1] + operations[vertex:])


def _row_of(matrix: NDArray[np.uint8], operations: list[int]) -> IntArray:
    square = np.zeros((1, MAX_VERTICES, MAX_VERTICES), dtype=np.uint8)
    square[0, : len(matrix), : len(matrix)] = matrix
    padded = np.full((1, N_POSITIONS - N_EDGES), ABSENT)
    padded[0, : len(operations)] = operations
    return rows_of(square, padded)
