"""The cell space of NAS-Bench-101: 423,624 graphs with operations on their vertices.

See `nasbench101_cells` for how a cell is written as 26 integers and which of its orders stands for
it; `nasbench101_cost` says what the network around it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import FloatArray, IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces.base import Skeleton, SkeletonValue, Space
from hwbench.spaces.code import Code
from hwbench.spaces.graphs import Graphs
from hwbench.spaces.nasbench101 import cells, hashes
from hwbench.spaces.nasbench101.cells import (
    ABSENT,
    EDGES,
    MAX_EDGES,
    MAX_INTERIOR,
    MAX_VERTICES,
    N_EDGES,
    OPERATIONS,
)
from hwbench.spaces.nasbench101.codes import matrix_and_operations
from hwbench.spaces.nasbench101.cost import network_costs
from hwbench.spaces.nasbench101.steps import steps
from hwbench.spaces.nasbench101.strings import MODULE_HASH, rows_of_texts, texts_of

if TYPE_CHECKING:
    import torch

BASELINE = (
    "conv3x3-bn-relu:0|conv3x3-bn-relu:01|conv3x3-bn-relu:12|"
    "conv3x3-bn-relu:3|conv3x3-bn-relu:4|output:5"
)

ROWS_AT_ONCE = 16384  # of features that are made together, to bound what lies beside them


class NASBench101(Space):
    """423,624 cells of at most seven vertices and nine edges.

    An architecture is a cell in any order of its vertices; the space's own order holds one of each,
    by number of vertices, edge bits and operations, and `canonical` finds it. Every vertex must lie
    on a path from input to output: `prune` takes the others out, as the benchmark does.

    The benchmark has no string of its own. Ours lists the vertices behind the input, each with its
    operation and the vertices it adds up, such as
    "conv3x3-bn-relu:0|maxpool3x3:01|output:12". The benchmark's hash of a cell is read too.

    Channels are shared among the vertices before the output in their order, so that the same cell
    in another order may have another number of parameters; the benchmark's are those of the space's
    own order. FLOPs count the multiply-adds of convolutions and of the classifier without its bias.
    """

    name = "nasbench101"
    title = "NAS-Bench-101"
    choices = (("no edge", "edge"),) * N_EDGES + ((*OPERATIONS, "absent"),) * MAX_INTERIOR
    positions = tuple(f"{source}->{target}" for source, target in EDGES) + tuple(
        f"vertex{vertex}" for vertex in range(1, MAX_INTERIOR + 1)
    )
    encodings = ("onehot", "counts", "integers", "live", "path", "paths", "structure", "graph")
    default_skeleton = Skeleton(channels=128, depth=3)

    # ------------------------------------------------------------------ enumeration

    @property
    def n_architectures(self) -> int:
        return cells.N_CELLS

    def architectures_at(self, indices: ArrayLike) -> IntArray:
        """The cells at the given places, in the order of vertices that stands for each.

        Parameters
        ----------
        indices : integers of shape (n_archs,), each in 0 .. n_architectures - 1.

        Returns
        -------
        int64 array of shape (n_archs, 26).
        """
        return cells.cell_table().cells[self._check_indices(indices)].astype(np.int64)

    def indices_of(self, archs: ArrayLike) -> IntArray:
        """The place of each cell, whatever the order of its vertices, int64 of shape (n_archs,)."""
        return cells.cell_table().places_of(self.check(archs))

    def canonical(self, archs: ArrayLike) -> IntArray:
        """Each cell in the order of vertices that stands for it, int64 of shape (n_archs, 26)."""
        return self.architectures_at(self.indices_of(archs))

    def _refusal(self, archs: IntArray) -> tuple[int, str] | None:
        wrong = np.flatnonzero(cells.cell_table().find(cells.matrix_keys(archs)) < 0)
        if not len(wrong):
            return None
        row = int(wrong[0])
        return row, cells.why_refused(archs[row])

    @cached_property
    def baseline(self) -> IntArray:
        # Of the cells of five 3x3 convolutions the first with most neighbours that differ from it
        # at a single position, as a lookup table needs them: 26, all it has.
        return self.from_string(BASELINE)

    def neighbours(self, arch: ArrayLike) -> IntArray:
        """The cells one step away from a cell.

        A step changes one operation, adds or takes away one edge where every vertex stays on a path
        from input to output, puts in a vertex of one edge in and one out, or takes such a vertex
        out (which is what cutting one of its edges comes to). An added edge may lead either way
        between vertices that no path joins. Steps lead both ways: a cell is a neighbour of its
        neighbours.

        Parameters
        ----------
        arch : integers of shape (26,), in any order of the vertices.

        Returns
        -------
        int64 array of shape (n_neighbours, 26): different cells in the space's order.
        """
        row = self.check_one(arch)
        candidates = steps(row)
        table = cells.cell_table()
        valid = candidates[table.find(cells.matrix_keys(candidates)) >= 0]
        places = np.unique(table.places_of(valid))
        return self.architectures_at(places[places != table.places_of(row[None, :])])

    # ------------------------------------------------------------------ matrices

    def prune(self, archs: ArrayLike) -> IntArray:
        """Take out the vertices that lie on no path from input to output, as the benchmark does.

        Parameters
        ----------
        archs : integers of shape (n_archs, 26); vertices may dangle, absent ones come last.

        Returns
        -------
        int64 array of shape (n_archs, 26), the remaining vertices in the order they had.

        Raises
        ------
        HwbenchError
            Where no path is left, more than nine edges are, or a row is no graph.
        """
        rows = _AnyGraph().check(archs)
        keys = cells.matrix_keys(rows)
        adjacency, n_vertices = cells.matrices_of_keys(keys)
        beyond = np.arange(MAX_VERTICES) >= n_vertices[:, None]
        wrong = np.flatnonzero((keys < 0) | (adjacency & beyond[:, None, :]).any(axis=(1, 2)))
        if len(wrong):
            row = int(wrong[0])
            reason = cells.why_refused(rows[row])
            raise HwbenchError(f"{self.name}: row {row} {rows[row].tolist()} {reason}")
        spread = cells.output_last(adjacency, n_vertices)
        live = cells.live_vertices(spread)
        if not live[:, 0].all():
            row = int((~live[:, 0]).argmax())
            raise HwbenchError(f"{self.name}: row {row} has no path from input to output")
        order = np.argsort(~live, axis=1, kind="stable")
        ranked = np.take_along_axis(live, order, axis=1)
        each = np.arange(len(rows))[:, None]
        kept = spread[each[:, :, None], order[:, :, None], order[:, None, :]]
        kept &= ranked[:, :, None] & ranked[:, None, :]
        operations = np.full((len(rows), MAX_VERTICES), ABSENT)
        operations[:, 1:-1] = rows[:, N_EDGES:]
        moved = np.where(ranked, operations[each, order], ABSENT)[:, 1:-1]
        # The output carries no operation, so that it is absent at its new place already.
        return self.check(cells.rows_of(kept, moved))

    def from_matrix(self, adjacency: ArrayLike, operations: Sequence[str]) -> IntArray:
        """The architecture of a matrix and operation names, pruned as the benchmark does.

        Parameters
        ----------
        adjacency : zeros and ones of shape (V, V), upper triangular; vertex 0 is the input and
            V - 1 the output.
        operations : V names; the first and the last are not looked at.

        Returns
        -------
        int64 array of shape (26,), its vertices in the order given.

        Raises
        ------
        HwbenchError
            Where the matrix or a name is wrong, or the pruned cell is none of the space.
        """
        matrix = cells.check_matrix(adjacency, len(operations))
        live = np.flatnonzero(cells.live_vertices(matrix[None])[0])
        n_edges = int(matrix[np.ix_(live, live)].sum())
        if len(live) < 2:
            raise HwbenchError(f"{self.name}: the matrix has no path from input to output")
        if len(live) > MAX_VERTICES or n_edges > MAX_EDGES:
            raise HwbenchError(
                f"{self.name}: the matrix has {len(live)} vertices and {n_edges} edges on paths "
                f"from input to output; at most {MAX_VERTICES} and {MAX_EDGES} are allowed"
            )
        square = np.zeros((1, MAX_VERTICES, MAX_VERTICES), dtype=np.uint8)
        square[0, : len(live), : len(live)] = matrix[np.ix_(live, live)]
        labels = np.full((1, MAX_INTERIOR), ABSENT)
        for place, vertex in enumerate(live[1:-1]):
            if operations[vertex] not in OPERATIONS:
                raise unknown_name(
                    "operation", str(operations[vertex]), OPERATIONS, where=f"vertex {vertex}"
                )
            labels[0, place] = OPERATIONS.index(operations[vertex])
        return self.check(cells.rows_of(square, labels))[0]

    def to_matrix(self, arch: ArrayLike) -> tuple[NDArray[np.uint8], list[str]]:
        """The matrix (V, V), uint8, and V operation names, "input" and "output" among them."""
        row = self.check_one(arch)[None]
        adjacency, n_vertices = cells.matrices_of_keys(cells.matrix_keys(row))
        size = int(n_vertices[0])
        names = [OPERATIONS[operation] for operation in row[0, N_EDGES : N_EDGES + size - 2]]
        return adjacency[0, :size, :size], ["input", *names, "output"]

    # ------------------------------------------------------------------ the benchmark's hash

    def module_hashes(self, archs: ArrayLike) -> list[str]:
        """The benchmark's hash of each cell: 32 hexadecimal digits, the same in every order.

        All cells take a third of a minute.
        """
        return [text.decode() for text in self._hashes(self.check(archs)).tolist()]

    def _hashes(self, archs: IntArray) -> NDArray[np.bytes_]:
        found = np.empty(len(archs), dtype=f"S{hashes.HEX_LENGTH}")
        adjacency, n_vertices = cells.matrices_of_keys(cells.matrix_keys(archs))
        for size in np.unique(n_vertices).tolist():
            rows = np.flatnonzero(n_vertices == size)
            labels = np.full((len(rows), size), -1)
            labels[:, 1:-1] = archs[rows, N_EDGES : N_EDGES + size - 2]
            labels[:, -1] = -2
            found[rows] = hashes.module_hashes(adjacency[rows, :size, :size], labels)
        return found

    def hash_order(self) -> IntArray:
        """Places of all cells by ascending module hash, as public files list them.

        Row i of such a file is the cell `architectures_at(hash_order())[i]`. The first call takes
        about a third of a minute.

        Returns
        -------
        int64 array of shape (423624,).
        """
        return self._hash_table[1].copy()

    def indices_of_hashes(self, hashes: Iterable[str]) -> IntArray:
        """The place of the cell of each module hash, int64 of shape (n_hashes,).

        Raises
        ------
        HwbenchError
            Where a hash is that of no cell.
        """
        texts = list(hashes)
        known, places = self._hash_table
        for row, text in enumerate(texts):
            if not isinstance(text, str) or not MODULE_HASH.fullmatch(text):
                raise HwbenchError(
                    f"{self.name}: row {row}: {text!r} is no module hash of 32 hexadecimal digits"
                )
        given = np.array(texts, dtype=known.dtype)
        found = np.minimum(np.searchsorted(known, given), len(known) - 1)
        wrong = np.flatnonzero(known[found] != given)
        if len(wrong):
            raise HwbenchError(
                f"{self.name}: row {wrong[0]}: no cell of the space has the module hash "
                f"{texts[wrong[0]]!r}"
            )
        return places[found]

    @cached_property
    def _hash_table(self) -> tuple[NDArray[np.bytes_], IntArray]:
        hashes = self._hashes(self.all_architectures())
        order = np.argsort(hashes, kind="stable").astype(np.int64)
        return hashes[order], order

    # ------------------------------------------------------------------ strings

    def to_string(self, arch: ArrayLike) -> str:
        return self.to_strings(np.asarray(arch)[None, :])[0]

    def from_string(self, text: str) -> IntArray:
        return self.from_strings([text])[0]

    def to_strings(self, archs: ArrayLike) -> list[str]:
        return texts_of(self.check(archs))

    def from_strings(self, texts: Iterable[str]) -> IntArray:
        """Parse strings, or module hashes, into an int64 array of shape (n_archs, 26).

        A string keeps the order of its vertices; a hash gives the order that stands for the cell.
        The first hash takes about a third of a minute.
        """
        given = list(texts)
        archs, hashes = rows_of_texts(given)
        if hashes:
            places = self.indices_of_hashes([given[row].strip() for row in hashes])
            archs[hashes] = self.architectures_at(places)
        refusal = self._refusal(archs)
        if refusal is not None:
            raise HwbenchError(f"architecture {given[refusal[0]]!r} {refusal[1]}")
        return archs

    # ------------------------------------------------------------------ codes of others

    def other_codes(self) -> list[Code]:
        """The module hash, and matrix with operations."""
        return [
            Code("hash", "the benchmark's module hash", self.from_string),
            Code("matrix", "matrix and operations", self._from_matrix_value),
        ]

    def from_other_code(self, value: Any) -> IntArray | None:
        """A cell out of matrix and operations; None where the value holds none."""
        found = matrix_and_operations(value)
        return None if found is None else self._from_pair(*found)

    def _from_matrix_value(self, value: Any) -> IntArray:
        found = matrix_and_operations(value)
        if found is None:
            raise HwbenchError(
                f"{self.name}: {str(value)[:60]!r} holds no matrix with operations, such as "
                '{"matrix": [[0, 1], [0, 0]], "ops": ["input", "output"]}'
            )
        return self._from_pair(*found)

    def _from_pair(self, matrix: Any, operations: Sequence[str]) -> IntArray:
        try:
            adjacency = np.array(matrix, dtype=np.int64)
        except (TypeError, ValueError) as error:
            raise HwbenchError(f"{self.name}: the matrix is none of whole numbers") from error
        return self.from_matrix(adjacency, operations)

    # ------------------------------------------------------------------ encodings

    def _encode_onehot(self, archs: IntArray) -> FloatArray:
        features = np.zeros((len(archs), int(self.n_choices.sum())), dtype=np.float32)
        for start in range(0, len(archs), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            features[part] = super()._encode_onehot(archs[part])
        return features

    def _encode_live(self, archs: IntArray) -> FloatArray:
        return self._encode_onehot(archs)  # nothing dead is a cell of the space

    def _live_names(self) -> list[str]:
        return [f"live {name}" for name in self._onehot_names()]

    def _encode_counts(self, archs: IntArray) -> FloatArray:
        operations = archs[:, N_EDGES:]
        counts = [(operations == operation).sum(axis=1) for operation in range(len(OPERATIONS))]
        counts += [archs[:, :N_EDGES].sum(axis=1), cells.count_vertices(archs)]
        return np.stack(counts, axis=1).astype(np.float32)

    def _counts_names(self) -> list[str]:
        return [f"n({name})" for name in (*OPERATIONS, "edges", "vertices")]

    def _encode_path(self, archs: IntArray) -> FloatArray:
        # A sequence of operations is a number in base three; shorter ones come first.
        base = len(OPERATIONS)
        first = np.cumsum([0] + [base**length for length in range(MAX_INTERIOR + 1)])
        features = np.zeros((len(archs), int(first[-1])), dtype=np.float32)
        for start in range(0, len(archs), ROWS_AT_ONCE):
            rows = archs[start : start + ROWS_AT_ONCE]
            part = features[start : start + ROWS_AT_ONCE]
            edges = cells.output_last(*cells.matrices_of_keys(cells.matrix_keys(rows))).astype(bool)
            for length in range(MAX_INTERIOR + 1):
                for visited in combinations(range(1, MAX_INTERIOR + 1), length):
                    way = (0, *visited, MAX_VERTICES - 1)
                    used = [edges[:, a, b] for a, b in pairwise(way)]
                    whole = np.flatnonzero(np.logical_and.reduce(used))
                    place = np.zeros(len(whole), dtype=np.int64)
                    for vertex in visited:
                        place = place * base + rows[whole, N_EDGES + vertex - 1]
                    part[whole, first[length] + place] = 1.0
        return features

    def _path_names(self) -> list[str]:
        return [
            " > ".join(sequence) if sequence else "input > output"
            for length in range(MAX_INTERIOR + 1)
            for sequence in product(OPERATIONS, repeat=length)
        ]

    def _build_graphs(self, archs: IntArray) -> Graphs:
        adjacency, n_vertices = cells.matrices_of_keys(cells.matrix_keys(archs))
        names = (*OPERATIONS, "input", "output")
        operations = np.full((len(archs), MAX_VERTICES), -1, dtype=np.int8)
        operations[:, 0] = names.index("input")
        interior = archs[:, N_EDGES:]
        operations[:, 1:-1] = np.where(interior == ABSENT, -1, interior)
        operations[np.arange(len(archs)), n_vertices - 1] = names.index("output")
        return Graphs(adjacency, operations, names)

    def _architectures_of(self, graphs: Graphs) -> tuple[IntArray, NDArray[np.bool_]]:
        names = graphs.operation_names
        n_vertices = graphs.n_vertices
        operations = graphs.operations.astype(np.int64)
        every, vertex = np.arange(len(operations)), np.arange(MAX_VERTICES)
        inside = (vertex > 0) & (vertex < n_vertices[:, None] - 1)
        known = (operations >= 0) & (operations < len(OPERATIONS))
        outside = vertex >= n_vertices[:, None]
        valid = (n_vertices >= 2) & (operations[:, 0] == names.index("input"))
        valid &= operations[every, n_vertices - 1] == names.index("output")
        valid &= (known == inside).all(axis=1) & ((operations == -1) == outside).all(axis=1)
        valid &= ~(np.tril(graphs.adjacency) > 0).any(axis=(1, 2))
        archs = cells.rows_of(graphs.adjacency, np.where(inside, operations, ABSENT)[:, 1:-1])
        valid[valid] = cells.cell_table().find(cells.matrix_keys(archs[valid])) >= 0
        return archs, valid

    # ------------------------------------------------------------------ cost and network

    def skeleton(self, **changes: SkeletonValue) -> Skeleton:
        skeleton = super().skeleton(**changes)
        if skeleton.channels < MAX_INTERIOR:
            raise HwbenchError(
                f"{self.name}: channels must be at least {MAX_INTERIOR} (as many vertices may share"
                f" them), not {skeleton.channels}"
            )
        return skeleton

    def _count_parameters(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._count(archs, skeleton, flops=False)

    def _count_flops(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._count(archs, skeleton, flops=True)

    def _count(self, archs: IntArray, skeleton: Skeleton, *, flops: bool) -> IntArray:
        keys, matrix = np.unique(cells.matrix_keys(archs), return_inverse=True)
        spread = cells.output_last(*cells.matrices_of_keys(keys))
        total, by_vertex = network_costs(spread, skeleton, flops=flops)
        by_vertex = np.concatenate([by_vertex, np.zeros_like(by_vertex[:, :, :1])], axis=2)
        result = total[matrix]
        for vertex in range(MAX_INTERIOR):
            result += by_vertex[matrix, vertex, archs[:, N_EDGES + vertex]]
        return result

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.nasbench101.network import NASBench101Network

        adjacency, names = self.to_matrix(arch)
        return NASBench101Network(adjacency, names[1:-1], skeleton)


class _AnyGraph(NASBench101):
    """Takes what `prune` is given: rows of valid entries, whatever graph they are."""

    def _refusal(self, archs: IntArray) -> None:  # noqa: ARG002 - nothing is refused
        return None
