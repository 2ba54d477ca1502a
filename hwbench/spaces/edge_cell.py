"""What cell spaces with operations on edges share: dead branches, paths, graphs, twins, functions.

A cell has four nodes. Each of its six edges i -> j (i < j) holds an operation; a node is the sum of
what its incoming edges deliver; node 0 is the cell's input and node 3 its output.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise, product
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import FloatArray, IntArray
from hwbench.spaces.base import Space
from hwbench.spaces.drawing import DrawnAs, Edge
from hwbench.spaces.graphs import Graphs

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
N_NODES = 4
SWAPPED = (1, 0, 2, 3, 5, 4)  # the edges after nodes 1 and 2 change places; needs 1->2 unused

Kind = Literal["zero", "identity", "linear", "function"]


class EdgeCellSpace(Space):
    """Cells of four nodes, an operation on each of the six edges.

    Attributes
    ----------
    cell_operations : names of the operations, in index order.
    kinds : what each operation does to what it is given: "zero" delivers nothing, "identity"
        passes it on, "linear" treats each summand alone, "function" treats the sum as one.
    """

    cell_operations: tuple[str, ...]
    kinds: tuple[Kind, ...]
    encodings = ("onehot", "counts", "integers", "live", "path", "paths", "structure", "graph")
    drawn_as: ClassVar[DrawnAs] = "edges"
    one_graph_shape = True
    positions = tuple(f"{source}->{target}" for source, target in EDGES)

    @property
    def _zero(self) -> int:
        return self.kinds.index("zero")

    # ------------------------------------------------------------------ dead branches

    def live_edges(self, archs: ArrayLike) -> NDArray[np.bool_]:
        """Which edges carry something from the cell's input to its output.

        Parameters
        ----------
        archs : integers of shape (n_archs, 6).

        Returns
        -------
        bool array of shape (n_archs, 6).
        """
        used = self.check(archs) != self._zero
        live = np.zeros_like(used)
        for path in self._edge_paths:
            whole = used[:, path].all(axis=1)
            for edge in path:
                live[:, edge] |= whole
        return live

    def connected(self, archs: ArrayLike) -> NDArray[np.bool_]:
        return np.asarray(self.live_edges(archs).any(axis=1))

    def remove_dead(self, archs: ArrayLike) -> IntArray:
        """The architectures with `none` on every edge that is not live, int64 (n_archs, 6)."""
        valid = self.check(archs)
        return np.where(self.live_edges(valid), valid, self._zero)

    @cached_property
    def _edge_paths(self) -> list[list[int]]:
        """Every way from input to output, as the edges it takes; by the nodes it visits."""
        ways = []
        for visited in ([], [1], [2], [1, 2]):
            nodes = [0, *visited, N_NODES - 1]
            ways.append([EDGES.index(step) for step in pairwise(nodes)])
        return ways

    def edges_of(self, arch: ArrayLike) -> list[Edge]:
        row = self.check_one(arch)
        live = self.live_edges(row[None, :])[0]
        return [
            Edge("cell", str(source), str(target), self.cell_operations[choice], bool(alive))
            for (source, target), choice, alive in zip(EDGES, row, live, strict=True)
        ]

    # ------------------------------------------------------------------ encodings

    def _encode_live(self, archs: IntArray) -> FloatArray:
        return self._encode_onehot(self.remove_dead(archs))

    def _live_names(self) -> list[str]:
        return [f"live {name}" for name in self._onehot_names()]

    @cached_property
    def _path_operations(self) -> list[int]:
        return [index for index, kind in enumerate(self.kinds) if kind != "zero"]

    def _encode_path(self, archs: IntArray) -> FloatArray:
        # A sequence of operations is a number in the base of the operations; shorter ones first.
        base = len(self._path_operations)
        digit = np.full(len(self.cell_operations), -1, dtype=np.int64)
        digit[self._path_operations] = np.arange(base)
        first = np.cumsum([0] + [base**length for length in range(1, N_NODES)])
        features = np.zeros((len(archs), int(first[-1])), dtype=np.float32)
        digits = digit[archs]
        for path in self._edge_paths:
            whole = np.flatnonzero((digits[:, path] >= 0).all(axis=1))
            place = np.zeros(len(whole), dtype=np.int64)
            for edge in path:
                place = place * base + digits[whole, edge]
            features[whole, first[len(path) - 1] + place] = 1.0
        return features

    def _path_names(self) -> list[str]:
        names = [self.cell_operations[index] for index in self._path_operations]
        return [
            " > ".join(sequence)
            for length in range(1, N_NODES)
            for sequence in product(names, repeat=length)
        ]

    def _build_graphs(self, archs: IntArray) -> Graphs:
        # Edges become vertices 1 .. 6 between the input 0 and the output 7 (LAUBE A.1).
        n_vertices = len(EDGES) + 2
        adjacency = np.zeros((n_vertices, n_vertices), dtype=np.uint8)
        for edge, (source, target) in enumerate(EDGES, start=1):
            adjacency[0, edge] = source == 0
            adjacency[edge, -1] = target == N_NODES - 1
            for later, (start, _) in enumerate(EDGES, start=1):
                adjacency[edge, later] = start == target
        n_operations = len(self.cell_operations)
        operations = np.empty((len(archs), n_vertices), dtype=np.int8)
        operations[:, 0] = n_operations
        operations[:, 1:-1] = archs
        operations[:, -1] = n_operations + 1
        return Graphs(
            np.broadcast_to(adjacency, (len(archs), *adjacency.shape)),
            operations,
            (*self.cell_operations, "input", "output"),
        )

    def _architectures_of(self, graphs: Graphs) -> tuple[IntArray, NDArray[np.bool_]]:
        expected = self._build_graphs(self.baseline[None, :])
        operations = graphs.operations.astype(np.int64)
        interior = operations[:, 1:-1]
        valid = (graphs.adjacency == expected.adjacency).all(axis=(1, 2))
        valid &= (operations[:, [0, -1]] == expected.operations[:, [0, -1]]).all(axis=1)
        valid &= ((interior >= 0) & (interior < len(self.cell_operations))).all(axis=1)
        return interior, valid

    # ------------------------------------------------------------------ twins and functions

    def twins(self, archs: ArrayLike) -> IntArray:
        """Each cell with its nodes 1 and 2 in the other order, where nothing connects them.

        It is the same network, dead operations included; what is measured on both differs by
        noise alone. Cells that are their own twin, or connect the two nodes, are returned as they
        are.
        """
        valid = self.check(archs)
        apart = valid[:, EDGES.index((1, 2))] == self._zero
        return np.where(apart[:, None], valid[:, SWAPPED], valid)

    def function_classes(self, archs: ArrayLike) -> IntArray:
        """For each cell the index of the first cell that computes the same function.

        A cell's function is a sum of terms; an operation of kind "zero" adds no term, "identity"
        passes its input's terms on, "linear" treats each of them alone, and "function" makes one
        new term of any input but zero.

        Returns
        -------
        int64 array of shape (n_archs,), places in the space's order.
        """
        return self._class_of_index[self.indices_of(archs)]

    @cached_property
    def _class_of_index(self) -> IntArray:
        terms_seen: dict[tuple[str, object], int] = {}

        def intern(name: str, operand: object) -> int:
            return terms_seen.setdefault((name, operand), len(terms_seen))

        def apply(operation: int, source: tuple[int, ...]) -> tuple[int, ...]:
            name, kind = self.cell_operations[operation], self.kinds[operation]
            if kind == "zero" or not source:
                return ()
            if kind == "identity":
                return source
            if kind == "linear":
                return tuple(intern(name, term) for term in source)
            return (intern(name, source),)

        def add(*summands: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(sorted(term for summand in summands for term in summand))

        cell_input = (intern("input", None),)
        first: dict[tuple[int, ...], int] = {}
        classes = np.empty(len(self), dtype=np.int64)
        for index, (a, b, c, d, e, f) in enumerate(self.all_architectures().tolist()):
            one = apply(a, cell_input)
            two = add(apply(b, cell_input), apply(c, one))
            three = add(apply(d, cell_input), apply(e, one), apply(f, two))
            classes[index] = first.setdefault(three, index)
        return classes


N_STAGES = 3
