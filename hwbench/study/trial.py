"""A trial: one predictor fitted on one training set and scored. Frozen data in, one row out."""

from __future__ import annotations

import json
import time
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.peak_memory import peak_mb, reset_peak
from hwbench.predictors import PredictorCard, make_predictor, predictor_card
from hwbench.predictors.left_out import LeftOutWarning
from hwbench.predictors.training_set import training_set
from hwbench.predictors.transfer import SourceMetrics
from hwbench.predictors.tuning import Tuning, TuningRecord
from hwbench.results.study_columns import FIT_CPU_SECONDS, MEASURED, SCORES
from hwbench.study.scores import score
from hwbench.tables import Table, Target

if TYPE_CHECKING:
    from hwbench.predictors.regressor import ArchitectureRegressor

KEPT_PREDICTIONS = 625
"""Test architectures whose predictions are kept of a test set of all others."""

TRIMMED = 10
"""HELP leaves out one in so many at either end."""


@dataclass(frozen=True, order=True)
class Trial:
    """The key of a trial; its result is a pure function of it and the table.

    Attributes
    ----------
    target : "table:column".
    predictor : name of a zoo entry.
    encoding : its features.
    training_size : architectures fitted on.
    seed : which architectures are measured, and the predictor's randomness.
    test_size : architectures scored on.
    tuning : how much the fit searches; None: the card's defaults.
    short_fits : whether the predictor takes its card's hyper-parameters of short fits.
    exclude_twins : whether no architecture is trained on that is the same network as one of the
        test set.
    device_set : name of the device set whose sources the predictor learns from; "" for the study's
        own, and for predictors that learn from no other device.
    source_samples : architectures that each source has measured, at most.
    trimmed : whether the fastest and the slowest tenth of the test set are left out.
    few_kept : whether predictions of no more than `KEPT_PREDICTIONS` architectures are kept.
    identity : hash of all that the result depends on, see `hwbench.study.identity`; "" where it is
        not kept.
    """

    target: str
    predictor: str
    encoding: str
    training_size: int
    seed: int
    test_size: int
    tuning: Tuning | None = field(default=None, compare=False)
    short_fits: bool = field(default=False, compare=False)
    exclude_twins: bool = field(default=False, compare=False)
    device_set: str = ""
    source_samples: int = field(default=900, compare=False)
    trimmed: bool = field(default=False, compare=False)
    few_kept: bool = field(default=False, compare=False)
    identity: str = field(default="", compare=False)

    @property
    def n_kept(self) -> int:
        """Test architectures whose predictions are kept, at most."""
        return min(self.test_size, KEPT_PREDICTIONS) if self.few_kept else self.test_size

    @property
    def entry(self) -> str:
        """The predictor as results name it: with the device set that it learned from."""
        return f"{self.predictor} ({self.device_set})" if self.device_set else self.predictor


@dataclass(frozen=True, eq=False)
class TargetData:
    """What trials on one target are given.

    Attributes
    ----------
    target : the table and its column.
    sources : what other devices measured, for predictors that learn from it.
    device_sets : the same of the sources of device sets, by the set's name.
    twin_rows : for each row of the table that of its twin or -1, int64 of shape (n_archs,); None
        where twins do not matter.
    """

    target: Target
    sources: SourceMetrics | None = None
    twin_rows: IntArray | None = None
    device_sets: Mapping[str, SourceMetrics] = field(default_factory=dict)

    def sources_of(self, device_set: str) -> SourceMetrics:
        """What predictors learn from of a device set, "" for the study's own sources."""
        found = self.device_sets.get(device_set) if device_set else self.sources
        if found is None:
            raise HwbenchError(f"target {self.target.key}: there is no other device to learn from")
        return found


@dataclass(frozen=True, eq=False)
class TrialResult:
    """What came of a trial.

    Attributes
    ----------
    trial : its key.
    row : the row of results.
    predictions : the table's keys, `truth` and `prediction`, each of shape (n_test,) or as many as
        are kept; None after a failure.
    """

    trial: Trial
    row: dict[str, Any]
    predictions: dict[str, NDArray[Any]] | None = None


def twin_rows(table: Table) -> IntArray:
    """For each row of a table the row of the architecture that is the same network.

    Returns
    -------
    int64 of shape (n_archs,); -1 where there is none in the table.
    """
    twins = table.space.twins(table.archs)
    rows = table.space.rows_among(twins, table.keys)
    rows[rows == np.arange(len(rows))] = -1
    return rows


def split(
    n_archs: int,
    training_size: int,
    test_size: int,
    seed: int,
    twins: IntArray | None = None,
) -> tuple[IntArray, IntArray]:
    """Rows to fit and to score on.

    The test rows depend on the seed alone, and the training rows of a smaller size are the first
    of those of a larger one, so all predictors and sizes of a seed are compared on equal terms.

    Parameters
    ----------
    n_archs, training_size, test_size, seed : of table and trial.
    twins : int64 of shape (n_archs,): for each row that of its twin or -1; then no twin of a test
        row is trained on.

    Returns
    -------
    int64 arrays of shape (training_size,) and (test_size,) without a common row.

    Raises
    ------
    HwbenchError
        Where too few architectures are left to train on.
    """
    measured, test = measured_and_tested(n_archs, test_size, seed, twins)
    if len(measured) < training_size:
        raise HwbenchError(
            f"{len(measured)} architectures are left to train on, fewer than {training_size}: "
            f"{test_size} of {n_archs} are for testing"
            + ("" if twins is None else ", and their twins are excluded")
        )
    return measured[:training_size], test


def measured_and_tested(
    n_archs: int, test_size: int, seed: int, twins: IntArray | None = None
) -> tuple[IntArray, IntArray]:
    """Rows that may be measured, in the order in which they are, and those that are scored on.

    Parameters
    ----------
    n_archs, test_size, seed, twins : as for `split`.

    Returns
    -------
    int64 arrays without a common row, the second of shape (test_size,).
    """
    order = np.random.default_rng([seed, n_archs]).permutation(n_archs)
    test, others = order[:test_size], order[test_size:]
    if twins is not None:
        kept = np.ones(n_archs, dtype=bool)
        kept[twins[test][twins[test] >= 0]] = False
        kept[np.isin(twins, test)] = False
        others = others[kept[others]]
    return others, test


def trimmed(test: IntArray, values: Floats) -> IntArray:
    """Rows to score on without the fastest and the slowest tenth, as HELP scores.

    Parameters
    ----------
    test : rows, int64 of shape (n_test,).
    values : of all rows, float64 of shape (n_archs,).

    Returns
    -------
    The rows that are left, in their order.
    """
    ranks = np.empty(len(test), dtype=np.int64)
    ranks[np.argsort(values[test], kind="stable")] = np.arange(len(test))
    cut = len(test) // TRIMMED
    return test[(ranks >= cut) & (ranks < len(test) - cut)]


def run_trial(trial: Trial, data: TargetData, card: PredictorCard | None = None) -> TrialResult:
    """Fit, predict and score; a failure becomes a row with the traceback.

    Parameters
    ----------
    trial : what to do.
    data : of the trial's target.
    card : the predictor's card; read by its name where not given.
    """
    import hwbench.predictors.regressor  # noqa: F401  no part of the time of the first trial

    start = time.monotonic()
    reset_peak()
    card = predictor_card(trial.predictor) if card is None else card
    row = blank_row(trial, card)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LeftOutWarning)  # the plan has said it
            predictions = _fit_and_score(trial, data, card, row)
    except Exception as error:  # noqa: BLE001  whatever a model raises is this trial's result
        row["exception"] = type(error).__name__
        row["error"] = traceback.format_exc()
        predictions = None
    row["seconds"], row["memory_mb"] = time.monotonic() - start, peak_mb()
    return TrialResult(trial, row, predictions)


def _fit_and_score(
    trial: Trial, data: TargetData, card: PredictorCard, row: dict[str, Any]
) -> dict[str, NDArray[Any]]:
    table, values = data.target.table, data.target.values
    training, test = _rows(trial, data, card)
    row["training_size"], row["test_size"] = len(training), len(test)
    parameters: dict[str, Any] = {
        **(card.shortened if trial.short_fits else {}),
        **({"sources": _sources(trial, data)} if card.needs_sources else {}),
    }
    model = make_predictor(
        trial.predictor,
        space=table.space,
        seed=trial.seed,
        encoding=trial.encoding,
        tuning=trial.tuning,
        card=card,
        **parameters,
    )
    start, started = time.monotonic(), time.process_time()
    model.fit(table.archs[training], values[training])
    fitted, row[FIT_CPU_SECONDS] = time.monotonic(), time.process_time() - started
    row.update(_tuning_row(model.tuning_))
    row["about"] = about_fit(model)
    prediction = np.asarray(model.predict(table.archs[test]), dtype=np.float64)
    row["fit_seconds"], row["predict_seconds"] = fitted - start, time.monotonic() - fitted
    deviation = None
    if card.uncertainty:  # no part of the time: some models fit again to tell it
        deviation = model.predict(table.archs[test], return_std=True)[1]
    best: Literal["lowest", "highest"] = "lowest" if data.target.sign > 0 else "highest"
    row.update(score(values[test], prediction, best=best, deviation=deviation))
    # Of few rows at random the first are as good as any.
    kept = slice(KEPT_PREDICTIONS if trial.few_kept else None)
    return {
        table.key_column: table.keys[test][kept],
        "truth": values[test][kept],
        "prediction": prediction[kept],
    }


def _sources(trial: Trial, data: TargetData) -> SourceMetrics:
    """What other devices have measured: of architectures that the target is not tested on."""
    table = data.target.table
    twins = data.twin_rows if trial.exclude_twins else None
    measured, _ = measured_and_tested(len(table), trial.test_size, trial.seed, twins)
    never = np.setdiff1d(np.arange(len(table)), measured)
    return data.sources_of(trial.device_set).sampled(
        trial.source_samples, first=table.archs[measured], never=table.archs[never], seed=trial.seed
    )


def about_fit(model: ArchitectureRegressor) -> str | None:
    """What a fitted model says of its fit, as JSON: its estimator's `about_`, if it has one."""
    about = getattr(model.estimator_, "about_", None)
    return None if about is None else json.dumps(about)


def blank_row(trial: Trial, card: PredictorCard) -> dict[str, Any]:
    """The row of a trial of which nothing is known yet."""
    return {
        "trial": trial.identity,
        "predictor": trial.entry,
        "title": _title(card, trial),
        "family": card.family,
        "own_training_set": card.own_training_set,
        "encoding": trial.encoding,
        "device_set": trial.device_set,
        "target": trial.target,
        "training_size": trial.training_size,
        "seed": trial.seed,
        "test_size": trial.test_size,
        **dict.fromkeys(SCORES, float("nan")),
        "configurations": 0,
        "stopped_by_time": False,
        "configuration": None,
        "about": None,
        **dict.fromkeys(MEASURED, float("nan")),
        "exception": None,
        "error": None,
    }


def failed_result(
    trial: Trial,
    card: PredictorCard,
    exception: str,
    error: str,
    *,
    seconds: float,
    memory_mb: float,
) -> TrialResult:
    """The result of a trial that was ended from outside.

    Parameters
    ----------
    trial, card : what was run.
    exception : kind of failure in one word.
    error : what happened, the last line says it.
    seconds : how long it had run.
    memory_mb : the most memory it was seen to use, in MiB.
    """
    row = blank_row(trial, card)
    row |= {"exception": exception, "error": error, "seconds": seconds, "memory_mb": memory_mb}
    return TrialResult(trial, row)


def _title(card: PredictorCard, trial: Trial) -> str:
    """The card's title, with encoding, device set and short fits where the card names no such."""
    others = [] if trial.encoding == card.encoding else [trial.encoding]
    others += [trial.device_set] * bool(trial.device_set)
    others += ["short fits"] * (trial.short_fits and bool(card.shortened))
    return f"{card.title} ({', '.join(others)})" if others else card.title


def _tuning_row(record: TuningRecord | None) -> dict[str, Any]:
    """What the search inside the fit did: how many configurations it tried, and the chosen one."""
    if record is None:
        return {}
    return {
        "configurations": len(record.scores),
        "stopped_by_time": record.stopped_by_time,
        "configuration": json.dumps(record.best),
    }


def _rows(trial: Trial, data: TargetData, card: PredictorCard) -> tuple[IntArray, IntArray]:
    table = data.target.table
    wanted = training_set(card, table.space)
    if wanted is not None:
        # Its training set is fixed, so it is scored on the whole table, as published.
        rows = table.space.rows_among(wanted, table.keys)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            raise LookupError(
                f"the table lacks {len(missing)} architectures that {trial.predictor} is fitted "
                f"to, such as {table.space.to_string(wanted[missing[0]])}"
            )
        return rows, np.arange(len(table))
    twins = data.twin_rows if trial.exclude_twins else None
    training, test = split(len(table), trial.training_size, trial.test_size, trial.seed, twins)
    return training, trimmed(test, data.target.values) if trial.trimmed else test
