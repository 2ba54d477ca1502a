"""A trial: one predictor fitted on one training set and scored. Frozen data in, one row out."""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.predictors import PredictorCard, make_predictor, predictor_card
from hwbench.predictors.lookup_table import neighbourhood
from hwbench.predictors.transfer import SourceMetrics
from hwbench.predictors.tuning import Tuning, TuningRecord
from hwbench.spaces.base import IntArray
from hwbench.study.scores import score
from hwbench.tables import Table

SCORES = ("kendall_tau", "spearman", "pearson", "mae")


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
    """

    target: str
    predictor: str
    encoding: str
    training_size: int
    seed: int
    test_size: int
    tuning: Tuning | None = field(default=None, compare=False)


def split(n_archs: int, training_size: int, test_size: int, seed: int) -> tuple[IntArray, IntArray]:
    """Rows to fit and to score on.

    The test rows depend on the seed alone, and the training rows of a smaller size are the first
    of those of a larger one, so all predictors and sizes of a seed are compared on equal terms.

    Returns
    -------
    int64 arrays of shape (training_size,) and (test_size,) without a common row.
    """
    order = np.random.default_rng([seed, n_archs]).permutation(n_archs)
    return order[test_size : test_size + training_size], order[:test_size]


def run_trial(
    trial: Trial,
    table: Table,
    values: NDArray[np.float64],
    sources: SourceMetrics | None = None,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]] | None]:
    """Fit, predict and score; a failure becomes a row with the traceback.

    Parameters
    ----------
    trial : what to do.
    table : the target's table.
    values : the target's column, float64 of shape (n_archs,).
    sources : what other devices measured, for a predictor of the family "transfer".

    Returns
    -------
    The row of results, and the test predictions (the table's keys, `truth`, `prediction`, each of
    shape (n_test,)) or None after a failure.
    """
    card = predictor_card(trial.predictor)
    row: dict[str, Any] = {
        "predictor": trial.predictor,
        "title": _title(card, trial.encoding),
        "family": card.family,
        "encoding": trial.encoding,
        "target": trial.target,
        "training_size": trial.training_size,
        "seed": trial.seed,
        "test_size": trial.test_size,
        **dict.fromkeys(SCORES, float("nan")),
        "configurations": 0,
        "stopped_by_time": False,
        "configuration": None,
        "fit_seconds": float("nan"),
        "predict_seconds": float("nan"),
        "error": None,
    }
    try:
        training, test = _rows(trial, table, card.training)
        row["training_size"], row["test_size"] = len(training), len(test)
        model = make_predictor(
            trial.predictor,
            space=table.space,
            seed=trial.seed,
            encoding=trial.encoding,
            tuning=trial.tuning,
            **({"sources": sources} if card.family == "transfer" else {}),
        )
        start = time.monotonic()
        model.fit(table.archs[training], values[training])
        fitted = time.monotonic()
        row.update(_tuning_row(model.tuning_))
        prediction = model.predict(table.archs[test])
        row["fit_seconds"], row["predict_seconds"] = fitted - start, time.monotonic() - fitted
        row.update(score(values[test], prediction))
    except Exception:  # noqa: BLE001  whatever a model raises is this trial's result
        row["error"] = traceback.format_exc()
        return row, None
    return row, {
        table.key_column: table.keys[test],
        "truth": values[test],
        "prediction": prediction,
    }


def _title(card: PredictorCard, encoding: str) -> str:
    """The card's title, and the encoding where it is not the card's own."""
    return card.title if encoding == card.encoding else f"{card.title} ({encoding})"


def _tuning_row(record: TuningRecord | None) -> dict[str, Any]:
    """What the search inside the fit did: how many configurations it tried, and the chosen one."""
    if record is None:
        return {}
    return {
        "configurations": len(record.scores),
        "stopped_by_time": record.stopped_by_time,
        "configuration": json.dumps(record.best),
    }


def _rows(trial: Trial, table: Table, training: str) -> tuple[IntArray, IntArray]:
    if training == "neighbourhood":
        # Its training set is fixed, so it is scored on the whole table, as published.
        wanted = neighbourhood(table.space)
        rows = pd.Index(table.keys).get_indexer(table.space.keys_of(wanted))
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            raise LookupError(
                f"the table lacks {len(missing)} architectures of the lookup table's "
                f"neighbourhood, such as {table.space.to_string(wanted[missing[0]])}"
            )
        return rows, np.arange(len(table))
    return split(len(table), trial.training_size, trial.test_size, trial.seed)
