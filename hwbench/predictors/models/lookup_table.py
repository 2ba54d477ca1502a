"""The lookup table: a baseline plus a measured difference for every change of one position.

LAUBE A.1. Fitted on a neighbourhood (one baseline architecture and every change of one of its
positions) it is exactly the published model. On other training sets it takes as baseline the
architecture with most such neighbours, and changes that were never measured alone count as free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces import Space

if TYPE_CHECKING:
    import torch


class LookupTable(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Additive table of measured differences from one baseline architecture.

    Features are operation indices (encoding "integers").

    Parameters
    ----------
    space : the search space; `to_torch` needs it.

    Attributes
    ----------
    baseline_ : int64 of shape (n_positions,), the baseline architecture.
    baseline_value_ : its target.
    differences_ : float64 of shape (n_positions, most operations), added for each operation.
    """

    space: Space | None = None  # fitted models of 0.1.0 lack it

    def __init__(self, space: Space | None = None) -> None:
        self.space = space

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to operation indices X of shape (n_archs, n_positions) and targets y (n_archs,)."""
        archs = np.asarray(X).astype(np.int64)
        targets = np.asarray(y, dtype=np.float64)
        self.n_features_in_ = archs.shape[1]
        centre = archs[_most_neighbours(archs)]
        distance = (archs != centre).sum(axis=1)
        self.baseline_ = centre
        self.baseline_value_ = float(targets[distance == 0].mean())
        self.differences_ = np.zeros((archs.shape[1], int(archs.max()) + 1))
        rows = np.flatnonzero(distance == 1)
        positions = (archs[rows] != centre).argmax(axis=1)
        operations = archs[rows, positions]
        total = np.zeros_like(self.differences_)
        count = np.zeros_like(self.differences_)
        np.add.at(total, (positions, operations), targets[rows] - self.baseline_value_)
        np.add.at(count, (positions, operations), 1.0)
        np.divide(total, count, out=self.differences_, where=count > 0)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict float64 of shape (n_archs,) from operation indices (n_archs, n_positions)."""
        check_is_fitted(self, "differences_")
        archs = np.asarray(X).astype(np.int64)
        known = archs < self.differences_.shape[1]
        operations = np.where(known, archs, 0)
        each = np.where(known, self.differences_[np.arange(archs.shape[1]), operations], 0.0)
        values = self.baseline_value_ + each.sum(axis=1)
        # Sums of equal differences must tie, whatever the last bits of their rounding say.
        grain = 1e-12 * (float(np.abs(self.differences_).sum()) or 1.0)
        return np.round(values / grain) * grain

    def to_torch(self) -> torch.nn.Module:
        """A module that predicts from one-hots of the operations, or from their probabilities.

        It maps features (n_archs, n_features) of the space's encoding "onehot" to (n_archs,).

        Raises
        ------
        HwbenchError
            Where it was made without the search space.
        """
        from hwbench.predictors.differentiable import Linear

        check_is_fitted(self, "differences_")
        if self.space is None:
            raise HwbenchError("LookupTable: it needs the search space to be differentiable")
        coefficients = [np.zeros(n) for n in self.space.n_choices]
        for row, differences in zip(coefficients, self.differences_, strict=True):
            known = differences[: len(row)]
            row[: len(known)] = known
        return Linear(np.concatenate(coefficients), self.baseline_value_)


def _most_neighbours(archs: IntArray) -> int:
    """The row whose single-position changes are most often present; the first on a tie."""
    neighbours = np.zeros(len(archs), dtype=np.int64)
    for position in range(archs.shape[1]):
        others = np.delete(archs, position, axis=1)
        _, group, size = np.unique(others, axis=0, return_inverse=True, return_counts=True)
        neighbours += size[group.reshape(-1)]
    return int(neighbours.argmax())
