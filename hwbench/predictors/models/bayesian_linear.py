"""Bayesian linear regression as a scikit-learn estimator whose deviations are always numbers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import BayesianRidge


class BayesianLinearRegression(BayesianRidge):  # type: ignore[misc]
    """scikit-learn's `BayesianRidge` in double precision (Bishop 2007, section 3.3).

    One-hot features are collinear, and the library's variance then comes out slightly negative for
    some rows, of which it takes the root.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to features X of shape (n_archs, n_features) and targets y of shape (n_archs,)."""
        super().fit(np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64))
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predict from features of shape (n_archs, n_features).

        Returns
        -------
        float64 of shape (n_archs,); with `return_std` a pair: that, and the standard deviation of a
        new measurement.
        """
        features = np.asarray(X, dtype=np.float64)
        mean = super().predict(features)
        if not return_std:
            return mean
        centred = features - self.X_offset_
        variance = np.maximum(((centred @ self.sigma_) * centred).sum(axis=1), 0.0)
        return mean, np.sqrt(variance + 1.0 / self.alpha_)
