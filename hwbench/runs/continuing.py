"""What a run folder holds already: whether a run may go on there, and what of its record stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hwbench.errors import HwbenchError
from hwbench.results.names import RECORD, SEARCH_FILES, SIMULATION_FILES
from hwbench.results.record import Record, read_record, remove_results, shard_in, spec_of
from hwbench.results.study_reading import list_parts
from hwbench.study.plan import Plan

NOT_COMPARED = ("limits",)
"""Fields of a study's spec that change no number."""


GROWING = ("targets", "predictors", "training_sizes", "seeds")
"""Fields of a study's spec to which more may be added: the trials done stay as they are."""


def continued(folder: Path, record: Record, plan: Plan | None, chosen: Sequence[str]) -> Record:
    """What the record of a folder's earlier sessions adds to the one of a new session."""
    there = read_record(folder) if folder.is_dir() else None
    has_study = bool(list_parts(folder))
    if there is None:
        if has_study:
            raise HwbenchError(
                f"{folder}: holds results of a study without {RECORD}; "
                "choose another folder with -o, or replace them with --fresh"
            )
        remove_results(folder)  # a simulation whose origin nobody can tell
        there = {}
    elif has_study:
        if plan is not None:
            refuse_other_study(folder, there, record, plan)
        elif spec_of(there, "study") != spec_of(record, "study"):
            raise _other(folder, "its study has another spec")
    for part, files in (("simulation", SIMULATION_FILES), ("search", SEARCH_FILES)):
        kept_as_it_is = part not in chosen and (folder / files[0]).exists()
        if kept_as_it_is and spec_of(there, part) != spec_of(record, part):
            raise _other(folder, f"its {part} has another spec")
    kept: Record = {"sessions": there.get("sessions", [])}
    for name in ("study", "left_out", "search_failures", "notes"):
        if name in there:
            kept[name] = there[name]
    if plan is not None:
        kept["study"] = plan.record
        kept["left_out"] = [asdict(each) for each in plan.left_out]
    return kept


def refuse_other_study(folder: Path, there: Record, now: Record, plan: Plan) -> None:
    """Raise where a folder holds another study than the one that is to be run in it."""
    now = {**now, "study": plan.record}
    found = difference(_grown(there, now), now)
    if found:
        raise _other(folder, found)
    if shard_in(there) != shard_in(now):
        texts = ["{}/{}".format(*shard_in(record)) for record in (there, now)]
        raise _other(folder, f"shard: {texts[0]} there, {texts[1]} now")


def _grown(there: Record, now: Record) -> Record:
    """The record of a folder as if it had asked for all that is asked for now, if that is more.

    A shard's trials are cut by their number, so its study cannot grow; nor may the first seed
    change, under which predictors stand that are fitted once.
    """
    before, after = spec_of(there, "study"), spec_of(now, "study")
    if "study" not in there or not before or not after or shard_in(there) != (1, 1):
        return there
    if any(not set(before[name]) <= set(after[name]) for name in GROWING):
        return there
    if before["seeds"][0] != after["seeds"][0]:
        return there
    return {
        **there,
        "spec": {**there["spec"], "study": {**before, **{name: after[name] for name in GROWING}}},
        "predictors": {**now["predictors"], **there.get("predictors", {})},
        "study": {
            **there["study"],
            "targets": {**now["study"]["targets"], **there["study"].get("targets", {})},
        },
    }


def _other(folder: Path, what: str) -> HwbenchError:
    return HwbenchError(
        f"{folder}: holds results of another run ({what}); "
        "choose another folder with -o, or replace them with --fresh"
    )


def difference(there: Record, now: Record) -> str:
    """The first thing in which two studies differ, in words; "" where they are one."""
    if "study" not in there:
        return "by an older version of hwbench"
    for title, get in _COMPARED.items():
        a, b = get(there), get(now)
        if a == b:
            continue
        if isinstance(a, dict) and isinstance(b, dict):
            key = next(key for key in {**a, **b} if a.get(key) != b.get(key))
            title, a, b = f"{title}.{key}", a.get(key), b.get(key)
        return f"{title}: {_short(a)} there, {_short(b)} now"
    return ""


_COMPARED: dict[str, Callable[[Record], Any]] = {
    "study": lambda record: {
        key: value
        for key, value in (spec_of(record, "study") or {}).items()
        if key not in NOT_COMPARED
    },
    "predictors": lambda record: record.get("predictors"),
    "values of targets": lambda record: record["study"].get("targets"),
    "version of the code": lambda record: record["study"].get("code"),
}


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
