"""A Gaussian process with a squared exponential kernel (Rasmussen and Williams 2006, chapter 2).

GPyTorch finds the hyper-parameters. The predictive equations are then solved once in float64, so
that a fitted model is a handful of arrays.
"""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from pydantic import NonNegativeInt, PositiveInt
from scipy.linalg import cho_solve, cholesky, solve_triangular
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import check_parameters
from hwbench.arrays import Floats
from hwbench.predictors.models.leave_one_out import over_confidence

with warnings.catch_warnings():
    # GPyTorch compiles two of its functions while it is imported, in a way that torch deprecates.
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
    import gpytorch as gpytorch


LEAST_NOISE = 1e-4
"""Least variance of the noise, in units of the target's: it keeps covariances invertible."""

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
        check_is_fitted(self, "weights_")
        return WeightedCovariances(
            self.rows_, self.weights_, self.constant_, self.lengthscale_, self.outputscale_
        )

    def __getstate__(self) -> dict[str, Any]:
        # The factor is as large as the square of the rows, and quickly made again.
        return {**super().__getstate__(), "_factor": None}

    def _find_hyper_parameters(self, features: Floats, targets: Floats) -> None:
        kernel = start_kernel(features)
        likelihood = start_likelihood()
        model = ExactModel(features, targets, likelihood, kernel)
        if np.ptp(targets) > 0:
            maximise_marginal_likelihood(model, self.iterations)
        self.constant_ = model.mean_module.constant.item()
        self.lengthscale_ = kernel.base_kernel.lengthscale.item()
        self.outputscale_ = kernel.outputscale.item()
        self.noise_ = likelihood.noise.item()

    def _covariance(self, first: Floats, second: Floats) -> Floats:
        return squared_exponential(first, second, self.lengthscale_, self.outputscale_)

    def _factorise(self) -> Floats:
        """The lower Cholesky factor of the rows' covariances, (n_rows, n_rows)."""
        covariance = self._covariance(self.rows_, self.rows_)
        covariance[np.diag_indices_from(covariance)] += self.noise_
        # The transpose of the symmetric matrix is laid out as LAPACK wants it: nothing is copied.
        return cholesky(covariance.T, lower=True, overwrite_a=True, check_finite=False)


class WeightedCovariances(torch.nn.Module):
    """A constant plus weighted squared exponential covariances with fixed rows.

    Parameters
    ----------
    rows : float64 of shape (n_rows, n_features).
    weights : float64 of shape (n_rows,).
    constant, lengthscale, outputscale : hyper-parameters of the process.
    """

    def __init__(
        self,
        rows: Floats,
        weights: Floats,
        constant: float,
        lengthscale: float,
        outputscale: float,
    ) -> None:
        super().__init__()
        self.register_buffer("rows", torch.tensor(rows / lengthscale))
        self.register_buffer("weights", torch.tensor(weights * outputscale))
        self.constant = constant
        self.lengthscale = lengthscale

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features of shape (n_archs, n_features) to predictions of shape (n_archs,)."""
        rows = self.get_buffer("rows").to(features.dtype)
        scaled = features / self.lengthscale
        # Not a distance but its square: the gradient of the first is infinite at a training row.
        products = scaled @ rows.T
        distances = (scaled**2).sum(1, keepdim=True) + (rows**2).sum(1) - 2.0 * products
        weights = self.get_buffer("weights").to(features.dtype)
        return torch.exp(-0.5 * distances) @ weights + self.constant


class ExactModel(gpytorch.models.ExactGP):  # type: ignore[misc]
    """The process as GPyTorch wants it, for the marginal likelihood alone.

    Parameters
    ----------
    features, targets : float64 of shapes (n_archs, n_features) and (n_archs,).
    likelihood, kernel : modules whose parameters are to be found.
    """

    def __init__(self, features: Floats, targets: Floats, likelihood: Any, kernel: Any) -> None:
        super().__init__(torch.tensor(features), torch.tensor(targets), likelihood)
        self.mean_module = gpytorch.means.ConstantMean()
        self.covar_module = kernel
        self.double()
        self.mean_module.initialize(constant=float(targets.mean()))

    def forward(self, features: torch.Tensor) -> Any:
        """The prior distribution of the targets."""
        return gpytorch.distributions.MultivariateNormal(
            self.mean_module(features), self.covar_module(features)
        )


def start_kernel(features: Floats) -> Any:
    """A squared exponential kernel of variance 1, as wide as features (n_archs, n_features) lie."""
    usual_distance = float(np.sqrt(2.0 * features.var(axis=0).sum())) or 1.0
    prior = gpytorch.priors.LogNormalPrior(np.log(usual_distance), 1.0)
    kernel = gpytorch.kernels.ScaleKernel(gpytorch.kernels.RBFKernel(lengthscale_prior=prior))
    kernel.double()
    kernel.base_kernel.lengthscale = usual_distance
    kernel.outputscale = 1.0
    return kernel


def start_likelihood() -> Any:
    """Gaussian noise of a tenth of the target's variance."""
    bound = gpytorch.constraints.GreaterThan(LEAST_NOISE)
    likelihood = gpytorch.likelihoods.GaussianLikelihood(noise_constraint=bound).double()
    likelihood.noise = 0.1
    return likelihood


def maximise_marginal_likelihood(model: Any, iterations: int) -> None:
    """Move a model's parameters to the maximum of its marginal likelihood, by L-BFGS."""
    objective = gpytorch.mlls.ExactMarginalLogLikelihood(model.likelihood, model)
    optimiser = torch.optim.LBFGS(
        model.parameters(),
        max_iter=iterations,
        tolerance_grad=1e-5,
        tolerance_change=1e-7,
        line_search_fn="strong_wolfe",
    )
    (features,) = model.train_inputs
    model.train()

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = -objective(model(features), model.train_targets)
        value.backward()
        return value

    # Beyond some hundred rows GPyTorch would estimate the likelihood from random vectors.
    with gpytorch.settings.max_cholesky_size(len(features) + 1):
        optimiser.step(loss)  # type: ignore[no-untyped-call]


def squared_exponential(
    first: Floats, second: Floats, lengthscale: float, outputscale: float
) -> Floats:
    """Covariances, float64 (n_first, n_second), of the rows of two arrays of features."""
    covariance = first @ (second.T * 2.0)
    covariance -= (first**2).sum(axis=1)[:, None]
    covariance -= (second**2).sum(axis=1)
    np.minimum(covariance, 0.0, out=covariance)  # rounding may turn a distance of 0 around
    covariance *= 0.5 / lengthscale**2
    np.exp(covariance, out=covariance)
    covariance *= outputscale
    return covariance


def squared_lengths(factor: Floats, rows: Floats) -> Floats:
    """What rows (n, m) of covariances explain, given a lower factor (m, m): float64 (n,)."""
    solved = solve_triangular(factor, rows.T, lower=True, check_finite=False)
    return (solved**2).sum(axis=0)
