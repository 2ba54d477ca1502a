"""From measurements to advice."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from pydantic import PositiveInt

from hwbench.advise.accuracies import Known, find_accuracies
from hwbench.advise.comparison import Comparison, bent_predictions, check_enough, compare
from hwbench.advise.measurements import read_measurements
from hwbench.advise.result import Advice
from hwbench.advise.selection import Selection, expected_selection
from hwbench.advise.verdict import GUESSING
from hwbench.advise.work import DEFAULT_WORK, Budget, TimeBudget, WorkBudget
from hwbench.arguments import Positive, checks_arguments
from hwbench.errors import HwbenchError
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.progress import Progress, StageProgress, silent_stage
from hwbench.spaces import get_space
from hwbench.tables.own.options import Reading
from hwbench.threads import one_thread


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
    check_enough(measurements, to_begin="--suggest proposes which to measure")
    known = find_accuracies(
        source,
        found_space,
        measurements.metric,
        measurements.unit,
        wanted=accuracy,
        arch_column=arch_column,
        reading=reading,
    )
    budget: Budget = (
        WorkBudget(work or DEFAULT_WORK, len(measurements))
        if minutes is None
        else TimeBudget(60 * minutes, len(measurements), workers, start)
    )
    compared = compare(
        measurements,
        budget,
        predictors=predictors,
        workers=workers,
        seed=seed,
        progress=stage("cross-validating"),
    )
    with one_thread():
        model = compared.unfitted().fit(measurements.archs, measurements.values)
        n_looked_at, n_bent = bent_predictions(measurements, model, seed)
        selection, reason = None, "there is no model to search by"
        if compared.verdict.kind != GUESSING:
            selection, reason = _selection(compared, model, known, stage("simulating searches"))
    return Advice(
        **vars(compared),
        selection=selection,
        no_selection=reason,
        model=model,
        n_looked_at=n_looked_at,
        n_bent=n_bent,
        seconds=time.monotonic() - start,
    )


def _selection(
    compared: Comparison, model: ArchitectureRegressor, known: Known, progress: Progress
) -> tuple[Selection | None, str]:
    """What a search loses, or why nothing is said of it."""
    if known.accuracies is None:
        return None, known.reason
    measurements = compared.measurements
    residuals = compared.ranking.chosen.predictions[0] - measurements.values
    found = expected_selection(
        measurements,
        model,
        residuals,
        compared.promise,
        known.accuracies,
        seed=compared.seed,
        progress=progress,
    )
    return found, "" if found else "the model predicts the same for all architectures"
