"""What an experiment with searches will cost, from a part of one search of every strategy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError, one_line
from hwbench.pilot import PILOT_LONGEST, PILOT_SECONDS, Clock, power_law, timed_pieces
from hwbench.progress import Progress, silent
from hwbench.search.plan import SearchRun, planned_runs
from hwbench.search.run import (
    check_search,
    evaluation_rows,
    evaluations,
    make_strategy_of,
    predicted_metric,
)
from hwbench.search.spec import SearchSpec
from hwbench.search.tables import SearchTable
from hwbench.search.verify import verify_selection
from hwbench.threads import one_thread

ROUND = 15
"""Evaluations between two fits of a strategy with a model; a piece that is timed is two such."""


def estimate_search(
    spec: SearchSpec, *, progress: Progress = silent, clock: Clock = time.perf_counter
) -> pd.DataFrame:
    """Time a part of one search of every strategy, and scale it to all.

    A search on the first metric, one for each goal, is timed for two rounds behind its random start
    and for a second, or to its end if that comes first. Where more is left, and it was not too
    long, two rounds are timed halfway too, behind a longer random start. The cost of an evaluation
    grows from the one to the other as a power of how many there are; it is taken to grow in
    proportion where the first alone was timed. Fits of a predictor of the metric are timed once
    for all strategies.

    Parameters
    ----------
    spec : what would be searched.
    progress : called with (strategies timed, strategies in all).
    clock : that the pieces are timed by.

    Returns
    -------
    A row a strategy: `strategy`, `searches`, `fits` (of a predictor), `seconds` (of one core, all
    searches together), `slowest` (s, of one search), and `error`: why its searches fail, None where
    they do not; seconds are then NaN.

    Raises
    ------
    HwbenchError
        As `run_search`, before anything is searched.
    """
    table = check_search(spec)[spec.metrics[0]]
    runs = planned_runs(spec)
    by_strategy: dict[str, list[SearchRun]] = {}
    for run in runs:
        by_strategy.setdefault(run.choice.title, []).append(run)
    rows = []
    progress(0, len(by_strategy))
    with one_thread():
        fitting = _fit_seconds(spec, table, clock)
        for title, own in by_strategy.items():
            seconds, error = np.full(len(own), np.nan), None
            try:
                seconds = _seconds(own, table, spec, fitting, clock)
            except Exception as failed:  # noqa: BLE001  as its searches would, beside the others
                error = one_line(failed)
            rows.append(
                {
                    "strategy": title,
                    "searches": len(own),
                    "fits": sum(run.training_size > 0 for run in own),
                    "seconds": float(seconds.sum()),
                    "slowest": float(seconds.max()),
                    "error": error,
                }
            )
            progress(len(rows), len(by_strategy))
    return pd.DataFrame(rows)


def _seconds(
    runs: list[SearchRun],
    table: SearchTable,
    spec: SearchSpec,
    fitting: dict[int, float],
    clock: Clock,
) -> np.ndarray:
    """Time of each search of a strategy in s."""
    of_goal: dict[str, float] = {}
    for run in runs:
        if run.goal not in of_goal:
            of_goal[run.goal] = _one_search(run, table, spec, clock)
    return np.array([of_goal[run.goal] + fitting.get(run.training_size, 0.0) for run in runs])


@dataclass(frozen=True)
class _Pilot:
    """The beginning of a search.

    Attributes
    ----------
    start : seconds of the random start.
    guided : seconds of each evaluation after it.
    rows : of the table that were asked for.
    """

    start: float
    guided: list[float]
    rows: np.ndarray

    @property
    def seconds(self) -> float:
        """All that it took."""
        return self.start + sum(self.guided)

    @property
    def rate(self) -> tuple[float, float]:
        """How many evaluations there are in the middle of all whole rounds but the first, which may
        train a model once and for all, and what one takes there (s).
        """
        whole = len(self.guided) // ROUND * ROUND
        later = self.guided[ROUND:whole]
        middle = len(self.rows) - len(self.guided) + (ROUND + whole) / 2
        return middle, sum(later) / len(later)


def _one_search(run: SearchRun, table: SearchTable, spec: SearchSpec, clock: Clock) -> float:
    """Time of one whole search in s."""
    pilot = _begin(run, table, spec, clock)
    if pilot.seconds < PILOT_LONGEST / 2:
        pilot = _begin(run, table, spec, clock)  # the first one imported libraries
    chosen = np.resize(pilot.rows, spec.evaluations)
    start = clock()
    evaluation_rows(run, table, spec, chosen, np.zeros(len(chosen)))
    kept = clock() - start
    return pilot.seconds + kept + _rest(pilot, run, table, spec, clock)


def _rest(
    pilot: _Pilot, run: SearchRun, table: SearchTable, spec: SearchSpec, clock: Clock
) -> float:
    """Seconds of all evaluations after a pilot's."""
    done = len(pilot.rows)
    if done == spec.evaluations:
        return 0.0
    rates = [pilot.rate]
    halfway = min((done + spec.evaluations) // 2, spec.evaluations - 2 * ROUND)
    if pilot.seconds < PILOT_LONGEST and halfway > done:
        rates.append(_begin(run, table, spec.model_copy(update={"n_initial": halfway}), clock).rate)
    law = power_law(*zip(*rates, strict=True))
    return sum(law(n) for n in range(done, spec.evaluations))


def _begin(run: SearchRun, table: SearchTable, spec: SearchSpec, clock: Clock) -> _Pilot:
    """Search as long as it takes to tell how it goes on."""
    start = clock()
    strategy = make_strategy_of(run, table, spec)
    steps: Iterator[tuple[int, float]] = islice(
        evaluations(strategy, table, table.metric, run.goal, clock=clock), spec.evaluations
    )
    rows = [row for row, _ in islice(steps, spec.n_initial)]
    begun = clock()
    guided: list[float] = []
    for row, seconds in steps:
        rows.append(row)
        guided.append(seconds)
        if len(guided) >= 2 * ROUND and clock() - begun > PILOT_SECONDS:
            break
    return _Pilot(begun - start, guided, np.array(rows, dtype=np.int64))


def _fit_seconds(spec: SearchSpec, table: SearchTable, clock: Clock) -> dict[int, float]:
    """Time of fitting, predicting and verifying by training size in s; empty without a predictor.

    Raises
    ------
    HwbenchError
        Where the predictor is unknown, or its fit fails.
    """
    if spec.predicted_metric is None:
        return {}
    seed, smallest = spec.seeds[0], min(spec.predicted_metric.training_sizes)
    chosen = np.random.default_rng(seed).permutation(len(table))[: spec.evaluations]

    def fit(size: int) -> None:
        verify_selection(table, predicted_metric(table, spec, size, seed), chosen)

    try:
        fit(smallest)  # the first one imports the library
        sizes = sorted(set(spec.predicted_metric.training_sizes))
        law = power_law(*timed_pieces(sizes, fit, clock=clock))
    except HwbenchError:
        raise
    except Exception as error:  # what a library raises is its own affair
        name = spec.predicted_metric.predictor
        raise HwbenchError(f"search: fitting {name} fails ({one_line(error)})") from error
    return {size: law(size) for size in sizes}
