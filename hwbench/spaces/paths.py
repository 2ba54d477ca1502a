"""What lies on the ways from an architecture's input to its output: how many, how long, of what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import FloatArray
from hwbench.spaces.graphs import Graphs
from hwbench.spaces.operation_names import computes, learns, passes

Counts = NDArray[np.float64]


def path_feature_names(operation_names: Sequence[str]) -> list[str]:
    """Names of the columns of `path_features`, for graphs whose vertices can be these."""
    each = [name for name in operation_names if computes(name)]
    return [
        "paths",
        "most learning",
        "fewest learning",
        "all learning",
        "most computing",
        "fewest computing",
        *[f"{which} {name}" for name in each for which in ("most", "all")],
        "idle path",
        "no path",
    ]


def path_features(graphs: Graphs) -> FloatArray:
    """How many paths lead from input to output, and what lies on them.

    A path goes through vertices that pass something on: those that hold nothing (`none`) end it,
    those that do nothing (skip connections) have no length. Of operations that learn: how many lie
    on the path of most and of fewest, and on all paths together; of all that compute: of most and
    of fewest; of each kind: of most and on all; then whether a path computes nothing, and whether
    there is none, where all others are 0. They are features of graphs like those of Kadlecova et
    al. 2024 (GRAF), found without enumerating paths: costs grow with the number of vertices.

    Parameters
    ----------
    graphs : of n_archs architectures.

    Returns
    -------
    float32 of shape (n_archs, n_features), columns named by `path_feature_names`.
    """
    names = graphs.operation_names
    held = graphs.operations
    there = (held >= 0) & np.array([passes(name) for name in names])[held]
    edges = graphs.adjacency.astype(bool) & there[:, :, None] & there[:, None, :]
    begins = _named(graphs, "input") & ~graphs.adjacency.any(axis=1)
    ends = _named(graphs, "output") & ~graphs.adjacency.any(axis=2)
    n_paths = _paths_to(edges, begins)
    reached = ends & (n_paths > 0)
    number = np.where(reached, n_paths, 0.0).sum(axis=1)
    none = number == 0

    def lengths(chosen: Sequence[str]) -> tuple[Counts, Counts, Counts]:
        counted = np.array([name in chosen for name in names], dtype=np.float64)
        most, fewest, total = _lengths_to(edges, counted[held] * (held >= 0), n_paths)
        return (
            np.where(none, 0.0, np.where(reached, most, -np.inf).max(axis=1)),
            np.where(none, 0.0, np.where(reached, fewest, np.inf).min(axis=1)),
            np.where(reached, total, 0.0).sum(axis=1),
        )

    computing = [name for name in names if computes(name)]
    most, fewest, total = lengths([name for name in computing if learns(name)])
    longest, shortest, _ = lengths(computing)
    columns = [number, most, fewest, total, longest, shortest]
    for name in computing:
        most, _, total = lengths([name])
        columns += [most, total]
    columns += [~none & (shortest == 0), none]
    return np.stack(columns, axis=1).astype(np.float32)


def _named(graphs: Graphs, start: str) -> NDArray[np.bool_]:
    """Which vertices are called so, as "input" or "input 0" are, (n_archs, n_vertices)."""
    called = np.array([name.split(" ")[0] == start for name in graphs.operation_names])
    return np.asarray((graphs.operations >= 0) & called[graphs.operations])


def _paths_to(edges: NDArray[np.bool_], begins: NDArray[np.bool_]) -> Counts:
    """Paths from any input to each vertex, float64 of shape (n_archs, n_vertices)."""
    n_paths = begins.astype(np.float64)
    for vertex in range(1, edges.shape[1]):
        came = edges[:, :vertex, vertex] * n_paths[:, :vertex]
        n_paths[:, vertex] += came.sum(axis=1)
    return n_paths


def _lengths_to(
    edges: NDArray[np.bool_], length: Counts, n_paths: Counts
) -> tuple[Counts, Counts, Counts]:
    """The longest, the shortest, and the total length of paths to each vertex, its own included.

    Parameters
    ----------
    edges : of shape (n_archs, n_vertices, n_vertices).
    length : of each vertex, (n_archs, n_vertices).
    n_paths : as `_paths_to`; where it is 0 lengths mean nothing.
    """
    longest, shortest, total = (np.zeros_like(length) for _ in range(3))
    for vertex in range(1, edges.shape[1]):
        came = edges[:, :vertex, vertex] & (n_paths[:, :vertex] > 0)
        any_came, own = came.any(axis=1), length[:, vertex]
        most = np.where(came, longest[:, :vertex], -np.inf).max(axis=1)
        fewest = np.where(came, shortest[:, :vertex], np.inf).min(axis=1)
        longest[:, vertex] = np.where(any_came, most, 0.0) + own
        shortest[:, vertex] = np.where(any_came, fewest, 0.0) + own
        before = np.where(came, total[:, :vertex], 0.0).sum(axis=1)
        total[:, vertex] = before + own * n_paths[:, vertex]
    return longest, shortest, total
