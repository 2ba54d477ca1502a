"""A run's results in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hwbench.cli.output import print_listing


def print_study(folder: Path) -> None:
    """Print the mean Kendall tau of every predictor at every training size, a table a target."""
    path = folder / "study.parquet"
    if not path.exists():
        return
    import pandas as pd

    from hwbench.statistics import mean_interval

    trials = pd.read_parquet(path)
    for target, of_target in trials.groupby("target"):
        sizes = sorted(of_target["training_size"].unique())
        rows: list[dict[str, Any]] = []
        for title, of_title in of_target.groupby("title"):
            row: dict[str, Any] = {"predictor": title, **{str(size): "" for size in sizes}}
            for size, of_size in of_title.groupby("training_size"):
                mean, low, high = mean_interval(of_size["kendall_tau"])
                half = (high - low) / 2
                row[str(size)] = f"{mean:.3f}" + (f" ±{half:.3f}" if half == half else "")
            rows.append({"order": -of_title["kendall_tau"].mean(), **row})
        rows.sort(key=lambda row: row["order"])
        print_listing(
            rows,
            ["predictor", *map(str, sizes)],
            as_json=False,
            title=f"Kendall's tau on {target}, by number of measured architectures (95 % interval)",
        )
    failed = int(trials["error"].notna().sum())
    if failed:
        reason = str(trials["error"].dropna().iloc[0]).strip().splitlines()[-1]
        print_listing(
            [{"failed trials": failed, "first reason": reason}],
            ["failed trials", "first reason"],
            as_json=False,
        )


def print_simulation(folder: Path) -> None:
    """Print what selections by predictors of each quality lose."""
    path = folder / "simulation.parquet"
    if not path.exists():
        return
    import pandas as pd

    selections = pd.read_parquet(path)
    keys = ["metric_target", "n_candidates", "deviation"]
    rows = []
    for (metric, n_candidates, deviation), group in selections.groupby(keys):
        mean = group.mean(numeric_only=True)
        rows.append(
            {
                "metric": metric,
                "candidates": n_candidates,
                "deviation": deviation,
                "tau": f"{mean['kendall_tau']:.2f}",
                "MRA all": f"{mean['mra_all']:.2f}",
                "MRA pareto": f"{mean['mra_pareto']:.2f}",
                "hypervolume": f"{mean['hypervolume']:.3f}",
                "of": f"{mean['hypervolume_true']:.3f}",
            }
        )
    print_listing(
        rows,
        list(rows[0]),
        as_json=False,
        title="Mean reduction of accuracy (percentage points) by quality of the predictor",
    )
