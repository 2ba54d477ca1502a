"""NGBoost as a scikit-learn estimator.

The library's own class replaces its seed in the constructor, so scikit-learn cannot clone it, and
takes its trees as an object, so a card cannot name their depth.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import PositiveInt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import Positive, check_parameters


class _SharedRandomState(np.random.RandomState):
    """A random state that copies of an estimator share.

    NGBoost copies its tree at every step without a seed; this gives each copy the next numbers of
    one stream, so that the steps differ and a seed still fixes them all.
    """

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self


class NGBoost(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Natural gradient boosting of regression trees with normal predictions.

    Parameters
    ----------
    n_estimators : boosting steps.
    learning_rate : of a step.
    max_depth, max_features : of each tree, as in scikit-learn.
    random_state : seed.
    """

    def __init__(
        self,
        n_estimators: PositiveInt = 500,
        learning_rate: Positive = 0.01,
        max_depth: PositiveInt = 3,
        max_features: Positive = 1.0,
        random_state: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.max_features = max_features
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to features X of shape (n_archs, n_features) and targets y of shape (n_archs,)."""
        check_parameters(self)
        from ngboost import NGBRegressor
        from sklearn.tree import DecisionTreeRegressor

        self.n_features_in_ = np.asarray(X).shape[1]
        targets = np.asarray(y, dtype=np.float64)
        # A normal distribution of no width has no gradient: constant targets predict themselves.
        self.constant_ = float(targets[0]) if np.ptp(targets) == 0 else None
        if self.constant_ is None:
            tree = DecisionTreeRegressor(
                max_depth=self.max_depth,
                max_features=self.max_features,
                random_state=_SharedRandomState(self.random_state),
            )
            self.model_ = NGBRegressor(
                Base=tree,
                n_estimators=self.n_estimators,
                learning_rate=self.learning_rate,
                random_state=self.random_state,
                verbose=False,
            ).fit(np.asarray(X, dtype=np.float64), targets)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict float64 of shape (n_archs,) from features of shape (n_archs, n_features)."""
        check_is_fitted(self, "constant_")
        features = np.asarray(X, dtype=np.float64)
        if self.constant_ is not None:
            return np.full(len(features), self.constant_)
        return np.asarray(self.model_.predict(features), dtype=np.float64)
