"""What a study will cost, from a few fits that are timed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from hwbench.pilot import power_law, timed_pieces
from hwbench.progress import Progress, silent
from hwbench.study.plan import Plan
from hwbench.study.trial import Trial, run_trial
from hwbench.threads import one_thread

PILOT_SIZE = 1500
"""No larger training set is timed, see `hwbench.pilot`, but for the smallest one."""

BYTES_A_PREDICTION = 9.0
"""Of a stored prediction, measured on finished studies: the rest is shared and compresses."""

BYTES_A_TRIAL = 150.0
"""Of a stored trial besides its predictions, likewise."""


def estimate_cost(plan: Plan, *, progress: Progress = silent) -> pd.DataFrame:
    """Time a few fits of every predictor and scale them to its trials.

    Fits of growing size, without a search for hyper-parameters, are timed on the first target;
    larger sizes follow the power law of the last two. A search adds a fit for each configuration
    and fold, up to its time limit; networks that train their configurations together take less.

    Parameters
    ----------
    plan : of the study.
    progress : called with (predictors timed, predictors in all).

    Returns
    -------
    One row per (predictor, encoding): `trials`, `seconds` (of one core, all trials together),
    `fastest` and `slowest` (s, the smallest and the largest training size), `disk_mb`.
    """
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in plan.trials:
        groups.setdefault((trial.predictor, trial.encoding), []).append(trial)
    rows = []
    progress(0, len(groups))
    with one_thread():
        for (predictor, encoding), trials in groups.items():
            sizes = np.array([trial.training_size for trial in trials])
            seconds = _trial_seconds(plan, trials, sizes)
            n_test = np.array([trial.n_kept for trial in trials])
            rows.append(
                {
                    "predictor": predictor,
                    "encoding": encoding,
                    "trials": len(trials),
                    "seconds": float(seconds.sum()),
                    "fastest": float(seconds.min()),
                    "slowest": float(seconds.max()),
                    "disk_mb": float((n_test * BYTES_A_PREDICTION + BYTES_A_TRIAL).sum() / 1e6),
                }
            )
            progress(len(rows), len(groups))
    return pd.DataFrame(rows)


def _trial_seconds(plan: Plan, trials: list[Trial], sizes: np.ndarray) -> np.ndarray:
    """Time of each trial in s."""
    timed_sizes, timed = _pilot(plan, trials)
    fit = power_law(timed_sizes, timed)
    plain = np.array([fit(size) for size in sizes])
    tuning = trials[0].tuning
    if tuning is None or not tuning.searches(plan.workload.cards[trials[0].predictor]):
        return plain
    share = (tuning.folds - 1) / tuning.folds
    searched = tuning.trials * tuning.folds * np.array([fit(size * share) for size in sizes])
    return plain + np.minimum(searched, tuning.seconds)


def _pilot(plan: Plan, trials: list[Trial]) -> tuple[list[int], list[float]]:
    first = trials[0]
    of_target = {trial.training_size: trial for trial in trials if trial.target == first.target}
    data, card = plan.workload.targets[first.target], plan.workload.cards[first.predictor]

    def fit(size: int) -> None:
        run_trial(replace(of_target[size], tuning=None), data, card)

    smallest, *larger = sorted(of_target)
    fit(smallest)  # the first one imports the library
    return timed_pieces([smallest, *(size for size in larger if size <= PILOT_SIZE)], fit)
