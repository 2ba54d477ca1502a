"""The leaderboard's files: scores of studies, a row a fit, and beside them what made them.

A folder of the leaderboard holds `study_scores.parquet` and `study_runs.json`. hwbench's own stands
in `reports/results` of a clone and is installed with the package; what others hand in lies in
folders below its `contributed`, and what a user adds below `leaderboard` in HWBENCH_HOME.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, FiniteFloat

from hwbench.assets import assets_folder, home
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.results.frames import Column, Columns, read_rows, write_frame
from hwbench.results.record_shape import Anything, CodeShape, LeftOutShape, Shape
from hwbench.results.study_columns import FIT_CPU_SECONDS, SCORES
from hwbench.results.texts import read_object
from hwbench.toml import validated

SCORES_FILE = "study_scores.parquet"
RUNS_FILE = "study_runs.json"

OWN = "hwbench"
"""Where hwbench's own results are from, in the column `origin`."""

FIT = ["target", "predictor", "encoding", "tuning", "training_size", "seed"]
"""Columns that name a fit."""

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
"""What contributions, runs and predictors may be called."""

MOST_TITLE = 120
"""Characters of a title."""

BOARD_COLUMNS: Columns = {
    "target": Column("text", '"table:column"'),
    "predictor": Column("text", "name of the predictor's card"),
    "encoding": Column("text", "features that it was given"),
    "tuning": Column("text", 'what the fit searched; "" for the card\'s defaults'),
    "training_size": Column("integer", "measured architectures that it was fitted to"),
    "seed": Column("integer", "which architectures are measured, and the predictor's randomness"),
    "title": Column("text", "of the predictor"),
    "family": Column("text", "of the predictor"),
    "own_training_set": Column("flag", "whether it chooses what it is fitted to"),
    "test_size": Column("integer", "architectures that it was scored on"),
    **{name: Column("number", "see `hwbench.study.scores`") for name in SCORES},
    FIT_CPU_SECONDS: Column("number", "processor time of the fit, search included, s"),
    "predict_seconds": Column("number", "time to predict the test architectures, s"),
    "failure": Column("optional text", "why there is no score"),
    "run": Column("text", "name of the run in study_runs.json"),
    "trial": Column("text", "identity of the fit: hash of all that its scores depend on"),
}
"""Columns of `study_scores.parquet`; scores that few predictors have are NaN for others."""


class TargetShape(Shape):
    """What was predicted."""

    title: str
    unit: str = ""
    direction: str = "minimize"
    space: str
    rows: int
    digest: str
    ceiling: FiniteFloat | None = None
    baselines: dict[str, FiniteFloat] = Field(default_factory=dict)
    baseline_scores: dict[str, dict[str, FiniteFloat]] = Field(default_factory=dict)


class CostlyShape(Shape):
    """Predictors that are not fitted at large training sizes."""

    seconds: FiniteFloat
    largest: dict[str, int]


class SpecShape(Shape):
    """What the study asked for, as far as pages show it."""

    targets: list[str]
    predictors: list[str]
    training_sizes: list[int]
    seeds: list[int]
    test_size: int
    costly: CostlyShape | None = None


class RunShape(Shape):
    """What made the scores of one run."""

    scenario: str
    title: str
    spec: SpecShape
    targets: dict[str, TargetShape]
    tables: dict[str, str]
    cards: dict[str, str]
    code: CodeShape
    versions: dict[str, str | None]
    machine: Anything
    started: str
    left_out: list[LeftOutShape] = Field(default_factory=list)


class RunsShape(Shape):
    """The whole file."""

    runs: dict[str, RunShape]


Runs = dict[str, dict[str, Any]]
"""For each run by name what made it, see `RunShape`."""


@dataclass(frozen=True)
class Board:
    """Scores, and what made them.

    Attributes
    ----------
    scores : the columns of `BOARD_COLUMNS` and `origin`: "hwbench", or the name of a contribution.
    runs : by origin the runs by name.
    faults : what is wrong with contributions that are left out, a line each.
    """

    scores: pd.DataFrame
    runs: Mapping[str, Runs]
    faults: tuple[str, ...] = ()

    def run_of(self, origin: str, run: str) -> dict[str, Any]:
        """What made the scores of a run."""
        return self.runs[origin][run]

    def targets(self) -> dict[str, dict[str, Any]]:
        """What is known of each target, see `TargetShape`; hwbench's own says it first."""
        found: dict[str, dict[str, Any]] = {}
        for runs in self.runs.values():
            for run in runs.values():
                for target, about in run["targets"].items():
                    found.setdefault(target, about)
        return found


def results_folder() -> Path:
    """The folder of hwbench's own results."""
    return assets_folder("reports/results")


def contributed_folders() -> dict[str, Path]:
    """Folders of contributions by name: what is installed with hwbench, then the user's own."""
    found: dict[str, Path] = {}
    for place in (results_folder() / "contributed", home() / "leaderboard"):
        for path in sorted(place.glob(f"*/{SCORES_FILE}")):
            name = path.parent.name
            if NAME.fullmatch(name) and name != OWN:
                found.setdefault(name, path.parent)
    return found


def read_scores(folder: Path | None = None) -> pd.DataFrame:
    """Scores of a folder of the leaderboard, a row a fit.

    Parameters
    ----------
    folder : hwbench's own by default.

    Returns
    -------
    The columns of `BOARD_COLUMNS`.

    Raises
    ------
    HwbenchError
        Where the file is missing, damaged, or holds what it may not.
    """
    path = (folder or results_folder()) / SCORES_FILE
    frame = read_rows(path, BOARD_COLUMNS)
    if frame is None:
        raise HwbenchError(f"{path}: holds no scores; the leaderboard has none to show")
    _check_scores(path, frame)
    return frame


def read_runs(folder: Path | None = None) -> Runs:
    """What made the scores of a folder of the leaderboard, by name of the run.

    Raises
    ------
    HwbenchError
        Where the file is missing, or a field holds what it may not.
    """
    path = (folder or results_folder()) / RUNS_FILE
    if not path.exists():
        raise HwbenchError(f"{path}: is missing; it says what made the scores beside it")
    given = read_object(path)
    validated(given, RunsShape, where=str(path))
    for name in given["runs"]:
        _check_name(path, "run", name)
    runs: Runs = given["runs"]
    return runs


def read_board(*, contributed: bool = True) -> Board:
    """Read hwbench's own scores and, where asked for, those of contributions.

    Raises
    ------
    HwbenchError
        Where a file of hwbench's own is missing or damaged; contributions are then left out.
    """
    scores, runs, faults = [], {}, []
    own, runs[OWN] = _read_folder(results_folder())
    scores.append(own.assign(origin=OWN))
    for origin, folder in contributed_folders().items() if contributed else ():
        try:
            found, made_with = _read_folder(folder)
            _check_targets(folder, made_with, runs[OWN])
        except HwbenchError as error:
            faults.append(f"contribution {origin} is left out: {error}")
            continue
        scores.append(found.assign(origin=origin))
        runs[origin] = made_with
    return Board(pd.concat(scores, ignore_index=True), runs, tuple(faults))


def _read_folder(folder: Path) -> tuple[pd.DataFrame, Runs]:
    scores, runs = read_scores(folder), read_runs(folder)
    _check_runs(folder, scores, runs)
    return scores, runs


def write_board(folder: Path, scores: pd.DataFrame, runs: Runs) -> None:
    """Write scores and what made them, sorted, so that equal ones are equal files.

    Raises
    ------
    HwbenchError
        Where they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frame = scores[list(BOARD_COLUMNS)].sort_values(FIT, kind="stable", ignore_index=True)
    numbers = [name for name, each in BOARD_COLUMNS.items() if each.kind == "number"]
    frame = frame.astype(dict.fromkeys(numbers, np.float32))
    write_frame(folder / SCORES_FILE, frame)
    text = json.dumps({"runs": runs}, indent=1, sort_keys=True, allow_nan=False)
    write_text(folder / RUNS_FILE, f"{text}\n")


def joined(
    scores: pd.DataFrame, runs: Runs, new: pd.DataFrame, new_runs: Runs
) -> tuple[pd.DataFrame, Runs]:
    """Scores with others beside them: a fit that stands in both is that of the others.

    Fits that a run of the same name no longer holds are left out, since other code than today's
    made them; so are runs all of whose fits others have replaced.
    """
    kept = scores[~scores["run"].isin(new_runs)]
    both = pd.concat([kept, new], ignore_index=True)
    both = both.drop_duplicates(FIT, keep="last", ignore_index=True)
    named = set(both["run"])
    return both, {name: run for name, run in {**runs, **new_runs}.items() if name in named}


def _check_name(path: Path, noun: str, name: str) -> None:
    if not NAME.fullmatch(name):
        raise HwbenchError(
            f"{path}: {noun} {name[:80]!a} is no name: letters, digits, '_', '-' and '.', "
            "64 at most, first a letter or digit"
        )


def _check_scores(path: Path, frame: pd.DataFrame) -> None:
    for noun in ("predictor", "encoding", "run"):
        for name in frame[noun].unique():
            _check_name(path, noun, str(name))
    for noun in ("title", "family", "target", "tuning"):
        for text in frame[noun].unique():
            if not str(text).isprintable() or len(str(text)) > MOST_TITLE:
                raise HwbenchError(
                    f"{path}: {noun} {str(text)[:80]!a} is no text of {MOST_TITLE} printable "
                    "characters at most"
                )
    tau = frame["kendall_tau"]
    if (tau.abs() > 1 + 1e-6).any():
        raise HwbenchError(f"{path}: column 'kendall_tau' goes beyond -1 and 1")
    if (frame["training_size"] < 1).any() or (frame["seed"] < 0).any():
        raise HwbenchError(f"{path}: a training size or a seed is negative")
    twice = frame.duplicated(FIT)
    if twice.any():
        key = ", ".join(str(each) for each in frame.loc[twice, FIT].iloc[0])
        raise HwbenchError(f"{path}: a fit stands twice: {key}")


def _check_runs(folder: Path, scores: pd.DataFrame, runs: Runs) -> None:
    for name, rows in scores.groupby("run", sort=False):
        if name not in runs:
            raise HwbenchError(f"{folder / RUNS_FILE}: lacks the run {name} of its scores")
        for target in rows["target"].unique():
            if target not in runs[str(name)]["targets"]:
                raise HwbenchError(f"{folder / RUNS_FILE}: run {name} lacks the target {target}")


def _check_targets(folder: Path, runs: Runs, own: Runs) -> None:
    """See that a contribution is of hwbench's own targets, with the same values."""
    digests = {
        target: about["digest"] for run in own.values() for target, about in run["targets"].items()
    }
    for run in runs.values():
        for target, about in run["targets"].items():
            if digests.get(target) != about["digest"]:
                raise HwbenchError(
                    f"{folder / RUNS_FILE}: {target[:80]!a} is no target of the leaderboard, or "
                    "holds other values there"
                )
