"""Running a scenario, or what its study lacks, in a run folder that a stop leaves whole."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hwbench.environment import describe_machine, describe_versions
from hwbench.errors import HwbenchError
from hwbench.files import atomic_path, file_digest
from hwbench.locks import Claim, only_writer
from hwbench.predictors import predictor_card
from hwbench.progress import Note, StageProgress, silent_note, silent_stage
from hwbench.results.frames import require_rows, write_frame
from hwbench.results.kinds import refuse_other_kind
from hwbench.results.names import RECORD, REPORT, SCENARIO, SELECTION_EXAMPLE, SIMULATION
from hwbench.results.record import Record, read_record, remove_results, shard_in, write_record
from hwbench.runs.continuing import continued, in_words, refuse_other_study, remove_outdated
from hwbench.runs.scenario import Scenario, is_shipped, load_scenario, scenario_path
from hwbench.search.run import check_search, write_search
from hwbench.simulation import run_simulation
from hwbench.simulation.run import load_pairs
from hwbench.study.baselines import free_baselines
from hwbench.study.plan import Plan, make_plan
from hwbench.study.run import Resources, run_plan
from hwbench.study.spec import Limits, StudySpec
from hwbench.tables import load_target
from hwbench.tables.library import table_path
from hwbench.tables.pairs import Pair
from hwbench.toml import validated


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
    stage: StageProgress = silent_stage,
    note: Note = silent_note,
) -> Path:
    """Run a scenario and write its results.

    A study that was stopped in the folder goes on where it was, and one that asks for more targets,
    predictors, training sizes or seeds than before adds their trials; those of predictors and
    spaces whose code has changed since are run again and replaced. Searches that were stopped go on
    too, and are run anew once all have ended, as simulations are.

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
    note : told what is run again.

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
    scenario, plan, absent = _what_is_there(scenario, chosen, without_missing=is_shipped(name))
    record: Record = {
        "scenario": Path(name).stem,
        "title": scenario.title,
        "description": scenario.description,
        "spec": scenario.model_dump(mode="json"),
        "predictors": predictor_cards(scenario),
        "tables": _table_cards(scenario),
        "shard": list(shard),
    }
    if plan is not None:
        targets = plan.workload.targets.items()
        record["baselines"] = {key: free_baselines(data.target) for key, data in targets}
        if plan.spec.device_sets:
            trim = plan.spec.trimming == "help"
            record["set_baselines"] = {
                key: free_baselines(data.target, score="spearman", trim=trim)
                for key, data in targets
            }
    _check_pairs(scenario, chosen)
    source = scenario_path(name).read_bytes()
    with only_writer(folder) as claim:
        refuse_other_kind(folder, SCENARIO)
        if fresh:
            remove_results(folder)
        record |= continued(folder, record, plan, chosen)
        record.setdefault("notes", {})
        if plan is not None:
            record["notes"]["study"] = list(plan.missing)
        for sentence in (*(plan.missing if plan is not None else ()), *absent):
            note(sentence)
        again = {} if plan is None else _make_room(folder, plan, note)
        with atomic_path(folder / SCENARIO) as temporary:
            temporary.write_bytes(source)
        with recorded_session(claim, record, resources) as session:
            session["run_again"] = again
            if plan is not None and scenario.study is not None:
                session["trials_run"] = run_plan(
                    plan,
                    folder,
                    limits=scenario.study.limits,
                    resources=resources,
                    shard=shard,
                    progress=stage("fitting predictors"),
                )
            if "simulation" in chosen:
                _simulate(scenario, folder, record, workers, stage)
            if "search" in chosen:
                _search(scenario, folder, record, workers, stage)
                record["notes"]["search"] += absent
        claim.check()
    return folder


def _what_is_there(
    scenario: Scenario, chosen: Sequence[str], *, without_missing: bool
) -> tuple[Scenario, Plan | None, tuple[str, ...]]:
    """A scenario with what of it can be run here, its study's plan, and what its search lacks.

    Parameters
    ----------
    scenario : as it was written.
    chosen : its parts that are to be run.
    without_missing : whether what needs a library that is not installed is left out, and named, as
        of hwbench's own scenarios; else it is refused, as whoever wrote one means what it says.
    """
    plan: Plan | None = None
    absent: tuple[str, ...] = ()
    if scenario.study is not None and "study" in chosen:
        plan = make_plan(scenario.study, without_missing=without_missing)
        scenario = scenario.model_copy(update={"study": plan.spec})
    if scenario.search is not None and "search" in chosen:
        search, absent = scenario.search.installed(without_missing=without_missing)
        scenario = scenario.model_copy(update={"search": search})
    return scenario, plan, absent


def _simulate(
    scenario: Scenario, folder: Path, record: Record, workers: int, stage: StageProgress
) -> None:
    """Run the simulation of a scenario, and see that its results are on the disk."""
    if scenario.simulation is None:
        return
    found = run_simulation(
        scenario.simulation, workers=workers, progress=stage("simulating selections")
    )
    write_frame(folder / SIMULATION, found.selections)
    write_frame(folder / SELECTION_EXAMPLE, found.example)
    record["notes"]["simulation"] = list(found.notes)
    require_rows(folder / SIMULATION, len(found.selections))
    require_rows(folder / SELECTION_EXAMPLE, len(found.example))


def _search(
    scenario: Scenario, folder: Path, record: Record, workers: int, stage: StageProgress
) -> None:
    """Run the searches of a scenario."""
    if scenario.search is None:
        return
    found = write_search(scenario.search, folder, workers=workers, progress=stage("searching"))
    record["search_failures"] = list(found.failures)
    record["notes"]["search"] = list(found.notes)


def resume_study(
    folder: Path,
    *,
    resources: Resources = Resources(),  # noqa: B008  frozen
    retry_failed: bool = False,
    limits: Limits | None = None,
    stage: StageProgress = silent_stage,
    note: Note = silent_note,
) -> int:
    """Run what the study of a run folder lacks, and again what other code than today's made.

    Parameters
    ----------
    folder : the run folder.
    resources : where to run.
    retry_failed : whether to run those trials again that failed.
    limits : of each trial; the spec's by default.
    stage : makes a progress function.
    note : told what is run again.

    Returns
    -------
    How many trials were run.

    Raises
    ------
    HwbenchError
        As `read_plan`.
    """
    if read_record(folder) is None:
        raise _no_run(folder)
    with only_writer(folder) as claim:
        record, plan, spec = read_plan(folder)
        again = _make_room(folder, plan, note)
        record["study"] = plan.record
        with recorded_session(claim, record, resources) as session:
            session["run_again"] = again
            session["trials_run"] = run_plan(
                plan,
                folder,
                limits=limits or spec.limits,
                resources=resources,
                shard=shard_in(record),
                retry_failed=retry_failed,
                progress=stage("fitting predictors"),
            )
        claim.check()
    return int(session["trials_run"])


def read_plan(folder: Path) -> tuple[Record, Plan, StudySpec]:
    """The record, the plan and the spec of a run folder's study.

    Raises
    ------
    HwbenchError
        Where the folder holds no study, or tables, predictors or the code that all trials run are
        no longer what they were.
    """
    record = read_record(folder)
    if record is None:
        raise _no_run(folder)
    scenario = validated(record.get("spec") or {}, Scenario, where=f"{folder / RECORD}: spec")
    if scenario.study is None or "study" not in record:
        raise HwbenchError(f"{folder}: holds no study")
    plan = make_plan(scenario.study)
    now = {**record, "predictors": predictor_cards(scenario)}
    refuse_other_study(folder, record, now, plan)
    return record, plan, scenario.study


def _no_run(folder: Path) -> HwbenchError:
    return HwbenchError(f"{folder}: holds no run, its {RECORD} is missing")


def _make_room(folder: Path, plan: Plan, note: Note) -> dict[str, int]:
    """Remove what other code than today's made, and tell of it; numbers of trials by predictor."""
    removed = remove_outdated(folder, read_record(folder) or {}, plan)
    if removed:
        note(f"run again, since their code changed: {in_words(removed)}")
    return removed


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


@contextlib.contextmanager
def recorded_session(claim: Claim, record: Record, resources: Resources) -> Iterator[Record]:
    """Keep the record of a claimed run folder while something is run in it; gives the session's."""
    folder = claim.target
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
        (folder / REPORT).unlink()
    write_record(folder, record)
    try:
        yield session
    finally:
        session["seconds"] = round(time.monotonic() - start, 1)
        record["seconds"] = round(sum(each["seconds"] for each in record["sessions"]), 1)
        if claim.stands:  # a folder that was removed is not made again
            with contextlib.suppress(HwbenchError):  # on a full disk the first error is told
                write_record(folder, record)


def predictor_cards(scenario: Scenario) -> dict[str, Any]:
    """The cards of a study's predictors by name, as its record keeps them."""
    names = scenario.study.predictors if scenario.study else ()
    return {name: predictor_card(name).model_dump(mode="json") for name in names}


def _check_pairs(scenario: Scenario, chosen: Sequence[str]) -> None:
    """See that accuracies and metrics go together, before a study that may take days."""
    simulation, search = scenario.simulation, scenario.search
    if simulation is not None and "simulation" in chosen:
        load_pairs(simulation)
    if search is not None and "search" in chosen:
        for metric in search.metrics:
            Pair.load(search.accuracy, metric, disconnected=search.disconnected)
        if len(chosen) > 1:  # else it is the first that the search does
            check_search(search)


def _table_cards(scenario: Scenario) -> dict[str, Any]:
    targets: list[str] = []
    if scenario.study:
        targets.extend(scenario.study.targets)
    if scenario.simulation:
        targets.extend(scenario.simulation.targets)
    if scenario.search:
        targets.extend([scenario.search.accuracy, *scenario.search.metrics])
    cards: dict[str, Any] = {}
    for text in targets:
        target = load_target(text, missing="keep")  # what is unknown is said before the study
        name = target.table_name
        if name not in cards:
            cards[name] = {
                "rows": len(target.table),
                "sha256": file_digest(table_path(name)),
                **target.table.card.model_dump(mode="json"),
            }
    return cards
