"""Rankings that need no measurement, such as by FLOPs: a model has to be better."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import ArrayLike

from hwbench.advise.candidates import Candidate
from hwbench.advise.crossvalidation import pair_sums
from hwbench.advise.trials import REPEATS, Data, Found, Trial, Unit
from hwbench.predictors.fit_quality import FREE
from hwbench.spaces import SpaceLacksError


def free_baselines(data: Data) -> list[Trial]:
    """How well the order of each free number agrees with the metric's, the best first.

    FLOPs, parameters, and how many operations compute on a path to the output. More may be better
    or worse: of the two that which agrees with the measurements is taken.

    Parameters
    ----------
    data : what was measured.

    Returns
    -------
    A trial for each, on the folds of all repeats; none where the space cannot count it, or counts
    the same for all.
    """
    found: list[Trial] = []
    for method, title in FREE:
        with suppress(SpaceLacksError):
            found += _trial(data, method, title, getattr(data.space, method)(data.archs))
    computing = data.space.structure.computing(data.archs)
    found += _trial(data, "operations", "operation counts", computing)
    return sorted(found, key=lambda each: -each.tau)


def _trial(data: Data, name: str, title: str, counts: ArrayLike) -> list[Trial]:
    """A trial of numbers that are known of each architecture; none where they are all the same."""
    numbers = np.asarray(counts, dtype=np.float64)
    if np.ptp(numbers) == 0:
        return []
    one_fold = np.zeros(len(numbers), dtype=np.int64)
    if pair_sums(data.values, numbers, one_fold).tau < 0:
        numbers = -numbers
    candidate = Candidate(name, "", title, fixed=True)
    trial = Trial(candidate)
    for repeat in range(REPEATS):
        trial.keep(data, Unit(candidate, repeat), Found(numbers))
    return [trial]
