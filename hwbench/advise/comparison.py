"""Predictors compared on measurements: cross-validated, ranked, and what the best comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwbench.advise.baseline import free_baselines
from hwbench.advise.candidates import find_candidates
from hwbench.advise.doing import Done, do_work
from hwbench.advise.leaderboard import leaderboard
from hwbench.advise.measurements import Measurements
from hwbench.advise.noise import Noise, measured_noise
from hwbench.advise.promise import Estimate, Promise, promise
from hwbench.advise.ranking import Ranking, conclude
from hwbench.advise.schedule import Schedule
from hwbench.advise.trials import Data, Trial
from hwbench.advise.verdict import Verdict, judge
from hwbench.advise.work import Budget
from hwbench.errors import HwbenchError
from hwbench.predictors.impossible import is_positive
from hwbench.predictors.left_out import LeftOut
from hwbench.predictors.model_card import ExpectedTau, Score
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.progress import Progress, silent
from hwbench.results.relative_scores import relative_scores
from hwbench.threads import one_thread

FEWEST = 10
"""Architectures below which nothing can be said."""

PREDICTED = 2000
"""Architectures whose predictions are looked at for values that no metric can have."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Predictors compared on measurements.

    Attributes
    ----------
    measurements : what was measured.
    data : the same as it was cross-validated.
    ranking : of the predictors, and the choice.
    promise : the tau to expect of the choice, and of more measurements.
    verdict : what it comes to.
    noise : of one measurement; None where too few were repeated to tell.
    free : rankings that need no measurement, the best first.
    left_out : predictors that were not tried, and why.
    done : how much work was done, and the `--work` that does the same on any machine.
    seed : of all randomness.
    """

    measurements: Measurements
    data: Data
    ranking: Ranking
    promise: Promise
    verdict: Verdict
    noise: Noise | None
    free: tuple[Trial, ...]
    left_out: tuple[LeftOut, ...]
    done: Done
    seed: int

    def __repr__(self) -> str:
        tried = f"{len(self.ranking.trials)} tried"
        return f"<Comparison on {self.measurements.described}: {self.predictor} of {tried}>"

    @property
    def predictor(self) -> str:
        """Name of the predictor that is chosen."""
        return self.ranking.chosen.candidate.predictor

    @property
    def encoding(self) -> str:
        """The encoding it is chosen on."""
        return self.ranking.chosen.candidate.encoding

    @property
    def relative_scores(self) -> dict[str, float]:
        """Errors of its cross-validated predictions in %, see `relative_scores`."""
        predicted = np.asarray(self.ranking.chosen.predictions[0], dtype=np.float64)
        return relative_scores(self.measurements.values, predicted)

    @property
    def scores(self) -> tuple[Score, ...]:
        """The leaderboard: all that were tried, what ranks for nothing, what was not tried."""
        return leaderboard(self.ranking, self.data, self.left_out)

    def unfitted(self) -> ArchitectureRegressor:
        """The predictor that is chosen, to be fitted."""
        chosen, data = self.ranking.chosen.candidate, self.data
        return chosen.make(data.space, self.seed, positive=data.positive)

    @property
    def card(self) -> dict[str, Any]:
        """What the card of the fitted predictor says of the choice."""
        tau, errors = self.promise.tau, self.relative_scores
        rows = len(self.measurements)
        return {
            "predictor": self.predictor,
            "expected_tau": ExpectedTau(value=tau.value, low=tau.low, high=tau.high, rows=rows),
            "expected_errors": {key: each for key, each in errors.items() if np.isfinite(each)},
            "notes": self.measurements.notes,
            "leaderboard": self.scores,
        }


def compare(
    measurements: Measurements,
    budget: Budget,
    *,
    predictors: Sequence[str] | None = None,
    workers: int = 1,
    seed: int = 0,
    progress: Progress = silent,
) -> Comparison:
    """Cross-validate predictors and choose one.

    Parameters
    ----------
    measurements : of at least `FEWEST` architectures, not all alike.
    budget : of work.
    predictors : names to choose from, "name:encoding" for one encoding; the whole zoo by default.
    workers : processes; no number depends on them.
    seed : of folds and models.
    progress : is told of units of work.

    Raises
    ------
    HwbenchError
        Where a name is unknown, none can be tried, or none could be cross-validated.
    """
    space = measurements.space
    candidates, left_out = find_candidates(space, predictors)
    positive = is_positive(measurements.unit, measurements.metric)
    data = Data.of(space, measurements.archs, measurements.values, seed, positive=positive)
    schedule = Schedule(data, candidates)
    done = do_work(schedule, budget, workers=workers, progress=progress)
    with one_thread():
        ranking = conclude(schedule.trials.values(), data)
        noise = measured_noise(measurements, seed)
        promised = promise(
            data,
            ranking.chosen,
            ceiling=None if noise is None else Estimate(noise.tau_ceiling, noise.low, noise.high),
        )
        free = free_baselines(data)
        verdict = judge(measurements, promised, noise, ranking.chosen, free, data)
    return Comparison(
        measurements=measurements,
        data=data,
        ranking=ranking,
        promise=promised,
        verdict=verdict,
        noise=noise,
        free=tuple(free),
        left_out=tuple(left_out),
        done=done,
        seed=seed,
    )


def check_enough(measurements: Measurements, *, to_begin: str) -> None:
    """See that there is something to compare predictors on.

    Parameters
    ----------
    measurements : what was measured.
    to_begin : what to do where there is too little.

    Raises
    ------
    HwbenchError
        Where there are fewer than `FEWEST` architectures, or all values are equal.
    """
    n = len(measurements)
    if n < FEWEST:
        raise HwbenchError(
            f"{measurements.label}: {n} architecture{'s are' if n != 1 else ' is'} too few to "
            f"advise on, {FEWEST} are the least; {to_begin}"
        )
    if np.ptp(measurements.values) == 0:
        raise HwbenchError(
            f"{measurements.label}: all {n} values of {measurements.metric} are equal "
            f"({measurements.values[0]:g}): there is nothing to predict"
        )


def bent_predictions(
    measurements: Measurements, model: ArchitectureRegressor, seed: int
) -> tuple[int, int]:
    """Predictions that were looked at, and how many of them had to be kept above 0."""
    space = measurements.space
    if space.indexed and space.n_architectures <= PREDICTED:
        archs = space.all_architectures()
    else:
        archs = space.sample(PREDICTED, np.random.default_rng([seed, 31]))
    archs = archs[space.connected(archs)]
    smallest = model.transform_.smallest
    if smallest is None:
        return len(archs), 0
    # What would lie at 0 is bent to half of the smallest measurement.
    return len(archs), int((model.predict(archs) <= smallest / 2).sum())
