"""A run's results in a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hwbench.cli.output import print_listing
from hwbench.results.names import SIMULATION
from hwbench.results.record import read_record

if TYPE_CHECKING:
    import pandas as pd


def print_study(folder: Path) -> None:
    """Print the mean Kendall tau of every predictor at every training size, a table a target."""
    from hwbench.results.run import name_entries, read_study

    study = read_study(folder)
    if study is None:
        return
    trials = name_entries(study)
    typer.echo("Kendall's tau by number of measured architectures, mean over seeds")
    for target, of_target in trials.groupby("target"):
        # A predictor with a training set of its own stands beside the sampled sizes.
        own_size = of_target["own_training_set"]
        of_target = of_target.assign(
            column=of_target["training_size"].astype(str).where(~own_size, "own")
        )
        sizes = [str(size) for size in sorted(of_target.loc[~own_size, "training_size"].unique())]
        columns = [*sizes, *(["own"] if own_size.any() else [])]
        rows: list[dict[str, Any]] = []
        for name, of_name in of_target.groupby("predictor"):
            row: dict[str, Any] = {"predictor": name, **dict.fromkeys(columns, "")}
            for column, values in of_name.groupby("column")["kendall_tau"]:
                row[str(column)] = f"{values.mean():.3f}"
            rows.append({"order": -of_name["kendall_tau"].mean(), **row})
        rows.sort(key=lambda row: row["order"])
        print_listing(rows, ["predictor", *columns], as_json=False, title=str(target))
    for each in (read_record(folder) or {}).get("left_out", []):
        typer.echo(f"left out: {each['predictor']} on {each['target']}: {each['reason']}")
    stopped = int(trials["stopped_by_time"].sum())
    if stopped:
        typer.echo(f"the time limit ended the search for hyper-parameters in {stopped} trials")
    failed = int(trials["error"].notna().sum())
    if failed:
        reason = str(trials["error"].dropna().iloc[0]).strip().splitlines()[-1]
        print_listing(
            [{"failed trials": failed, "first reason": reason}],
            ["failed trials", "first reason"],
            as_json=False,
        )


def print_simulation(folder: Path) -> None:
    """Print what selections by predictors of each quality lose: medians, nine in ten, means."""
    from hwbench.analysis.statistics import central_range
    from hwbench.results.columns import SIMULATION_COLUMNS
    from hwbench.results.frames import read_frame

    path = folder / SIMULATION
    selections = read_frame(path, SIMULATION_COLUMNS)
    if selections is None:
        return
    import numpy as np

    selections = selections.fillna({"predictor": "simulated"})
    typer.echo(
        "What selecting by predictions costs, by quality of the predictor: medians of selections "
        "(what nine in ten lie between, 5 % to 95 %), and means"
    )
    quality = ["n_candidates", "predictor", "training_size", "deviation"]
    several = selections["pairing"].nunique() > 1
    for (metric, pairing), of_metric in selections.groupby(
        ["metric_target", "pairing"], sort=False
    ):
        # A fitted predictor's deviation is another in every repeat.
        fitted = of_metric["predictor"] != "simulated"
        grouped = of_metric.assign(deviation=of_metric["deviation"].where(~fitted))
        losses: list[dict[str, Any]] = []
        volumes: list[dict[str, Any]] = []
        nearness: list[dict[str, Any]] = []
        for (n, predictor, size, deviation), group in grouped.groupby(quality, dropna=False):
            spread = of_metric.loc[group.index, "deviation"].mean()
            key = {
                "candidates": n,
                "predictor": predictor if np.isfinite(deviation) else f"{predictor}, {size}",
                "deviation": f"{spread:.2g}",
                "tau": f"{group['kendall_tau'].mean():.2f}",
            }
            losses.append({**key, **_centres(group, LOSSES, 2, central_range)})
            volumes.append({**key, **_centres(group, VOLUMES, 3, central_range)})
            nearness.append({**key, **_centres(group, NEARNESS, 3, central_range)})
        title = f"{metric}, pairing {pairing}" if several else str(metric)
        for rows, what in (
            (losses, "accuracy lost, points"),
            (volumes, "hypervolume as published"),
            (
                nearness,
                "nearness to the true front, on objectives normalised by its ideal and nadir",
            ),
        ):
            if len(rows[0]) == len(key):  # an older run
                continue
            shown = [name for name in rows[0] if name != "predictor" or fitted.any()]
            print_listing(rows, shown, as_json=False, title=f"{title}: {what}", wrap=False)


LOSSES = {"mra_all": "MRA all", "mra_pareto": "MRA pareto"}
VOLUMES = {"hypervolume": "hypervolume", "hypervolume_true": "of the true front"}
NEARNESS = {
    "hypervolume_share": "hypervolume share",
    "igd_plus": "IGD+",
    "epsilon_additive": "additive epsilon",
}


def _centres(
    group: pd.DataFrame,
    measures: dict[str, str],
    digits: int,
    central_range: Callable[[pd.Series], tuple[float, float, float]],
) -> dict[str, str]:
    """Median with what nine in ten lie between, and mean, of the measures that a run has."""
    cells = {}
    for measure, title in measures.items():
        if measure not in group:
            continue
        least, median, most = central_range(group[measure])
        cells[title] = f"{median:.{digits}f} ({least:.{digits}f} .. {most:.{digits}f})"
        cells[f"{title}, mean"] = f"{group[measure].mean():.{digits}f}"
    return cells
