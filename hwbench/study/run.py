"""Running all trials of a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.predictors import PredictorCard, predictor_card
from hwbench.predictors.lookup_table import neighbourhood
from hwbench.predictors.transfer import SourceMetrics
from hwbench.progress import Progress, silent
from hwbench.study.sources import sources_for
from hwbench.study.spec import StudySpec
from hwbench.study.trial import Trial, run_trial
from hwbench.tables import Table, load_target

KEY = ("target", "predictor", "encoding", "training_size", "seed")
"""Columns that name a trial."""

Targets = Mapping[str, tuple[Table, NDArray[np.float64]]]


@dataclass(frozen=True)
class LeftOut:
    """A predictor that a target's space cannot give the features it needs.

    Attributes
    ----------
    target, predictor, encoding : what is missing from the results.
    reason : why.
    """

    target: str
    predictor: str
    encoding: str
    reason: str


@dataclass(frozen=True)
class StudyResult:
    """What a study found.

    Attributes
    ----------
    trials : a row a trial: its key, its scores, its times in seconds, its error.
    predictions : a row a test architecture of a trial: truth and prediction in the target's unit.
    left_out : what could not be run.
    """

    trials: pd.DataFrame
    predictions: pd.DataFrame
    left_out: tuple[LeftOut, ...] = ()


def load_targets(spec: StudySpec) -> dict[str, tuple[Table, NDArray[np.float64]]]:
    """Open the tables of a study's targets."""
    return {target: load_target(target) for target in spec.targets}


def plan_trials(spec: StudySpec, targets: Targets) -> tuple[list[Trial], list[LeftOut]]:
    """All trials of a study, after checking that they can be run, and what cannot be.

    A predictor with a fixed training set has one trial a target. A predictor whose encoding a
    target's space lacks is left out there.

    Raises
    ------
    HwbenchError
        Where a predictor is unknown, a table has too few architectures, or nothing is left to run.
    """
    largest = max(spec.training_sizes)
    for target, (table, _) in targets.items():
        if largest + spec.test_size > len(table):
            raise HwbenchError(
                f"target {target}: its table has {len(table)} architectures, fewer than the "
                f"{largest} to train on and {spec.test_size} to test on"
            )
    trials: list[Trial] = []
    left_out: list[LeftOut] = []
    for target, (table, _) in targets.items():
        for predictor in spec.predictors:
            card = predictor_card(predictor)
            for encoding in _encodings(card, spec):
                if encoding not in table.space.encodings:
                    reason = f"{table.space.name} has no encoding '{encoding}'"
                    left_out.append(LeftOut(target, predictor, encoding, reason))
                    continue
                trials.extend(_trials(spec, target, table, predictor, encoding))
    if not trials:
        raise HwbenchError(f"the study has nothing to run: {left_out[0].reason}")
    return trials, left_out


def _encodings(card: PredictorCard, spec: StudySpec) -> tuple[str, ...]:
    if card.encoding_fixed or card.training == "neighbourhood":
        return (card.encoding,)
    return spec.encodings or (card.encoding,)


def _trials(
    spec: StudySpec, target: str, table: Table, predictor: str, encoding: str
) -> Iterator[Trial]:
    if predictor_card(predictor).training == "neighbourhood":
        size = len(neighbourhood(table.space))
        yield Trial(target, predictor, encoding, size, spec.seeds[0], len(table), spec.tuning)
        return
    for size in spec.training_sizes:
        for seed in spec.seeds:
            yield Trial(target, predictor, encoding, size, seed, spec.test_size, spec.tuning)


def run_study(
    spec: StudySpec,
    *,
    targets: Targets | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> StudyResult:
    """Run all trials of a study.

    Parameters
    ----------
    spec : what to compare.
    targets : for each of the spec's targets its table and column; opened by name where not given.
    workers : processes, a thread each; the results do not depend on it.
    progress : called with (trials done, trials in all).

    Raises
    ------
    HwbenchError
        Where a table, column or predictor is unknown, or a table is too small.
    """
    from joblib import Parallel, delayed

    opened = load_targets(spec) if targets is None else targets
    trials, left_out = plan_trials(spec, opened)
    sources = _sources(spec, opened)
    progress(0, len(trials))
    # The slow trials first, so that no worker is left alone with one at the end.
    order = sorted(trials, key=lambda trial: -trial.training_size)
    parallel = (
        Parallel(n_jobs=workers, return_as="generator_unordered", inner_max_num_threads=1)
        if workers > 1
        else Parallel(n_jobs=1, return_as="generator_unordered")
    )
    rows: list[tuple[Trial, dict[str, Any]]] = []
    predictions: list[tuple[Trial, pd.DataFrame]] = []
    jobs = (
        delayed(_run)(trial, *opened[trial.target], sources.get(trial.target)) for trial in order
    )
    for trial, row, predicted in parallel(jobs):
        rows.append((trial, row))
        if predicted is not None:
            key = {name: row[name] for name in KEY}
            predictions.append((trial, pd.DataFrame({**key, **predicted})))
        progress(len(rows), len(trials))
    rows.sort(key=lambda entry: entry[0])
    predictions.sort(key=lambda entry: entry[0])
    return StudyResult(
        trials=pd.DataFrame([row for _, row in rows]),
        predictions=(
            pd.concat([frame for _, frame in predictions], ignore_index=True)
            if predictions
            else pd.DataFrame()
        ),
        left_out=tuple(left_out),
    )


def _run(
    trial: Trial, table: Table, values: NDArray[np.float64], sources: SourceMetrics | None
) -> tuple[Trial, Any, Any]:
    return trial, *run_trial(trial, table, values, sources)


def _sources(spec: StudySpec, targets: Targets) -> dict[str, SourceMetrics]:
    """For each target what other devices measured, where a predictor wants to know."""
    wanting = [name for name in spec.predictors if predictor_card(name).family == "transfer"]
    if not wanting:
        return {}
    if not spec.sources:
        raise HwbenchError(
            f"predictor {wanting[0]} learns from other devices: name their columns in sources"
        )
    return {
        target: sources_for(target, table, spec.sources) for target, (table, _) in targets.items()
    }
