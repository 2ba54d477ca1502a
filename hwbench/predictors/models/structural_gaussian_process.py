"""A Gaussian process on what an architecture's structure says of its cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import ArrayLike
from pydantic import NonNegativeInt, PositiveInt
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from hwbench.arguments import Finite, check_parameters
from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.predictors.models.grouped_kernel import GroupedKernel
from hwbench.predictors.models.measured_values import nearest_repeated, repeated_values
from hwbench.predictors.models.structure import StructuralFeatures
from hwbench.predictors.posterior import Posterior
from hwbench.predictors.transfer import SourceMetrics
from hwbench.spaces import Space

VARIANCE_PRIOR = {
    "operations": (-3.0, -4.0),
    "live": (-3.0, -4.0),
    "counts": (-2.0, -3.0),
    "live_counts": (-2.0, -3.0),
    "present": (-2.0, -3.0),
    "cost": (-2.0, -3.0),
    "sources": (-1.0, -3.0),
}
"""Centres of the normal priors of log a_g and log b_g, for targets of variance 1."""

JOINT_PRIOR = -3.0
VARIANCE_SPREAD = 1.5
LENGTH_PRIOR = (1.0, 0.7)
NOISE_PRIOR = (-2.0, 1.5)
BOUNDS = (-12.0, 8.0)
"""Of every logarithm; noise of variance exp(-12) is none, and keeps the covariance invertible."""

JITTER = (0.0, 1e-10, 1e-8, 1e-6, 1e-5, 1e-4)
"""Shares of the mean variance that are added to the diagonal until it can be factorised."""


def parameter_prior(group_names: Sequence[str]) -> tuple[Floats, Floats]:
    """Centre and spread of the normal prior of every logarithm: the kernel's, then the noise's.

    Parameters
    ----------
    group_names : the groups of features, in the kernel's order.

    Returns
    -------
    float64 arrays of shape (n_parameters,), for targets of variance 1.
    """
    n_groups = len(group_names)
    linear, smooth = zip(*[VARIANCE_PRIOR[name] for name in group_names], strict=True)
    lengths = [LENGTH_PRIOR[0]] * n_groups
    spread = [VARIANCE_SPREAD] * n_groups
    length_spread = [LENGTH_PRIOR[1]] * n_groups
    centre = [*linear, *smooth, *lengths, JOINT_PRIOR, *lengths, NOISE_PRIOR[0]]
    spreads = [*spread, *spread, *length_spread, VARIANCE_SPREAD, *length_spread]
    return np.array(centre), np.array([*spreads, NOISE_PRIOR[1]])


def lower_factor(make_covariance: Callable[[], Floats], noise: float) -> Floats:
    """The Cholesky factor of a covariance with noise, lower triangle.

    Where rounding errors are larger than the noise, as with a metric that is almost linear in the
    features, as much is added to the diagonal as it takes.

    Parameters
    ----------
    make_covariance : gives the covariance anew, float64 of shape (n_archs, n_archs), of which the
        lower triangle counts; it is overwritten.
    noise : variance of a measurement.

    Raises
    ------
    numpy.linalg.LinAlgError
        Where nothing helps.
    """
    for extra in JITTER:
        covariance = make_covariance()
        diagonal = np.diag_indices(len(covariance))
        covariance[diagonal] += noise + extra * float(covariance[diagonal].mean())
        with suppress(LinAlgError):
            return np.asarray(
                cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
            )
    raise LinAlgError("the covariance is not positive definite")


class StructuralGaussianProcess(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Gaussian process whose covariance adds and joins the groups of `StructuralFeatures`.

    Features are operation indices (encoding "integers"). The covariance is `GroupedKernel`'s plus
    noise; its parameters maximise the marginal likelihood of the training values (float64, analytic
    gradients) times log-normal priors. The priors hold the shared groups (counts, presence, cost)
    more likely than the particular ones, which is what few measurements need. The mean is
    `work_prior` times the architecture's work. Of a metric that takes few values, predictions
    within the noise of a measured value are that value.

    Parameters
    ----------
    space : the search space.
    work_prior : how much a standardised metric is expected to grow with an architecture's
        standardised work before anything is measured; 0 for a metric of which nothing is known,
        negative for one that falls with it, such as throughput.
    sources : other metrics of the same space that take part as one more group of features.
    likelihood_rows : training rows, at most, by which the parameters are learned.
    most_rows : training rows, at most, that predictions rest on; more are drawn from at random.
    max_iterations : steps of the parameters' optimisation.
    start : `parameters_` of an earlier fit to fewer of the same measurements, from which the
        optimisation goes on; from the priors' centres by default.
    random_state : seed of that draw.

    Attributes
    ----------
    parameters_ : float64 of shape (n_parameters,), logarithms: the kernel's, then the noise's.
    noise_ : standard deviation of a measurement, in units of the fitted targets.
    repeated_ : the values of a metric that takes few, else empty.
    """

    def __init__(
        self,
        space: Space | None = None,
        work_prior: Finite = 0.7,
        sources: SourceMetrics | None = None,
        likelihood_rows: PositiveInt = 1000,
        most_rows: PositiveInt = 16000,
        max_iterations: NonNegativeInt = 40,
        start: Sequence[Finite] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.space = space
        self.work_prior = work_prior
        self.sources = sources
        self.likelihood_rows = likelihood_rows
        self.most_rows = most_rows
        self.max_iterations = max_iterations
        self.start = start
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to operation indices X of shape (n_archs, n_positions) and targets y (n_archs,)."""
        check_parameters(self)
        if self.space is None:
            raise HwbenchError("StructuralGaussianProcess: it needs the search space")
        archs = np.asarray(X).astype(np.int64)
        targets = np.asarray(y, dtype=np.float64)
        self.n_features_in_ = archs.shape[1]
        if len(archs) > self.most_rows:
            generator = np.random.default_rng(self.random_state)
            rows = generator.permutation(len(archs))[: self.most_rows]
            archs, targets = archs[rows], targets[rows]
        self.structure_ = StructuralFeatures(self.space)
        self.constant_ = float(targets[0]) if np.ptp(targets) == 0 else None
        if self.constant_ is not None:
            self.noise_ = 0.0
            return self
        work = self.structure_.work(archs)
        self.mean_work_ = float(work.mean())
        residual = targets - self.work_prior * (work - self.mean_work_)
        self.offset_ = float(residual.mean())
        self.scale_ = float(residual.std()) or 1.0
        values = (residual - self.offset_) / self.scale_
        groups = self._groups(archs)
        self.group_names_ = tuple(groups)
        self.features_ = list(groups.values())
        self.kernel_ = GroupedKernel(len(self.features_))
        self.parameters_ = self._learn(values)
        self.noise_ = float(np.exp(self.parameters_[-1] / 2)) * self.scale_
        self.repeated_ = repeated_values(targets)
        self._factor: Floats | None = self._factorise()
        self.weights_ = cho_solve((self._factor, True), values, check_finite=False)
        return self

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predict from operation indices of shape (n_archs, n_positions).

        Returns
        -------
        float64 of shape (n_archs,); with `return_std` a pair: that, and the standard deviation of a
        new measurement.
        """
        check_is_fitted(self, "noise_")
        archs = np.asarray(X).astype(np.int64)
        if self.constant_ is not None:
            constant = np.full(len(archs), self.constant_)
            return (constant, np.full(len(archs), np.finfo(float).tiny)) if return_std else constant
        mean, covariance, features = self._means(archs)
        if not return_std:
            return mean
        explained = self._explained(covariance)
        variance = self.kernel_.variance(self.parameters_[:-1], features)
        noise = np.exp(self.parameters_[-1])
        variance = np.maximum(variance - (explained**2).sum(axis=0), 0.0) + noise
        return mean, np.sqrt(variance) * self.scale_

    def posterior(self, X: ArrayLike) -> Posterior:
        """What is believed of architectures together, operation indices (n_archs, n_positions).

        Means and deviations are those of `predict`.
        """
        check_is_fitted(self, "noise_")
        archs = np.asarray(X).astype(np.int64)
        if self.constant_ is not None:
            return Posterior.independent(*self.predict(archs, return_std=True))
        mean, covariance, features = self._means(archs)
        explained = self._explained(covariance)
        parameters = self.parameters_[:-1]
        variance = self.kernel_.variance(parameters, features) - (explained**2).sum(axis=0)

        def covariances(row: int) -> Floats:
            one = [each[[row]] for each in features]
            prior = self.kernel_.between(parameters, one, features)[0]
            return np.asarray(prior - explained[:, row] @ explained)

        noise = np.full(len(archs), np.exp(self.parameters_[-1]))
        unit = Posterior(np.zeros(len(archs)), np.maximum(variance, 0.0), noise, covariances)
        return replace(unit.scaled(self.scale_, 0.0), mean=mean)

    def _means(self, archs: IntArray) -> tuple[Floats, Floats, list[Floats]]:
        """Predictions (n_archs,), covariances with the training rows, and the features."""
        features = list(self._groups(archs).values())
        covariance = self.kernel_.between(self.parameters_[:-1], features, self.features_)
        work = self.structure_.work(archs) - self.mean_work_
        mean = (covariance @ self.weights_) * self.scale_ + self.offset_ + self.work_prior * work
        return nearest_repeated(mean, self.repeated_, self.noise_), covariance, features

    def _explained(self, covariance: Floats) -> Floats:
        """What the training rows say of others, float64 of shape (n_training, n_archs)."""
        if self._factor is None:
            self._factor = self._factorise()
        explained = solve_triangular(self._factor, covariance.T, lower=True, check_finite=False)
        return np.asarray(explained)

    def __getstate__(self) -> dict[str, Any]:
        # The factor is as large as the training set squared, and follows from the rest.
        return {**super().__getstate__(), "_factor": None}

    def _groups(self, archs: IntArray) -> dict[str, Floats]:
        groups = self.structure_.groups(archs)
        if self.sources is not None:
            groups["sources"] = self.sources.features(archs)
        return groups

    def _learn(self, values: Floats) -> Floats:
        """The most probable parameters given the first `likelihood_rows` training values."""
        rows = slice(self.likelihood_rows)
        values = values[rows]
        inner, distances = self.kernel_.products([each[rows] for each in self.features_])
        centre, spread = parameter_prior(self.group_names_)
        identity = np.eye(len(values))

        def negative_log_posterior(parameters: Floats) -> tuple[float, Floats]:
            covariance, slopes = self.kernel_.with_gradient(parameters[:-1], inner, distances)
            noise = np.exp(parameters[-1])
            factor = lower_factor(covariance.copy, noise)
            inverse = cho_solve((factor, True), identity, check_finite=False)
            weights = inverse @ values
            surprise = (parameters - centre) / spread
            value = (
                0.5 * values @ weights
                + np.log(np.diagonal(factor)).sum()
                + 0.5 * (surprise**2).sum()
            )
            inverse -= np.outer(weights, weights)
            gradient = [0.5 * np.vdot(inverse, slope) for slope in slopes]
            gradient.append(0.5 * noise * np.trace(inverse))
            return float(value), np.array(gradient) + surprise / spread

        with threadpool_limits(1, "blas"):  # threads cost more than matrices of this size give
            found = minimize(
                negative_log_posterior,
                centre if self.start is None else self._started(len(centre)),
                jac=True,
                method="L-BFGS-B",
                bounds=[BOUNDS] * len(centre),
                options={"maxiter": self.max_iterations},
            )
        return np.asarray(found.x, dtype=np.float64)

    def _started(self, n_parameters: int) -> Floats:
        """Where an earlier fit ended, float64 of shape (n_parameters,)."""
        start = np.asarray(self.start, dtype=np.float64)
        if start.shape != (n_parameters,):
            raise HwbenchError(
                f"StructuralGaussianProcess: start holds {start.size} numbers, but this space's "
                f"kernel has {n_parameters}; give parameters_ of a fit in the same space"
            )
        return np.clip(start, *BOUNDS)

    def _factorise(self) -> Floats:
        """The Cholesky factor of the training rows' covariance with noise, lower triangle."""
        return lower_factor(
            lambda: self.kernel_.among(self.parameters_[:-1], self.features_),
            float(np.exp(self.parameters_[-1])),
        )
