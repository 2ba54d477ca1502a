"""A Gaussian process with a squared exponential kernel (Rasmussen and Williams 2006, chapter 2).

The hyper-parameters are found by L-BFGS on the marginal likelihood and its gradient. A fitted model
is a handful of arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import NonNegativeInt, PositiveInt
from scipy.linalg import LinAlgError, cho_solve, cholesky, solve_triangular
from scipy.linalg.lapack import dpotri
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import check_parameters
from hwbench.arrays import Floats
from hwbench.predictors.models.leave_one_out import over_confidence

if TYPE_CHECKING:
    import torch

LEAST_NOISE = 1e-4
"""Least variance of the noise, in units of the target's: it keeps covariances invertible."""

START_NOISE = 0.1
"""Variance of the noise that the search for hyper-parameters begins with."""

FARTHEST = 12.0
"""Powers of e by which hyper-parameters may move from where they begin."""

MOST_LEFT_OUT = 500
"""Rows up to which each is left out to judge deviations; of more the noise is found well."""

PREDICTED_AT_ONCE = 2000
"""Architectures whose covariances with the training rows are in memory at once."""


class GaussianProcess(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Gaussian process regression with a constant mean, one length scale and Gaussian noise.

    The hyper-parameters maximise the marginal likelihood (Rasmussen and Williams 2006, equation
    5.8) times a broad prior of the length scale: log-normal of deviation 1 about the usual
    distance of two rows. Without it a dozen rows are often explained by noise alone.

    Parameters
    ----------
    max_rows : rows that predictions are conditioned on; of more rows so many are drawn. Memory
        grows with the square of it, time with the cube.
    max_tuning_rows : as many of those tell the hyper-parameters.
    iterations : of L-BFGS, at most.
    random_state : seed of the draws.

    Attributes
    ----------
    constant_ : the mean.
    lengthscale_ : in units of the features.
    outputscale_, noise_ : variances of the process and of the noise, in units of the target's.
    rows_ : float64 of shape (n_rows, n_features), what predictions are conditioned on.
    weights_ : float64 of shape (n_rows,), what each row adds to a prediction per covariance.
    over_confidence_ : what deviations are multiplied by, at least 1; see `over_confidence`.
    """

    def __init__(
        self,
        max_rows: PositiveInt = 10_000,
        max_tuning_rows: PositiveInt = 1000,
        iterations: NonNegativeInt = 50,
        random_state: int | None = None,
    ) -> None:
        self.max_rows = max_rows
        self.max_tuning_rows = max_tuning_rows
        self.iterations = iterations
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to features X of shape (n_archs, n_features) and targets y of shape (n_archs,)."""
        check_parameters(self)
        features = np.asarray(X, dtype=np.float64)
        targets = np.asarray(y, dtype=np.float64)
        self.n_features_in_ = features.shape[1]
        order = np.random.default_rng(self.random_state).permutation(len(targets))
        kept = np.sort(order[: self.max_rows])
        tuning = np.sort(order[: min(self.max_tuning_rows, self.max_rows)])
        self._find_hyper_parameters(features[tuning], targets[tuning])
        self.rows_ = features[kept]
        self._factor = self._factorise()
        self.weights_ = cho_solve(
            (self._factor, True), targets[kept] - self.constant_, check_finite=False
        )
        self.over_confidence_ = 1.0
        if len(kept) <= MOST_LEFT_OUT and np.ptp(targets) > 0:
            self.over_confidence_ = over_confidence(self._factor, targets[kept] - self.constant_)
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predict (Rasmussen and Williams 2006, equations 2.25 and 2.26).

        Parameters
        ----------
        X : features of shape (n_archs, n_features).
        return_std : also the standard deviation of a new measurement, noise included.

        Returns
        -------
        float64 of shape (n_archs,), with `return_std` a pair of them.
        """
        check_is_fitted(self, "weights_")
        features = np.asarray(X, dtype=np.float64)
        mean = np.empty(len(features))
        variance = np.full(len(features), self.outputscale_ + self.noise_)
        if return_std and self._factor is None:
            self._factor = self._factorise()
        for start in range(0, len(features), PREDICTED_AT_ONCE):
            part = slice(start, start + PREDICTED_AT_ONCE)
            covariance = self._covariance(features[part], self.rows_)
            mean[part] = self.constant_ + covariance @ self.weights_
            if return_std:
                variance[part] -= squared_lengths(self._factor, covariance)
        if not return_std:
            return mean
        deviation = np.sqrt(np.maximum(variance, self.noise_))
        return mean, deviation * getattr(self, "over_confidence_", 1.0)

    def to_torch(self) -> torch.nn.Module:
        """A module from features (n_archs, n_features) to standardised predictions (n_archs,)."""
        from hwbench.predictors.models.weighted_covariances import WeightedCovariances

        check_is_fitted(self, "weights_")
        return WeightedCovariances(
            self.rows_, self.weights_, self.constant_, self.lengthscale_, self.outputscale_
        )

    def __getstate__(self) -> dict[str, Any]:
        # The factor is as large as the square of the rows, and quickly made again.
        return {**super().__getstate__(), "_factor": None}

    def _find_hyper_parameters(self, features: Floats, targets: Floats) -> None:
        usual_distance = float(np.sqrt(2.0 * features.var(axis=0).sum())) or 1.0
        start = np.log([usual_distance, 1.0, START_NOISE - LEAST_NOISE])
        evidence = _Evidence(features, targets, usual_distance)
        found = start
        if np.ptp(targets) > 0 and self.iterations:
            found = minimize(
                evidence,
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=[(value - FARTHEST, value + FARTHEST) for value in start],
                options={"maxiter": self.iterations, "gtol": 1e-6, "ftol": 1e-12},
            ).x
        self.lengthscale_, self.outputscale_, above = np.exp(found).tolist()
        self.noise_ = LEAST_NOISE + above
        self.constant_ = evidence.constant(found)

    def _covariance(self, first: Floats, second: Floats) -> Floats:
        return squared_exponential(first, second, self.lengthscale_, self.outputscale_)

    def _factorise(self) -> Floats:
        """The lower Cholesky factor of the rows' covariances, (n_rows, n_rows)."""
        covariance = self._covariance(self.rows_, self.rows_)
        covariance[np.diag_indices_from(covariance)] += self.noise_
        # The transpose of the symmetric matrix is laid out as LAPACK wants it: nothing is copied.
        return cholesky(covariance.T, lower=True, overwrite_a=True, check_finite=False)


class _Evidence:
    """The negative logarithm of the marginal likelihood times the prior, a row, and its gradient.

    Rasmussen and Williams 2006, equations 5.8 and 5.9, at the constant that makes it largest. The
    parameters are logarithms: of the length scale, of the process's variance, and of that of the
    noise above its least.

    Parameters
    ----------
    features, targets : float64 of shapes (n_rows, n_features) and (n_rows,).
    usual_distance : the median of the length scale's prior.
    """

    def __init__(self, features: Floats, targets: Floats, usual_distance: float) -> None:
        self._squares = squared_distances(features, features)
        self._targets = targets
        self._centre = float(np.log(usual_distance))

    def constant(self, parameters: Floats) -> float:
        """The constant of the largest likelihood: the mean, weighted by what rows tell."""
        factor, _ = self._factor(parameters)
        return self._solved(factor)[0]

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        n_rows, (log_scale, _, log_noise) = len(self._targets), parameters
        try:
            factor, process = self._factor(parameters)
        except LinAlgError:  # far from any maximum
            return np.inf, np.zeros(3)
        constant, weights = self._solved(factor)
        value = 0.5 * float((self._targets - constant) @ weights)
        value += float(np.log(np.diag(factor)).sum()) + 0.5 * n_rows * np.log(2.0 * np.pi)
        value += log_scale + 0.5 * (log_scale - self._centre) ** 2
        lower, _ = dpotri(factor, lower=1)
        inverse = np.tril(lower) + np.tril(lower, -1).T
        inner = inverse - np.outer(weights, weights)
        by_process = inner * process
        gradient = 0.5 * np.array(
            [
                (by_process * self._squares).sum() * np.exp(-2.0 * log_scale),
                by_process.sum(),
                np.trace(inner) * np.exp(log_noise),
            ]
        )
        gradient[0] += 1.0 + log_scale - self._centre
        return value / n_rows, gradient / n_rows

    def _factor(self, parameters: Floats) -> tuple[Floats, Floats]:
        """The lower Cholesky factor of the targets' covariance, and that of the process alone."""
        scale, variance, noise = np.exp(parameters)
        process = variance * np.exp(self._squares * (-0.5 / scale**2))
        covariance = process.copy()
        covariance[np.diag_indices_from(covariance)] += LEAST_NOISE + noise
        return cholesky(covariance, lower=True, overwrite_a=True, check_finite=False), process

    def _solved(self, factor: Floats) -> tuple[float, Floats]:
        """The constant, and what each row weighs in predictions with it."""
        both = np.stack([self._targets, np.ones_like(self._targets)], axis=1)
        solved = cho_solve((factor, True), both, check_finite=False)
        constant = float(solved[:, 0].sum() / solved[:, 1].sum())
        return constant, solved[:, 0] - constant * solved[:, 1]


def squared_distances(first: Floats, second: Floats) -> Floats:
    """Squared distances, float64 (n_first, n_second), of the rows of two arrays of features."""
    distances = first @ (second.T * -2.0)
    distances += (first**2).sum(axis=1)[:, None]
    distances += (second**2).sum(axis=1)
    np.maximum(distances, 0.0, out=distances)  # rounding may turn a distance of 0 around
    return distances


def squared_exponential(
    first: Floats, second: Floats, lengthscale: float, outputscale: float
) -> Floats:
    """Covariances, float64 (n_first, n_second), of the rows of two arrays of features."""
    covariance = squared_distances(first, second)
    covariance *= -0.5 / lengthscale**2
    np.exp(covariance, out=covariance)
    covariance *= outputscale
    return covariance


def squared_lengths(factor: Floats, rows: Floats) -> Floats:
    """What rows (n, m) of covariances explain, given a lower factor (m, m): float64 (n,)."""
    solved = solve_triangular(factor, rows.T, lower=True, check_finite=False)
    return (solved**2).sum(axis=0)
