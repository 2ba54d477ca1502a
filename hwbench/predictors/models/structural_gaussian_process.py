"""A Gaussian process on what an architecture's structure says of its cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike
from pydantic import NonNegativeInt, PositiveInt
from scipy.special import ndtri, stdtrit
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import Finite, check_parameters
from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.predictors.models.measured_values import nearest_repeated, repeated_values
from hwbench.predictors.models.structural_process import Belief, Features, StructuralProcess
from hwbench.predictors.posterior import Posterior
from hwbench.spaces import Space
from hwbench.spaces.structure import StructuralFeatures, Work

if TYPE_CHECKING:
    import torch

_MEANS: tuple[tuple[Work, float], ...] = (
    ("live", 0.0),
    ("live", 0.35),
    ("live", 0.7),
    ("all", 0.35),
    ("all", 0.7),
    ("flops", 0.7),
    ("live", -0.7),
    ("all", -0.7),
)

BELIEFS = tuple(
    Belief(features, work, weight) for features in get_args(Features) for work, weight in _MEANS
)
"""What may be believed of a metric, to be chosen by evidence."""

EVIDENCE: Final = "evidence"
"""Of `work_prior`: the training values choose among `BELIEFS`."""

AVERAGED_ROWS = 60
"""Up to so many rows beliefs are averaged, by their evidence; of more one is chosen."""

STEPS_AGAIN = 15
"""Steps of an optimisation that begins where a like one has ended."""

FIRST_ROWS = 300
"""By so many rows parameters are learned before they are by many: a step by 1,000 costs 30 times as
much."""

LAST_STEPS = 8
"""Steps by many rows, from what few of them said."""

OUTLIER_PASSES = 3
"""How often the most probable process, which changes with them, may look for outliers."""

ROWS_AT_ONCE = 4096
"""Architectures that are predicted together: their covariances fit the memory."""

LEARNED = 4
"""Numbers that a fit learns of the metric itself, by which rows are fewer to judge its spread."""

FAR_AHEAD = 5.0
"""Difference of log evidences at which the less probable is given up: shares of 150 to 1."""

SMALLEST_SHARE = 0.01
"""Beliefs that are less probable are left out."""


class StructuralGaussianProcess(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Gaussian processes whose covariance adds and joins the groups of `StructuralFeatures`.

    Features are operation indices (encoding "integers"). The covariance is `GroupedKernel`'s plus
    noise; its parameters maximise the marginal likelihood of the training values (float64, analytic
    gradients) times log-normal priors. The priors hold the shared groups (counts, presence, cost)
    more likely than the particular ones, which is what few measurements need.

    What is believed before anything is measured is one of `BELIEFS`: that a metric grows with the
    architecture's work, of live operations, of all, or its FLOPs, or falls with it; and that all
    structure matters, or how often each operation is used and nothing else. Up to 60 rows
    predictions are means over the beliefs, by the marginal likelihood of each (Hoeting et al.
    1999, Bayesian model averaging); with more, the best of each kind of features is chosen by 60
    rows, and the better of these two by all that parameters are learned from.

    Deviations are as much wider than the processes' as Student's t of the rows less four degrees of
    freedom is than the normal distribution, at 95 %. Outliers of a training set get a noise of
    their own, see `StructuralProcess`. Of a metric that takes few values, predictions within the
    noise of a measured value are that value.

    Parameters
    ----------
    space : the search space.
    work_prior : how much a standardised metric is expected to grow with an architecture's
        standardised work of live operations before anything is measured; 0 for a metric of which
        nothing is known, negative for one that falls with it, such as throughput. By default,
        "evidence", the training values choose among `BELIEFS`.
    robust : whether training rows may be outliers.
    likelihood_rows : training rows, at most, by which the parameters are learned, drawn at random.
    most_rows : training rows, at most, that predictions rest on; more are drawn from at random.
    max_iterations : steps of the parameters' optimisation.
    start : `parameters_` of an earlier fit to fewer of the same measurements, from which the
        optimisation goes on; from the priors' centres by default.
    random_state : seed of the draws.

    Attributes
    ----------
    processes_ : those that predict, the most probable first.
    shares_ : float64 of shape (n_processes,), of each in a prediction; they sum to 1.
    parameters_ : float64 of shape (n_parameters,) of the most probable process on structure,
        logarithms: the kernel's, then the noise's.
    noise_ : standard deviation of a measurement, in units of the fitted targets.
    repeated_ : the values of a metric that takes few, else empty.
    """

    def __init__(
        self,
        space: Space | None = None,
        work_prior: Finite | Literal["evidence"] = EVIDENCE,
        robust: bool = True,
        likelihood_rows: PositiveInt = 1000,
        most_rows: PositiveInt = 16000,
        max_iterations: NonNegativeInt = 40,
        start: Sequence[Finite] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.space = space
        self.work_prior = work_prior
        self.robust = robust
        self.likelihood_rows = likelihood_rows
        self.most_rows = most_rows
        self.max_iterations = max_iterations
        self.start = start
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to operation indices X of shape (n_archs, n_positions) and targets y (n_archs,)."""
        check_parameters(self)
        if self.space is None:
            raise HwbenchError(f"{type(self).__name__}: it needs the search space")
        archs = np.asarray(X).astype(np.int64)
        targets = np.asarray(y, dtype=np.float64)
        self.n_features_in_ = archs.shape[1]
        generator = np.random.default_rng(self.random_state)
        if len(archs) > self.most_rows:
            rows = generator.permutation(len(archs))[: self.most_rows]
            archs, targets = archs[rows], targets[rows]
        self.structure_ = self._structure(self.space)
        self.repeated_ = repeated_values(targets)
        self.constant_ = float(targets[0]) if np.ptp(targets) == 0 else None
        if self.constant_ is not None:
            self.noise_ = 0.0
            return self
        order = generator.permutation(len(archs))
        learned_from = np.sort(order[: self.likelihood_rows])
        if self.work_prior != EVIDENCE:
            own = Belief("structure", "live", self.work_prior)
            found = [self._fitted(own, archs, targets, learned_from, robust=self.robust)]
        elif len(archs) <= AVERAGED_ROWS:
            found = self._of_all_beliefs(archs, targets)
        else:
            few = order[:AVERAGED_ROWS]
            worth = self._worth_all_rows(self._of_all_beliefs(archs[few], targets[few]))
            found = [self._of_many_rows(each, archs, targets, order) for each in worth]
        found.sort(key=lambda each: -each.log_evidence)
        structural = next(each for each in found if each.features == "structure")
        self.parameters_ = structural.parameters
        self.shares_, self.processes_ = self._believed(found, len(archs))
        self.widening_ = _widening(len(archs))
        self.noise_ = float(self.shares_ @ [each.noise for each in self.processes_])
        return self

    def _structure(self, space: Space) -> StructuralFeatures:
        """What is known of architectures."""
        return space.structure

    def _believed(
        self, found: list[StructuralProcess], n_rows: int
    ) -> tuple[Floats, list[StructuralProcess]]:
        """Shares and processes that predict, of all that were fitted, the most probable first."""
        return probable(found[:1] if n_rows > AVERAGED_ROWS else found)

    def _worth_all_rows(self, found: list[StructuralProcess]) -> list[StructuralProcess]:
        """Those of what few rows were believed of that are fitted to all."""
        return best_of_each_kind(found)

    def _of_all_beliefs(self, archs: IntArray, targets: Floats) -> list[StructuralProcess]:
        """A process of each belief, all with the outliers of the most probable.

        Within a kind of features each begins where the first has ended.
        """
        rows = np.arange(len(archs))
        found: list[StructuralProcess] = []
        ended: dict[str, Floats] = {}
        for belief in BELIEFS:
            start = ended.get(belief.features)
            made = self._fitted(belief, archs, targets, rows, robust=False, again=start)
            ended.setdefault(belief.features, made.parameters)
            found.append(made)
        for _ in range(OUTLIER_PASSES if self.robust else 0):
            best = max(found, key=lambda each: each.log_evidence)
            known = best.outlier_noise * best.scale**2
            careful = self._fitted(
                best.belief,
                archs,
                targets,
                rows,
                robust=True,
                again=best.parameters,
                outlier_noise=known,
            )
            outliers = careful.outlier_noise * careful.scale**2
            if np.array_equal(outliers, known):
                break
            found = [
                careful
                if each is best
                else self._fitted(
                    each.belief,
                    archs,
                    targets,
                    rows,
                    robust=False,
                    again=each.parameters,
                    outlier_noise=outliers,
                )
                for each in found
            ]
        return found

    def _of_many_rows(
        self, begun: StructuralProcess, archs: IntArray, targets: Floats, order: IntArray
    ) -> StructuralProcess:
        """A process of what fewer rows were believed of; they are learned from in this order."""
        learned_from = np.sort(order[: self.likelihood_rows])
        last_steps = STEPS_AGAIN
        if len(learned_from) > 2 * FIRST_ROWS:
            first = order[:FIRST_ROWS]
            begun = self._fitted(
                begun.belief,
                archs[first],
                targets[first],
                np.arange(FIRST_ROWS),
                robust=False,
                again=begun.parameters,
            )
            last_steps = LAST_STEPS
        return self._fitted(
            begun.belief,
            archs,
            targets,
            learned_from,
            robust=self.robust,
            again=begun.parameters,
            steps_again=last_steps,
        )

    def _fitted(
        self,
        belief: Belief,
        archs: IntArray,
        targets: Floats,
        learned_from: IntArray,
        *,
        robust: bool,
        again: Floats | None = None,
        steps_again: int = STEPS_AGAIN,
        outlier_noise: Floats | None = None,
    ) -> StructuralProcess:
        """A process; from parameters of another, `again`, it takes few steps."""
        start, iterations = again, self.max_iterations
        if again is not None:
            iterations = min(iterations, steps_again)
        elif self.start is not None and belief.features == "structure":
            start = np.asarray(self.start, dtype=np.float64)
        return StructuralProcess(self.structure_, belief).fit(
            archs,
            targets,
            learned_from=learned_from,
            max_iterations=iterations,
            start=start,
            outlier_noise=outlier_noise,
            robust=robust,
        )

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
        blocks = [
            self._predicted(archs[start : start + ROWS_AT_ONCE], return_std)
            for start in range(0, len(archs), ROWS_AT_ONCE)
        ]
        mean = np.concatenate([mean for mean, _ in blocks])
        return (mean, np.concatenate([std for _, std in blocks])) if return_std else mean

    def _predicted(self, archs: IntArray, return_std: bool) -> tuple[Floats, Floats]:
        """Means and deviations of the mixture; zeros for the latter where not asked for."""
        means, variances = [], []
        for process in self.processes_:
            mean, covariance, features = process.expected(archs)
            means.append(mean)
            if return_std:
                left = process.left(process.explained(covariance), features)
                variances.append((left + process.new_noise) * process.scale**2)
        mean = self.shares_ @ np.array(means)
        shown = nearest_repeated(mean, self.repeated_, self.noise_)
        if not return_std:
            return shown, np.zeros(len(archs))
        variance = self.shares_ @ (np.array(variances) + (np.array(means) - mean) ** 2)
        return shown, np.sqrt(variance) * self.widening_

    def leave_one_out(self, y: ArrayLike) -> Floats:
        """What the other training rows say of each, float64 (n_archs,) in the targets' unit.

        Parameters are those learned from all (Rasmussen and Williams 2006, eq. 5.12).

        Parameters
        ----------
        y : the training targets, (n_archs,); there must not have been more than `most_rows`.
        """
        check_is_fitted(self, "noise_")
        targets = np.asarray(y, dtype=np.float64)
        if self.constant_ is not None:
            return targets.copy()
        errors = [each.leave_one_out_errors() for each in self.processes_]
        return np.asarray(targets - self.shares_ @ np.array(errors))

    def posterior(self, X: ArrayLike) -> Posterior:
        """What is believed of architectures together, operation indices (n_archs, n_positions).

        Means and deviations are those of `predict`.
        """
        check_is_fitted(self, "noise_")
        archs = np.asarray(X).astype(np.int64)
        if self.constant_ is not None:
            return Posterior.independent(*self.predict(archs, return_std=True))
        each = [_posterior(process, archs) for process in self.processes_]
        found = each[0] if len(each) == 1 else self._mixed(each)
        shown = nearest_repeated(found.mean, self.repeated_, self.noise_)
        return replace(found.scaled(self.widening_, 0.0), mean=shown)

    def _mixed(self, each: Sequence[Posterior]) -> Posterior:
        """The mean and the covariances of a mixture by shares."""
        shares = self.shares_
        mean = shares @ np.array([one.mean for one in each])
        apart = np.array([one.mean - mean for one in each])
        variance = shares @ (np.array([one.variance for one in each]) + apart**2)

        def covariances(row: int) -> Floats:
            own = np.array([one.covariances(row) for one in each])
            return np.asarray(shares @ (own + apart * apart[:, [row]]))

        return Posterior(
            mean,
            variance,
            shares @ np.array([one.noise for one in each]),
            covariances,
        )

    def to_torch(self) -> torch.nn.Module:
        """A module from probabilities of operations (n_archs, n_onehot) to predictions (n_archs,).

        It is an `ExpectedPrediction`, which gives variances too, and is exactly `predict` where
        every position is certain of its operation.
        """
        from hwbench.predictors.expectation import ExpectedPrediction

        check_is_fitted(self, "noise_")

        def predict(archs: IntArray) -> tuple[Floats, Floats]:
            mean, deviation = self.predict(archs, return_std=True)
            return mean, deviation**2

        return ExpectedPrediction(self.structure_.space, predict)

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "weights_" in state:  # a model of hwbench 0.1, of one process
            state = _of_one_process(state)
        super().__setstate__(state)


def _widening(n_rows: int) -> float:
    """By how much Student's t is wider than the normal distribution, at 95 %.

    Spread and offset of a metric are learned from the same few rows.
    """
    freedom = max(3, n_rows - LEARNED)
    return float(stdtrit(freedom, 0.975) / ndtri(0.975))


def best_of_each_kind(found: list[StructuralProcess]) -> list[StructuralProcess]:
    """The most probable process of those with each kind of features.

    Counts alone are left out where structure is far more probable already: more rows tell more of
    it.
    """
    structure, counts = (
        max((each for each in found if each.features == kind), key=lambda e: e.log_evidence)
        for kind in get_args(Features)
    )
    ahead = structure.log_evidence - counts.log_evidence
    return [structure] if ahead > FAR_AHEAD else [structure, counts]


def probable(found: list[StructuralProcess]) -> tuple[Floats, list[StructuralProcess]]:
    """Shares by evidence, and the processes that have one; the most probable first."""
    shares = np.exp([each.log_evidence - found[0].log_evidence for each in found])
    shares /= shares.sum()
    kept = int(np.count_nonzero(shares >= SMALLEST_SHARE))
    return shares[:kept] / shares[:kept].sum(), found[:kept]


def _posterior(process: StructuralProcess, archs: IntArray) -> Posterior:
    """What one process believes, in the targets' unit."""
    mean, covariance, features = process.expected(archs)
    explained = process.explained(covariance)

    def covariances(row: int) -> Floats:
        one = [each[[row]] for each in features]
        prior = process.kernel.between(process.parameters[:-1], one, features)[0]
        return np.asarray(prior - explained[:, row] @ explained)

    noise = np.full(len(archs), process.new_noise)
    variance = process.left(explained, features)
    unit = Posterior(np.zeros(len(archs)), variance, noise, covariances)
    return replace(unit.scaled(process.scale, 0.0), mean=mean)


def _of_one_process(state: dict[str, Any]) -> dict[str, Any]:
    """What a model of hwbench 0.1 is made of, as one of today."""
    belief = Belief("structure", "live", state["work_prior"])
    if state.get("sources") is not None:
        raise HwbenchError(
            "was fitted to other devices' measurements by hwbench 0.1, which learned from them in "
            "another way; fit it again"
        )
    process = StructuralProcess(state["structure_"], belief)
    names = {
        "mean_work_": "mean_work",
        "offset_": "offset",
        "scale_": "scale",
        "group_names_": "group_names",
        "features_": "rows",
        "kernel_": "kernel",
        "parameters_": "parameters",
        "weights_": "weights",
    }
    for old, new in names.items():
        setattr(process, new, state[old])
    process.outlier_noise, process.outlier_variance = np.zeros(len(process.weights)), 0.0
    process.noise = state["noise_"]
    process.log_evidence = 0.0
    process._factor = None
    kept = {name: value for name, value in state.items() if name not in names}
    return {
        "robust": True,
        "widening_": 1.0,
        **kept,
        "parameters_": state["parameters_"],
        "processes_": [process],
        "shares_": np.ones(1),
    }
