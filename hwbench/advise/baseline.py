"""Rankings that need no measurement, by FLOPs and by parameters: a model has to be better."""

from __future__ import annotations

import numpy as np

from hwbench.advise.candidates import Candidate
from hwbench.advise.crossvalidation import pair_sums
from hwbench.advise.trials import REPEATS, Data, Found, Trial, Unit
from hwbench.predictors.fit_quality import FREE
from hwbench.spaces import SpaceLacksError


def free_baselines(data: Data) -> list[Trial]:
    """How well the order of each free number agrees with the metric's, the best first.

    More may be better or worse: of the two that which agrees with the measurements is taken.

    Parameters
    ----------
    data : what was measured.

    Returns
    -------
    A trial for each, on the folds of all repeats; none where the space cannot count it, or counts
    the same for all.
    """
    found = []
    for method, title in FREE:
        try:
            numbers = np.asarray(getattr(data.space, method)(data.archs), dtype=np.float64)
        except SpaceLacksError:
            continue
        if np.ptp(numbers) == 0:
            continue
        one_fold = np.zeros(len(numbers), dtype=np.int64)
        if pair_sums(data.values, numbers, one_fold).tau < 0:
            numbers = -numbers
        candidate = Candidate(method, "", title, fixed=True)
        trial = Trial(candidate)
        for repeat in range(REPEATS):
            trial.keep(data, Unit(candidate, repeat), Found(numbers))
        found.append(trial)
    return sorted(found, key=lambda each: -each.tau)
