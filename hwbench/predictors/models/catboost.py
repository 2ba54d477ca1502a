"""CatBoost as a scikit-learn estimator.

The library's own class knows only the hyper-parameters it was given, refuses constant targets,
and writes files of its progress into the working folder unless told not to.
"""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
from catboost import CatBoostRegressor
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, PositiveInt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import NotNegative, Positive, check_parameters


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
        # The library refuses constant features as it does constant targets: nothing is to be split.
        nothing = np.ptp(targets) == 0 or not np.ptp(features, axis=0).any()
        self.constant_ = float(targets.mean()) if nothing else None
        if self.constant_ is None:
            self.model_ = CatBoostRegressor(
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
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict float64 of shape (n_archs,) from features of shape (n_archs, n_features)."""
        check_is_fitted(self, "constant_")
        features = np.asarray(X, dtype=np.float32)
        if self.constant_ is not None:
            return np.full(len(features), self.constant_)
        return np.asarray(self.model_.predict(features, thread_count=1), dtype=np.float64)
