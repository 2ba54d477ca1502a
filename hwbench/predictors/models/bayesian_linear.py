"""Bayesian linear regression as a scikit-learn estimator whose deviations are always numbers."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import BayesianRidge

from hwbench.predictors.models.leave_one_out import over_confidence
from hwbench.predictors.models.structural_process import lower_factor

MOST_LEFT_OUT = 500
"""Rows up to which each is left out; of more the noise is found well."""


class BayesianLinearRegression(BayesianRidge):  # type: ignore[misc]
    """scikit-learn's `BayesianRidge` in double precision (Bishop 2007, section 3.3).

    One-hot features are collinear, and the library's variance then comes out slightly negative for
    some rows, of which it takes the root. With few rows it often finds next to no noise; deviations
    are then as much larger as leaving out each row says they should be.

    Attributes
    ----------
    over_confidence_ : what deviations are multiplied by, at least 1; see `over_confidence`.
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to features X of shape (n_archs, n_features) and targets y of shape (n_archs,)."""
        features, targets = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
        super().fit(features, targets)
        self.over_confidence_ = 1.0
        if len(features) <= MOST_LEFT_OUT and np.ptp(targets) > 0:
            centred = features - self.X_offset_
            covariance = centred @ centred.T / self.lambda_
            covariance[np.diag_indices_from(covariance)] += 1.0 / self.alpha_
            factor = lower_factor(covariance.copy, 0.0)
            self.over_confidence_ = over_confidence(factor, targets - targets.mean())
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
        return mean, np.sqrt(variance + 1.0 / self.alpha_) * self.over_confidence_
