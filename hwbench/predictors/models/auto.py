"""A chooser: cross-validates several predictors and stacks those that help each other."""

from __future__ import annotations

from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field
from scipy.optimize import nnls
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import check_parameters
from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.predictors.card import predictor_card
from hwbench.predictors.make import make_predictor
from hwbench.predictors.models.measured_values import nearest_repeated, repeated_values
from hwbench.predictors.tuning import fold_of_rows
from hwbench.spaces import Space

CANDIDATES = (
    "structural_gaussian_process",
    "mlp_small",
    "pairwise_ridge",
    "lightgbm",
    "catboost",
)

FEWEST_ROWS = 40
"""With fewer, out-of-fold errors say too little to weigh by: the first candidate stands alone."""


ENOUGH_OUT_OF_FOLD = 2000
"""Rows predicted out of fold that tell the weights well enough: no further fold is then made."""

SMALLEST_SHARE = 0.01
"""Candidates of less weight are left out."""


class Auto(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Weighted mean of zoo entries, by cross-validation (stacking, Wolpert 1992; Breiman 1996).

    Features are operation indices (encoding "integers"). Each candidate predicts the rows of every
    fold from the others, or of as many folds as hold 2,000 rows; non-negative weights that sum to
    one and minimise the squared error of the mixture are learned on these, and candidates with
    weight are fitted to all rows.

    Parameters
    ----------
    space : the search space.
    candidates : names of zoo entries; those whose encoding the space lacks are left out.
    folds : of the cross-validation.
    short_fits : whether candidates take the hyper-parameters of their cards that make a fit short.
    random_state : seed of folds and candidates.

    Attributes
    ----------
    weights_ : for each candidate its share of the prediction.
    models_ : the fitted candidates with a share.
    error_ : root mean square of the mixture's out-of-fold errors, in units of the fitted targets; 0
        where nothing was cross-validated. Of a metric that takes few values, predictions within it
        of a measured value are that value.
    repeated_ : the values of such a metric, else empty.
    """

    def __init__(
        self,
        space: Space | None = None,
        candidates: tuple[str, ...] = CANDIDATES,
        folds: Annotated[int, Field(ge=2)] = 5,
        short_fits: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.space = space
        self.candidates = candidates
        self.folds = folds
        self.short_fits = short_fits
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to operation indices X of shape (n_archs, n_positions) and targets y (n_archs,)."""
        check_parameters(self)
        archs = np.asarray(X).astype(np.int64)
        targets = np.asarray(y, dtype=np.float64)
        self.n_features_in_ = archs.shape[1]
        self.repeated_ = repeated_values(targets)
        self.error_ = 0.0
        names = self._usable()
        if len(targets) < FEWEST_ROWS:
            shares = np.array([1.0, *[0.0] * (len(names) - 1)])
        else:
            predictions, truth = self._out_of_fold(names, archs, targets)
            shares = _shares(predictions, truth)
            self.error_ = float(np.sqrt(((predictions @ shares - truth) ** 2).mean()))
        self.weights_ = dict(zip(names, shares.tolist(), strict=True))
        self.models_ = {
            name: self._make(name).fit(archs, targets)
            for name, share in self.weights_.items()
            if share > 0
        }
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict float64 of shape (n_archs,) from operation indices (n_archs, n_positions)."""
        check_is_fitted(self, "models_")
        archs = np.asarray(X).astype(np.int64)
        parts = [self.weights_[name] * model.predict(archs) for name, model in self.models_.items()]
        mean = np.asarray(np.sum(parts, axis=0), dtype=np.float64)
        return nearest_repeated(mean, self.repeated_, self.error_)

    def _usable(self) -> list[str]:
        space = self._space()
        names = [
            name for name in self.candidates if predictor_card(name).encoding in space.encodings
        ]
        if not names:
            raise HwbenchError(f"Auto: {space.name} has the encoding of no candidate")
        return names

    def _space(self) -> Space:
        if self.space is None:
            raise HwbenchError("Auto: it needs the search space")
        return self.space

    def _make(self, name: str) -> Any:
        changes: dict[str, Any] = predictor_card(name).shortened if self.short_fits else {}
        return make_predictor(name, space=self._space(), seed=self.random_state or 0, **changes)

    def _out_of_fold(
        self, names: list[str], archs: IntArray, targets: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Predictions of rows without their fold (n_rows, n_candidates), and targets (n_rows,)."""
        folds = fold_of_rows(len(targets), self.folds, self.random_state or 0)
        rows, predictions = [], []
        for fold in range(int(folds.max()) + 1):
            left_out = folds == fold
            models = [self._make(name).fit(archs[~left_out], targets[~left_out]) for name in names]
            predictions.append(np.stack([each.predict(archs[left_out]) for each in models], axis=1))
            rows.append(np.flatnonzero(left_out))
            if sum(map(len, rows)) >= ENOUGH_OUT_OF_FOLD:
                break
        return np.concatenate(predictions), targets[np.concatenate(rows)]


def _shares(predictions: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-negative weights that sum to one and make the mixture's squared error least."""
    # With such weights the mixture's error is the mixture of errors.
    errors = predictions - targets[:, None]
    size = float(np.sqrt((errors**2).sum())) or 1.0
    sum_to_one = np.full((1, errors.shape[1]), 1e3 * size)
    wanted = np.append(np.zeros(len(targets)), sum_to_one[0, 0])
    weights, _ = nnls(np.concatenate([errors, sum_to_one]), wanted)
    weights[weights < SMALLEST_SHARE] = 0.0
    return np.asarray(weights / weights.sum())
