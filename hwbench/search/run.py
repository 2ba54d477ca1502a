"""Running search experiments on tables: every strategy, metric and seed."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.arrays import Floats
from hwbench.errors import HwbenchError
from hwbench.fronts.anytime import hypervolumes_so_far
from hwbench.locks import only_writer
from hwbench.pilot import Clock
from hwbench.progress import Progress, silent
from hwbench.results.frames import require_rows, write_frame
from hwbench.results.names import SEARCH_FILES
from hwbench.results.record import remove_search_parts
from hwbench.search.objectives import Objective
from hwbench.search.parts import SearchParts
from hwbench.search.plan import SearchKey, SearchRun, one_of_each, planned_runs
from hwbench.search.registry import make_strategy
from hwbench.search.spec import SearchSpec
from hwbench.search.strategies.base import Strategy
from hwbench.search.tables import SearchTable
from hwbench.search.verify import expected_losses, verify_selection
from hwbench.workers.pool import run_units


@dataclass(frozen=True)
class SearchResult:
    """What an experiment found.

    Attributes
    ----------
    evaluations : a row for each architecture that a search measured, in that order.
    fronts : the true front of every metric.
    verified : a row for each search with a predicted metric; empty where none was asked for.
    failures : strategy, metric, seed and traceback of the searches that ended with an error.
    notes : what was done to the columns before, see `hwbench.tables.pairs`.
    """

    evaluations: pd.DataFrame
    fronts: pd.DataFrame
    verified: pd.DataFrame
    failures: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()


def run_search(
    spec: SearchSpec,
    *,
    workers: int = 1,
    progress: Progress = silent,
    folder: Path | None = None,
) -> SearchResult:
    """Run all searches of a spec.

    Parameters
    ----------
    spec : what to search, and how.
    workers : processes; the results do not depend on it.
    progress : called with (searches done, searches in all).
    folder : a run folder, where each search is kept as it ends (see `SearchParts`); those that it
        holds are not run again.

    Raises
    ------
    HwbenchError
        Where a target, strategy or predictor is unknown, more evaluations are asked for than there
        are architectures, every search failed, or the folder cannot be written.
    """
    tables = check_search(spec)
    runs = planned_runs(spec)
    parts = None if folder is None else SearchParts.of(folder, spec, tables)
    found = _run_all(runs, tables, spec, parts, workers, progress)
    failures = tuple(each.failure for each in found if each.failure is not None)
    if len(failures) == len(runs):
        reason = failures[0]["error"].strip().splitlines()[-1]
        all_failed = "the only search" if len(runs) == 1 else f"all {len(runs)} searches"
        raise HwbenchError(f"search: {all_failed} failed, the first with {reason}")
    measured, verified = (
        _joined([each.rows for each in found if bool(each.run.training_size) == predicts])
        for predicts in (False, True)
    )
    if spec.predicted_metric is not None and len(verified):
        verified = expected_losses(
            verified, tables, spec.evaluations, repeats=spec.predicted_metric.repeats
        )
    fronts = pd.concat([table.front() for table in tables.values()], ignore_index=True)
    notes = dict.fromkeys(note for table in tables.values() for note in table.notes)
    return SearchResult(measured, fronts, verified, failures, (*notes, *spec.notes))


def check_search(spec: SearchSpec) -> dict[str, SearchTable]:
    """See before any work that every search of a spec can be run; what they ask, by metric.

    Raises
    ------
    HwbenchError
        As `load_tables`, and where a strategy or a predictor is unknown, lacks a library, or cannot
        be what is asked of it.
    """
    tables = load_tables(spec)
    for run in one_of_each(planned_runs(spec)):
        make_strategy_of(run, tables[run.metric], spec)
    if spec.predicted_metric is not None:
        _metric_model(spec, tables[spec.metrics[0]], 0)
    return tables


def load_tables(spec: SearchSpec) -> dict[str, SearchTable]:
    """What the searches of a spec ask, by metric.

    Raises
    ------
    HwbenchError
        Where a target is unknown, more evaluations or measurements to fit to are asked for than
        there are architectures, or none of these keeps a limit.
    """
    tables = {
        metric: SearchTable.load(spec.accuracy, metric, disconnected=spec.disconnected)
        for metric in spec.metrics
    }
    for metric, table in tables.items():
        if spec.evaluations > len(table):
            raise HwbenchError(
                f"search: {spec.evaluations} evaluations asked for, but {spec.accuracy} and "
                f"{metric} share {len(table)} architectures"
            )
        sizes = () if spec.predicted_metric is None else spec.predicted_metric.training_sizes
        if max(sizes, default=0) > len(table):
            raise HwbenchError(
                f"search: predicted_metric is to be fitted to {max(sizes)} architectures, but "
                f"{spec.accuracy} and {metric} share {len(table)}"
            )
        for limit in spec.limits.get(metric, ()):
            table.check_limit(limit)
    return tables


def _run_all(
    runs: Sequence[SearchRun],
    tables: Mapping[str, SearchTable],
    spec: SearchSpec,
    parts: SearchParts | None,
    workers: int,
    progress: Progress,
) -> list[_Found]:
    """What each search found, in their order; those that parts hold are read."""
    found: dict[SearchKey, _Found] = {}
    paths: dict[SearchKey, Path | None] = {}
    for run in runs:
        rows = None if parts is None else parts.read(run)
        if rows is not None:
            found[run.key] = _Found(run, rows)
        else:
            paths[run.key] = None if parts is None else parts.path_of(run)
    progress(len(found), len(runs))
    missing = [run for run in runs if run.key in paths]
    work = _Searching(spec, tables, paths)
    # As they end, not in their order: a slow one must not keep others from being counted.
    with closing(run_units(work, missing, workers=workers)) as stream:
        for ended in stream:
            if ended is None:
                continue
            run, lost = ended.unit, ended.lost
            found[run.key] = ended.result if lost is None else _failed(run, lost.error)
            progress(len(found), len(runs))
    return [found[run.key] for run in runs]


def _joined(frames: Sequence[pd.DataFrame | None]) -> pd.DataFrame:
    rows = [frame for frame in frames if frame is not None]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


def write_search(spec: SearchSpec, folder: Path, **options: Any) -> SearchResult:
    """Run all searches of a spec and write their results into a folder, each file atomically.

    Searches that ended before this was stopped in the same folder are not run again.

    Parameters
    ----------
    spec : what to search, and how.
    folder : gets `search.parquet`, `search_fronts.parquet` and, where metrics were predicted,
        `search_verified.parquet`; until all searches have ended, `search_parts`.
    **options : `workers` and `progress`, see `run_search`.

    Returns
    -------
    What was found and written, and the searches that failed.
    """
    with only_writer(folder):
        result = run_search(spec, folder=folder, **options)
        frames = [result.evaluations, result.fronts, result.verified]
        for name, frame in zip(SEARCH_FILES, frames, strict=True):
            if frame.empty:
                (folder / name).unlink(missing_ok=True)  # of an earlier run
                continue
            write_frame(folder / name, frame)
        remove_search_parts(folder)
        for name, frame in zip(SEARCH_FILES, frames, strict=True):
            if not frame.empty:
                require_rows(folder / name, len(frame))
    return result


@dataclass(frozen=True)
class _Found:
    """What a search found: rows to keep, or why it failed."""

    run: SearchRun
    rows: pd.DataFrame | None = None
    failure: dict[str, Any] | None = None


@dataclass(frozen=True)
class _Searching:
    """What each search needs besides itself.

    Attributes
    ----------
    spec : of the experiment.
    tables : by metric.
    paths : where each result is kept before anything else can stop it, if anywhere.
    """

    spec: SearchSpec
    tables: Mapping[str, SearchTable]
    paths: Mapping[SearchKey, Path | None]

    def __call__(self, run: SearchRun) -> _Found:
        try:
            rows = _search(run, self.tables[run.metric], self.spec)
        except Exception:  # noqa: BLE001  kept as a row, the other searches go on
            return _failed(run, traceback.format_exc())
        path = self.paths[run.key]
        if path is not None:
            write_frame(path, rows)
        return _Found(run, rows)


def _failed(run: SearchRun, error: str) -> _Found:
    failure = {
        "strategy": run.choice.title,
        "metric_target": run.metric,
        "seed": run.seed,
        "error": error,
    }
    return _Found(run, failure=failure)


def _search(run: SearchRun, table: SearchTable, spec: SearchSpec) -> pd.DataFrame:
    """Search one table: a row an evaluation, with a predictor one of what verification found."""
    told_metric = table.metric
    fit_seconds = 0.0
    if run.training_size:
        start = time.perf_counter()
        told_metric = predicted_metric(table, spec, run.training_size, run.seed)
        fit_seconds = time.perf_counter() - start
    strategy = make_strategy_of(run, table, spec)
    steps = islice(evaluations(strategy, table, told_metric, run.goal), spec.evaluations)
    places, seconds = zip(*steps, strict=True)
    rows = np.array(places, dtype=np.int64)
    if not run.training_size:
        return evaluation_rows(run, table, spec, rows, np.array(seconds))
    losses = verify_selection(table, told_metric, rows)
    sizes = {
        "predictor": spec.predicted_metric.predictor if spec.predicted_metric else "",
        "training_size": run.training_size,
        "evaluations": len(rows),
        "fit_seconds": fit_seconds,
    }
    return pd.DataFrame([{**_key(run, table, spec), **sizes, **losses}])


def _key(run: SearchRun, table: SearchTable, spec: SearchSpec) -> dict[str, Any]:
    """What all rows of a search begin with."""
    return {
        "strategy": run.choice.title,
        "name": run.choice.name,
        "accuracy_target": spec.accuracy,
        "metric_target": run.metric,
        "goal": run.goal,
        "limit": np.nan if run.limit is None else table.sign * run.limit,
        "seed": run.seed,
    }


def evaluation_rows(
    run: SearchRun, table: SearchTable, spec: SearchSpec, rows: NDArray[np.int64], seconds: Floats
) -> pd.DataFrame:
    """What is kept of a search, a row an evaluation.

    Parameters
    ----------
    rows : of the table, in the order they were asked for.
    seconds : that the strategy took for each.
    """
    frame = pd.DataFrame(
        {
            "evaluation": np.arange(1, len(rows) + 1),
            "arch": table.space.to_strings(table.archs[rows]),
            "accuracy": table.accuracy[rows],
            "metric": table.metric[rows],
            "hypervolume": np.minimum(
                hypervolumes_so_far(
                    table.accuracy[rows] / 100,
                    table.standardised[rows],
                    reference_accuracy=0.0,
                    reference_metric=table.reference_metric,
                ),
                table.front_hypervolume,  # what is summed as it grows may be rounded beyond
            ),
            "hypervolume_share": table.true_front.hypervolume_shares_so_far(
                table.accuracy[rows], table.metric[rows]
            ),
            "seconds": seconds,
        }
    )
    key = pd.DataFrame(_key(run, table, spec), index=frame.index)
    return pd.concat([key, frame], axis=1)


def make_strategy_of(run: SearchRun, table: SearchTable, spec: SearchSpec) -> Strategy:
    """The strategy of a search, before its first architecture."""
    accuracy = Objective("accuracy", "maximize")
    limit = table.sign * (run.limit or 0.0)  # negated with the metric
    objectives = {
        "front": [accuracy, Objective("metric")],
        "accuracy": [accuracy],
        "limits": [accuracy, Objective("metric", limit=limit, optimised=False)],
    }[run.goal]
    return make_strategy(
        run.choice.name,
        space=table.space,
        objectives=objectives,
        candidates=table.archs,
        seed=run.seed,
        n_initial=spec.n_initial,
        **run.choice.parameters,
    )


def predicted_metric(table: SearchTable, spec: SearchSpec, training_size: int, seed: int) -> Floats:
    """The metric of all architectures by a predictor of some, float64 of shape (n_archs,)."""
    model = _metric_model(spec, table, seed)
    chosen = np.random.default_rng([seed, 2]).permutation(len(table))[:training_size]
    model.fit(table.archs[chosen], table.metric[chosen])
    predicted: Floats = model.predict(table.archs)
    return predicted


def _metric_model(spec: SearchSpec, table: SearchTable, seed: int) -> Any:
    from hwbench.predictors import make_predictor

    if spec.predicted_metric is None:
        raise HwbenchError("search: no predictor of the metric is given")
    return make_predictor(spec.predicted_metric.predictor, space=table.space, seed=seed)


def evaluations(
    strategy: Strategy,
    table: SearchTable,
    metric: Floats,
    goal: str,
    *,
    clock: Clock = time.perf_counter,
) -> Iterator[tuple[int, float]]:
    """Ask and tell one architecture at a time, as long as one is wanted.

    Parameters
    ----------
    metric : that the strategy is told, float64 (n_archs,).
    clock : that the strategy is timed by.

    Yields
    ------
    The row of the table that was asked for, and the seconds that the strategy took for it, telling
    included.
    """
    values = table.accuracy[:, None]
    if goal != "accuracy":
        values = np.stack([table.accuracy, metric], axis=1)
    while True:
        start = clock()
        archs = strategy.ask(1)
        asked = clock()
        row = table.rows_of(archs)
        told = clock()
        strategy.tell(archs, values[row])
        yield int(row[0]), clock() - told + asked - start
