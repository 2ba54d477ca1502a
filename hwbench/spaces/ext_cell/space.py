"""The ExtCell space (NA 975-1035): cells of DARTS in which any operations may be on.

A pair of cells, normal and reduction, has 28 edges and seven operations on each; every one of these
196 is on or off. A node that nothing is added to is no part of its cell's output, and what would
start from it computes nothing. A normal cell without operations passes its input on, a reduction
cell without any halves its size and doubles its channels.
"""

from __future__ import annotations

import math
import re
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import FloatArray, IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces.base import Skeleton, Space
from hwbench.spaces.darts.cost import conv_cost, operation_cost
from hwbench.spaces.darts.skeleton import EDGES, N_NODES, STEM_MULTIPLIER, cell_shapes
from hwbench.spaces.darts.space import CELLS, DARTS, OPERATIONS, STATES
from hwbench.spaces.drawing import NO_OPERATION, DrawnAs, Edge

if TYPE_CHECKING:
    import torch

SHAPE = (len(CELLS), len(EDGES), len(OPERATIONS))
"""Of an architecture's entries: cell, edge, operation."""

PUBLISHED = (10, 16)
"""Fewest and most operations of the pairs that are drawn: those of the publication."""

_ITEM = re.compile(r"([0-9]) *-> *([0-9]) +(\w+)")


class ExtCell(Space):
    """2^196 - 1 pairs of cells; a string lists what is on in each of the two cells.

    Such as "normal: 0->2 sep_conv_3x3, 1->3 skip_connect; reduction: none". Pairs are drawn with
    10 to 16 operations, equally many of each number; `sample_of` draws those of one number. DARTS
    cells are pairs of 16, see `of_darts`.

    Networks are those of DARTS, where a cell's output has as many parts as nodes that something is
    added to.
    """

    name = "ext_cell"
    title = "ExtCell"
    choices = tuple((NO_OPERATION, operation) for operation in OPERATIONS) * (
        len(CELLS) * len(EDGES)
    )
    positions = tuple(
        f"{cell} {source}->{node} {operation}"
        for cell in CELLS
        for source, node in EDGES
        for operation in OPERATIONS
    )
    encodings = ("onehot", "counts", "integers", "live", "structure")
    default_skeleton = DARTS.default_skeleton
    drawn_as: ClassVar[DrawnAs] = "states"

    @property
    def n_architectures(self) -> int:
        return 2 ** len(self.choices) - 1

    def _refusal(self, archs: IntArray) -> tuple[int, str] | None:
        empty = np.flatnonzero(~archs.any(axis=1))
        return (int(empty[0]), "has no operation at all") if len(empty) else None

    @cached_property
    def baseline(self) -> IntArray:
        return self.of_darts(Space.lookup(DARTS.name).baseline[None, :])[0]

    # ------------------------------------------------------------------ drawing

    def _sample_by_position(
        self, n_archs: int, generator: np.random.Generator, *, replace: bool
    ) -> IntArray:
        sizes = generator.integers(PUBLISHED[0], PUBLISHED[1] + 1, size=n_archs)
        return self._drawn(sizes, generator, replace=replace)

    def sample_of(
        self, n_archs: int, n_operations: int, seed: int | np.random.Generator = 0
    ) -> IntArray:
        """Draw different pairs of cells with so many operations each, uniformly.

        Parameters
        ----------
        n_archs : how many.
        n_operations : k of a k-ExtCell.
        seed : a seed, or a generator that is advanced.

        Returns
        -------
        int64 array of shape (n_archs, 196).

        Raises
        ------
        HwbenchError
            Where there are not so many.
        """
        if not 1 < n_operations < self.n_positions:
            raise HwbenchError(
                f"{self.name}: n_operations must be 2 .. {self.n_positions - 1}, not {n_operations}"
            )
        there = math.comb(self.n_positions, n_operations)
        if n_archs > there:
            raise HwbenchError(
                f"{self.name} has {there} architectures of {n_operations} operations; {n_archs} "
                "different ones were asked for"
            )
        sizes = np.full(n_archs, n_operations)
        return self._drawn(sizes, np.random.default_rng(seed), replace=False)

    def _drawn(self, sizes: IntArray, generator: np.random.Generator, *, replace: bool) -> IntArray:
        archs = np.zeros((len(sizes), self.n_positions), dtype=np.int64)
        seen: set[bytes] = set()
        for row, size in zip(archs, sizes.tolist(), strict=True):
            while True:
                row[:] = 0
                row[generator.choice(self.n_positions, size, replace=False)] = 1
                if replace or row.tobytes() not in seen:
                    break
            seen.add(row.tobytes())
        return archs

    # ------------------------------------------------------------------ what is on

    def operations_of(self, archs: ArrayLike) -> NDArray[np.bool_]:
        """Which operations are on, bool (n_archs, 2, 14, 7): cell, edge, operation."""
        return self.check(archs).reshape(-1, *SHAPE).astype(np.bool_)

    def effective(self, archs: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """What computes something: operations on edges that something reaches.

        Parameters
        ----------
        archs : integers of shape (n_archs, 196).

        Returns
        -------
        operations : bool of shape (n_archs, 2, 14, 7): those that are on and start from a cell
            before or from a node that something is added to.
        nodes : bool of shape (n_archs, 2, 4): the nodes that something is added to.
        """
        on = self.operations_of(archs)
        reached = np.zeros((len(on), len(CELLS), 2 + N_NODES), dtype=np.bool_)
        reached[:, :, :2] = True
        for node in range(2, 2 + N_NODES):
            for place, (source, target) in enumerate(EDGES):
                if target == node:
                    on[:, :, place] &= reached[:, :, source, None]
                    reached[:, :, node] |= on[:, :, place].any(axis=2)
        return on, reached[:, :, 2:]

    def of_darts(self, archs: ArrayLike) -> IntArray:
        """Architectures of the DARTS space as pairs of 16 operations.

        Parameters
        ----------
        archs : integers of shape (n_archs, 22), of DARTS.

        Returns
        -------
        int64 array of shape (n_archs, 196).
        """
        darts = cast("DARTS", Space.lookup(DARTS.name))
        inputs, operations = darts.edges(archs)
        found = np.zeros((len(inputs), *SHAPE), dtype=np.int64)
        first = np.array([EDGES.index((0, node)) for node in range(2, 2 + N_NODES)])
        every = np.arange(len(inputs))[:, None, None, None]
        cell = np.arange(len(CELLS))[:, None, None]
        found[every, cell, first[:, None] + inputs, operations] = 1
        return found.reshape(-1, self.n_positions)

    def edges_of(self, arch: ArrayLike) -> list[Edge]:
        row = self.check_one(arch)[None]
        on, (live, _) = self.operations_of(row)[0], self.effective(row)
        found = [
            Edge(
                CELLS[cell],
                STATES[EDGES[edge][0]],
                STATES[EDGES[edge][1]],
                OPERATIONS[operation],
                live=bool(live[0, cell, edge, operation]),
            )
            for cell, edge, operation in np.argwhere(on).tolist()
        ]
        empty = [cell for cell, own in zip(CELLS, on, strict=True) if not own.any()]
        found += [Edge(cell, STATES[1], STATES[2], NO_OPERATION, live=False) for cell in empty]
        return sorted(found, key=lambda edge: CELLS.index(edge.cell))

    # ------------------------------------------------------------------ strings

    def to_string(self, arch: ArrayLike) -> str:
        on = self.operations_of(np.asarray(arch)[None, :])[0]
        cells = []
        for name, cell in zip(CELLS, on, strict=True):
            items = [
                f"{EDGES[edge][0]}->{EDGES[edge][1]} {OPERATIONS[operation]}"
                for edge, operation in np.argwhere(cell).tolist()
            ]
            cells.append(f"{name}: {', '.join(items) or NO_OPERATION}")
        return "; ".join(cells)

    def from_string(self, text: str) -> IntArray:
        where = f"architecture {text!r}"
        parts = [part.partition(":") for part in text.split(";")] if isinstance(text, str) else []
        if tuple(name.strip() for name, _, _ in parts) != CELLS:
            raise HwbenchError(
                f"{where} is no {self.title} string; expected 'normal: 0->2 sep_conv_3x3, ...; "
                f"reduction: ...', a cell without operations as {NO_OPERATION}"
            )
        found = np.zeros(SHAPE, dtype=np.int64)
        for cell, (name, _, listed) in enumerate(parts):
            if listed.strip() == NO_OPERATION:
                continue
            for item in listed.split(","):
                place = _place_of(item.strip(), f"{where}: the {name.strip()} cell")
                if found[cell][place]:
                    raise HwbenchError(f"{where}: the {name.strip()} cell has {item.strip()} twice")
                found[cell][place] = 1
        return self.check(found.reshape(1, -1))[0]

    # ------------------------------------------------------------------ encodings

    def _encode_counts(self, archs: IntArray) -> FloatArray:
        on = archs.reshape(-1, *SHAPE).sum(axis=2)
        return on.reshape(-1, len(CELLS) * len(OPERATIONS)).astype(np.float32)

    def _counts_names(self) -> list[str]:
        return [f"n({cell} {operation})" for cell in CELLS for operation in OPERATIONS]

    def _encode_live(self, archs: IntArray) -> FloatArray:
        live, _ = self.effective(archs)
        return self._encode_onehot(live.reshape(-1, self.n_positions).astype(np.int64))

    def _live_names(self) -> list[str]:
        return [f"live {name}" for name in self._onehot_names()]

    # ------------------------------------------------------------------ cost and network

    def _count_parameters(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._count(archs, skeleton, kind=0)

    def _count_flops(self, archs: IntArray, skeleton: Skeleton) -> IntArray:
        return self._count(archs, skeleton, kind=1)

    def _count(self, archs: IntArray, skeleton: Skeleton, kind: int) -> IntArray:
        live, nodes = self.effective(archs)
        joined = nodes.sum(axis=2)
        base = np.empty(len(archs), dtype=np.int64)
        for normal, reduction in np.unique(joined, axis=0).tolist():
            alike = (joined == (normal, reduction)).all(axis=1)
            base[alike] = _cost_around((normal, reduction), skeleton, kind)
        total: IntArray = base + (live * _operation_costs(skeleton, kind)).sum(axis=(1, 2, 3))
        return total

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.ext_cell.network import ExtCellNetwork

        live, _ = self.effective(arch[None, :])
        normal, reduction = (
            [(OPERATIONS[which], *EDGES[edge]) for edge, which in np.argwhere(cell).tolist()]
            for cell in live[0]
        )
        return ExtCellNetwork(normal, reduction, skeleton)


def _place_of(item: str, where: str) -> tuple[int, int]:
    """Edge and operation of a text such as "0->2 sep_conv_3x3"."""
    match = _ITEM.fullmatch(item)
    if match is None:
        raise HwbenchError(f"{where}: {item!r} is no operation such as '0->2 sep_conv_3x3'")
    edge = (int(match[1]), int(match[2]))
    if edge not in EDGES:
        raise HwbenchError(
            f"{where}: there is no edge {edge[0]}->{edge[1]}; nodes are 2 .. {1 + N_NODES}, and "
            "edges lead to later ones, from the cells before (0 and 1) or a node"
        )
    if match[3] not in OPERATIONS:
        raise unknown_name("operation", match[3], OPERATIONS, where=where)
    return EDGES.index(edge), OPERATIONS.index(match[3])


def _cost_around(joined: tuple[int, int], skeleton: Skeleton, kind: int) -> int:
    """Parameters (kind 0) or multiply-adds (1) of all but the operations.

    Parameters
    ----------
    joined : nodes that the outputs of normal and of reduction cells join.
    skeleton : sizes of the network.
    kind : which of both.
    """
    shapes = cell_shapes(skeleton, joined)
    stem = STEM_MULTIPLIER * skeleton.channels
    total = conv_cost(skeleton.input_channels, stem, skeleton.input_size, taps=9)[kind]
    for shape in shapes:
        if shape.joined:
            for given in (shape.channels_before_last, shape.channels_last):
                total += conv_cost(given, shape.channels, shape.size)[kind]
        elif shape.reduction:
            total += conv_cost(shape.channels_last, shape.out_channels, shape.out_size)[kind]
    total += shapes[-1].out_channels * skeleton.classes
    return total + (skeleton.classes if kind == 0 else 0)


def _operation_costs(skeleton: Skeleton, kind: int) -> IntArray:
    """What each operation costs in all cells together, int64 (2, 14, 7)."""
    found = np.zeros(SHAPE, dtype=np.int64)
    for shape in cell_shapes(skeleton):  # channels of nodes do not depend on how many are joined
        for edge, (source, _) in enumerate(EDGES):
            strided = shape.reduction and source < 2
            found[int(shape.reduction), edge] += [
                operation_cost(name, shape.channels, shape.out_size, strided=strided)[kind]
                for name in OPERATIONS
            ]
    return found
