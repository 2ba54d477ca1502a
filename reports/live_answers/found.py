"""What is kept of live searches in reports/results, and how what is new joins it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hwbench.results.live import read_live_run, read_live_sweep
from hwbench.results.live_runs import tidy_runs
from hwbench.results.selections import read_selections
from hwbench.spaces import get_space
from hwbench.tables import load_target

KEYS = {
    "live_runs": ["sweep", "run"],
    "live_epochs": ["sweep", "run", "epoch"],
    "live_searches": ["sweep", "value", "seed"],
    "live_selections": ["sweep", "run", "selection"],
    "live_rankings": ["sweep", "run", "architecture"],
    "live_strengths": ["sweep", "run", "position", "operation"],
}
"""The files, and what tells their rows apart."""

SIZES = {"flops": "FLOPs", "parameters": "parameters"}
"""What ranks at no cost: columns of a table beside its accuracies, and their words."""


@dataclass(frozen=True, eq=False)
class Found:
    """What is kept of the searches of some sweeps: a frame a file.

    Attributes
    ----------
    runs, epochs, searches, selections, rankings, strengths : as their files, see `KEYS`.
    sweeps : the folder names of the sweeps, in the order they were asked for; none for all.
    """

    runs: pd.DataFrame
    epochs: pd.DataFrame
    searches: pd.DataFrame
    selections: pd.DataFrame
    rankings: pd.DataFrame
    strengths: pd.DataFrame
    sweeps: tuple[str, ...] = ()

    def of(self, sweeps: str) -> Found:
        """Of one sweep alone, or of several whose names a plus joins."""
        names = tuple(sweeps.split("+"))
        frames = (self.runs, self.epochs, self.searches)
        others = (self.selections, self.rankings, self.strengths)
        return Found(*(own[own["sweep"].isin(names)] for own in (*frames, *others)), names)


def gather(results: Path, folders: list[Path]) -> Found:
    """What is kept, with what folders of sweeps hold in place of the same searches; kept at once.

    Parameters
    ----------
    results : the folder of what is kept.
    folders : of `hwbench live sweep`.
    """
    new = [read_sweep(folder) for folder in folders]
    return Found(
        *(_gathered(results / f"{name}.parquet", [each[name] for each in new]) for name in KEYS)
    )


def _gathered(path: Path, added: list[pd.DataFrame]) -> pd.DataFrame:
    """What is known of one kind, with what is added to it."""
    keys = KEYS[path.stem]
    known = together(path.stem, [*([pd.read_parquet(path)] if path.exists() else []), *added])
    if known.empty:
        return known
    frame = known.drop_duplicates(keys, keep="last").sort_values(keys).reset_index(drop=True)
    if added:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(path, compression="zstd", index=False)
    return frame


def read_sweep(folder: Path) -> dict[str, pd.DataFrame]:
    """The frames of a sweep's folder, by their names in `KEYS`."""
    runs, epochs = tidy_runs([folder])
    found = [
        {
            "run": run,
            "seed": seed,
            "selection": each.folder.name,
            "architecture": each.result.architecture,
            "true_value": each.true_accuracy,
        }
        for run, seed in zip(runs["run"], runs["seed"], strict=True)
        for each in read_selections(folder / run)
    ]
    frames = {
        "live_runs": runs,
        "live_epochs": epochs,
        "live_searches": read_live_sweep(folder).searches,
        "live_selections": pd.DataFrame(found),
        "live_rankings": together(
            "live_rankings",
            [
                ranked(folder / run, target)
                for run, target in zip(runs["run"], runs["target"], strict=True)
            ],
        ),
        "live_strengths": together(
            "live_strengths", [learned(folder / run) for run in runs["run"]]
        ),
    }
    return {name: frame.assign(sweep=folder.name) for name, frame in frames.items()}


def together(name: str, frames: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of several frames of one kind, of which some may have none.

    Columns without a value would decide the dtypes of others: they join last, as missing.
    """
    with_rows = [frame for frame in frames if len(frame)]
    if not with_rows:
        return pd.DataFrame(columns=KEYS[name])
    columns = dict.fromkeys(column for frame in with_rows for column in frame)
    with_values = [frame.dropna(axis="columns", how="all") for frame in with_rows]
    return pd.concat(with_values).reindex(columns=list(columns))


def ranked(folder: Path, target: str | None) -> pd.DataFrame:
    """What a run's supernet says of architectures beside their true values and sizes, if known."""
    run = read_live_run(folder)
    if run.ranking.empty:
        return pd.DataFrame()
    frame = run.ranking.reindex(columns=["architecture", "score", "accuracy", "true"])
    frame = frame.assign(run=folder.name)
    if target is None or not run.measures:
        return frame
    space = get_space(run.config["space"]["name"])
    archs = np.stack([space.from_string(text) for text in frame["architecture"]])
    table, _, column = target.rpartition(":")
    prefix = column.rpartition(".")[0]
    for size in SIZES:
        sizes = load_target(f"{table}:{prefix}.{size}" if prefix else f"{table}:{size}")
        frame[size] = sizes.check_space(space.name, "sizes").values_of(archs)
    return frame


def learned(folder: Path) -> pd.DataFrame:
    """The strengths of the candidates after the last epoch of a run that has ended."""
    run = read_live_run(folder)
    if run.strengths.empty or not run.result:
        return pd.DataFrame()
    last = run.strengths[run.strengths["epoch"] == run.strengths["epoch"].max()]
    return last[["position", "operation", "strength"]].assign(run=folder.name)
