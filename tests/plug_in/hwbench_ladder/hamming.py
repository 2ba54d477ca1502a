"""A regressor that averages what was measured near by."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin


class HammingMean(RegressorMixin, BaseEstimator):
    """Mean of the targets, weighted by exp(-distance / length).

    The distance of two architectures is half that of their one-hot features: the number of
    positions in which they differ.

    Parameters
    ----------
    length : distance at which a measurement counts 1/e of one at no distance.
    """

    def __init__(self, length=0.5):
        self.length = length

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        self.X_, self.y_ = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
        return self

    def predict(self, X, return_std=False):
        distance = np.abs(np.asarray(X, dtype=np.float64)[:, None, :] - self.X_).sum(axis=2) / 2
        nearest = distance.min(axis=1, keepdims=True)
        weights = np.exp((nearest - distance) / self.length)
        weights /= weights.sum(axis=1, keepdims=True)
        mean = weights @ self.y_
        if not return_std:
            return mean
        spread = (weights * (self.y_ - mean[:, None]) ** 2).sum(axis=1)
        return mean, np.sqrt(spread + 1e-4 + 0.1 * nearest[:, 0])
