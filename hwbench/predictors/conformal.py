"""Intervals that hold as many measurements as they say, whatever the predictor believes."""

from __future__ import annotations

import math
from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import check_parameters
from hwbench.arrays import Floats
from hwbench.errors import HwbenchError
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.predictors.tuning import fold_of_rows, same_networks


class ConformalRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A predictor with intervals by its out-of-fold errors (conformal prediction).

    Every training row is predicted by a model of the other folds, architectures that are the same
    network in one fold. An interval reaches as far as the right quantile of these errors, with the
    correction for few rows (Lei et al. 2018, "Distribution-free predictive inference for
    regression", theorem 2.2; cross-conformal, Vovk 2015). It asks of rows only that they are drawn
    alike, not that a model is right. Where the predictor says how uncertain it is, errors are
    counted in its deviations, so that intervals are wider where it knows less.

    Parameters
    ----------
    predictor : unfitted, from `make_predictor`.
    folds : of the cross-validation.

    Attributes
    ----------
    predictor_ : fitted to all rows.
    errors_ : float64 of shape (n_archs,), ascending: sizes of the out-of-fold errors, in the
        target's unit or in deviations.
    """

    def __init__(
        self, predictor: ArchitectureRegressor, folds: Annotated[int, Field(ge=2)] = 10
    ) -> None:
        self.predictor = predictor
        self.folds = folds

    def fit(self, archs: ArrayLike, y: ArrayLike) -> Self:
        """Fit to measured architectures, integers (n_archs, n_positions), and values (n_archs,).

        Raises
        ------
        HwbenchError
            As the predictor's, and where fewer than two networks are there to leave one out.
        """
        check_parameters(self)
        space = self.predictor.space
        checked = space.check(archs)
        targets = np.asarray(y, dtype=np.float64)
        self.predictor_ = clone(self.predictor).fit(checked, targets)
        networks = same_networks(space, checked)
        folds = fold_of_rows(len(targets), self.folds, self.predictor.random_state, networks)
        if folds.max() == 0:
            raise HwbenchError("conformal: two different networks at least are needed")
        errors = np.empty(len(targets))
        for fold in range(int(folds.max()) + 1):
            out = folds == fold
            model = clone(self.predictor).fit(checked[~out], targets[~out])
            mean, scale = _told(model, checked[out])
            errors[out] = np.abs(targets[out] - mean) / scale
        self.errors_ = np.sort(errors)
        return self

    def predict(self, archs: ArrayLike) -> Floats:
        """Predictions of the model of all rows, float64 of shape (n_archs,)."""
        check_is_fitted(self, "errors_")
        return np.asarray(self.predictor_.predict(archs))

    def predict_interval(self, archs: ArrayLike, level: float = 0.9) -> tuple[Floats, Floats]:
        """The lower and the upper ends of intervals that hold a share `level` of measurements.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        level : between 0 and 1.

        Returns
        -------
        float64 arrays of shape (n_archs,), in the target's unit.

        Raises
        ------
        HwbenchError
            Where so few rows cannot tell so high a level: n rows tell n / (n + 1) at most.
        """
        check_is_fitted(self, "errors_")
        n_rows = len(self.errors_)
        place = math.ceil((n_rows + 1) * level) if 0 < level < 1 else 0
        if not 1 <= place <= n_rows:
            raise HwbenchError(
                f"conformal: level must lie above 0 and be {n_rows / (n_rows + 1):.3f} at most "
                f"with {n_rows} measurements, not {level:g}"
            )
        mean, scale = _told(self.predictor_, archs)
        reach = self.errors_[place - 1] * scale
        return mean - reach, mean + reach


def _told(model: ArchitectureRegressor, archs: ArrayLike) -> tuple[Floats, Floats]:
    """What a model predicts, and the unit of its errors, (n_archs,) each."""
    if model.tells_deviations:
        mean, deviation = model.predict(archs, return_std=True)
        return mean, deviation
    mean = np.asarray(model.predict(archs))
    return mean, np.ones(len(mean))
