"""A sparse Gaussian process: all rows are summarised by a few inducing points.

Candela and Rasmussen 2005 name the family; this is its variational member (Titsias 2009,
Variational learning of inducing variables in sparse Gaussian processes), in which the inducing
points are learned with the hyper-parameters. GPyTorch finds both.
"""

from __future__ import annotations

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
from hwbench.predictors.models.gaussian_process import squared_exponential, squared_lengths
from hwbench.predictors.models.gpytorch_process import (
    ExactModel,
    gpytorch,
    maximise_marginal_likelihood,
    start_kernel,
    start_likelihood,
)
from hwbench.predictors.models.weighted_covariances import WeightedCovariances

JITTER = 1e-6
"""Added to the variances of inducing points, which may come to lie on one another."""


class SparseGaussianProcess(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Gaussian process regression through inducing points: time grows linearly with the rows.

    Mean, kernel, noise and prior are those of `GaussianProcess`.

    Parameters
    ----------
    inducing_points : how many, at most: no more than there are different rows. They start at rows
        drawn at random and are then moved.
    iterations : of L-BFGS, at most.
    random_state : seed of the draw.

    Attributes
    ----------
    constant_, lengthscale_, outputscale_, noise_ : as of `GaussianProcess`.
    inducing_ : float64 of shape (n_inducing, n_features).
    weights_ : float64 of shape (n_inducing,), what each adds to a prediction per covariance.
    """

    def __init__(
        self,
        inducing_points: PositiveInt = 100,
        iterations: NonNegativeInt = 50,
        random_state: int | None = None,
    ) -> None:
        self.inducing_points = inducing_points
        self.iterations = iterations
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to features X of shape (n_archs, n_features) and targets y of shape (n_archs,)."""
        check_parameters(self)
        features = np.asarray(X, dtype=np.float64)
        targets = np.asarray(y, dtype=np.float64)
        self.n_features_in_ = features.shape[1]
        different = np.unique(features, axis=0)
        order = np.random.default_rng(self.random_state).permutation(len(different))
        self._find_hyper_parameters(features, targets, different[order[: self.inducing_points]])
        self._condition(features, targets)
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predict (Titsias 2009, equation 6).

        Parameters
        ----------
        X : features of shape (n_archs, n_features).
        return_std : also the standard deviation of a new measurement, noise included.

        Returns
        -------
        float64 of shape (n_archs,), with `return_std` a pair of them.
        """
        check_is_fitted(self, "weights_")
        covariance = self._covariance(np.asarray(X, dtype=np.float64), self.inducing_)
        mean = self.constant_ + covariance @ self.weights_
        if not return_std:
            return mean
        variance = self.outputscale_ + self.noise_ - squared_lengths(self._prior, covariance)
        variance += squared_lengths(self._posterior, covariance)
        return mean, np.sqrt(np.maximum(variance, self.noise_))

    def to_torch(self) -> torch.nn.Module:
        """A module from features (n_archs, n_features) to standardised predictions (n_archs,)."""
        check_is_fitted(self, "weights_")
        return WeightedCovariances(
            self.inducing_, self.weights_, self.constant_, self.lengthscale_, self.outputscale_
        )

    def _find_hyper_parameters(self, features: Floats, targets: Floats, inducing: Floats) -> None:
        kernel = start_kernel(features)
        likelihood = start_likelihood()
        sparse = gpytorch.kernels.InducingPointKernel(
            _Jittered(kernel), torch.tensor(inducing), likelihood
        )
        model = ExactModel(features, targets, likelihood, sparse)
        if np.ptp(targets) > 0:
            maximise_marginal_likelihood(model, self.iterations)
        self.constant_ = model.mean_module.constant.item()
        self.lengthscale_ = kernel.base_kernel.lengthscale.item()
        self.outputscale_ = kernel.outputscale.item()
        self.noise_ = likelihood.noise.item()
        self.inducing_ = sparse.inducing_points.detach().numpy().copy()

    def _condition(self, features: Floats, targets: Floats) -> None:
        """Solve for the distribution of the process at the inducing points."""
        between = self._covariance(self.inducing_, self.inducing_)
        between[np.diag_indices_from(between)] += JITTER
        self._prior = cholesky(between, lower=True)
        whitened = solve_triangular(
            self._prior, self._covariance(self.inducing_, features), lower=True
        )
        precision = np.eye(len(between)) + whitened @ whitened.T / self.noise_
        factor = cholesky(precision, lower=True)
        # The posterior covariance of the process at the inducing points is P P^T, of prior L L^T.
        self._posterior = self._prior @ factor
        mean = cho_solve((factor, True), whitened @ (targets - self.constant_)) / self.noise_
        self.weights_ = solve_triangular(self._prior, mean, lower=True, trans="T")

    def _covariance(self, first: Floats, second: Floats) -> Floats:
        return squared_exponential(first, second, self.lengthscale_, self.outputscale_)


class _Jittered(gpytorch.kernels.Kernel):  # type: ignore[misc]
    """A kernel plus a little independent variance of every point."""

    def __init__(self, kernel: Any) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, x1: torch.Tensor, x2: torch.Tensor, diag: bool = False, **params: Any) -> Any:
        covariance = self.kernel.forward(x1, x2, diag=diag, **params)
        if not torch.equal(x1, x2):
            return covariance
        return covariance + (JITTER if diag else JITTER * torch.eye(len(x1), dtype=x1.dtype))
