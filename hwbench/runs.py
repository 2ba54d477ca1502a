"""Run folders: everything a scenario found, and everything a reader needs to understand it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
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
from hwbench.search.run import SEARCH_FILES, write_search
from hwbench.simulation import run_simulation
from hwbench.study import StudySpec, run_study
from hwbench.tables.library import load_table, split_target, table_path
from hwbench.tables.table_file import file_digest
from hwbench.toml import validated

StageProgress = Callable[[str], Progress]
"""Given the title of a stage, the function that is told how far it is."""

RESULT_FILES = (
    "study.parquet",
    "predictions.parquet",
    "simulation.parquet",
    "selection_example.parquet",
    *SEARCH_FILES,
    "run.json",
    "report.html",
)


def _silent_stage(_title: str) -> Progress:
    return silent


def run_scenario(
    name: str,
    folder: Path,
    *,
    parts: tuple[str, ...] = ("study", "simulation", "search"),
    workers: int = 1,
    study_changes: Mapping[str, Any] | None = None,
    stage: StageProgress = _silent_stage,
) -> Path:
    """Run a scenario and write its results.

    Parameters
    ----------
    name : of the scenario, or the path of its `.toml` file.
    folder : the run folder; made if missing, its earlier results are replaced.
    parts : which of "study", "simulation" and "search" to run; those that the scenario lacks are
        left out.
    workers : processes.
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
        parts, or the folder cannot be written.
    """
    scenario = _with_changes(load_scenario(name), study_changes or {})
    chosen = [part for part in parts if getattr(scenario, part) is not None]
    if not chosen:
        raise HwbenchError(f"scenario {name} has no section [{parts[0]}]")
    record = {
        "scenario": Path(name).stem,
        "title": scenario.title,
        "description": scenario.description,
        "spec": scenario.model_dump(mode="json"),
        "predictors": _predictor_cards(scenario),
        "tables": _table_cards(scenario),
        "machine": describe_machine(),
        "versions": describe_versions(),
        "workers": workers,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    start = time.monotonic()
    _prepare_folder(folder)
    if scenario.study is not None and "study" in chosen:
        study = run_study(scenario.study, workers=workers, progress=stage("fitting predictors"))
        record["left_out"] = [asdict(each) for each in study.left_out]
        _write_frame(folder / "study.parquet", study.trials)
        _write_frame(folder / "predictions.parquet", study.predictions)
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
    record["seconds"] = round(time.monotonic() - start, 1)
    try:
        with atomic_path(folder / "scenario.toml") as temporary:
            shutil.copyfile(scenario_path(name), temporary)
    except OSError as error:
        raise HwbenchError(f"{folder}: cannot be written ({error.strerror})") from error
    write_text(folder / "run.json", json.dumps(record, indent=2) + "\n")
    return folder


def _with_changes(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    if not changes or scenario.study is None:
        return scenario
    given = {**scenario.study.model_dump(), **changes}
    return scenario.model_copy(update={"study": validated(given, StudySpec, where="study")})


def _predictor_cards(scenario: Scenario) -> dict[str, Any]:
    names = scenario.study.predictors if scenario.study else ()
    return {name: predictor_card(name).model_dump(mode="json") for name in names}


def _table_cards(scenario: Scenario) -> dict[str, Any]:
    targets: list[str] = []
    if scenario.study:
        targets.extend(scenario.study.targets)
    if scenario.simulation:
        targets.extend([scenario.simulation.accuracy, *scenario.simulation.metrics])
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


def _prepare_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in RESULT_FILES:  # and nothing else: the folder may hold files of the user's
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise HwbenchError(f"{folder}: cannot be written ({error.strerror})") from error


def _write_frame(path: Path, frame: pd.DataFrame) -> None:
    with atomic_path(path) as temporary:
        frame.to_parquet(temporary, compression="zstd", index=False)
