"""CatBoost as a scikit-learn estimator.

The library's own class knows only the hyper-parameters it was given, refuses constant targets,
and writes files of its progress into the working folder unless told not to.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

import numpy as np
from catboost import CatBoostRegressor
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, PositiveInt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import NotNegative, Positive, check_parameters
from hwbench.arrays import Floats
from hwbench.predictors.models.out_of_fold import unexplained_variance


class CatBoost(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Gradient boosting of symmetric trees, in one thread, silent and without files.

    Parameters
    ----------
    iterations : trees.
    learning_rate, depth, l2_leaf_reg : as in the library.
    rsm : share of the features that a split may choose from.
    random_state : seed.
    """

    def __init__(
        self,
        iterations: PositiveInt = 500,
        learning_rate: Positive = 0.1,
        depth: PositiveInt = 6,
        l2_leaf_reg: NotNegative = 3.0,
        rsm: Annotated[float, Field(gt=0, le=1)] = 1.0,
        random_state: int | None = None,
    ) -> None:
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.depth = depth
        self.l2_leaf_reg = l2_leaf_reg
        self.rsm = rsm
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to features X of shape (n_archs, n_features) and targets y of shape (n_archs,)."""
        check_parameters(self)
        features = np.asarray(X, dtype=np.float32)
        targets = np.asarray(y, dtype=np.float64)
        self.n_features_in_ = features.shape[1]
        self.rows_, self.targets_ = features, targets
        self.unexplained_: float | None = None
        model = self._boosted(features, targets)
        self.constant_ = model if isinstance(model, float) else None
        if self.constant_ is None:
            self.model_ = model
        return self

    def _boosted(self, features: NDArray[np.float32], targets: Floats) -> Any:
        # The library refuses constant features as it does constant targets: nothing is to be split.
        if np.ptp(targets) == 0 or not np.ptp(features, axis=0).any():
            return float(targets.mean())
        return CatBoostRegressor(
            iterations=self.iterations,
            learning_rate=self.learning_rate,
            depth=self.depth,
            l2_leaf_reg=self.l2_leaf_reg,
            rsm=self.rsm,
            random_seed=self.random_state,
            thread_count=1,
            verbose=False,
            allow_writing_files=False,
        ).fit(features, targets)

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predict from features of shape (n_archs, n_features).

        Returns
        -------
        float64 of shape (n_archs,); with `return_std` a pair: that, and the standard deviation of a
        new measurement, the same for all, by out-of-fold errors. That takes five more fits, once.
        The library's virtual ensembles hold next to none of the new measurements where training
        rows are few.
        """
        check_is_fitted(self, "constant_")
        features = np.asarray(X, dtype=np.float32)
        mean, _ = _predicted(self.model_ if self.constant_ is None else self.constant_, features)
        if not return_std:
            return mean
        if self.unexplained_ is None:
            self.unexplained_ = unexplained_variance(
                self._boosted, _predicted, self.rows_, self.targets_, self.random_state or 0
            )
        return mean, np.full(len(mean), np.sqrt(self.unexplained_))


def _predicted(model: Any, features: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Predictions (n_archs,) of a boosted model or a constant, and that it tells no deviation."""
    nothing = np.zeros(len(features))
    if isinstance(model, float):
        return nothing + model, nothing
    return np.asarray(model.predict(features, thread_count=1), dtype=np.float64), nothing
