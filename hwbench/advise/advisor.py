"""From measurements to advice."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import PositiveInt

from hwbench.advise.accuracies import Known, find_accuracies
from hwbench.advise.baseline import free_baselines
from hwbench.advise.candidates import find_candidates
from hwbench.advise.doing import do_work
from hwbench.advise.measurements import Measurements, read_measurements
from hwbench.advise.noise import measured_noise
from hwbench.advise.promise import Estimate, Promise, promise
from hwbench.advise.ranking import Ranking, conclude
from hwbench.advise.result import Advice
from hwbench.advise.schedule import Schedule
from hwbench.advise.selection import Selection, expected_selection
from hwbench.advise.trials import Data
from hwbench.advise.verdict import GUESSING, judge
from hwbench.advise.work import DEFAULT_WORK, Budget, TimeBudget, WorkBudget
from hwbench.arguments import Positive, checks_arguments
from hwbench.errors import HwbenchError
from hwbench.predictors.impossible import is_positive
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.progress import Progress, StageProgress, silent_stage
from hwbench.spaces import get_space
from hwbench.tables.own.options import Reading
from hwbench.threads import one_thread

FEWEST = 10
"""Architectures below which nothing can be said."""

PREDICTED = 2000
"""Architectures whose predictions are looked at for values that no metric can have."""


@checks_arguments("advise")
def advise_on(
    source: Path | str | pd.DataFrame,
    space: str,
    *,
    metric: str | None = None,
    unit: str | None = None,
    direction: str | None = None,
    arch_column: str | None = None,
    duplicates: str = "auto",
    on_bad_rows: str = "refuse",
    missing_values: str = "refuse",
    reading: Reading | None = None,
    accuracy: str | None = None,
    predictors: Sequence[str] | None = None,
    work: PositiveInt | None = None,
    minutes: Positive | None = None,
    workers: PositiveInt = 1,
    seed: int = 0,
    stage: StageProgress = silent_stage,
) -> Advice:
    """Which predictor to use for one's own measurements, and how good it is.

    Parameters
    ----------
    source : a file of any common kind, or a frame: a column of architectures and one of numbers. An
        architecture that stands in several rows was measured repeatedly.
    space : the search space.
    metric, unit, direction, arch_column : see `read_measurements`.
    duplicates, on_bad_rows, missing_values, reading : likewise.
    accuracy : "table:column" of accuracies, in % or in fractions, or a column of the source, for
        what a search is expected to lose; by default the source's own column of accuracies, else
        those that come with hwbench, where there are any.
    predictors : names to choose from, "name:encoding" for one encoding; the whole zoo by default.
    work : units of work, see `hwbench.advise.work`: the same give the same advice on every machine.
        8000 by default, which is about a minute and a half on two cores for 60 architectures.
    minutes : of wall-clock time, instead: the work is planned by calibrating this machine, and
        `Advice.done.limit` is the `work` that does the same again.
    workers : processes.
    seed : of folds, models and simulations.
    stage : given a title, what is told of the progress of that stage.

    Returns
    -------
    The advice; its `model` is fitted, `lines()` say it in words, `save(folder)` writes it.

    Raises
    ------
    HwbenchError
        Where the source cannot be read or a row is refused, there are fewer than 10 architectures,
        the metric is constant, a name is unknown, or both work and minutes are given.
    """
    start = time.monotonic()
    if work is not None and minutes is not None:
        raise HwbenchError(
            "advise: work and minutes both say how much is to be done; give one of them"
        )
    found_space = get_space(space)
    measurements = read_measurements(
        source,
        found_space,
        metric=metric,
        unit=unit,
        direction=direction,
        arch_column=arch_column,
        duplicates=duplicates,
        on_bad_rows=on_bad_rows,
        missing_values=missing_values,
        reading=reading,
    )
    n = len(measurements)
    if n < FEWEST:
        raise HwbenchError(
            f"{measurements.label}: {n} architecture{'s are' if n != 1 else ' is'} too few to "
            f"advise on, {FEWEST} are the least; --suggest proposes which to measure"
        )
    if np.ptp(measurements.values) == 0:
        raise HwbenchError(
            f"{measurements.label}: all {n} values of {measurements.metric} are equal "
            f"({measurements.values[0]:g}): there is nothing to predict"
        )
    known = find_accuracies(
        source,
        found_space,
        measurements.metric,
        measurements.unit,
        wanted=accuracy,
        arch_column=arch_column,
        reading=reading,
    )
    candidates, left_out = find_candidates(found_space, predictors)
    positive = is_positive(measurements.unit, measurements.metric)
    data = Data.of(found_space, measurements.archs, measurements.values, seed, positive=positive)
    schedule = Schedule(data, candidates)
    budget: Budget = (
        WorkBudget(work or DEFAULT_WORK, n)
        if minutes is None
        else TimeBudget(60 * minutes, n, workers, start)
    )
    done = do_work(schedule, budget, workers=workers, progress=stage("cross-validating"))
    with one_thread():
        ranking = conclude(schedule.trials.values(), data)
        noise = measured_noise(measurements, seed)
        promised = promise(
            data,
            ranking.chosen,
            ceiling=None if noise is None else Estimate(noise.tau_ceiling, noise.low, noise.high),
        )
        model = ranking.chosen.candidate.make(found_space, seed, positive=positive)
        model.fit(measurements.archs, measurements.values)
        n_looked_at, n_bent = _bent(measurements, model, seed)
        verdict = judge(measurements, promised, noise, ranking.chosen, free_baselines(data), data)
        selection, reason = None, "there is no model to search by"
        if verdict.kind != GUESSING:
            selection, reason = _selection(
                measurements, model, ranking, promised, known, seed, stage("simulating searches")
            )
    return Advice(
        measurements=measurements,
        data=data,
        ranking=ranking,
        promise=promised,
        verdict=verdict,
        noise=noise,
        selection=selection,
        no_selection=reason,
        model=model,
        n_looked_at=n_looked_at,
        n_bent=n_bent,
        left_out=tuple(left_out),
        done=done,
        seed=seed,
        seconds=time.monotonic() - start,
    )


def _selection(
    measurements: Measurements,
    model: ArchitectureRegressor,
    ranking: Ranking,
    promised: Promise,
    known: Known,
    seed: int,
    progress: Progress,
) -> tuple[Selection | None, str]:
    """What a search loses, or why nothing is said of it."""
    if known.accuracies is None:
        return None, known.reason
    residuals = ranking.chosen.predictions[0] - measurements.values
    found = expected_selection(
        measurements, model, residuals, promised, known.accuracies, seed=seed, progress=progress
    )
    return found, "" if found else "the model predicts the same for all architectures"


def _bent(measurements: Measurements, model: ArchitectureRegressor, seed: int) -> tuple[int, int]:
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
