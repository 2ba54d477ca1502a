"""BOHAMIANN: a Bayesian neural network sampled by stochastic-gradient Hamiltonian Monte Carlo."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import NonNegativeInt, PositiveInt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import NotNegative, Positive, check_parameters

LOG_NOISE_PRIOR = (-3.0, 1.0)
"""Centre and spread of the normal prior of the noise's log variance, for targets of variance 1."""


WEIGHT_SPREAD = 1.0
"""Of the weights' normal prior, in units of the inverse root of a layer's inputs."""

SMALLEST = 1e-8
"""Added to estimates of squares, so that a parameter without gradient stays where it is."""


class Bohamiann(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Bayesian neural network by scale-adapted SGHMC (Springenberg et al. 2016, section 3).

    Weights have a normal prior, and so has the logarithm of the noise, one more parameter.
    In the burn-in, each parameter's gradient noise is estimated and its
    step adapted (their equations 9 and 10); after it the steps stay, every `keep_every`-th state is
    kept, and predictions average over these.

    Parameters
    ----------
    width : units of each of the three hidden layers, tanh.
    burn_in : steps before anything is kept.
    steps : steps after it.
    keep_every : steps between kept states.
    step_size : of the sampler.
    friction : share of the momentum lost in a step.
    batch_size : rows a step.
    random_state : seed.

    Attributes
    ----------
    samples_ : float32 of shape (n_samples, n_parameters), states of the weights.
    noise_ : float64 of shape (n_samples,), noise variance of each state.
    """

    def __init__(
        self,
        width: PositiveInt = 50,
        burn_in: NonNegativeInt = 1000,
        steps: PositiveInt = 1500,
        keep_every: PositiveInt = 50,
        step_size: Positive = 3e-2,
        friction: NotNegative = 0.05,
        batch_size: PositiveInt = 32,
        random_state: int | None = None,
    ) -> None:
        self.width = width
        self.burn_in = burn_in
        self.steps = steps
        self.keep_every = keep_every
        self.step_size = step_size
        self.friction = friction
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to features X of shape (n_archs, n_features) and targets y of shape (n_archs,)."""
        check_parameters(self)
        features = np.asarray(X, dtype=np.float32)
        targets = np.asarray(y, dtype=np.float32)
        self.n_features_in_ = features.shape[1]
        self.constant_ = float(np.asarray(y)[0]) if np.ptp(targets) == 0 else None
        self.mean_ = features.mean(axis=0)
        self.scale_ = features.std(axis=0)
        self.scale_[self.scale_ == 0] = 1.0
        if self.constant_ is None:
            states = list(self._sample((features - self.mean_) / self.scale_, targets))
            self.samples_ = np.stack(states)[:, :-1]
            self.noise_ = np.exp(np.stack(states)[:, -1].astype(np.float64))
        else:
            self.samples_, self.noise_ = np.empty((0, 0), dtype=np.float32), np.empty(0)
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predict from features of shape (n_archs, n_features).

        Returns
        -------
        float64 of shape (n_archs,); with `return_std` a pair: that, and the standard deviation of a
        new measurement.
        """
        check_is_fitted(self, "samples_")
        features = torch.from_numpy((np.asarray(X, dtype=np.float32) - self.mean_) / self.scale_)
        if self.constant_ is not None:
            constant = np.full(len(features), self.constant_)
            return (
                (constant, np.full(len(constant), np.finfo(float).tiny)) if return_std else constant
            )
        with torch.no_grad():
            each = [self._network(torch.from_numpy(state), features) for state in self.samples_]
        predictions = torch.stack(each).numpy().astype(np.float64)
        mean = predictions.mean(axis=0)
        if not return_std:
            return mean
        return mean, np.sqrt(predictions.var(axis=0) + self.noise_.mean())

    @property
    def _shapes(self) -> list[tuple[int, int]]:
        return list(pairwise([self.n_features_in_, self.width, self.width, self.width, 1]))

    def _network(self, parameters: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Outputs (n_archs,); weights count in units of the inverse root of a layer's inputs."""
        values, start = features, 0
        for layer, (a, b) in enumerate(self._shapes):
            matrix = parameters[start : start + a * b].view(a, b)
            vector = parameters[start + a * b : start + a * b + b]
            start += a * b + b
            values = values @ matrix * a**-0.5 + vector
            if layer < len(self._shapes) - 1:
                values = torch.tanh(values)
        return values[:, 0]

    def _sample(
        self, X: NDArray[np.float32], y: NDArray[np.float32]
    ) -> Iterator[NDArray[np.float32]]:
        """Kept states: the weights, then the log variance of the noise."""
        seed = self.random_state
        random = torch.Generator()
        random.manual_seed(int(np.random.default_rng(seed).integers(2**31)))
        features, targets = torch.from_numpy(X), torch.from_numpy(y)
        n_rows = len(y)
        size = sum(a * b + b for a, b in self._shapes)
        state = torch.cat(
            [
                WEIGHT_SPREAD * torch.randn(size, generator=random),
                torch.tensor([LOG_NOISE_PRIOR[0]]),
            ]
        )
        state.requires_grad_()
        momentum = torch.zeros_like(state)
        mean_square, mean, window = (
            torch.ones(size + 1),
            torch.zeros(size + 1),
            torch.ones(size + 1),
        )
        step = self.step_size / n_rows**0.5
        for iteration in range(self.burn_in + self.steps):
            rows = torch.randint(n_rows, (min(self.batch_size, n_rows),), generator=random)
            loss = self._loss(state, features[rows], targets[rows], n_rows)
            (gradient,) = torch.autograd.grad(loss, state)
            with torch.no_grad():
                if iteration < self.burn_in:
                    share = 1 / (window + 1)
                    mean += share * (gradient - mean)
                    mean_square += share * (gradient * gradient - mean_square)
                    window += 1 - window * mean * mean / (mean_square + SMALLEST)
                inverse_mass = 1 / (mean_square.sqrt() + SMALLEST)
                spread = (2 * step**2 * self.friction * inverse_mass - step**4).clamp_(min=1e-16)
                momentum *= 1 - self.friction
                momentum -= self.step_size**2 * inverse_mass * gradient
                momentum += spread.sqrt() * torch.randn(size + 1, generator=random)
                state += momentum
            kept = iteration - self.burn_in
            if kept >= 0 and kept % self.keep_every == self.keep_every - 1:
                yield state.detach().numpy().copy()

    def _loss(
        self, state: torch.Tensor, features: torch.Tensor, targets: torch.Tensor, n_rows: int
    ) -> torch.Tensor:
        """Negative log posterior, a training row's share of it."""
        log_noise = state[-1].clamp(-12.0, 5.0)
        errors = targets - self._network(state[:-1], features)
        fit = 0.5 * (errors**2).mean() * torch.exp(-log_noise) + 0.5 * log_noise
        weights = 0.5 * ((state[:-1] / WEIGHT_SPREAD) ** 2).sum()
        noise = 0.5 * ((state[-1] - LOG_NOISE_PRIOR[0]) / LOG_NOISE_PRIOR[1]) ** 2
        return fit + (weights + noise) / n_rows
