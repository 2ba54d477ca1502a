"""Reading a run folder: every file checked before anything is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError

STUDY_COLUMNS = {
    "predictor": "text",
    "title": "text",
    "family": "text",
    "encoding": "text",
    "target": "text",
    "training_size": "integer",
    "seed": "integer",
    "test_size": "integer",
    "kendall_tau": "number",
    "spearman": "number",
    "pearson": "number",
    "mae": "number",
    "fit_seconds": "number",
    "predict_seconds": "number",
    "error": "optional text",
}
OPTIONAL_STUDY_COLUMNS = {"deviation": "number"}
"""Columns that older runs lack; they are filled with NaN."""

PREDICTION_COLUMNS = {
    "target": "text",
    "predictor": "text",
    "encoding": "text",
    "training_size": "integer",
    "seed": "integer",
    "truth": "number",
    "prediction": "number",
}
SIMULATION_COLUMNS = {
    "accuracy_target": "text",
    "metric_target": "text",
    "pairing": "text",
    "predictor": "optional text",
    "training_size": "integer",
    "n_candidates": "integer",
    "deviation": "number",
    "repeat": "integer",
    "mra_all": "number",
    "mra_pareto": "number",
    "hypervolume": "number",
    "hypervolume_true": "number",
    "hypervolume_space": "number",
    "hypervolume_space_true": "number",
    "kendall_tau": "number",
    "n_selected": "number",
    "n_selected_pareto": "number",
}
EXAMPLE_COLUMNS = {
    "arch": "text",
    "accuracy": "number",
    "metric": "number",
    "predicted_metric": "number",
    "selected": "flag",
    "selected_pareto": "flag",
    "true_front": "flag",
    "accuracy_target": "text",
    "metric_target": "text",
    "deviation": "number",
}

SEARCH_COLUMNS = {
    "strategy": "text",
    "accuracy_target": "text",
    "metric_target": "text",
    "goal": "text",
    "limit": "number",
    "seed": "integer",
    "evaluation": "integer",
    "arch": "text",
    "accuracy": "number",
    "metric": "number",
    "hypervolume": "number",
}
SEARCH_FRONT_COLUMNS = {
    "metric_target": "text",
    "arch": "text",
    "accuracy": "number",
    "metric": "number",
    "hypervolume": "number",
}
SEARCH_VERIFIED_COLUMNS = {
    "strategy": "text",
    "metric_target": "text",
    "seed": "integer",
    "training_size": "integer",
    "kendall_tau": "number",
    "mra_all": "number",
    "mra_pareto": "number",
    "mra_all_expected": "number",
    "mra_pareto_expected": "number",
}

LOOKUP_FAMILY = "lookup table"


@dataclass(frozen=True)
class Target:
    """A column of a table that was predicted or searched over, in words."""

    key: str
    title: str
    unit: str

    @property
    def with_unit(self) -> str:
        """The title with its unit: "latency, NAS-Bench-201 (ms)"."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def amount(self, number: str) -> str:
        """A formatted number with this target's unit behind it."""
        return f"{number} {self.unit}" if self.unit else number


@dataclass(frozen=True)
class Run:
    """The checked contents of a run folder; a part that is missing or has no rows is None."""

    folder: Path
    info: dict[str, Any]
    study: pd.DataFrame | None
    predictions: pd.DataFrame | None
    simulation: pd.DataFrame | None
    example: pd.DataFrame | None
    search: pd.DataFrame | None
    search_fronts: pd.DataFrame | None
    search_verified: pd.DataFrame | None

    def target(self, key: str) -> Target:
        """Title and unit of "table:column" as the run's record gives them, else the bare key."""
        table_name, _, column_name = key.partition(":")
        table = _mapping(_mapping(self.info.get("tables")).get(table_name))
        column = _mapping(_mapping(table.get("columns")).get(column_name))
        if not column:
            return Target(key, key, "")
        title = f"{column.get('title') or column_name}, {table.get('title') or table_name}"
        return Target(key, title, str(column.get("unit") or ""))

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


def read_run(folder: Path) -> Run:
    """Read and check a run folder.

    Raises
    ------
    HwbenchError
        Where the folder holds no study, simulation or search, or a file of it is broken.
    """
    if not folder.is_dir():
        raise HwbenchError(f"{folder}: no such run folder")
    study = _read_study(folder)
    predictions = None if study is None else _read_predictions(folder, study)
    simulation = _read_frame(folder / "simulation.parquet", SIMULATION_COLUMNS)
    search = _read_frame(folder / "search.parquet", SEARCH_COLUMNS)
    if study is None and simulation is None and search is None:
        raise HwbenchError(
            f"{folder}: nothing to report, the folder holds no rows in study.parquet, "
            "simulation.parquet or search.parquet"
        )
    return Run(
        folder=folder,
        info=_read_info(folder / "run.json"),
        study=None if study is None else name_entries(study),
        predictions=None if predictions is None else name_entries(predictions),
        simulation=simulation,
        example=_read_frame(folder / "selection_example.parquet", EXAMPLE_COLUMNS),
        search=search,
        search_fronts=_read_frame(folder / "search_fronts.parquet", SEARCH_FRONT_COLUMNS),
        search_verified=_read_frame(folder / "search_verified.parquet", SEARCH_VERIFIED_COLUMNS),
    )


def _read_study(folder: Path) -> pd.DataFrame | None:
    """The trials, finished or not; None where there are none."""
    from hwbench.study.store import result_columns

    there = result_columns(folder, "study")
    optional = {name: kind for name, kind in OPTIONAL_STUDY_COLUMNS.items() if name in there}
    study = _read_results(folder, "study", {**STUDY_COLUMNS, **optional})
    absent = dict.fromkeys(set(OPTIONAL_STUDY_COLUMNS) - there, np.nan)
    return None if study is None else study.assign(**absent)


def _read_predictions(folder: Path, study: pd.DataFrame) -> pd.DataFrame | None:
    """The predictions at the largest training size of each target; None where there are none."""
    import pyarrow.compute as pc

    sampled = study[study["family"] != LOOKUP_FAMILY]
    largest = sampled.groupby("target")["training_size"].max()
    wanted = pc.field("training_size").isin(sorted({int(size) for size in largest}))
    return _read_results(folder, "predictions", PREDICTION_COLUMNS, wanted)


def _read_results(
    folder: Path, kind: str, columns: Mapping[str, str], filters: Any = None
) -> pd.DataFrame | None:
    from hwbench.study.store import as_frame, read_results

    table = read_results(folder, kind, list(columns), filters)
    if table is None or not len(table):
        return None
    frame, path = as_frame(table), folder / f"{kind}.parquet"
    return pd.DataFrame({name: _checked(path, frame[name], kind) for name, kind in columns.items()})


def name_entries(frame: pd.DataFrame) -> pd.DataFrame:
    """A study's rows with the encoding in the names of predictors compared on several of them."""
    several = frame.groupby("predictor")["encoding"].transform("nunique") > 1
    named = frame["predictor"] + " (" + frame["encoding"] + ")"
    return frame.assign(predictor=frame["predictor"].where(~several, named))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _read_info(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise HwbenchError(f"{path}: cannot be read as JSON ({_one_line(error)})") from error
    if not isinstance(info, dict):
        raise HwbenchError(f"{path}: must hold a JSON object, not {type(info).__name__}")
    for key in ("spec", "machine", "versions", "tables"):
        if info.get(key) is not None and not isinstance(info[key], dict):
            raise HwbenchError(f"{path}: '{key}' must be an object, not {type(info[key]).__name__}")
    return info


def _read_frame(path: Path, columns: Mapping[str, str]) -> pd.DataFrame | None:
    """Read the named columns of a Parquet file; None where it is absent or has no rows."""
    if not path.exists():
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = set(pq.read_schema(path).names)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise HwbenchError(
            f"{path}: cannot be read as Parquet ({_one_line(error)}); run it again"
        ) from error
    missing = [name for name in columns if name not in names]
    if missing:
        raise HwbenchError(f"{path}: column '{missing[0]}' is missing")
    try:
        # The metadata that pandas stores could rename or re-index columns: results need none of it.
        frame = pq.read_table(path, columns=list(columns)).to_pandas(ignore_metadata=True)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise HwbenchError(
            f"{path}: cannot be read as Parquet ({_one_line(error)}); run it again"
        ) from error
    if frame.empty:
        return None
    return pd.DataFrame({name: _checked(path, frame[name], kind) for name, kind in columns.items()})


def _checked(path: Path, column: pd.Series, kind: str) -> pd.Series:
    """The column in the type that its kind asks for: text, optional text, flag, integer, number."""
    place = f"{path}: column '{column.name}'"
    if kind == "optional text":
        return column.map(lambda value: None if pd.isna(value) else str(value)).astype(object)
    if kind == "number":
        if column.isna().all():
            return pd.Series(np.nan, index=column.index, dtype=np.float64)
        if not pd.api.types.is_numeric_dtype(column):
            raise HwbenchError(f"{place} must hold numbers")
        return column.astype(np.float64).replace([np.inf, -np.inf], np.nan)
    if column.isna().any():
        raise HwbenchError(f"{place} holds missing values")
    if kind == "integer":
        if not pd.api.types.is_numeric_dtype(column) or (column % 1 != 0).any():
            raise HwbenchError(f"{place} must hold whole numbers")
        return column.astype(np.int64)
    if kind == "flag":
        if not pd.api.types.is_bool_dtype(column):
            raise HwbenchError(f"{place} must hold true or false")
        return column.astype(bool)
    return column.astype(str)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text[:160] or type(error).__name__
