"""What ranks architectures without a measurement, as a predictor in the target's unit."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import check_parameters
from hwbench.arrays import Floats
from hwbench.errors import HwbenchError
from hwbench.predictors.models.structure import StructuralFeatures
from hwbench.spaces import Space

Cost = Literal["flops", "parameters", "operations"]

CLEARLY_FALLING = 2.0
"""Standard errors below zero at which a correlation shows that a metric falls with the cost."""

LEAST_SLOPE = 1e-3
"""In deviations: so the order is kept where the training values show no slope."""


class KnownCost(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A straight line in one known cost of an architecture: what any other model has to beat.

    The metric is taken to grow with the cost, unless the training values clearly show that it
    falls. The line is that of least squares, of a slope that keeps the order.

    Features are operation indices (encoding "integers").

    Parameters
    ----------
    space : the search space.
    cost : "flops", "parameters", or "operations": how many compute on a path to the output.

    Attributes
    ----------
    slope_ : of the target, by the cost in deviations.
    mean_ : of the training values.
    """

    def __init__(self, space: Space | None = None, cost: Cost = "flops") -> None:
        self.space = space
        self.cost = cost

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to operation indices X of shape (n_archs, n_positions) and targets y (n_archs,)."""
        check_parameters(self)
        targets = np.asarray(y, dtype=np.float64)
        known = self._known(X)
        self.n_features_in_ = np.asarray(X).shape[1]
        self.centre_, self.scale_ = float(known.mean()), float(known.std()) or 1.0
        self.mean_ = float(targets.mean())
        standardised = (known - self.centre_) / self.scale_
        spread = float(targets.std())
        slope = float(standardised @ (targets - self.mean_)) / len(targets)
        falls = slope < -CLEARLY_FALLING / np.sqrt(len(targets)) * spread
        self.slope_ = slope if falls else max(slope, LEAST_SLOPE * (spread or 1.0))
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Predict float64 of shape (n_archs,) from operation indices (n_archs, n_positions)."""
        check_is_fitted(self, "slope_")
        return self.mean_ + self.slope_ * (self._known(X) - self.centre_) / self.scale_

    def _known(self, X: ArrayLike) -> Floats:
        """The cost of architectures, float64 of shape (n_archs,)."""
        if self.space is None:
            raise HwbenchError("KnownCost: it needs the search space")
        archs = np.asarray(X).astype(np.int64)
        if self.cost == "operations":
            return StructuralFeatures(self.space).computing(archs)
        cost = self.space.flops(archs) if self.cost == "flops" else self.space.parameters(archs)
        return np.asarray(cost, dtype=np.float64)
