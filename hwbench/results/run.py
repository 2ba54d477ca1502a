"""Reading run folders: what each holds, checked, and put together for one page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.notebook import panel
from hwbench.results.columns import (
    EXAMPLE_COLUMNS,
    PREDICTION_COLUMNS,
    SEARCH_COLUMNS,
    SEARCH_FRONT_COLUMNS,
    SEARCH_VERIFIED_COLUMNS,
    SIMULATION_COLUMNS,
    STUDY_COLUMNS,
)
from hwbench.results.compressions import is_compression
from hwbench.results.device_sets import over_device_sets, predictions_of_one_set
from hwbench.results.frames import Columns, checked_frame, read_rows
from hwbench.results.live import (
    LiveRun,
    LiveSweep,
    is_live_run,
    is_live_sweep,
    read_live_run,
    read_live_sweep,
)
from hwbench.results.names import (
    CONFIG,
    PREDICTIONS,
    REPORTED_FILES,
    RETRAINING_FILES,
    SEARCH_FRONTS,
    SEARCHES,
    SEARCHES_VERIFIED,
    SELECTION_EXAMPLE,
    SELECTION_FILES,
    SIMULATION,
    STUDY,
    SWEEP,
)
from hwbench.results.record import notes_of, read_record
from hwbench.results.retrainings import Retraining, read_retrainings, retraining_folders
from hwbench.results.selections import selection_folders
from hwbench.results.study_html import study_html
from hwbench.results.study_reading import as_frame, list_parts, read_results, result_columns
from hwbench.target_text import column_of, parse_target


@dataclass(frozen=True)
class TargetWords:
    """A column of a table that was predicted or searched over, in words.

    Attributes
    ----------
    key : "table:column".
    title : column in words, and its table where a run has several.
    unit : of its numbers; "" where nobody says.
    column : the column alone, in words.
    sign : -1 where larger is better, so that results hold it negated, else 1.
    """

    key: str
    title: str
    unit: str
    column: str = ""
    sign: int = 1

    @property
    def name(self) -> str:
        """The column alone, in words: "latency, cifar10"."""
        return self.column or column_of(self.key)

    @property
    def with_unit(self) -> str:
        """The title with its unit: "latency, cifar10 (ms)"."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def amount(self, number: str) -> str:
        """A formatted number with this target's unit behind it."""
        return f"{number} {self.unit}" if self.unit else number


@dataclass(frozen=True)
class Record:
    """Where a run's numbers are from.

    Attributes
    ----------
    folder : the run folder.
    info : what its `run.json` says; empty where it has none.
    config : the text of a live search's or sweep's configuration; "" for other runs.
    files : the result files that the folder holds.
    """

    folder: Path
    info: dict[str, Any]
    config: str
    files: tuple[Path, ...]

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """When and where the run was started and went on."""
        given = self.info.get("sessions")
        return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


@dataclass(frozen=True)
class Run:
    """The checked contents of a run folder, or of several that are shown on one page.

    Attributes
    ----------
    folder : the folder, the first of several.
    info : what `run.json` says: `title`, `spec`, `tables`, `predictors`, joined over folders.
    study, predictions, simulation, search, search_fronts, search_verified : rows of the files of
        that name; None where there is none or no row. Those of `study` are one a predictor, target,
        training size and seed.
    example : of a simulation one selection, to be drawn.
    trials : of a study all trials, also several device sets' of one predictor and target.
    live, sweeps : live searches and sweeps of them.
    retrainings : trainings from scratch of what no search found.
    records : one a folder.
    """

    folder: Path
    info: dict[str, Any]
    study: pd.DataFrame | None = None
    trials: pd.DataFrame | None = None
    predictions: pd.DataFrame | None = None
    simulation: pd.DataFrame | None = None
    example: pd.DataFrame | None = None
    search: pd.DataFrame | None = None
    search_fronts: pd.DataFrame | None = None
    search_verified: pd.DataFrame | None = None
    live: tuple[LiveRun, ...] = ()
    sweeps: tuple[LiveSweep, ...] = ()
    retrainings: tuple[Retraining, ...] = ()
    records: tuple[Record, ...] = ()

    def __repr__(self) -> str:
        return f"<Run {self.folder}: {', '.join(self._holds) or 'nothing'}>"

    def _repr_html_(self) -> str:
        shown = "" if self.study is None else study_html(self.study)
        facts = [("folder", self.folder), ("holds", ", ".join(self._holds))]
        return panel(str(self.info.get("title") or self.folder.name), facts, shown)

    @property
    def _holds(self) -> list[str]:
        """What it is made of, in words."""
        found = [
            f"{len(frame):,} {what}"
            for frame, what in (
                (self.study, "trials of a study"),
                (self.simulation, "simulated selections"),
                (self.search, "evaluations of searches"),
            )
            if frame is not None
        ]
        return found + [f"{len(self.live)} live searches"] * bool(self.live)

    def target(self, key: str) -> TargetWords:
        """Title and unit of "table:column" as the run's record gives them, else the bare key."""
        table_name, column_name = parse_target(key) or ("", "")
        table = self._table(table_name)
        column = _mapping(_mapping(table.get("columns")).get(column_name))
        if not column:
            return TargetWords(key, key, "")
        name = re.split("[,;]", str(column.get("title") or column_name))[0]
        if column.get("dataset"):
            name += f", {column['dataset']}"
        several = len(_mapping(self.info.get("tables"))) > 1
        title = f"{name}, {table.get('title') or table_name}" if several else name
        sign = -1 if column.get("direction") == "maximize" else 1
        return TargetWords(key, title, str(column.get("unit") or ""), name, sign)

    def ceiling(self, key: str) -> float | None:
        """About the best tau that noise leaves to any predictor of "table:column", where known."""
        table_name, column_name = parse_target(key) or ("", "")
        column = _mapping(_mapping(self._table(table_name).get("columns")).get(column_name))
        given = _mapping(column.get("noise")).get("tau_ceiling")
        return float(given) if isinstance(given, int | float) else None

    def baselines(self, key: str) -> dict[str, float]:
        """Kendall's tau with "table:column" of what is known without measuring, by its name."""
        given = _mapping(_mapping(self.info.get("baselines")).get(key))
        return {str(name): float(tau) for name, tau in given.items()}

    def searched(self, predictor: str) -> bool | None:
        """Whether a predictor's card names hyper-parameters to search; None: it is not recorded."""
        card = _mapping(_mapping(self.info.get("predictors")).get(predictor))
        return bool(card.get("search")) if card else None

    def space(self, key: str) -> str:
        """The name of the space of "table:column"; "" where the record does not say."""
        table_name, _ = parse_target(key) or ("", "")
        return str(self._table(table_name).get("space") or "")

    @property
    def search_limits(self) -> dict[str, tuple[float, ...]]:
        """The limits of each metric that was searched under, negated where the metric is."""
        search = _mapping(_mapping(self.info.get("spec")).get("search"))
        return {
            str(metric): tuple(self.target(str(metric)).sign * limit for limit in limits)
            for metric, limits in _mapping(search.get("limits")).items()
        }

    @property
    def notes(self) -> list[str]:
        """What was done to columns before anything was computed from them."""
        return list(dict.fromkeys(note for each in self.records for note in notes_of(each.info)))

    def _table(self, name: str) -> Mapping[str, Any]:
        return _mapping(_mapping(self.info.get("tables")).get(name))

    def predictor_title(self, name: str) -> str:
        """A predictor's title as the run's record gives it, else its name."""
        card = _mapping(_mapping(self.info.get("predictors")).get(name))
        return str(card.get("title") or name)

    @property
    def left_out(self) -> list[dict[str, str]]:
        """What could not be run: predictor, encoding, target and reason of each, as text."""
        given = self.info.get("left_out")
        entries = [_mapping(each) for each in given] if isinstance(given, list) else []
        keys = ("predictor", "encoding", "target", "reason")
        return [{key: str(each.get(key, "")) for key in keys} for each in entries if each]


PARTS = {
    "study": "study",
    "simulation": "simulation",
    "search": "search",
}
"""Fields of a `Run` of which a page shows one, and what they are called."""


def read_run(folder: Path | str) -> Run:
    """Read and check a run folder.

    Parameters
    ----------
    folder : of a scenario's run, a live search or a sweep.

    Raises
    ------
    HwbenchError
        Where the folder holds nothing to report, or a file of it is broken.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise HwbenchError(f"{folder}: no such run folder")
    if is_live_run(folder) or is_live_sweep(folder):
        return _read_live(folder)
    if is_compression(folder):
        raise HwbenchError(
            f"{folder}: holds compressions; for their page use hwbench compress report {folder}"
        )
    study = read_study(folder)
    predictions = None if study is None else _read_predictions(folder, study)
    simulation = read_rows(folder / SIMULATION, SIMULATION_COLUMNS)
    search = read_rows(folder / SEARCHES, SEARCH_COLUMNS)
    retrainings = read_retrainings(folder)
    if study is None and simulation is None and search is None and not retrainings:
        raise HwbenchError(
            f"{folder}: nothing to report, the folder holds no rows in study.parquet, "
            "simulation.parquet or search.parquet, no live search and no training from scratch"
        )
    info = read_record(folder) or {}
    return Run(
        folder=folder,
        info=info,
        study=None if study is None else name_entries(over_device_sets(study)),
        trials=study,
        predictions=(
            None
            if predictions is None or study is None
            else name_entries(predictions_of_one_set(predictions, study))
        ),
        simulation=simulation,
        example=read_rows(folder / SELECTION_EXAMPLE, EXAMPLE_COLUMNS),
        search=search,
        search_fronts=read_rows(folder / SEARCH_FRONTS, SEARCH_FRONT_COLUMNS),
        search_verified=read_rows(folder / SEARCHES_VERIFIED, SEARCH_VERIFIED_COLUMNS),
        retrainings=retrainings,
        records=(Record(folder, info, "", _files(folder)),),
    )


def read_runs(folders: Sequence[Path]) -> Run:
    """Read run folders for one page.

    Raises
    ------
    HwbenchError
        As `read_run`; and where two folders hold the same part, or other tables of one name.
    """
    runs = [read_run(folder) for folder in folders]
    joined = runs[0]
    for run in runs[1:]:
        joined = _joined(joined, run)
    return joined


def _joined(one: Run, other: Run) -> Run:
    for part, name in PARTS.items():
        if getattr(one, part) is not None and getattr(other, part) is not None:
            holder = next(r.folder for r in one.records if (r.folder / f"{part}.parquet").exists())
            raise HwbenchError(
                f"{holder} and {other.folder} both hold a {name}: "
                "hwbench report compare shows two runs side by side"
            )
    own = {
        field.name: getattr(other, field.name)
        for field in fields(Run)
        if getattr(one, field.name) is None
    }
    return replace(
        one,
        **own,
        info=_joined_info(one, other),
        live=(*one.live, *other.live),
        sweeps=(*one.sweeps, *other.sweeps),
        retrainings=(*one.retrainings, *other.retrainings),
        records=(*one.records, *other.records),
    )


def _joined_info(one: Run, other: Run) -> dict[str, Any]:
    """What a page says of both: titles in a row, tables, predictors and failures of both."""
    first, second = one.info, other.info
    tables = dict(_mapping(first.get("tables")))
    for name, table in _mapping(second.get("tables")).items():
        there = _mapping(tables.get(name)).get("sha256")
        if name in tables and there != _mapping(table).get("sha256"):
            raise HwbenchError(
                f"{one.folder} and {other.folder}: their tables {name} differ (SHA-256); "
                "report them one by one"
            )
        tables[name] = table
    joined = {**second, **first, "tables": tables}
    titles = [record.folder.name for run in (one, other) for record in run.records]
    joined["title"] = f"{len(titles)} runs: " + ", ".join(titles)
    for key in ("predictors", "spec"):
        both = {**_mapping(second.get(key)), **_mapping(first.get(key))}
        given = {name: value for name, value in _mapping(second.get(key)).items() if value}
        joined[key] = {**both, **given} if key == "spec" else both
    for key in ("left_out", "search_failures"):
        joined[key] = [
            each for info in (first, second) for each in info.get(key) or [] if info.get(key)
        ]
    times = [info.get("seconds") for info in (first, second)]
    joined["seconds"] = sum(time for time in times if isinstance(time, int | float)) or None
    return joined


def _read_live(folder: Path) -> Run:
    """The run of a live search's folder, or of a sweep's with those of its searches."""
    if is_live_sweep(folder):
        sweep = read_live_sweep(folder)
        found = sorted(path for path in folder.iterdir() if path.is_dir() and is_live_run(path))
        config = folder / SWEEP
        runs = [_read_live(path) for path in found]
        info: dict[str, Any] = {"title": str(sweep.config.get("title") or folder.name)}
        if runs:
            info = {**runs[0].info, **info}
        own = Record(folder, {}, config.read_text(encoding="utf-8"), _files(folder))
        return Run(
            folder=folder,
            info=info,
            live=tuple(each for run in runs for each in run.live),
            sweeps=(sweep,),
            # The sweep's configuration says what those of its searches are.
            records=(own, *(replace(each, config="") for run in runs for each in run.records)),
        )
    live = read_live_run(folder)
    _check_live(live)
    title = str(live.config.get("title") or folder.name)
    info = {**live.record, "title": title, "config": live.config}
    text = (folder / CONFIG).read_text(encoding="utf-8")
    record = Record(folder, live.record, text, _files(folder))
    return Run(folder=folder, info=info, live=(live,), records=(record,))


def _check_live(live: LiveRun) -> None:
    """See that a live search's files say what the report shows of them."""
    space = live.config.get("space")
    if not isinstance(space, dict) or not isinstance(space.get("name"), str):
        raise HwbenchError(f"{live.folder / 'config.toml'}: [space] must have a name")
    for name in ("search_accuracy", "test_accuracy"):
        if live.result and not isinstance(live.result.get(name), int | float):
            raise HwbenchError(f"{live.folder / 'result.json'}: '{name}' must be a number")


def _files(folder: Path) -> tuple[Path, ...]:
    """The result files of a folder, its selections and retrainings; of a study's also its parts."""
    parts = [part.path(kind) for part in list_parts(folder) for kind in (STUDY, PREDICTIONS)]
    selected = [each / name for each in selection_folders(folder) for name in SELECTION_FILES]
    trained = [each / name for each in retraining_folders(folder) for name in RETRAINING_FILES]
    paths = [*(folder / name for name in REPORTED_FILES), *selected, *trained, *parts]
    return tuple(dict.fromkeys(path for path in paths if path.is_file()))


def read_study(folder: Path) -> pd.DataFrame | None:
    """The trials of a run folder, finished or not, checked; None where there are none.

    Raises
    ------
    HwbenchError
        Where a file is broken, lacks a column, or a column holds what it may not.
    """
    there = result_columns(folder, STUDY)
    wanted = {
        name: column
        for name, column in STUDY_COLUMNS.items()
        if name in there or not column.optional
    }
    study = _read_results(folder, STUDY, wanted)
    absent = dict.fromkeys([name for name in STUDY_COLUMNS if name not in wanted], np.nan)
    return None if study is None else study.assign(**absent)


def _read_predictions(folder: Path, study: pd.DataFrame) -> pd.DataFrame | None:
    """The predictions at the largest training size of each target; None where there are none."""
    import pyarrow.compute as pc

    sampled = study[~study["own_training_set"]]
    largest = sampled.groupby("target")["training_size"].max()
    wanted = pc.field("training_size").isin(sorted({int(size) for size in largest}))
    return _read_results(folder, PREDICTIONS, PREDICTION_COLUMNS, wanted)


def _read_results(
    folder: Path, kind: str, columns: Columns, filters: Any = None
) -> pd.DataFrame | None:
    table = read_results(folder, kind, list(columns), filters)
    if table is None or not len(table):
        return None
    return checked_frame(folder / f"{kind}.parquet", as_frame(table), columns)


def name_entries(frame: pd.DataFrame) -> pd.DataFrame:
    """A study's rows with the encoding in the names of predictors compared on several of them."""
    several = frame.groupby("predictor")["encoding"].transform("nunique") > 1
    named = frame["predictor"] + " (" + frame["encoding"] + ")"
    return frame.assign(predictor=frame["predictor"].where(~several, named))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
