"""One Gaussian process on structure: a belief, the parameters learned under it, and its outliers.

Measurements of devices have outliers: a run that something disturbed. Without care they are learned
as structure. A row whose leave-one-out error is far beyond its deviation is given a noise of its
own, as large as that error, as long as this raises the marginal likelihood by more than the
logarithm of the number of rows for each (after Ament et al. 2024, Robust Gaussian Processes via
Relevance Pursuit).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.predictors.models.grouped_kernel import GroupedKernel
from hwbench.predictors.models.leave_one_out import leave_one_out, lower_inverse
from hwbench.spaces.structure import StructuralFeatures

VARIANCE_PRIOR = {
    "operations": (-3.0, -4.0),
    "live": (-3.0, -4.0),
    "counts": (-2.0, -3.0),
    "live_counts": (-2.0, -3.0),
    "all_counts": (-2.0, -3.0),
    "present": (-2.0, -3.0),
    "paths": (-2.0, -1.5),
    "cost": (-2.0, -3.0),
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

OUTLIER = 2.5
"""Leave-one-out errors of so many deviations make a row an outlier, if the likelihood agrees."""

MOST_OUTLIERS = 0.1
"""Share of the rows that may be outliers."""

OUTLIER_ROUNDS = 4

OUTLIER_STEPS = 5
"""Steps of the optimisation after outliers were found: most of what was learned stays."""


Features = Literal["structure", "counts"]


class Belief(NamedTuple):
    """What is believed of a metric before anything is measured.

    Attributes
    ----------
    features : "structure", all groups of `StructuralFeatures`; or "counts", `all_counts` alone.
    work : what the mean grows with, a kind of work or whatever else the features know.
    weight : how much a standardised metric grows with it.
    """

    features: Features
    work: str
    weight: float


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


def lower_factor(make_covariance: Callable[[], Floats], noise: Floats | float) -> Floats:
    """The Cholesky factor of a covariance with noise, lower triangle.

    Where rounding errors are larger than the noise, as with a metric that is almost linear in the
    features, as much is added to the diagonal as it takes.

    Parameters
    ----------
    make_covariance : gives the covariance anew, float64 of shape (n_archs, n_archs), of which the
        lower triangle counts; it is overwritten.
    noise : variance of a measurement, of all or float64 of shape (n_archs,).

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


class StructuralProcess:
    """A Gaussian process whose mean and features are those of a belief.

    Parameters
    ----------
    structure : of the space.
    belief : see `Belief`.

    Attributes
    ----------
    parameters : float64 (n_parameters,), logarithms: the kernel's, then the noise's.
    log_evidence : logarithm of the marginal likelihood of the targets it was learned from times the
        prior of its parameters, less what outliers cost.
    outlier_noise : variances added for each training row, 0 but for outliers, in fitted units.
    outlier_variance : mean of these over the rows among which outliers were looked for.
    noise : standard deviation of a measurement that is no outlier, in the targets' unit.
    """

    def __init__(self, structure: StructuralFeatures, belief: Belief) -> None:
        self.structure = structure
        self.features, self.work, self.weight = belief

    @property
    def belief(self) -> Belief:
        """What is believed."""
        return Belief(self.features, self.work, self.weight)

    def fit(
        self,
        archs: IntArray,
        targets: Floats,
        *,
        learned_from: IntArray | None = None,
        max_iterations: int,
        start: Floats | None = None,
        outlier_noise: Floats | None = None,
        robust: bool = True,
    ) -> Self:
        """Learn parameters, find outliers, and condition on all rows.

        Parameters
        ----------
        archs, targets : of shape (n_archs, n_positions) and (n_archs,), not all targets alike.
        learned_from : rows that parameters are learned from; all by default.
        max_iterations : of the parameters' optimisation.
        start : parameters that it begins at; the priors' centres by default.
        outlier_noise : variances of outliers that are known, (n_archs,), in the targets' unit.
        robust : whether there may be others.
        """
        work = self.structure.work(archs, self.work)
        self.mean_work = float(work.mean())
        residual = targets - self.weight * (work - self.mean_work)
        self.offset = float(residual.mean())
        self.scale = float(residual.std()) or 1.0
        values = (residual - self.offset) / self.scale
        groups = self.groups(archs)
        self.group_names = tuple(groups)
        self.rows = list(groups.values())
        self.kernel = GroupedKernel(len(self.rows))
        rows = np.arange(len(values)) if learned_from is None else learned_from
        learning = _Learning(self.kernel, self.group_names, [g[rows] for g in self.rows])
        own = values[rows]
        known = np.zeros(len(values)) if outlier_noise is None else outlier_noise
        noise = known[rows] / self.scale**2
        found = learning.learn(own, noise, max_iterations, start)
        if robust:
            steps = min(max_iterations, OUTLIER_STEPS)
            found, noise = _without_outliers(learning, own, found, noise, steps)
        self.parameters = found.parameters
        charge = np.count_nonzero(noise) * np.log(len(rows))
        self.log_evidence = -found.cost - len(rows) * np.log(self.scale) - charge
        self.outlier_noise = known / self.scale**2
        self.outlier_noise[rows] = noise
        self.outlier_variance = float(noise.mean())
        self.noise = float(np.exp(self.parameters[-1] / 2)) * self.scale
        self._factor: Floats | None = self._factorised()
        self.weights = cho_solve((self._factor, True), values, check_finite=False)
        return self

    def groups(self, archs: IntArray) -> dict[str, Floats]:
        """Features of architectures, for each group float64 (n_archs, n_features of the group)."""
        if self.features == "counts":
            return {"all_counts": self.structure.all_counts(archs)}
        return self.structure.groups(archs)

    def leave_one_out_errors(self) -> Floats:
        """By how much each training row exceeds what the others say of it, float64 (n_archs,).

        In the targets' unit. Parameters are those learned from all.
        """
        return leave_one_out(self.factor, self.weights)[0] * self.scale

    def expected(self, archs: IntArray) -> tuple[Floats, Floats, list[Floats]]:
        """Predictions (n_archs,), covariances with the training rows, and the features."""
        groups = self.groups(archs)
        features = [groups[name] for name in self.group_names]  # a file's may be fewer
        covariance = self.kernel.between(self.parameters[:-1], features, self.rows)
        work = self.structure.work(archs, self.work) - self.mean_work
        mean = (covariance @ self.weights) * self.scale + self.offset + self.weight * work
        return mean, covariance, features

    def left(self, explained: Floats, features: list[Floats]) -> Floats:
        """Variances (n_archs,) that the training rows leave, without noise, in fitted units."""
        prior = self.kernel.variance(self.parameters[:-1], features)
        return np.maximum(prior - (explained**2).sum(axis=0), 0.0)

    def explained(self, covariance: Floats) -> Floats:
        """What the training rows say of others, float64 of shape (n_training, n_archs)."""
        explained = solve_triangular(self.factor, covariance.T, lower=True, check_finite=False)
        return np.asarray(explained)

    @property
    def new_noise(self) -> float:
        """Variance of a new measurement, which may be an outlier as well, in fitted units."""
        return float(np.exp(self.parameters[-1]) + self.outlier_variance)

    @property
    def factor(self) -> Floats:
        """The Cholesky factor of the training rows' covariance with noise, lower triangle."""
        if self._factor is None:
            self._factor = self._factorised()
        return self._factor

    def _factorised(self) -> Floats:
        return lower_factor(
            lambda: self.kernel.among(self.parameters[:-1], self.rows),
            float(np.exp(self.parameters[-1])) + self.outlier_noise,
        )

    def __getstate__(self) -> dict[str, object]:
        # The factor is as large as the training set squared, and follows from the rest.
        return {**self.__dict__, "_factor": None}


class _Found(NamedTuple):
    """Parameters, and the negative logarithm of what they make of the values' probability."""

    parameters: Floats
    cost: float


class _Learning:
    """The most probable parameters of a kernel, given values of rows with these features."""

    def __init__(
        self, kernel: GroupedKernel, group_names: Sequence[str], features: list[Floats]
    ) -> None:
        self.kernel = kernel
        self.features = features
        self.pairs = kernel.pairs(features)
        self.centre, self.spread = parameter_prior(group_names)

    def learn(
        self, values: Floats, extra: Floats, max_iterations: int, start: Floats | None
    ) -> _Found:
        """By L-BFGS-B with analytic gradients, in float64."""

        def cost(parameters: Floats) -> tuple[float, Floats]:
            covariance = self.pairs.covariance(parameters[:-1])
            noise = np.exp(parameters[-1])
            factor = lower_factor(covariance.copy, noise + extra)
            weights = cho_solve((factor, True), values, check_finite=False)
            surprise = (parameters - self.centre) / self.spread
            value = (
                0.5 * values @ weights
                + np.log(np.diagonal(factor)).sum()
                + 0.5 * (surprise**2).sum()
            )
            inverse = lower_inverse(factor)
            inverse -= np.outer(weights, weights)
            slopes = 0.5 * self.pairs.gradient(inverse)
            gradient = np.append(slopes, 0.5 * noise * np.trace(inverse))
            return float(value), gradient + surprise / self.spread

        with threadpool_limits(1, "blas"):  # threads cost more than matrices of this size give
            found = minimize(
                cost,
                self.centre if start is None else self._started(start),
                jac=True,
                method="L-BFGS-B",
                bounds=[BOUNDS] * len(self.centre),
                options={"maxiter": max_iterations},
            )
        return _Found(np.asarray(found.x, dtype=np.float64), float(found.fun))

    def errors(self, values: Floats, extra: Floats, parameters: Floats) -> tuple[Floats, Floats]:
        """Leave-one-out errors and their deviations, float64 (n_rows,) each."""
        factor = lower_factor(
            lambda: self.kernel.among(parameters[:-1], self.features),
            np.exp(parameters[-1]) + extra,
        )
        return leave_one_out(factor, cho_solve((factor, True), values, check_finite=False))

    def _started(self, start: Floats) -> Floats:
        """Where an earlier fit ended, float64 of shape (n_parameters,)."""
        if start.shape != self.centre.shape:
            raise HwbenchError(
                f"StructuralGaussianProcess: start holds {start.size} numbers, but this space's "
                f"kernel has {len(self.centre)}; give parameters_ of a fit in the same space"
            )
        return np.clip(start, *BOUNDS)


def _without_outliers(
    learning: _Learning, values: Floats, found: _Found, noise: Floats, max_iterations: int
) -> tuple[_Found, Floats]:
    """Give outliers a noise of their own, the worst first, as long as the likelihood agrees."""
    most = max(1, int(MOST_OUTLIERS * len(values)))
    for _ in range(OUTLIER_ROUNDS):
        errors, deviations = learning.errors(values, noise, found.parameters)
        far = np.abs(errors) / deviations
        outliers = np.flatnonzero(far > OUTLIER)
        outliers = outliers[np.argsort(-far[outliers], kind="stable")][: max(1, most // 2)]
        more = noise.copy()
        more[outliers] = np.maximum(more[outliers], errors[outliers] ** 2)
        added = np.count_nonzero(more) - np.count_nonzero(noise)
        if not len(outliers) or np.count_nonzero(more) > most:
            break
        again = learning.learn(values, more, max_iterations, found.parameters)
        if found.cost - again.cost < added * np.log(len(values)):
            break
        found, noise = again, more
    return found, noise
