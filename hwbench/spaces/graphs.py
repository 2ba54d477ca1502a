"""Op-on-node graphs of whole batches of architectures, for predictors that read graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Graphs:
    """Directed acyclic graphs whose vertices carry operations (LAUBE A.1).

    Vertices stand in topological order, the input first. Graphs of fewer vertices than the largest
    are padded at the end with vertices that have no edges and operation -1.

    Attributes
    ----------
    adjacency : uint8 of shape (n_archs, n_vertices, n_vertices), 1 where row -> column is an edge.
    operations : int8 of shape (n_archs, n_vertices), indices into `operation_names`; -1 is padding.
    operation_names : what a vertex can be, input and output included.
    """

    adjacency: NDArray[np.uint8]
    operations: NDArray[np.int8]
    operation_names: tuple[str, ...]

    @property
    def n_vertices(self) -> NDArray[np.int64]:
        """Vertices of each graph, int64 of shape (n_archs,)."""
        return (self.operations >= 0).sum(axis=1)

    def features(self) -> NDArray[np.float32]:
        """Adjacency above the diagonal and one-hot operations side by side.

        Returns
        -------
        float32 of shape (n_archs, len(feature_names())).
        """
        n_archs, size = self.operations.shape
        rows, columns = np.triu_indices(size, 1)
        n_edges, n_names = len(rows), len(self.operation_names)
        features = np.zeros((n_archs, n_edges + size * n_names), dtype=np.float32)
        features[:, :n_edges] = self.adjacency[:, rows, columns]
        arch, vertex = np.nonzero(self.operations >= 0)
        operation = self.operations[arch, vertex].astype(np.int64)
        features[arch, n_edges + vertex * n_names + operation] = 1.0
        return features

    @classmethod
    def of_features(
        cls, features: ArrayLike, n_vertices: int, operation_names: tuple[str, ...]
    ) -> Self:
        """The graphs whose `features` these are.

        Parameters
        ----------
        features : of shape (n_archs, n_features).
        n_vertices : of the largest graph, those of padding included.
        operation_names : what a vertex can be.
        """
        rows, columns = np.triu_indices(n_vertices, 1)
        values = np.asarray(features)
        adjacency = np.zeros((len(values), n_vertices, n_vertices), dtype=np.uint8)
        adjacency[:, rows, columns] = values[:, : len(rows)]
        chosen = values[:, len(rows) :].reshape(len(values), n_vertices, len(operation_names))
        operations = np.where(chosen.any(axis=2), chosen.argmax(axis=2), -1).astype(np.int8)
        return cls(adjacency, operations, operation_names)

    def feature_names(self) -> list[str]:
        """Names of the columns of `features`: "v0->v1" and "v1=conv3x3"."""
        size = self.operations.shape[1]
        edges = [f"v{a}->v{b}" for a, b in zip(*np.triu_indices(size, 1), strict=True)]
        vertices = [f"v{v}={name}" for v in range(size) for name in self.operation_names]
        return edges + vertices
