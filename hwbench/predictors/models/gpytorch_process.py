"""Gaussian processes as GPyTorch wants them, for the marginal likelihood alone."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

from hwbench.arrays import Floats
from hwbench.predictors.models.gaussian_process import LEAST_NOISE

with warnings.catch_warnings():
    # GPyTorch compiles two of its functions while it is imported, in a way that torch deprecates.
    warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
    import gpytorch as gpytorch


class ExactModel(gpytorch.models.ExactGP):  # type: ignore[misc]
    """The process, whose hyper-parameters are to be found.

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
