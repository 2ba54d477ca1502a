"""Putting the trials of several folders of one study into one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hwbench.errors import HwbenchError
from hwbench.locks import only_writer
from hwbench.results.record import read_record, write_record
from hwbench.results.study_reading import list_parts
from hwbench.results.study_writing import StudyStore
from hwbench.runs.continuing import difference


def merge_studies(folder: Path, sources: Sequence[Path]) -> int:
    """Put the trials of several folders of one study into one.

    Parameters
    ----------
    folder : where to; made if missing.
    sources : run folders of the same spec, tables, predictors and code: shards, or copies of one
        folder that were continued apart.

    Returns
    -------
    How many trials were added.

    Raises
    ------
    HwbenchError
        Where a source holds no study, or another one.
    """
    with only_writer(folder):
        return _merge(folder, sources)


def _merge(folder: Path, sources: Sequence[Path]) -> int:
    records = []
    for source in sources:
        record = read_record(source) if source.is_dir() else None
        if record is None or "study" not in record:
            raise HwbenchError(f"{source}: holds no study")
        records.append(record)
    own = read_record(folder)
    first = records[0] if own is None else own
    for source, record in zip(sources, records, strict=True):
        found = difference(first, record, code=True)
        if found:
            raise HwbenchError(f"{source}: cannot be merged, it holds another study ({found})")
    merged = {**first, "shard": [1, 1]}
    sessions = [session for record in records for session in record.get("sessions", [])]
    merged["sessions"] = [*(own.get("sessions", []) if own else []), *sessions]
    merged["seconds"] = round(sum(each.get("seconds", 0.0) for each in merged["sessions"]), 1)
    with StudyStore(folder) as store:
        added = sum(store.copy(source) for source in sources)
        store.compact()
        write_record(folder, merged)
    return added


def compact_study(folder: Path) -> int:
    """Make the plain result files of the parts of a study.

    Returns
    -------
    How many trials the folder holds.

    Raises
    ------
    HwbenchError
        Where the folder holds no study's results, or another process writes it.
    """
    if not list_parts(folder):
        raise HwbenchError(f"{folder}: holds no results of a study")
    with StudyStore(folder) as store:
        store.compact()
        return len(store.failed)
