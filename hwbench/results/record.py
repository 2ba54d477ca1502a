"""The record of a run folder, `run.json`: spec, predictors, tables, machine, versions, sessions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.results.names import PARTS, RECORD, SCENARIO_FILES, SEARCH_PARTS
from hwbench.results.record_shape import RecordShape
from hwbench.results.texts import read_object
from hwbench.toml import validated

Record = dict[str, Any]

DEEPEST = 50
"""No record of ours is nested deeper, and nothing that reads one must be."""


def read_record(folder: Path) -> Record | None:
    """The record of a run folder, None where it has none.

    Raises
    ------
    HwbenchError
        Where the record cannot be read, or a field holds what it may not, see `RecordShape`; the
        message names it.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    record = read_object(path)
    _check_texts(path, record)
    validated(record, RecordShape, where=str(path))
    return record


def _check_texts(path: Path, record: Record) -> None:
    """Refuse what cannot be written again: nesting without end, and halves of characters."""
    waiting: list[tuple[Any, int]] = [(record, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            raise HwbenchError(f"{path}: is nested deeper than {DEEPEST} levels; run it again")
        if isinstance(value, dict):
            waiting += [(each, depth + 1) for pair in value.items() for each in pair]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]
        elif isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise HwbenchError(f"{path}: holds half of a character; run it again") from error


def write_record(folder: Path, record: Record) -> None:
    """Write the record of a run folder; it is on the disk when this returns.

    Raises
    ------
    HwbenchError
        Where it cannot be written.
    """
    write_text(folder / RECORD, json.dumps(record, indent=2) + "\n", durable=True)


def shard_in(record: Record) -> tuple[int, int]:
    """Which part of the trials a run folder is for, (1, 1) for all."""
    place, count = record.get("shard") or (1, 1)
    return int(place), int(count)


def notes_of(record: Record | None) -> list[str]:
    """What was done to columns before anything was computed from them, each said once."""
    given = (record or {}).get("notes")
    by_part = given.values() if isinstance(given, dict) else ()
    return list(dict.fromkeys(str(note) for notes in by_part for note in notes or ()))


def spec_of(record: Record, part: str) -> Any:
    """The spec of a part, "study", "simulation" or "search"; None where the record has none."""
    spec = record.get("spec")
    return spec.get(part) if isinstance(spec, dict) else None


def remove_results(folder: Path) -> None:
    """Remove what earlier runs left and nothing else: the folder may hold files of the user's.

    Raises
    ------
    HwbenchError
        Where they cannot be removed.
    """
    try:
        for name in SCENARIO_FILES:
            (folder / name).unlink(missing_ok=True)
        for path in (folder / PARTS).glob("*.parquet"):
            path.unlink()
        remove_search_parts(folder)
    except OSError as error:
        raise HwbenchError(f"{folder}: cannot be written ({error.strerror})") from error


def remove_search_parts(folder: Path) -> None:
    """Remove the parts of searches in a run folder, and their folder where nothing else is in it.

    Raises
    ------
    OSError
        Where they cannot be removed.
    """
    parts = folder / SEARCH_PARTS
    if not parts.is_dir():
        return
    for path in [*parts.glob("*.parquet"), *parts.glob(".*.parquet")]:
        path.unlink()
    if not any(parts.iterdir()):
        parts.rmdir()
