"""Run folders: everything a scenario found, and everything a reader needs to understand it."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from hwbench.environment import describe_machine, describe_versions
from hwbench.errors import HwbenchError
from hwbench.files import atomic_path, write_text
from hwbench.predictors import predictor_card
from hwbench.progress import Progress, silent
from hwbench.scenarios import Scenario, load_scenario, scenario_path
from hwbench.search.parts import remove_parts
from hwbench.search.run import SEARCH_FILES, write_search
from hwbench.simulation import run_simulation
from hwbench.study.plan import Plan, make_plan
from hwbench.study.run import Resources, run_plan
from hwbench.study.spec import Limits, StudySpec
from hwbench.study.store import PARTS, StudyStore, list_parts
from hwbench.tables.library import load_table, split_target, table_path
from hwbench.tables.table_file import file_digest
from hwbench.toml import validated

StageProgress = Callable[[str], Progress]
"""Given the title of a stage, the function that is told how far it is."""

Record = dict[str, Any]

RECORD = "run.json"
SIMULATION_FILES = ("simulation.parquet", "selection_example.parquet")
RESULT_FILES = (
    "study.parquet",
    "predictions.parquet",
    *SIMULATION_FILES,
    *SEARCH_FILES,
    RECORD,
    "report.html",
)

NOT_COMPARED = ("limits",)
"""Fields of a study's spec that change no number."""

GROWING = ("targets", "predictors", "training_sizes", "seeds")
"""Fields of a study's spec to which more may be added: the trials done stay as they are."""


def _silent_stage(_title: str) -> Progress:
    return silent


def run_scenario(
    name: str,
    folder: Path,
    *,
    parts: tuple[str, ...] = ("study", "simulation", "search"),
    workers: int = 1,
    backend: str = "local",
    address: str | None = None,
    shard: tuple[int, int] = (1, 1),
    fresh: bool = False,
    study_changes: Mapping[str, Any] | None = None,
    stage: StageProgress = _silent_stage,
) -> Path:
    """Run a scenario and write its results.

    A study that was stopped in the folder goes on where it was, and one that asks for more targets,
    predictors, training sizes or seeds than before adds their trials; searches that were stopped go
    on too, and are run anew once all have ended, as simulations are.

    Parameters
    ----------
    name : of the scenario, or the path of its `.toml` file.
    folder : the run folder; made if missing.
    parts : which of "study", "simulation" and "search" to run; those that the scenario lacks are
        left out.
    workers, backend, address : where the study is run, see `hwbench.study.run.Resources`.
    shard : (i, n): only the i-th of n parts of the study's trials, i from 1.
    fresh : whether results that the folder holds are removed first.
    study_changes : fields of the study's spec that replace the scenario's.
    stage : makes a progress function for each part.

    Returns
    -------
    The folder. It holds `scenario.toml` as given, `run.json` (resolved spec, versions, machine,
    tables with their hashes), and of the parts that ran `study.parquet`, `predictions.parquet`,
    `simulation.parquet` and `selection_example.parquet`, and those of `write_search`.

    Raises
    ------
    HwbenchError
        Where scenario, tables or predictors are unknown or broken, the scenario has none of the
        parts, the folder holds results of another spec, or cannot be written.
    """
    scenario = with_changes(load_scenario(name), study_changes or {})
    chosen = [part for part in parts if getattr(scenario, part) is not None]
    if not chosen:
        raise HwbenchError(f"scenario {name} has no section [{parts[0]}]")
    resources = Resources(workers, backend, address)
    plan = make_plan(scenario.study) if scenario.study is not None and "study" in chosen else None
    record: Record = {
        "scenario": Path(name).stem,
        "title": scenario.title,
        "description": scenario.description,
        "spec": scenario.model_dump(mode="json"),
        "predictors": _predictor_cards(scenario),
        "tables": _table_cards(scenario),
        "shard": list(shard),
    }
    if fresh:
        _remove_results(folder)
    record |= _continued(folder, record, plan, chosen)
    source = scenario_path(name).read_bytes()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_path(folder / "scenario.toml") as temporary:
            temporary.write_bytes(source)
    except OSError as error:
        raise HwbenchError(f"{folder}: cannot be written ({error.strerror})") from error
    with _session(folder, record, resources) as session:
        if plan is not None and scenario.study is not None:
            session["trials_run"] = run_plan(
                plan,
                folder,
                limits=scenario.study.limits,
                resources=resources,
                shard=shard,
                progress=stage("fitting predictors"),
            )
        if scenario.simulation is not None and "simulation" in chosen:
            simulation = run_simulation(
                scenario.simulation, workers=workers, progress=stage("simulating selections")
            )
            _write_frame(folder / "simulation.parquet", simulation.selections)
            _write_frame(folder / "selection_example.parquet", simulation.example)
        if scenario.search is not None and "search" in chosen:
            record["search_failures"] = write_search(
                scenario.search, folder, workers=workers, progress=stage("searching")
            )
    return folder


def resume_study(
    folder: Path,
    *,
    resources: Resources = Resources(),  # noqa: B008  frozen
    retry_failed: bool = False,
    limits: Limits | None = None,
    stage: StageProgress = _silent_stage,
) -> int:
    """Run what the study of a run folder lacks.

    Parameters
    ----------
    folder : the run folder.
    resources : where to run.
    retry_failed : whether to run those trials again that failed.
    limits : of each trial; the spec's by default.
    stage : makes a progress function.

    Returns
    -------
    How many trials were run.

    Raises
    ------
    HwbenchError
        Where the folder holds no study, or tables, predictors or code are no longer what they were.
    """
    record, plan, spec = read_plan(folder)
    with _session(folder, record, resources) as session:
        session["trials_run"] = run_plan(
            plan,
            folder,
            limits=limits or spec.limits,
            resources=resources,
            shard=shard_in(record),
            retry_failed=retry_failed,
            progress=stage("fitting predictors"),
        )
    return int(session["trials_run"])


def read_plan(folder: Path) -> tuple[Record, Plan, StudySpec]:
    """The record, the plan and the spec of a run folder's study.

    Raises
    ------
    HwbenchError
        Where the folder holds no study, or tables, predictors or code are no longer what they were.
    """
    record = read_record(folder)
    if record is None:
        raise HwbenchError(f"{folder}: holds no run, its {RECORD} is missing")
    scenario = validated(record.get("spec") or {}, Scenario, where=f"{folder / RECORD}: spec")
    if scenario.study is None or "study" not in record:
        raise HwbenchError(f"{folder}: holds no study")
    plan = make_plan(scenario.study)
    now = {**record, "predictors": _predictor_cards(scenario)}
    _refuse_other_study(folder, record, now, plan)
    return record, plan, scenario.study


def read_record(folder: Path) -> Record | None:
    """The record of a run folder, None where it has none.

    Raises
    ------
    HwbenchError
        Where there is no such folder, or its record is broken.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise HwbenchError(f"{path}: cannot be read as JSON; remove it or choose -o") from error
    if not isinstance(record, dict):
        raise HwbenchError(f"{path}: must hold a JSON object; remove it or choose -o")
    return record


def shard_in(record: Record) -> tuple[int, int]:
    """Which part of the trials a run folder is for, (1, 1) for all."""
    place, count = record.get("shard") or (1, 1)
    return int(place), int(count)


def with_changes(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """A scenario with fields of its study's spec replaced.

    Raises
    ------
    HwbenchError
        Where a field does not exist or cannot have that value.
    """
    if not changes or scenario.study is None:
        return scenario
    given = {**scenario.study.model_dump(), **changes}
    return scenario.model_copy(update={"study": validated(given, StudySpec, where="study")})


# ---------------------------------------------------------------------- merging


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
    records = []
    for source in sources:
        record = read_record(source) if source.is_dir() else None
        if record is None or "study" not in record:
            raise HwbenchError(f"{source}: holds no study")
        records.append(record)
    own = read_record(folder)
    first = records[0] if own is None else own
    for source, record in zip(sources, records, strict=True):
        found = _difference(first, record)
        if found:
            raise HwbenchError(f"{source}: cannot be merged, it holds another study ({found})")
    merged = {**first, "shard": [1, 1]}
    sessions = [session for record in records for session in record.get("sessions", [])]
    merged["sessions"] = [*(own.get("sessions", []) if own else []), *sessions]
    merged["seconds"] = round(sum(each.get("seconds", 0.0) for each in merged["sessions"]), 1)
    with StudyStore(folder) as store:
        added = sum(store.copy(source) for source in sources)
        store.compact()
        _write_record(folder, merged)
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


# ---------------------------------------------------------------------- what a folder holds


def _continued(folder: Path, record: Record, plan: Plan | None, chosen: Sequence[str]) -> Record:
    """What the record of a folder's earlier sessions adds to the one of a new session."""
    there = read_record(folder) if folder.is_dir() else None
    has_study = bool(list_parts(folder))
    if there is None:
        if has_study:
            raise HwbenchError(
                f"{folder}: holds results of a study without {RECORD}; "
                "choose another folder with -o, or replace them with --fresh"
            )
        _remove_results(folder)  # a simulation whose origin nobody can tell
        there = {}
    elif has_study:
        if plan is not None:
            _refuse_other_study(folder, there, record, plan)
        elif _spec_of(there, "study") != _spec_of(record, "study"):
            raise _other(folder, "its study has another spec")
    for part, files in (("simulation", SIMULATION_FILES), ("search", SEARCH_FILES)):
        kept_as_it_is = part not in chosen and (folder / files[0]).exists()
        if kept_as_it_is and _spec_of(there, part) != _spec_of(record, part):
            raise _other(folder, f"its {part} has another spec")
    kept: Record = {"sessions": there.get("sessions", [])}
    for name in ("study", "left_out", "search_failures"):
        if name in there:
            kept[name] = there[name]
    if plan is not None:
        kept["study"] = plan.record
        kept["left_out"] = [asdict(each) for each in plan.left_out]
    return kept


def _refuse_other_study(folder: Path, there: Record, now: Record, plan: Plan) -> None:
    now = {**now, "study": plan.record}
    found = _difference(_grown(there, now), now)
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
    before, after = _spec_of(there, "study"), _spec_of(now, "study")
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


def _spec_of(record: Record, part: str) -> Any:
    spec = record.get("spec")
    return spec.get(part) if isinstance(spec, dict) else None


def _difference(there: Record, now: Record) -> str:
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
        for key, value in (_spec_of(record, "study") or {}).items()
        if key not in NOT_COMPARED
    },
    "predictors": lambda record: record.get("predictors"),
    "values of targets": lambda record: record["study"].get("targets"),
    "version of the code": lambda record: record["study"].get("code"),
}


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


@contextlib.contextmanager
def _session(folder: Path, record: Record, resources: Resources) -> Iterator[Record]:
    """Keep the record of a run folder while something is run in it, and give the session's."""
    session: Record = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": 0.0,
        "trials_run": None,
        "workers": resources.workers,
        "backend": resources.backend,
        "machine": describe_machine(),
        "versions": describe_versions(),
    }
    earlier = list(record.get("sessions", []))
    record["sessions"] = [*earlier, session]
    record |= {name: session[name] for name in ("machine", "versions", "workers")}
    record["started"] = record["sessions"][0]["started"]
    start = time.monotonic()
    with contextlib.suppress(FileNotFoundError):
        (folder / "report.html").unlink()
    _write_record(folder, record)
    try:
        yield session
    finally:
        session["seconds"] = round(time.monotonic() - start, 1)
        record["seconds"] = round(sum(each["seconds"] for each in record["sessions"]), 1)
        with contextlib.suppress(HwbenchError):  # on a full disk the first error is the one to tell
            _write_record(folder, record)


def _write_record(folder: Path, record: Record) -> None:
    write_text(folder / RECORD, json.dumps(record, indent=2) + "\n", durable=True)


def _predictor_cards(scenario: Scenario) -> dict[str, Any]:
    names = scenario.study.predictors if scenario.study else ()
    return {name: predictor_card(name).model_dump(mode="json") for name in names}


def _table_cards(scenario: Scenario) -> dict[str, Any]:
    targets: list[str] = []
    if scenario.study:
        targets.extend(scenario.study.targets)
    if scenario.simulation:
        targets.extend(scenario.simulation.targets)
    if scenario.search:
        targets.extend([scenario.search.accuracy, *scenario.search.metrics])
    cards: dict[str, Any] = {}
    for target in targets:
        name, column = split_target(target)
        table = load_table(name)
        table.column(column)  # an unknown column is said now, not after the study
        if name not in cards:
            cards[name] = {
                "rows": len(table),
                "sha256": file_digest(table_path(name)),
                **table.card.model_dump(mode="json"),
            }
    return cards


def _remove_results(folder: Path) -> None:
    """Remove earlier results and nothing else: the folder may hold files of the user's."""
    try:
        for name in RESULT_FILES:
            (folder / name).unlink(missing_ok=True)
        for path in (folder / PARTS).glob("*.parquet"):
            path.unlink()
        remove_parts(folder)
    except OSError as error:
        raise HwbenchError(f"{folder}: cannot be written ({error.strerror})") from error


def _write_frame(path: Path, frame: pd.DataFrame) -> None:
    with atomic_path(path) as temporary:
        frame.to_parquet(temporary, compression="zstd", index=False)
