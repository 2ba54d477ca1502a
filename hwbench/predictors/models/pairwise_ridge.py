"""Ridge regression on features and on products of two of them, exact however many there are.

The pairs of FBNet's one-hot columns are some twenty thousand, but they need not be written out:
the inner product of all pairs of two rows is half the square of the rows' inner product, less the
products of columns with themselves (ridge regression in dual variables, Saunders et al. 1998).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import PositiveInt
from scipy.linalg import cho_factor, cho_solve, eigh
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import Positive, Share, check_parameters
from hwbench.arrays import Floats

if TYPE_CHECKING:
    import torch

ALPHAS = np.logspace(-4, 1, 26)
PAIR_WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
USUAL_ALPHA = 0.1
"""Centre of the log-normal prior of `alpha`, whose deviation is 1."""


class PairwiseRidge(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Linear in the features and in the products of any two different ones.

    With one-hot features that is a value of every operation at every position, and one of every
    two operations at two positions. Features are first divided by the root mean square length of
    the training rows, so that `alpha` means much the same for every encoding. By default both
    hyper-parameters are those of the largest evidence (Bishop 2007, section 3.5) on a grid, times
    a prior of `alpha` that matters for a few dozen rows only.

    Parameters
    ----------
    alpha : strength of the regularisation: variance of the noise over that of a coefficient.
    pair_weight : share of the products in the kernel, from 0 (none) to 1 (nothing else).
    max_tuning_rows : rows that the evidence is taken of; of more so many are drawn.
    random_state : seed of that draw.

    Attributes
    ----------
    alpha_, pair_weight_ : what was chosen.
    intercept_ : a constant.
    linear_coefficients_ : float64 of shape (n_features,).
    pair_coefficients_ : symmetric float64 of shape (n_features, n_features), zero on the diagonal;
        the products' coefficients are twice its upper triangle.
    """

    def __init__(
        self,
        alpha: Positive | None = None,
        pair_weight: Share | None = None,
        max_tuning_rows: PositiveInt = 1000,
        random_state: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.pair_weight = pair_weight
        self.max_tuning_rows = max_tuning_rows
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to features X of shape (n_archs, n_features) and targets y of shape (n_archs,)."""
        check_parameters(self)
        features = np.asarray(X, dtype=np.float64)
        targets = np.asarray(y, dtype=np.float64)
        self.n_features_in_ = features.shape[1]
        scale = float(np.sqrt((features**2).sum(axis=1).mean())) or 1.0
        scaled = features / scale
        centred = targets - targets.mean()
        self.alpha_, self.pair_weight_ = self._choose(scaled, centred)
        columns, pairs = _pairs_that_occur(scaled)
        solve = _solve_primal if len(columns) < len(targets) else _solve_dual
        linear, products = solve(scaled, centred, columns, pairs, self.alpha_, self.pair_weight_)
        self.linear_coefficients_ = linear / scale
        self.pair_coefficients_ = products / scale**2
        self.intercept_ = float((targets - self._without_intercept(features)).mean())
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Predict float64 of shape (n_archs,) from features of shape (n_archs, n_features)."""
        check_is_fitted(self, "intercept_")
        return self.intercept_ + self._without_intercept(np.asarray(X, dtype=np.float64))

    def to_torch(self) -> torch.nn.Module:
        """A module from features (n_archs, n_features) to standardised predictions (n_archs,)."""
        from hwbench.predictors.models.quadratic import Quadratic

        check_is_fitted(self, "intercept_")
        return Quadratic(self.linear_coefficients_, self.pair_coefficients_, self.intercept_)

    def _without_intercept(self, features: Floats) -> Floats:
        products = ((features @ self.pair_coefficients_) * features).sum(axis=1)
        return features @ self.linear_coefficients_ + products

    def _choose(self, scaled: Floats, centred: Floats) -> tuple[float, float]:
        """The `alpha` and `pair_weight` of the largest evidence, of those that are allowed."""
        alphas = ALPHAS if self.alpha is None else np.array([self.alpha])
        weights = PAIR_WEIGHTS if self.pair_weight is None else (self.pair_weight,)
        order = np.random.default_rng(self.random_state).permutation(len(centred))
        rows = np.sort(order[: self.max_tuning_rows])
        targets = centred[rows] - centred[rows].mean()
        if not targets.any():
            return float(alphas[-1]), weights[0]
        kernels = _kernels(scaled[rows])
        evidence = np.array([_log_evidence(_mix(kernels, w), targets, alphas) for w in weights])
        posterior = evidence - 0.5 * np.log(alphas / USUAL_ALPHA) ** 2
        weight, alpha = np.unravel_index(int(posterior.argmax()), posterior.shape)
        return float(alphas[alpha]), weights[weight]


def _kernels(rows: Floats) -> tuple[Floats, Floats]:
    """Inner products of the rows' features, and of their products; twice (n_archs, n_archs)."""
    linear = rows @ rows.T
    squares = rows**2
    return linear, linear**2 - squares @ squares.T


def _mix(kernels: tuple[Floats, Floats], pair_weight: float) -> Floats:
    """The kernel, centred: as if the mean of every feature and product had been taken from it."""
    linear, pairs = kernels
    kernel = (1.0 - pair_weight) * linear
    kernel += pair_weight * pairs
    kernel -= kernel.mean(axis=0)
    kernel -= kernel.mean(axis=1)[:, None]
    return kernel


def _log_evidence(kernel: Floats, centred: Floats, alphas: Floats) -> Floats:
    """Logarithm of the marginal likelihood for each alpha, up to a constant.

    The variances have no prior: their scale is that of the largest likelihood.

    Parameters
    ----------
    kernel : centred, of shape (n_archs, n_archs).
    centred : targets of mean 0, not all 0, of shape (n_archs,).
    alphas : of shape (n_alphas,).
    """
    values, vectors = eigh(kernel, check_finite=False)
    variances = np.maximum(values, 0.0) + alphas[:, None]
    parts = (vectors.T @ centred) ** 2
    misfit = np.log((parts / variances).sum(axis=1))
    # The constant direction, of eigenvalue 0, was taken from kernel and targets: it is no datum.
    size = np.log(variances).sum(axis=1) - np.log(alphas)
    return -0.5 * ((len(parts) - 1) * misfit + size)


def _pairs_that_occur(scaled: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Both columns of every product that is not 0 in all rows, each int64 (n_products,)."""
    occurs = (scaled != 0.0).astype(np.float32)
    first, second = np.nonzero(np.triu(occurs.T @ occurs, k=1))
    return first, second


def _solve_primal(
    scaled: Floats,
    centred: Floats,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    alpha: float,
    pair_weight: float,
) -> tuple[Floats, Floats]:
    """Coefficients of features and products from the normal equations of both."""
    n_features = scaled.shape[1]
    weights = np.repeat([1.0 - pair_weight, 2.0 * pair_weight], [n_features, len(first)]) ** 0.5
    design = np.concatenate([scaled, scaled[:, first] * scaled[:, second]], axis=1)
    design -= design.mean(axis=0)
    design *= weights
    normal = design.T @ design
    normal[np.diag_indices_from(normal)] += alpha
    solution = weights * cho_solve(cho_factor(normal, overwrite_a=True), design.T @ centred)
    pairs = np.zeros((n_features, n_features))
    pairs[first, second] = 0.5 * solution[n_features:]
    return solution[:n_features], pairs + pairs.T


def _solve_dual(
    scaled: Floats,
    centred: Floats,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    alpha: float,
    pair_weight: float,
) -> tuple[Floats, Floats]:
    """The same coefficients from one equation a row."""
    kernel = _mix(_kernels(scaled), pair_weight)
    kernel[np.diag_indices_from(kernel)] += alpha
    dual = cho_solve(cho_factor(kernel, overwrite_a=True), centred)
    dual -= dual.mean()
    pairs = np.zeros((scaled.shape[1],) * 2)
    pairs[first, second] = (pair_weight * (scaled.T * dual) @ scaled)[first, second]
    return (1.0 - pair_weight) * (scaled.T @ dual), pairs + pairs.T
