"""scikit-learn's random forest, which says how uncertain it is as well."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import RandomForestRegressor

LEAST_DEVIATION = 1e-6
"""Of a new measurement, in units of the fitted targets: no forest knows one exactly."""


class RandomForest(RandomForestRegressor):  # type: ignore[misc]
    """Random forest regression whose deviations come from its trees (Hutter et al. 2014, 4.3.2).

    By the law of total variance: that of the trees' means, plus the mean of the variances inside
    the leaves, which hold the noise of the measurements. Predictions are the library's own.
    """

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predict from features of shape (n_archs, n_features).

        Returns
        -------
        float64 of shape (n_archs,); with `return_std` a pair: that, and the standard deviation of a
        new measurement.
        """
        mean = super().predict(X)
        if not return_std:
            return mean
        features = np.asarray(X, dtype=np.float32)
        total = np.zeros(len(features))
        for tree in self.estimators_:
            leaves = tree.tree_.apply(features)
            total += tree.tree_.value[leaves, 0, 0] ** 2 + tree.tree_.impurity[leaves]
        variance = np.maximum(total / len(self.estimators_) - mean**2, 0.0)
        return mean, np.sqrt(variance + LEAST_DEVIATION**2)
