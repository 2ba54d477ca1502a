"""From measurements to advice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hwbench.advise.candidates import find_candidates
from hwbench.advise.measurements import Measurements, read_measurements
from hwbench.advise.noise import measured_noise
from hwbench.advise.promise import Estimate, promise
from hwbench.advise.ranking import Clock, Data, rank
from hwbench.advise.result import Advice
from hwbench.advise.selection import default_accuracy, expected_selection
from hwbench.advise.words import find_warnings
from hwbench.arguments import Positive, checks_arguments
from hwbench.errors import HwbenchError
from hwbench.predictors.impossible import impossible_note
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.progress import StageProgress, silent_stage
from hwbench.spaces import get_space
from hwbench.tables.own.options import Reading
from hwbench.tables.pairs import load_accuracies

FEWEST = 10
"""Architectures below which nothing can be said."""

PREDICTED = 2000
"""Architectures whose predictions are looked at for values that no metric can have."""

SECONDS = 120.0


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
    seconds: Positive = SECONDS,
    workers: int = 1,
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
    accuracy : "table:column" of accuracies, in % or in fractions, for what a search is expected to
        lose; those that come with hwbench by default, where there are any.
    predictors : names to choose from, "name:encoding" for one encoding; the whole zoo by default.
    seconds : of wall-clock time after which no further cross-validation is begun. Which candidates
        and repeats there are then depends on the machine, and the advice says so.
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
        the metric is constant, or a name is unknown.
    """
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
    accuracy = accuracy or default_accuracy(found_space.name)
    accuracies = load_accuracies(accuracy, found_space.name) if accuracy else None
    candidates, left_out = find_candidates(found_space, predictors)
    data = Data.of(found_space, measurements.archs, measurements.values, seed)
    clock = Clock(seconds)
    ranking = rank(
        data, candidates, clock=clock, workers=workers, progress=stage("cross-validating")
    )
    noise = measured_noise(measurements, seed)
    promised = promise(
        data,
        ranking.chosen,
        clock=clock,
        ceiling=None if noise is None else Estimate(noise.tau_ceiling, noise.low, noise.high),
        workers=workers,
        progress=stage("learning curve"),
    )
    model = ranking.chosen.candidate.make(found_space, seed)
    model.fit(measurements.archs, measurements.values)
    selection = None
    if accuracies is not None:
        residuals = ranking.chosen.predictions[0] - measurements.values
        selection = expected_selection(
            measurements, model, residuals, promised.tau, accuracies, seed=seed
        )
    return Advice(
        measurements=measurements,
        data=data,
        ranking=ranking,
        promise=promised,
        noise=noise,
        selection=selection,
        model=model,
        warnings=(
            *find_warnings(measurements, promised, noise),
            *_impossible(measurements, model, seed),
        ),
        left_out=tuple(left_out),
        seed=seed,
        seconds_limit=seconds,
        seconds=clock.elapsed,
    )


def _impossible(
    measurements: Measurements, model: ArchitectureRegressor, seed: int
) -> tuple[str, ...]:
    """That some predictions are values which the metric cannot have, if so."""
    space = measurements.space
    if space.indexed and space.n_architectures <= PREDICTED:
        archs = space.all_architectures()
    else:
        archs = space.sample(PREDICTED, np.random.default_rng([seed, 31]))
    note = impossible_note(model.predict(archs), measurements.unit, measurements.metric)
    return () if note is None else (f"{note[0].upper()}{note[1:]}.",)
