"""Choosing from cross-validated candidates.

The choice rests on paired comparisons: all candidates of a repeat predict the same folds. Nothing
is chosen before all its repeats are there, where there is work enough for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hwbench.advise.candidates import Candidate, cost_of, is_favourite, place_of
from hwbench.advise.trials import Data, Trial
from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError

FINALISTS = 6
NEAR = 2.0
"""Candidates within so many standard errors of the best are cross-validated again."""

TIE = 1.0
"""Candidates within so many standard errors of the best count as good as it."""

FAVOUR = 2.0
"""The same for the favourite, which is tried first: it is taken unless another is clearly better.
Over public latency tables at 60 measurements it ranked best or within 0.02 of the best, where the
highest cross-validated tau alone now and then led 0.04 to 0.06 astray."""


@dataclass(frozen=True, eq=False)
class Ranking:
    """Every candidate's cross-validation, and the choice.

    Attributes
    ----------
    trials : that have a score, the best first.
    failed : that have none.
    not_tried : candidates that the work did not suffice for.
    not_repeated : that may be the best, but for whose repeats the work did not suffice.
    best : the trial of the highest tau of those that were chosen from.
    chosen : that which is advised.
    reason : why, in a sentence.
    """

    trials: list[Trial]
    failed: list[Trial]
    not_tried: list[Candidate]
    not_repeated: list[Candidate]
    best: Trial
    chosen: Trial
    reason: str


def finalists_of(trials: Iterable[Trial], networks: IntArray) -> list[Trial]:
    """Those not far behind the best, the best first; the favourite always.

    Parameters
    ----------
    trials : of all candidates; those without a score are passed over.
    networks : of the rows.
    """
    order = sorted([each for each in trials if each.sums], key=lambda each: -each.pooled(1).tau)
    near = []
    for trial in order:
        gap, error = trial.behind(order[0], networks)
        if gap <= NEAR * error:
            near.append(trial)
    near = near[:FINALISTS]
    favourites = [each for each in order if is_favourite(each.candidate)]
    return near + [each for each in favourites if each not in near]


def to_choose_from(finalists: list[Trial]) -> list[Trial]:
    """Of those that may be the best the ones with all repeats; where none has them, all."""
    return [each for each in finalists if each.confirmed] or finalists


def conclude(trials: Iterable[Trial], data: Data) -> Ranking:
    """The choice, when all work is done.

    Raises
    ------
    HwbenchError
        Where nothing could be cross-validated.
    """
    every = list(trials)
    failed = [trial for trial in every if trial.error and not trial.sums]
    finalists = finalists_of(every, data.networks)
    if not finalists:
        raise HwbenchError(f"advise: no predictor could be cross-validated: {failed[0].error}")
    eligible = to_choose_from(finalists)
    chosen, reason = choose(eligible, data.networks)
    return Ranking(
        trials=sorted([each for each in every if each.sums], key=lambda each: -each.tau),
        failed=failed,
        not_tried=[each.candidate for each in every if not each.sums and not each.error],
        not_repeated=[
            each.candidate for each in finalists if not each.confirmed and not each.error
        ],
        best=best_of(eligible),
        chosen=chosen,
        reason=reason,
    )


def best_of(trials: list[Trial]) -> Trial:
    """That with the highest tau on the repeats that all have."""
    common = min(len(trial.sums) for trial in trials)
    return max(trials, key=lambda each: each.pooled(common).tau)


def choose(trials: list[Trial], networks: IntArray) -> tuple[Trial, str]:
    """The trial to advise: of those as good as the best, the one expected to be best elsewhere.

    Parameters
    ----------
    trials : to choose from.
    networks : of the rows.

    Returns
    -------
    The trial, and why in a sentence.
    """
    best = best_of(trials)

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
