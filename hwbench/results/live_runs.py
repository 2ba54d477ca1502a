"""Live searches as two tidy frames: a row a run, and a row a run and epoch.

What a figure or a table of several searches is made of; written as Parquet, they need no run
folders any more.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.results.frames import Column, Columns, checked_frame
from hwbench.results.live import (
    EPOCH_COLUMNS,
    QUANTILES,
    STAGES,
    LiveRun,
    is_live_run,
    is_live_sweep,
    read_live_run,
)
from hwbench.results.true_value import TrueValue

ALL = "all"
SEED_SUFFIX = re.compile(r"-seed\d+$")
SIZES = {"parameters": "parameters", "flops": "FLOPs"}
"""What the largest architectures have most of, by the columns `most_...` of a frame of runs."""

RUN_COLUMNS: Columns = {
    "run": Column("text", "the run's folder, with as much of its path as others share a name"),
    "method": Column("text", "title of the search; runs of a method differ in their seeds alone"),
    "config_sha256": Column("text", "of the config without title, description and seed"),
    "seed": Column("integer", "of the search"),
    "strategy": Column("text", "name in the config"),
    "trainer": Column("text", "name in the config"),
    "selection": Column("text", "name in the config"),
    "space": Column("text", "name in the config"),
    "operations": Column("text", "candidates as the config names them, 'all' or JSON"),
    "channels": Column("number", "of the supernet", optional=True),
    "depth": Column("number", "of the supernet", optional=True),
    "images": Column("text", "name of the image set; of a file its name"),
    "subset": Column("text", "part of the training images, 'all' or JSON"),
    "epochs": Column("number", "planned, up to a sudden end", optional=True),
    "epochs_done": Column("integer", "trained"),
    "ended": Column("flag", "whether the search has"),
    "architecture": Column("optional text", "string of what was found"),
    "search_accuracy": Column("number", "in %, on validation images, supernet's weights"),
    "test_accuracy": Column("number", "in %, on test images, supernet's weights"),
    "target": Column("optional text", "'table:column' of the true values; missing where unknown"),
    "target_title": Column("optional text", "the column in words, with dataset and table"),
    "unit": Column("optional text", "of true values"),
    "table_sha256": Column("optional text", "of the table's file"),
    "table_size": Column("number", "architectures in the table, codes of one network once"),
    "true_value": Column("number", "of what was found"),
    "percentile": Column(
        "number", "share of what the search could have found that is worse, ties half, in %"
    ),
    "rank": Column("number", "among `table_size`, 1 the best"),
    "best_possible": Column("number", "the best value of the table"),
    "could_be_found": Column("number", "architectures that the search could have found"),
    "random_mean": Column("number", "mean of their true values"),
    **{f"random_{q}": Column("number", f"{q} % quantile of them") for q in QUANTILES},
    **{f"most_{name}": Column("number", f"value of the most {SIZES[name]}") for name in SIZES},
    **{f"most_{name}_percentile": Column("number", "of that value") for name in SIZES},
    "kendall_tau": Column(
        "number", "of the last ranking by the supernet with true values; missing without one"
    ),
    **{
        f"cpu_seconds_{stage}": Column("number", f"of the {stage}, all threads, all sessions")
        for stage in STAGES
    },
    "cpu_seconds": Column("number", "of all stages"),
    "seconds": Column("number", "of the wall, of all stages"),
    "peak_memory_mb": Column(
        "number",
        "most memory at a time, in MiB: of tensors on a GPU, else of the whole process",
        optional=True,
    ),
    "hwbench": Column("optional text", "version of the last session"),
    "processor": Column("optional text", "of the last session"),
}
"""What a frame of runs holds, a row a run."""

_OF_RUN = ("run", "method", "seed", "space", "operations", "target", "table_sha256")

RUN_EPOCH_COLUMNS: Columns = {
    **{name: RUN_COLUMNS[name] for name in _OF_RUN},
    **EPOCH_COLUMNS,
}
"""What a frame of epochs of several runs holds, a row a run and epoch."""

Frames = tuple[pd.DataFrame, pd.DataFrame]
"""Of runs, see `RUN_COLUMNS`, and of their epochs, see `RUN_EPOCH_COLUMNS`."""


def tidy_runs(folders: Sequence[Path]) -> Frames:
    """Live searches as a frame of runs and a frame of their epochs.

    Parameters
    ----------
    folders : of live searches, ended or not, or of sweeps of them.

    Returns
    -------
    The frames, see `RUN_COLUMNS` and `RUN_EPOCH_COLUMNS`, in the order given. What a run of an
    older version did not keep is missing.

    Raises
    ------
    HwbenchError
        As `hwbench.results.live.read_live_run`.
    """
    found: list[Path] = []
    for folder in map(Path, folders):
        inner = sorted(folder.iterdir()) if is_live_sweep(folder) else [folder]
        found += [path for path in inner if path == folder or is_live_run(path)]
    return tidy([read_live_run(folder) for folder in found])


def tidy(runs: Sequence[LiveRun]) -> Frames:
    """As `tidy_runs`, of searches that have been read."""
    names, methods = _run_names(runs), method_titles(runs)
    rows = [_row(run, name, method) for run, name, method in zip(runs, names, methods, strict=True)]
    about = _in_columns(pd.DataFrame(rows, columns=list(RUN_COLUMNS)), RUN_COLUMNS)
    parts = [
        run.epochs.assign(**{name: row.get(name) for name in _OF_RUN})
        for run, row in zip(runs, rows, strict=True)
        if len(run.epochs)
    ]
    epochs = pd.DataFrame([row for part in parts for row in part.to_dict("records")])
    columns = list(RUN_EPOCH_COLUMNS)
    return about, _in_columns(epochs.reindex(columns=columns), RUN_EPOCH_COLUMNS)


def method_key(run: LiveRun) -> str:
    """What a search is besides its seed and its words, as text; the same for runs of one method."""
    words = ("title", "description", "seed")
    content = _given({key: value for key, value in run.config.items() if key not in words})
    return json.dumps(content, sort_keys=True, default=str)


def method_titles(runs: Sequence[LiveRun]) -> list[str]:
    """The title of each run's method, told apart by folders where methods share one."""
    keys = [(_title(run), method_key(run)) for run in runs]
    first: dict[tuple[str, str], LiveRun] = {}
    for key, run in zip(keys, runs, strict=True):
        first.setdefault(key, run)
    titles = [title for title, _ in first]
    return [
        f"{key[0]} ({SEED_SUFFIX.sub('', first[key].folder.name)})"
        if titles.count(key[0]) > 1
        else key[0]
        for key in keys
    ]


def cpu_seconds(run: LiveRun) -> float | None:
    """What a run took of the CPU, all stages and sessions; None where an older one kept nothing."""
    found = _spent(run.record).get("cpu_seconds")
    return None if found is None else float(found)


def over_epochs(run: LiveRun) -> str:
    """A sentence about what a search would have chosen on its way; "" where nothing is known."""
    if run.truth is None or "true_value" not in run.epochs:
        return ""
    known = run.epochs.dropna(subset="true_value")
    if known.empty:
        return ""
    last, truth = known.iloc[-1], run.truth
    several = int(last["different"])
    best = known.loc[known["true_value"].idxmax()]
    beside = (
        f"the best of {several} random ones has {truth.amount(last['best_random_50'])} in the "
        "middle"
        if several > 1
        else f"one random one has {truth.amount(last['random_50'])} in the middle"
    )
    return (
        f"Over {len(known)} epoch{'s' * (len(known) != 1)} it would have chosen {several} "
        f"different architecture{'s' * (several != 1)}, the best after epoch "
        f"{int(best['epoch']) + 1} with {truth.amount(best['true_value'])}; {beside}."
    )


def _title(run: LiveRun) -> str:
    return str(run.config.get("title") or run.folder.name)


def _given(value: Any) -> Any:
    """A config tree without what is zero, off or empty: it may be left out there as well."""
    if not isinstance(value, dict):
        return value
    inner = {key: _given(each) for key, each in value.items()}
    return {key: each for key, each in inner.items() if each}


def _run_names(runs: Sequence[LiveRun]) -> list[str]:
    """The folders' names; where some share one, their paths below what is common to all."""
    names = [run.folder.name for run in runs]
    if len(set(names)) == len(names):
        return names
    paths = [str(run.folder.resolve()) for run in runs]
    common = os.path.commonpath(paths)
    return [Path(os.path.relpath(path, common)).as_posix() for path in paths]


def _row(run: LiveRun, name: str, method: str) -> dict[str, Any]:
    config = run.config
    space, data = config.get("space") or {}, config.get("data") or {}
    trainer = config.get("trainer") or {}
    machine, versions = (run.record.get(key) or {} for key in ("machine", "versions"))
    images = str(data.get("name") or "")
    return {
        "run": name,
        "method": method,
        "config_sha256": hashlib.sha256(method_key(run).encode()).hexdigest(),
        "seed": int(config.get("seed") or 0),
        **{part: (config.get(part) or {}).get("name", "") for part in _PARTS},
        "space": str(space.get("name", "")),
        "operations": _text(space.get("operations")),
        "channels": space.get("channels"),
        "depth": space.get("depth"),
        "images": Path(images).stem if images.endswith(".npz") else images,
        "subset": _text(data.get("subset")),
        "epochs": trainer.get("stop_after") or trainer.get("epochs"),
        "epochs_done": len(run.epochs),
        "ended": bool(run.result),
        "architecture": run.result.get("architecture"),
        "search_accuracy": run.result.get("search_accuracy"),
        "test_accuracy": run.result.get("test_accuracy"),
        **({} if run.truth is None else _true_row(run.truth)),
        "kendall_tau": _tau(run),
        **_spent(run.record),
        "peak_memory_mb": run.record.get("peak_memory_mb"),
        "hwbench": versions.get("hwbench"),
        "processor": machine.get("processor"),
    }


_PARTS = ("strategy", "trainer", "selection")


def _true_row(truth: TrueValue) -> dict[str, Any]:
    drawn = truth.random
    quantiles: dict[str, Any] = {}
    if drawn is not None:
        values = (drawn.low, drawn.lower_quartile, drawn.median, drawn.upper_quartile, drawn.high)
        quantiles = {f"random_{q}": value for q, value in zip(QUANTILES, values, strict=True)}
        quantiles |= {"random_mean": drawn.mean, "could_be_found": drawn.of}
    for most in truth.largest:
        for name, words in SIZES.items():
            if most.what == words:
                quantiles[f"most_{name}"] = most.value
                quantiles[f"most_{name}_percentile"] = most.percentile
    return {
        "target": truth.target,
        "target_title": truth.words,
        "unit": truth.unit,
        "table_sha256": truth.sha256,
        "table_size": truth.of,
        "true_value": truth.value,
        "percentile": truth.percentile,
        "rank": truth.rank,
        "best_possible": truth.best,
        **quantiles,
    }


def _tau(run: LiveRun) -> float | None:
    if run.truth is not None and run.truth.kendall_tau is not None:
        return run.truth.kendall_tau
    if "kendall_tau" in run.epochs and len(run.epochs):
        return float(run.epochs["kendall_tau"].iloc[-1])
    return None


def _spent(record: Mapping[str, Any]) -> dict[str, Any]:
    spent: Mapping[str, Mapping[str, float]] = record.get("spent") or {}
    if not spent:
        return {}
    own = {f"cpu_seconds_{stage}": spent.get(stage, {}).get("cpu_seconds", 0.0) for stage in STAGES}
    wall = sum(numbers.get("seconds", 0.0) for numbers in spent.values())
    return {**own, "cpu_seconds": sum(own.values()), "seconds": wall}


def _text(value: Any) -> str:
    """What a node of a config holds, as text; "all" where it leaves nothing out."""
    if value is None:
        return ALL
    return value if isinstance(value, str) else json.dumps(value)


_TYPES = {"number": np.float64, "integer": np.int64, "flag": np.bool_}


def _in_columns(frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """The frame in its columns' types, with or without rows."""
    types = {name: _TYPES[column.kind] for name, column in columns.items() if column.kind in _TYPES}
    return checked_frame(Path("tidy_runs"), frame.astype(types), columns)
