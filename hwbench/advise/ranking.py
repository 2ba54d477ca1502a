"""Ranking the zoo on the user's measurements, within a time limit, and choosing from it.

First every candidate is cross-validated once, and the best that has hyper-parameters once more with
these searched in every fit; then those that may be the best are cross-validated again on other
folds, up to `REPEATS` times. The choice rests on paired comparisons: all candidates of a repeat
predict the same folds.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field, replace

import numpy as np

from hwbench.advise.candidates import Candidate, cost_of, is_favourite, place_of
from hwbench.advise.crossvalidation import PairSums, folds_of, networks_of, out_of_fold, pair_sums
from hwbench.advise.units import run_units
from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError, one_line
from hwbench.predictors import predictor_card
from hwbench.progress import Progress, silent
from hwbench.spaces import Space

FOLDS = 5
REPEATS = 10
FINALISTS = 6
NEAR = 2.0
"""Candidates within so many standard errors of the best are cross-validated again."""

TIE = 1.0
"""Candidates within so many standard errors of the best count as good as it."""

FAVOUR = 2.0
"""The same for the favourite, which is tried first: it is taken unless another is clearly better.
Over public latency tables at 60 measurements it ranked best or within 0.02 of the best, where the
highest cross-validated tau alone now and then led 0.04 to 0.06 astray."""

SCREENING_ENDS, TUNING_ENDS, REPEATS_END = 0.5, 0.55, 0.8
"""When, in shares of the time limit, no further work of a stage is begun."""

FEWEST_TO_TUNE = 20


@dataclass(frozen=True, eq=False)
class Data:
    """What is cross-validated.

    Attributes
    ----------
    space, archs, values : what was measured.
    networks : which rows are the same network.
    seed : of folds and models.
    """

    space: Space
    archs: IntArray
    values: Floats
    networks: IntArray
    seed: int

    @classmethod
    def of(cls, space: Space, archs: IntArray, values: Floats, seed: int) -> Data:
        """With the networks of the architectures."""
        return cls(space, archs, values, networks_of(space, archs), seed)

    def folds(self, repeat: int) -> IntArray:
        """The folds of a repeat, the same for every candidate."""
        return folds_of(self.networks, FOLDS, (self.seed, repeat))


@dataclass(eq=False)
class Trial:
    """What cross-validating a candidate found.

    Attributes
    ----------
    candidate : which.
    sums : for each repeat the comparisons of pairs.
    predictions : for each repeat the out-of-fold predictions, float64 of shape (n_archs,).
    seconds : of one cross-validation.
    error : why it failed, if it did.
    """

    candidate: Candidate
    sums: list[PairSums] = field(default_factory=list)
    predictions: list[Floats] = field(default_factory=list)
    seconds: float = float("nan")
    error: str = ""

    def pooled(self, repeats: int | None = None) -> PairSums:
        """The comparisons of the first repeats together; of all by default."""
        chosen = self.sums[:repeats]
        total = chosen[0]
        for each in chosen[1:]:
            total = total + each
        return total

    @property
    def tau(self) -> float:
        """Kendall's tau out of fold, over all repeats."""
        return self.pooled().tau

    def behind(self, other: Trial, networks: IntArray) -> tuple[float, float]:
        """How far its tau is below the other's on the same folds, and its standard error."""
        common = min(len(self.sums), len(other.sums))
        mine, others = self.pooled(common), other.pooled(common)
        apart = others.influences(networks) - mine.influences(networks)
        return others.tau - mine.tau, float(np.sqrt((apart**2).sum()))


@dataclass(frozen=True, eq=False)
class Ranking:
    """Every candidate's cross-validation, and the choice.

    Attributes
    ----------
    trials : that have a score, the best first.
    failed : that have none.
    not_tried : candidates the time did not suffice for.
    best : the trial of the highest tau.
    chosen : that which is advised.
    reason : why, in a sentence.
    stopped_by_time : whether the time limit left something out.
    """

    trials: list[Trial]
    failed: list[Trial]
    not_tried: list[Candidate]
    best: Trial
    chosen: Trial
    reason: str
    stopped_by_time: bool


class Clock:
    """Time since it was made, against a limit."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.start = time.monotonic()

    def over(self, share: float = 1.0) -> bool:
        """Whether that share of the limit has passed."""
        return time.monotonic() - self.start >= share * self.limit

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start


def rank(
    data: Data,
    candidates: list[Candidate],
    *,
    clock: Clock,
    workers: int = 1,
    progress: Progress = silent,
) -> Ranking:
    """Cross-validate candidates and choose one.

    Parameters
    ----------
    data : what was measured.
    candidates : in the order in which they are tried.
    clock : whose limit ends each stage; the first candidate is always tried.
    workers : processes.
    progress : is told of cross-validations done.

    Returns
    -------
    The ranking. Which candidates and repeats it holds depends on the machine where the time limit
    ended it; their numbers do not.
    """
    trials = {candidate: Trial(candidate) for candidate in candidates}
    total = len(candidates) + FINALISTS * (REPEATS - 1) + 1
    done = 0

    def evaluate(units: list[tuple[Candidate, int]], share: float) -> bool:
        """Whether the time did for all units."""
        nonlocal done
        first = share == SCREENING_ENDS  # the very first is done whatever the clock says
        results = run_units(
            cross_validate,
            [(data, *unit) for unit in units],
            lambda place: clock.over(share) and not (first and place == 0),
            workers,
            lost=lambda lost: (lost.reason, lost.seconds),
        )
        count = 0
        for (candidate, repeat), found in zip(units, results, strict=False):
            note(trials[candidate], data, repeat, found)
            done, count = done + 1, count + 1
            progress(min(done, total), total)
        return count == len(units)

    progress(0, total)
    complete = evaluate([(each, 0) for each in candidates], SCREENING_ENDS)
    finalists = _finalists(list(trials.values()), data.networks)
    tunable = [each for each in finalists if predictor_card(each.candidate.predictor).search]
    if tunable and len(data.values) >= FEWEST_TO_TUNE:
        tuned = replace(tunable[0].candidate, tuned=True)
        trials[tuned] = Trial(tuned)
        complete &= evaluate([(tuned, 0)], TUNING_ENDS)
        finalists = _finalists(list(trials.values()), data.networks)
    units = [(each.candidate, repeat) for repeat in range(1, REPEATS) for each in finalists]
    complete &= evaluate(units, REPEATS_END)
    progress(total, total)
    return _conclude(list(trials.values()), finalists, data, stopped_by_time=not complete)


def cross_validate(data: Data, candidate: Candidate, repeat: int) -> tuple[Floats | str, float]:
    """Out-of-fold predictions of a candidate, or why there are none; and the seconds taken."""
    start = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of optimisers that end early: the score tells
            model = candidate.make(data.space, data.seed + repeat)
            found = out_of_fold(model, data.archs, data.values, data.folds(repeat))
        if not np.isfinite(found).all():
            return "predicted numbers that are not finite", time.monotonic() - start
    except Exception as error:  # noqa: BLE001  whatever a model raises, others may still do
        return f"{type(error).__name__}: {error}", time.monotonic() - start
    return found, time.monotonic() - start


def note(trial: Trial, data: Data, repeat: int, found: tuple[Floats | str, float]) -> None:
    """Keep what cross-validating a candidate gave; after a failure nothing more of it."""
    result, seconds = found
    if trial.error:
        return
    if isinstance(result, str):
        trial.error = one_line(result, 300)
        return
    trial.sums.append(pair_sums(data.values, result, data.folds(repeat)))
    trial.predictions.append(result)
    if np.isnan(trial.seconds):
        trial.seconds = seconds


def _finalists(trials: list[Trial], networks: IntArray) -> list[Trial]:
    """Those not far behind the best, the best first; the favourite always."""
    order = sorted([each for each in trials if each.sums], key=lambda each: -each.pooled(1).tau)
    near = []
    for trial in order:
        gap, error = trial.behind(order[0], networks)
        if gap <= NEAR * error:
            near.append(trial)
    near = near[:FINALISTS]
    favourites = [each for each in order if is_favourite(each.candidate)]
    return near + [each for each in favourites if each not in near]


def _conclude(
    trials: list[Trial], finalists: list[Trial], data: Data, *, stopped_by_time: bool
) -> Ranking:
    failed = [trial for trial in trials if trial.error and not trial.sums]
    if not finalists:
        why = failed[0].error if failed else "the time did not suffice; give --seconds more"
        raise HwbenchError(f"advise: no predictor could be cross-validated: {why}")
    common = min(len(trial.sums) for trial in finalists)
    best = max(finalists, key=lambda each: each.pooled(common).tau)
    chosen, reason = choose(finalists, best, data.networks)
    return Ranking(
        trials=sorted([each for each in trials if each.sums], key=lambda each: -each.tau),
        failed=failed,
        not_tried=[each.candidate for each in trials if not each.sums and not each.error],
        best=best,
        chosen=chosen,
        reason=reason,
        stopped_by_time=stopped_by_time,
    )


def choose(trials: list[Trial], best: Trial, networks: IntArray) -> tuple[Trial, str]:
    """The trial to advise: of those as good as the best, the one expected to be best elsewhere.

    Parameters
    ----------
    trials : to choose from.
    best : that with the highest tau.
    networks : of the rows.

    Returns
    -------
    The trial, and why in a sentence.
    """

    def within(trial: Trial, errors: float) -> bool:
        gap, error = trial.behind(best, networks)
        return trial is best or gap <= errors * error

    favourite = next((t for t in trials if is_favourite(t.candidate)), None)
    if favourite is not None and favourite is not best and within(favourite, FAVOUR):
        gap, error = favourite.behind(best, networks)
        return favourite, (
            "it usually ranks unseen architectures best, and no other has a clearly higher "
            f"cross-validated tau ({best.candidate.label}: {gap:.3f} more, standard error "
            f"{error:.3f})"
        )
    tied = [each for each in trials if within(each, TIE)]
    chosen = best if best is favourite else min(tied, key=lambda each: preferred(each.candidate))
    if chosen is best:
        others = len(tied) - 1
        told = f" ({others} other{'s' * (others != 1)} within one standard error)" if others else ""
        return chosen, f"it has the highest cross-validated tau{told}"
    gap, error = chosen.behind(best, networks)
    return chosen, (
        f"it is within one standard error of the highest cross-validated tau ({gap:.3f} behind "
        f"{best.candidate.label}, standard error {error:.3f}), and of such the simplest"
    )


def preferred(candidate: Candidate) -> tuple[int, int]:
    """The order of candidates that are as good as each other: the simplest, to take, first."""
    return cost_of(candidate), place_of(candidate)
