"""Columns of a study's results."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

KEY = ("target", "predictor", "encoding", "training_size", "seed")
"""Columns that name a trial."""

PRECISION_AT = (10, 50)
"""Numbers of best architectures at which precision is scored."""

WITHIN_PERCENT = (5, 10)
"""Relative errors, in %, within which the share of predictions is scored."""

RELATIVE_SCORES = ("rmspe", *(f"within_{percent}_percent" for percent in WITHIN_PERCENT))
"""Scores in % of the true values."""

COVERAGE_AT = (50, 80, 90, 95, 99)
"""Central intervals, in %, whose coverage is scored."""

UNCERTAINTY_SCORES = (
    *(f"coverage_{percent}" for percent in COVERAGE_AT),
    "crps",
    "negative_log_likelihood",
)
"""Scores of predictors that say how uncertain they are, NaN of others."""

SCORES = (
    "kendall_tau",
    "spearman",
    "pearson",
    "mae",
    "deviation",
    *(f"precision_at_{k}" for k in PRECISION_AT),
    *RELATIVE_SCORES,
    *UNCERTAINTY_SCORES,
)

FIT_CPU_SECONDS = "fit_cpu_seconds"
"""Column: what a fit took of a processor, which work beside it hardly changes; older runs lack it.
"""

MEASURED = ("fit_seconds", FIT_CPU_SECONDS, "predict_seconds", "seconds", "memory_mb")
"""Columns of a trial's row that depend on the machine; all others on the trial's key alone."""

TEXT = (
    "trial", "target", "predictor", "encoding", "device_set", "title", "family", "exception",
    "arch",
)  # fmt: skip
"""Columns of few different texts."""

OWN_TRAINING_SET = "own_training_set"
"""Column: whether the predictor chooses what it is fitted to, as a lookup table does."""

DEVICE_SET = "device_set"
"""Column: the device set whose sources a predictor learned from, "" for most; older runs lack it.
"""

ABOUT = "about"
"""Column: what a fitted model says of its fit, as JSON, where it says something; older runs lack
it."""

LATER = (*RELATIVE_SCORES, *UNCERTAINTY_SCORES, DEVICE_SET, ABOUT, FIT_CPU_SECONDS)
"""Columns that older runs lack."""

FAMILY_OF_0_1_0 = "lookup table"
"""The family of the only such predictor that hwbench 0.1.0 had, whose results lack the column."""

_FLOAT, _WHOLE, _STRING = pa.float64(), pa.int64(), pa.string()

STUDY_SCHEMA = pa.schema(
    [
        ("trial", _STRING),
        ("predictor", _STRING),
        ("title", _STRING),
        ("family", _STRING),
        (OWN_TRAINING_SET, pa.bool_()),
        ("encoding", _STRING),
        (DEVICE_SET, _STRING),
        ("target", _STRING),
        ("training_size", _WHOLE),
        ("seed", _WHOLE),
        ("test_size", _WHOLE),
        *((name, _FLOAT) for name in SCORES),
        ("configurations", _WHOLE),
        ("stopped_by_time", pa.bool_()),
        ("configuration", _STRING),
        (ABOUT, _STRING),
        *((name, _FLOAT) for name in MEASURED),
        ("exception", _STRING),
        ("error", _STRING),
    ]
)

FORMER_KEY = "arch_index"
"""What `hwbench_index` was called in predictions of earlier versions."""

_PREDICTION_FIELDS = {
    "trial": _STRING,
    "target": _STRING,
    "predictor": _STRING,
    "encoding": _STRING,
    "training_size": _WHOLE,
    "seed": _WHOLE,
    "hwbench_index": _WHOLE,
    FORMER_KEY: _WHOLE,
    "arch": _STRING,
    "truth": _FLOAT,
    "prediction": _FLOAT,
}


def prediction_schema(names: Iterable[str]) -> pa.Schema:
    """The schema of predictions with these columns: of `hwbench_index` and `arch` one or both."""
    present = set(names)
    return pa.schema([each for each in _PREDICTION_FIELDS.items() if each[0] in present])
