"""NAS-Bench-1Shot1 (Zela et al. 2020): NAS-Bench-101 as one-shot methods can search it.

Every vertex of a cell adds up a fixed number of earlier ones; which, and which operation it holds,
is what is searched. Each such cell is one of NAS-Bench-101 once the vertices that lead nowhere are
taken out, so that what a complete training of it comes to is known. Several codes stand for one
cell.
"""

from __future__ import annotations

from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import FloatArray, IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces.base import Skeleton, SkeletonValue, Space
from hwbench.spaces.graphs import Graphs
from hwbench.spaces.nasbench101 import cells
from hwbench.spaces.nasbench101.cells import ABSENT, N_EDGES, N_POSITIONS, OPERATIONS, edge_position
from hwbench.spaces.nasbench101.space import NASBench101
from hwbench.spaces.strings import PieceStrings

if TYPE_CHECKING:
    import torch

OUTPUT = "output"
INPUTS = "inputs of "
"""What the name of a position begins with that chooses which earlier vertices one adds up."""

ROWS_AT_ONCE = 65_536  # of cells that are looked up together, to bound what lies beside them


def _digits(vertices: tuple[int, ...]) -> str:
    return "".join(map(str, vertices))


class NASBench1Shot1(PieceStrings):
    """What the three spaces share; `n_parents` tells them apart.

    An architecture says of every vertex, in their order, which operation it holds and, where it has
    a choice, which earlier ones it adds up; at last, which the output does. A string lists the
    vertices as NAS-Bench-101's do, those that lead nowhere included, such as
    "conv3x3-bn-relu:0|maxpool3x3:01|conv1x1-bn-relu:12|conv3x3-bn-relu:03|output:34".

    Networks, parameters, FLOPs and the encodings "counts", "path" and "graph" are those of the cell
    of NAS-Bench-101.

    Attributes
    ----------
    n_parents : how many earlier vertices each adds up, the output's last.
    parents : for each vertex, the output last, the sets of earlier ones that it may add up.
    """

    n_parents: ClassVar[tuple[int, ...]]
    parents: ClassVar[tuple[tuple[tuple[int, ...], ...], ...]]
    encodings = ("onehot", "counts", "integers", "live", "path", "paths", "structure", "graph")
    default_skeleton = NASBench101.default_skeleton
    larger_space = NASBench101.name

    def __init_subclass__(cls) -> None:
        cls.parents = tuple(
            tuple(combinations(range(vertex), count))
            for vertex, count in enumerate(cls.n_parents, start=1)
        )
        positions: list[str] = []
        choices: list[tuple[str, ...]] = []
        for vertex, sets in enumerate(cls.parents, start=1):
            name = OUTPUT if vertex == len(cls.parents) else f"vertex{vertex}"
            if name != OUTPUT:
                positions.append(name)
                choices.append(OPERATIONS)
            if len(sets) > 1:
                positions.append(f"{INPUTS}{name}")
                choices.append(tuple(map(_digits, sets)))
        cls.positions, cls.choices = tuple(positions), tuple(choices)

    @property
    def n_vertices(self) -> int:
        """Vertices that hold an operation."""
        return len(self.parents) - 1

    # ------------------------------------------------------------------ the larger space

    @cached_property
    def _larger(self) -> NASBench101:
        return cast("NASBench101", Space.lookup(self.larger_space))

    def in_larger_space(self, archs: ArrayLike) -> IntArray:
        valid = self.check(archs)
        parts = [
            self._cells(valid[start : start + ROWS_AT_ONCE])
            for start in range(0, max(len(valid), 1), ROWS_AT_ONCE)
        ]
        return np.concatenate(parts)

    def live_vertices(self, archs: ArrayLike) -> NDArray[np.bool_]:
        """Which vertices lead to the output; a path from the input reaches them all.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).

        Returns
        -------
        bool of shape (n_archs, n_vertices + 1), of the vertices and at last of the output.
        """
        keys = cells.matrix_keys(self._rows(self.check(archs)))
        live = cells.live_vertices(cells.output_last(*cells.matrices_of_keys(keys)))
        return live[:, [*range(1, self.n_vertices + 1), -1]]

    def _cells(self, archs: IntArray) -> IntArray:
        """The cells of architectures, in the order of vertices that stands for each."""
        return self._larger.canonical(self._larger.prune(self._rows(archs)))

    def _rows(self, archs: IntArray) -> IntArray:
        """Architectures as rows of the larger space, vertices that lead nowhere included."""
        rows = np.full((len(archs), N_POSITIONS), ABSENT)
        rows[:, :N_EDGES] = 0
        columns = iter(archs.T)
        for vertex, sets in enumerate(self.parents, start=1):
            if vertex <= self.n_vertices:
                rows[:, N_EDGES + vertex - 1] = next(columns)
            edges = np.array([np.isin(np.arange(vertex), one) for one in sets], dtype=np.int64)
            first = edge_position(0, vertex)
            rows[:, first : first + vertex] = edges[next(columns)] if len(sets) > 1 else edges
        return rows

    def function_classes(self, archs: ArrayLike) -> IntArray:
        known, first = self._first_codes
        places = self._larger.indices_of(self.in_larger_space(archs))
        return first[np.searchsorted(known, places)]

    @cached_property
    def _first_codes(self) -> tuple[IntArray, IntArray]:
        """The places of all cells in the larger space, ascending, and of the first code of each."""
        places = self._larger.indices_of(self.in_larger_space(self.all_architectures()))
        known, first = np.unique(places, return_index=True)
        return known, first.astype(np.int64)

    # ------------------------------------------------------------------ strings

    @cached_property
    def _pieces(self) -> list[list[str]]:
        pieces = []
        for vertex, sets in enumerate(self.parents, start=1):
            before = "|" if vertex > 1 else ""
            sources = list(map(_digits, sets))
            if vertex > self.n_vertices:
                sources = [f"{before}{OUTPUT}:{digits}" for digits in sources]
            else:
                only = sources[0] if len(sources) == 1 else ""
                pieces.append([f"{before}{operation}:{only}" for operation in OPERATIONS])
            if len(sources) > 1:
                pieces.append(sources)
        return pieces

    def from_string(self, text: str) -> IntArray:
        tokens = text.strip().split("|") if isinstance(text, str) else []
        where = f"architecture {text!r}"
        if len(tokens) != len(self.parents):
            raise HwbenchError(
                f"{where} is no {self.title} string; expected {self.n_vertices} vertices and the "
                f"output, such as {self.to_string(self.baseline)}"
            )
        codes: list[int] = []
        for vertex, (token, sets) in enumerate(zip(tokens, self.parents, strict=True), start=1):
            name, _, digits = token.partition(":")
            is_output = vertex > self.n_vertices
            names = (OUTPUT,) if is_output else OPERATIONS
            if name not in names:
                raise unknown_name("operation", name, names, where=f"{where}: vertex {vertex}")
            sources = list(map(_digits, sets))
            if digits not in sources:
                raise HwbenchError(
                    f"{where}: vertex {vertex} adds up {digits!r}; in {self.title} it adds up "
                    f"{self.n_parents[vertex - 1]} earlier ones: {', '.join(sources)}"
                )
            codes += [] if is_output else [OPERATIONS.index(name)]
            codes += [sources.index(digits)] if len(sources) > 1 else []
        return np.array(codes, dtype=np.int64)

    # ------------------------------------------------------------------ encodings

    def _encode_counts(self, archs: IntArray) -> FloatArray:
        return self._larger.encode(self.in_larger_space(archs), "counts")

    def _counts_names(self) -> list[str]:
        return self._larger.feature_names("counts")

    def _encode_live(self, archs: IntArray) -> FloatArray:
        live = self.live_vertices(archs)[:, self.vertex_of_position]
        return self._encode_onehot(archs) * np.repeat(live, self.n_choices, axis=1)

    def _live_names(self) -> list[str]:
        return [f"live {name}" for name in self._onehot_names()]

    @cached_property
    def vertex_of_position(self) -> list[int]:
        """Which vertex each position decides about, the output behind the others."""
        names = [*(f"vertex{vertex}" for vertex in range(1, self.n_vertices + 1)), OUTPUT]
        return [names.index(name.removeprefix(INPUTS)) for name in self.positions]

    def _encode_path(self, archs: IntArray) -> FloatArray:
        return self._larger.encode(self.in_larger_space(archs), "path")

    def _path_names(self) -> list[str]:
        return self._larger.feature_names("path")

    def _build_graphs(self, archs: IntArray) -> Graphs:
        return self._larger.graphs(self.in_larger_space(archs))

    # ------------------------------------------------------------------ cost and network

    def skeleton(self, **changes: SkeletonValue) -> Skeleton:
        return self._larger.skeleton(**changes)

    def _count_parameters(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._larger.parameters(self.in_larger_space(archs), **vars(skeleton))

    def _count_flops(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._larger.flops(self.in_larger_space(archs), **vars(skeleton))

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        return self._larger._build_network(self.in_larger_space(arch[None, :])[0], skeleton)


class NASBench1Shot1First(NASBench1Shot1):
    """14,580 codes of 2,685 cells of four vertices."""

    name = "nasbench1shot1_1"
    title = "NAS-Bench-1Shot1, space 1"
    n_parents = (1, 2, 2, 2, 2)


class NASBench1Shot1Second(NASBench1Shot1):
    """29,160 codes of 7,773 cells of four vertices."""

    name = "nasbench1shot1_2"
    title = "NAS-Bench-1Shot1, space 2"
    n_parents = (1, 1, 2, 2, 3)


class NASBench1Shot1Third(NASBench1Shot1):
    """1,312,200 codes of 55,854 cells of five vertices."""

    name = "nasbench1shot1_3"
    title = "NAS-Bench-1Shot1, space 3"
    n_parents = (1, 1, 1, 2, 2, 2)
