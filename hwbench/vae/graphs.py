"""Graphs of whole batches of architectures as a graph VAE takes them, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces import Space
from hwbench.spaces.graphs import Graphs
from hwbench.vae.settings import VertexOrder

START, END = "input", "output"


@dataclass(frozen=True)
class GraphFormat:
    """How a space's architectures become graphs of a graph VAE, and back.

    Attributes
    ----------
    space : of the architectures.
    order : of the vertices.
    n_vertices : of the largest graph.
    operation_names : what a vertex can be.
    """

    space: Space
    order: VertexOrder
    n_vertices: int
    operation_names: tuple[str, ...]

    @property
    def start(self) -> int:
        """Index of the operation of every graph's first vertex, and of no other."""
        return self.operation_names.index(START)

    @property
    def end(self) -> int:
        """Index of the operation of every graph's last vertex, and of no other."""
        return self.operation_names.index(END)

    def graphs(self, archs: ArrayLike) -> Graphs:
        """Graphs with their vertices in this format's order.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        """
        graphs = self.space.graphs(archs)
        if self.order == "given":
            return graphs
        return reordered(graphs, vertex_order(graphs, self.order))

    def architectures(self, graphs: Graphs) -> tuple[IntArray, NDArray[np.bool_]]:
        """The architectures of graphs in this format's order.

        Returns
        -------
        int64 of shape (n_archs, n_positions), and bool of shape (n_archs,): whether a graph is one
        of an architecture of the space. Rows of graphs that are not hold zeros.
        """
        if self.space.one_graph_shape and self.order != "given":
            given = self.space.graphs(self.space.baseline[None, :])
            back = np.argsort(vertex_order(given, self.order), axis=1)
            graphs = reordered(graphs, np.broadcast_to(back, graphs.operations.shape))
        return self.space.from_graphs(graphs)


def graph_format(space: Space, order: VertexOrder = "depth_first") -> GraphFormat:
    """The format of a space's graphs.

    Raises
    ------
    HwbenchError
        Where the space has no graphs, or cannot tell the architecture of one.
    """
    sample = space.graphs(space.baseline[None, :])
    found = GraphFormat(space, order, sample.operations.shape[1], sample.operation_names)
    found.architectures(found.graphs(space.baseline[None, :]))
    return found


def vertex_order(graphs: Graphs, order: VertexOrder) -> IntArray:
    """A topological order of each graph's vertices.

    Depth first goes on from the vertex that was reached last, breadth first from the one that was
    reached first; of vertices reached at once, from the one that stands first.

    Parameters
    ----------
    graphs : whose vertices stand in any topological order.
    order : "depth_first", "breadth_first", or "given", the order they have.

    Returns
    -------
    int64 of shape (n_archs, n_vertices): the vertex at each place. Padding stays at the end.
    """
    n_archs, size = graphs.operations.shape
    if order == "given":
        return np.broadcast_to(np.arange(size), (n_archs, size)).copy()
    every = np.arange(n_archs)
    edges = graphs.adjacency.astype(np.int64)
    waiting = edges.sum(axis=1)  # predecessors that have no place yet
    padding = graphs.operations < 0
    reached = np.where(waiting == 0, 0, -1)  # at which step its last predecessor got its place
    placed = np.zeros((n_archs, size), dtype=bool)
    result = np.empty((n_archs, size), dtype=np.int64)
    sign = 1 if order == "depth_first" else -1
    for place in range(size):
        # Wishes: to be reached, not padding, then the step, then the place that it has.
        wish = np.where(reached >= 0, sign * reached * size - np.arange(size), -(size**3))
        wish = np.where(padding, -2 * size**3 - np.arange(size), wish)
        wish[placed] = -4 * size**3
        vertex = wish.argmax(axis=1)
        result[:, place] = vertex
        placed[every, vertex] = True
        waiting -= edges[every, vertex]
        reached = np.where((waiting == 0) & (reached < 0), place + 1, reached)
    return result


def reordered(graphs: Graphs, order: NDArray[np.int64]) -> Graphs:
    """Graphs with the vertices `order` (n_archs, n_vertices) at places 0, 1, ..."""
    every = np.arange(len(order))[:, None]
    return replace(
        graphs,
        adjacency=graphs.adjacency[every[:, :, None], order[:, :, None], order[:, None, :]],
        operations=graphs.operations[every, order],
    )


def loose_ends_joined(graphs: Graphs) -> Graphs:
    """Graphs in which every vertex that led nowhere leads to the last one.

    So the code published with D-VAE builds them (Zhang et al. 2019), where those are all edges that
    the output gets; here they join the edges that it has.
    """
    last = graphs.n_vertices - 1
    before = np.arange(graphs.operations.shape[1]) < last[:, None]
    loose = before & ~graphs.adjacency.any(axis=2)
    adjacency = graphs.adjacency.copy()
    row, vertex = np.nonzero(loose)
    adjacency[row, vertex, last[row]] = 1
    return replace(graphs, adjacency=adjacency)


@dataclass(frozen=True)
class GraphBatch:
    """Graphs as tensors.

    Attributes
    ----------
    adjacency : float32 (n_graphs, n_vertices, n_vertices), 1 where row -> column is an edge.
    operations : float32 (n_graphs, n_vertices, n_operations), one-hot; zeros are padding.
    """

    adjacency: torch.Tensor
    operations: torch.Tensor

    @classmethod
    def of(cls, graphs: Graphs) -> GraphBatch:
        """The tensors of graphs."""
        names = len(graphs.operation_names)
        one_hot = np.concatenate([np.eye(names), np.zeros((1, names))]).astype(np.float32)
        return cls(
            torch.from_numpy(graphs.adjacency.astype(np.float32)),
            torch.from_numpy(one_hot[graphs.operations]),  # -1 is its last row
        )

    def to(self, device: torch.device) -> GraphBatch:
        """The same on another device."""
        return GraphBatch(self.adjacency.to(device), self.operations.to(device))

    def __len__(self) -> int:
        return len(self.adjacency)

    def __getitem__(self, rows: torch.Tensor | slice) -> GraphBatch:
        return GraphBatch(self.adjacency[rows], self.operations[rows])


def same_graphs(left: Graphs, right: Graphs) -> NDArray[np.bool_]:
    """Which graphs are equal, vertex by vertex and edge by edge; bool of shape (n_archs,)."""
    if left.operations.shape != right.operations.shape:
        raise HwbenchError("graphs of different spaces cannot be compared")
    same = (left.operations == right.operations).all(axis=1)
    return np.asarray(same & (left.adjacency == right.adjacency).all(axis=(1, 2)))
