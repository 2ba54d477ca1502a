"""What turns any regressor on features into one on architectures."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone

from hwbench.errors import HwbenchError
from hwbench.spaces import Space


class ArchitectureRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Encodes architectures, standardises the target, and fits a regressor on both.

    The target is standardised with the mean and deviation of the training values, as in the study
    (METHODS, protocol); predictions come back in the target's own unit.

    Parameters
    ----------
    estimator : a scikit-learn compatible regressor; it is cloned, never fitted itself.
    space : the search space of the architectures.
    encoding : one of `hwbench.spaces.ENCODINGS`.

    Attributes
    ----------
    estimator_ : the fitted regressor.
    target_mean_, target_scale_ : what the target was standardised with.
    """

    def __init__(self, estimator: Any, space: Space, encoding: str = "onehot") -> None:
        self.estimator = estimator
        self.space = space
        self.encoding = encoding

    def fit(self, archs: ArrayLike, y: ArrayLike) -> Self:
        """Fit to measured architectures.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions), n_archs at least 2.
        y : measured values of shape (n_archs,).

        Raises
        ------
        HwbenchError
            Where an architecture is not of the space, lengths differ, there are fewer than two,
            or a value is missing or infinite.
        """
        features = self.space.encode(archs, self.encoding)
        targets = np.asarray(y, dtype=np.float64)
        if targets.shape != (len(features),):
            raise HwbenchError(
                f"fit: {len(features)} architectures need targets of shape ({len(features)},), "
                f"not {targets.shape}"
            )
        if len(targets) < 2:
            raise HwbenchError("fit: at least 2 measured architectures are needed")
        wrong = np.flatnonzero(~np.isfinite(targets))
        if len(wrong):
            raise HwbenchError(f"fit: the target in row {wrong[0]} is missing or infinite")
        self.n_features_in_ = self.space.n_positions
        self.target_mean_ = float(targets.mean())
        deviation = float(targets.std())
        self.target_scale_ = deviation if deviation > 0 else 1.0
        self.estimator_ = clone(self.estimator)
        self.estimator_.fit(features, (targets - self.target_mean_) / self.target_scale_)
        return self

    def predict(self, archs: ArrayLike) -> NDArray[np.float64]:
        """Predict the metric of architectures.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).

        Returns
        -------
        float64 array of shape (n_archs,), in the unit of the fitted targets.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "estimator_")
        standardised = self.estimator_.predict(self.space.encode(archs, self.encoding))
        values = np.asarray(standardised, dtype=np.float64).reshape(-1)
        return values * self.target_scale_ + self.target_mean_
