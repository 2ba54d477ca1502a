"""NGBoost as a scikit-learn estimator.

The library's own class replaces its seed in the constructor, so scikit-learn cannot clone it, and
takes its trees as an object, so a card cannot name their depth.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from ngboost import NGBRegressor
from numpy.typing import ArrayLike
from pydantic import PositiveInt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import Positive, check_parameters
from hwbench.arrays import Floats
from hwbench.predictors.models.out_of_fold import LEAST_DEVIATION, unexplained_variance


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
        features, targets = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
        self.n_features_in_ = features.shape[1]
        # A normal distribution of no width has no gradient: constant targets predict themselves.
        self.constant_ = float(targets[0]) if np.ptp(targets) == 0 else None
        self.rows_, self.targets_ = features, targets
        self.unexplained_: float | None = None
        if self.constant_ is None:
            self.model_ = self._boosted(features, targets)
        return self

    def _boosted(self, features: Floats, targets: Floats) -> Any:
        tree = DecisionTreeRegressor(
            max_depth=self.max_depth,
            max_features=self.max_features,
            random_state=_SharedRandomState(self.random_state),
        )
        return NGBRegressor(
            Base=tree,
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            random_state=self.random_state,
            verbose=False,
        ).fit(features, targets)

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predict from features of shape (n_archs, n_features).

        Returns
        -------
        float64 of shape (n_archs,); with `return_std` a pair: that, and the standard deviation of a
        new measurement, of the normal distribution of each prediction with what its out-of-fold
        errors exceed it by. That takes five more fits, once.
        """
        check_is_fitted(self, "constant_")
        features = np.asarray(X, dtype=np.float64)
        if self.constant_ is not None:
            mean = np.full(len(features), self.constant_)
            return (mean, np.full(len(features), LEAST_DEVIATION)) if return_std else mean
        if not return_std:
            return np.asarray(self.model_.predict(features), dtype=np.float64)
        if self.unexplained_ is None:
            self.unexplained_ = unexplained_variance(
                self._fitted_to_part, _normal, self.rows_, self.targets_, self.random_state or 0
            )
        mean, own = _normal(self.model_, features)
        return mean, np.sqrt(own**2 + self.unexplained_)

    def _fitted_to_part(self, features: Floats, targets: Floats) -> Any:
        if np.ptp(targets) == 0:
            return float(targets[0])
        return self._boosted(features, targets)


def _normal(model: Any, features: Floats) -> tuple[Floats, Floats]:
    """Means and deviations (n_archs,) of a boosted model, or of a constant."""
    if isinstance(model, float):
        return np.full(len(features), model), np.zeros(len(features))
    found = model.pred_dist(features)
    return np.asarray(found.loc, np.float64), np.asarray(found.scale, np.float64)
