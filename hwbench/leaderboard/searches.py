"""What searches come to, from the results that are kept beside the leaderboard's scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from hwbench.analysis.ratings import ratings
from hwbench.analysis.statistics import mean_interval
from hwbench.pages.blocks import EMPTY, Block, Cell, Column, DataTable, Row, Section, Text
from hwbench.results.frames import Column as FrameColumn
from hwbench.results.frames import Columns, read_rows

SEARCH_FILE, LIVE_FILE = "search.parquet", "live_runs.parquet"

SEARCH_COLUMNS: Columns = {
    "strategy": FrameColumn("text"),
    "metric_target": FrameColumn("text"),
    "seed": FrameColumn("integer"),
    "evaluation": FrameColumn("integer"),
    "hypervolume_share": FrameColumn("number"),
}
LIVE_COLUMNS: Columns = {
    "sweep": FrameColumn("text"),
    "method": FrameColumn("text"),
    "seed": FrameColumn("integer"),
    "true_value": FrameColumn("number"),
    "percentile": FrameColumn("number"),
    "random_50": FrameColumn("number"),
    "most_flops": FrameColumn("number"),
}

UNTUNED = "help-"
"""Tables of devices on which no strategy's defaults were chosen."""

RATED_AT = 350
"""Evaluations after which strategies are rated."""

FEWEST = 3
"""Values from which on an interval is shown."""

METHODS = "live-cpu_methods"
"""Sweeps in which methods derive cells."""


def search_sections(folder: Path) -> list[Section]:
    """Black-box searches and live searches; what is not kept is left out.

    Parameters
    ----------
    folder : of the leaderboard's own results.

    Raises
    ------
    HwbenchError
        Where a file is damaged, or lacks a column.
    """
    blocks: list[Block] = []
    searches = read_rows(folder / SEARCH_FILE, SEARCH_COLUMNS)
    if searches is not None:
        blocks += _strategies(searches[searches["metric_target"].str.startswith(UNTUNED)])
    live = read_rows(folder / LIVE_FILE, LIVE_COLUMNS)
    if live is not None:
        blocks += _methods(live[live["sweep"].str.startswith(METHODS)])
    lead = "Strategies that search by measuring or predicting, and methods that train a supernet."
    return [Section("searches", "Searches", blocks, lead=lead)] if blocks else []


def _strategies(searches: pd.DataFrame) -> list[Block]:
    if searches.empty:
        return []
    # Parts of strategies were taken back on few devices: a mean over fewer is of something else.
    reached = searches.groupby("strategy")["metric_target"].nunique()
    everywhere = reached[reached == searches["metric_target"].nunique()].index
    wide = searches[searches["strategy"].isin(everywhere)].pivot_table(
        index=["metric_target", "seed"],
        columns=["evaluation", "strategy"],
        values="hypervolume_share",
    )
    at = wide[RATED_AT]
    rated = ratings(at.to_numpy(), at.index.get_level_values("metric_target").to_numpy())
    steps = [int(step) for step in wide.columns.levels[0]]
    rows = []
    for place in np.argsort(-np.nan_to_num(rated.elo, nan=-np.inf), kind="stable"):
        name = str(at.columns[place])
        cells = [_mean(wide[step].get(name)) for step in steps]
        between = f"{rated.elo_low[place]:.0f} to {rated.elo_high[place]:.0f}"
        small = "" if np.isnan(rated.elo_low[place]) else between
        elo = Cell(f"{rated.elo[place]:.0f}", float(round(rated.elo[place], 1)), small)
        count = int(at[name].notna().sum())
        rows.append(Row(name, (elo, *cells, Cell(f"{count}", count))))
    devices = searches["metric_target"].nunique()
    columns = (
        Column("strategy", "strategy", numeric=False),
        Column(f"Elo after {RATED_AT}", "elo"),
        *(Column(f"after {step}", f"share_{step}") for step in steps),
        Column("searches", "searches"),
    )
    table = DataTable(
        "search-strategies",
        "Search strategies",
        columns,
        tuple(rows),
        note="Share of the true front's hypervolume, mean over searches ± half the 95 % interval. "
        "Random search and FLOPs alone cost nothing to have.",
        sorted_by=(1, True),
    )
    text = (
        f"Black-box searches by accuracy and latency on {devices} devices on which nothing was "
        "tuned, with equal options, after a number of evaluations. Made by hwbench search run "
        "search-help."
    )
    return [Text(text), table]


def _methods(live: pd.DataFrame) -> list[Block]:
    if live.empty:
        return []
    rows = []
    for method, own in live.groupby("method"):
        value = own["true_value"].mean()
        rows.append(
            (
                value,
                Row(
                    str(method),
                    (
                        _mean(own["true_value"], digits=2),
                        _mean(own["percentile"], digits=0),
                        Cell(f"{len(own)}", len(own)),
                    ),
                ),
            )
        )
    free = {
        "A random cell, the middle of all": live["random_50"].median(),
        "The cell of the most FLOPs, no search": live["most_flops"].median(),
    }
    foot = [
        Row(name, (Cell(f"{value:.2f}", round(float(value), 2)), EMPTY, EMPTY))
        for name, value in free.items()
        if np.isfinite(value)
    ]
    columns = (
        Column("method", "method", numeric=False),
        Column("true accuracy, %", "true_value"),
        Column("percentile", "percentile"),
        Column("seeds", "seeds"),
    )
    table = DataTable(
        "live-methods",
        "Live searches at small scale",
        columns,
        tuple(row for _, row in sorted(rows, key=lambda each: -each[0])),
        foot=tuple(foot),
        note="The derived cell's accuracy after complete training on CIFAR-10 (NAS-Bench-201), "
        "mean over seeds ± half the 95 % interval.",
    )
    text = (
        "Methods that train a supernet on images of 16 pixels for a quarter of an hour of one "
        "core. Made by hwbench live sweep cpu_methods."
    )
    return [Text(text), table]


def _mean(values: pd.Series | None, digits: int = 3) -> Cell:
    """Mean and half its interval; that of fewer than three values says nothing."""
    known = pd.Series(dtype=float) if values is None else values.dropna()
    mean, low, high = mean_interval(known)
    if np.isnan(mean):
        return EMPTY
    half = f" ± {(high - low) / 2:.{digits}f}" if len(known) >= FEWEST else ""
    return Cell(f"{mean:.{digits}f}{half}", float(f"{mean:.5g}"))
