"""How far run folders are: counted from records and footers, in milliseconds each."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hwbench.errors import HwbenchError
from hwbench.formats.parquet_files import MOST_CONTAINER, MOST_FOOTER_BYTES
from hwbench.regular_files import check_regular, open_regular
from hwbench.results.names import (
    COMPRESSIONS,
    CONFIG,
    EPOCHS,
    LIVE_RESULT,
    SEARCH_PARTS,
    SEARCHES,
    SIMULATION,
    STUDY,
    SWEEP,
    SWEEP_RESULTS,
)
from hwbench.results.record import shard_in, spec_of
from hwbench.results.study_reading import list_parts
from hwbench.search.plan import planned_runs
from hwbench.search.spec import SearchSpec
from hwbench.studio.summary import Progress
from hwbench.toml import load_toml, validated

MOST_HEADER = 1 << 20
"""Bytes of a journal's first line."""


def study_progress(folder: Path, record: Mapping[str, Any]) -> Progress | None:
    """Trials of a study; None where the folder holds none."""
    parts = list_parts(folder)
    if not parts and spec_of(dict(record), "study") is None:
        return None
    planned = _mapping(record.get("study")).get("trials")
    if not parts and planned is None:  # only another part of the scenario was run
        return None
    done = failed = 0
    for part in parts:
        rows, nulls = _footer(part.path(STUDY), "exception")
        done += rows
        failed += rows - nulls
    total = planned_trials(record)
    if total is not None:  # one that was tried again may stand twice until parts are merged
        done = min(done, total)
    ended = total is not None and done >= total
    return Progress("study", "trials", done, total, min(failed, done), ended)


def planned_trials(record: Mapping[str, Any]) -> int | None:
    """How many trials a folder's study has; None where its record does not say."""
    given = _mapping(record.get("study")).get("trials")
    spec = spec_of(dict(record), "study")
    if not isinstance(given, int):
        if not isinstance(spec, Mapping):
            return None
        return _product(spec)  # written before records said it
    place, count = shard_in(dict(record))
    return len(range(place - 1, given, count))


def _product(spec: Mapping[str, Any]) -> int | None:
    counts = [
        len(spec.get(name) or ()) for name in ("targets", "predictors", "training_sizes", "seeds")
    ]
    counts.append(max(1, len(spec.get("encodings") or ())))
    if spec.get("device_sets") or 0 in counts:
        return None
    return math.prod(counts)


def search_progress(folder: Path, record: Mapping[str, Any]) -> Progress | None:
    """Searches on tables; None where the folder holds none."""
    parts = folder / SEARCH_PARTS
    ended = (folder / SEARCHES).is_file()
    spec = spec_of(dict(record), "search")
    if not ended and not parts.is_dir():
        return None
    failed = len(record.get("search_failures") or ())
    total = _planned_searches(spec)
    if ended:
        done = total if total is not None else 0
        return Progress("search", "searches", done, total, failed, ended=True)
    done = sum(1 for each in parts.glob("*.parquet") if not each.name.startswith("."))
    return Progress("search", "searches", done, total)


def _planned_searches(spec: Any) -> int | None:
    if not isinstance(spec, Mapping):
        return None
    try:
        return len(planned_runs(validated(spec, SearchSpec, where="search")))
    except HwbenchError:  # a strategy of a package that is not installed here
        return None


def first_parts(record: Mapping[str, Any]) -> tuple[Progress, ...]:
    """What a run that has no result yet has begun with: its parts, where it says them."""
    spec = _mapping(record.get("spec"))
    found = []
    if spec.get("study"):
        found.append(Progress("study", "trials", 0, planned_trials(record)))
    if spec.get("simulation"):
        found.append(Progress("simulation", "selections", 0))
    if spec.get("search"):
        found.append(Progress("search", "searches", 0, _planned_searches(spec["search"])))
    return tuple(found[:1])


def simulation_progress(folder: Path) -> Progress | None:
    """Simulated selections, which are written when all have ended; None where there are none."""
    path = folder / SIMULATION
    if not path.is_file():
        return None
    rows, _ = _footer(path)
    return Progress("simulation", "selections", rows, rows, ended=True)


def live_progress(folder: Path) -> Progress:
    """Epochs of a live search."""
    trainer = _mapping(load_toml(folder / CONFIG).get("trainer"))
    epochs = trainer.get("stop_after") or trainer.get("epochs")
    done = _rows(folder / EPOCHS)
    total = epochs if isinstance(epochs, int) and epochs > 0 else None
    ended = (folder / LIVE_RESULT).is_file()
    return Progress("live search", "epochs", done, total, ended=ended)


def sweep_progress(folder: Path) -> Progress:
    """Searches of a sweep."""
    tree = load_toml(folder / SWEEP)
    also = _mapping(tree.get("also")).values()
    lists = [tree.get("values"), *also]
    total = None
    if all(isinstance(each, list) for each in [*lists, tree.get("seeds")]):
        combinations = math.prod(len(each) for each in lists)
        baseline = tree.get("baseline", "search" in tree)
        total = (combinations + bool(baseline)) * len(tree["seeds"])
    done = _rows(folder / SWEEP_RESULTS)
    return Progress("sweep", "searches", done, total, ended=total is not None and done >= total)


def compression_progress(folder: Path) -> Progress:
    """Trainings of a run of compressions; their number is not known before the end."""
    return Progress("compression", "trainings", _rows(folder / COMPRESSIONS))


def journal_progress(path: Path) -> tuple[Progress, dict[str, Any]]:
    """Results in a journal of measurements or trainings, and its recipe.

    Raises
    ------
    HwbenchError
        Where it is no journal.
    """
    with open_regular(path) as file:
        header = file.readline(MOST_HEADER)
        try:
            recipe = json.loads(header)["recipe"]
            part = "training" if recipe.get("kind") == "train" else "measurement"
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise HwbenchError(f"{path}: is no journal of measurements or trainings") from error
        done, failed = _counted(file)
    return Progress(part, "results", done, failed=failed), dict(recipe)


def _counted(lines: Iterable[bytes]) -> tuple[int, int]:
    """Results in the lines of a journal, and those that failed and have not come since."""
    done, failed = 0, set[tuple[Any, ...]]()
    for line in lines:
        if not line.endswith(b"\n"):  # being written
            continue
        done += 1
        fails = b'"failure"' in line
        if not fails and not failed:  # as most are: nothing of it need be known
            continue
        try:
            place = tuple(json.loads(line).get(name) for name in ("round", "row", "batch_size"))
            done -= place in failed
            (failed.add if fails else failed.discard)(place)
        except (ValueError, AttributeError, TypeError, RecursionError):  # torn, or of others
            continue
    return done, len(failed)


def _rows(path: Path) -> int:
    return _footer(path)[0] if path.is_file() else 0


def _footer(path: Path, column: str = "") -> tuple[int, int]:
    """Rows of a Parquet file, and how many of a column are null; nothing but the footer is read.

    Raises
    ------
    HwbenchError
        Where it is none.
    """
    check_regular(path)
    try:
        with pq.ParquetFile(
            path,
            thrift_string_size_limit=MOST_FOOTER_BYTES,
            thrift_container_size_limit=MOST_CONTAINER,
        ) as file:
            about = file.metadata
            places = [i for i, name in enumerate(about.schema.names) if name == column]
            nulls = 0
            for group in range(about.num_row_groups if places else 0):
                statistics = about.row_group(group).column(places[0]).statistics
                if statistics is not None and statistics.has_null_count:
                    nulls += statistics.null_count
            return int(about.num_rows), int(nulls)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise HwbenchError(f"{path}: cannot be read as Parquet; run it again") from error


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
