"""Searches on tables that go on: hypervolume and front as they grow, search by search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from hwbench.analysis.search import curve_places
from hwbench.errors import HwbenchError
from hwbench.fronts.two import pareto_front
from hwbench.pages.blocks import Block, Code, Group, Notice, Text
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    band_trace,
    base_layout,
    line_trace,
    plain_text,
)
from hwbench.report.search.figures import strategy_entries
from hwbench.results.columns import SEARCH_COLUMNS
from hwbench.results.frames import read_frame
from hwbench.results.names import SEARCH_PARTS, SEARCHES
from hwbench.results.run import Run
from hwbench.results.texts import read_object
from hwbench.wording import counted

MOST_LETTERS = 6_000


def search_blocks(folder: Path) -> list[Block]:
    """What the searches so far found.

    Raises
    ------
    HwbenchError
        Where the record of the folder is broken.
    """
    record = read_object(folder / "run.json")
    blocks: list[Block] = list(_failures(record.get("search_failures") or []))
    if (folder / SEARCHES).is_file():  # ended: the report says the rest
        return blocks
    found = read_search_parts(folder)
    if found is None:
        return [*blocks, Text("No search has ended yet.")]
    return [*blocks, *_growing(found, Run(folder, record))]


def read_search_parts(folder: Path) -> pd.DataFrame | None:
    """Evaluations of the searches that have ended while others run; None where there are none."""
    frames = []
    for path in sorted((folder / SEARCH_PARTS).glob("[!.]*.parquet")):
        try:
            frame = read_frame(path, SEARCH_COLUMNS)
        except HwbenchError:  # of a search that predicts, or cut off by a power failure
            continue
        if frame is not None and len(frame):
            frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else None


def _growing(found: pd.DataFrame, run: Run) -> list[Block]:
    entries = strategy_entries(sorted(found["strategy"].unique()))
    blocks: list[Block] = []
    of_fronts = found[found["goal"] == "front"]
    for place, (metric, rows) in enumerate(of_fronts.groupby("metric_target", sort=True)):
        target = run.target(str(metric))
        figures: list[Block] = [
            _hypervolume_figure(f"now-hypervolume-{place}", rows, entries),
            _front_figure(f"now-front-{place}", rows, entries, target.with_unit),
        ]
        shown = tuple(entry for name, entry in entries.items() if name in set(rows["strategy"]))
        blocks.append(Group(f"So far: {target.title}", figures, legend=shown))
    return blocks


def _hypervolume_figure(name: str, rows: pd.DataFrame, entries: dict[str, Entry]) -> Figure:
    data: list[Json] = []
    places = curve_places(int(rows["evaluation"].max()))
    for strategy, entry in entries.items():
        own = rows[(rows["strategy"] == strategy) & rows["evaluation"].isin(places)]
        if own.empty:
            continue
        grouped = own.groupby("evaluation")["hypervolume_share"]
        centre = grouped.quantile([0.25, 0.5, 0.75]).unstack()
        seeds = own["seed"].nunique()
        text = [
            f"<b>{plain_text(strategy)}</b><br>{place:,} evaluations<br>median {value:.4f}<br>"
            f"{seeds} seeds so far"
            for place, value in zip(centre.index, centre[0.5], strict=True)
        ]
        data += band_trace(entry, centre.index, centre[0.25], centre[0.75])
        line = line_trace(entry, centre.index, centre[0.5], text)
        line["marker"] |= {"size": 4}
        data.append(line)
    return Figure(
        name,
        "Hypervolume",
        "Line plot of the share of the true front's hypervolume against evaluations, by strategy",
        data,
        base_layout("evaluations", "share of the true front's hypervolume"),
        caption="Median and quartiles over the seeds that have ended.",
    )


def _front_figure(
    name: str, rows: pd.DataFrame, entries: dict[str, Entry], metric_title: str
) -> Figure:
    data: list[Json] = []
    for strategy, entry in entries.items():
        own = rows[rows["strategy"] == strategy].drop_duplicates("arch")
        if own.empty:
            continue
        best = own.iloc[pareto_front(own["accuracy"].to_numpy(), own["metric"].to_numpy())]
        text = [
            f"<b>{plain_text(strategy)}</b><br>{plain_text(row.arch)}<br>{row.accuracy:.2f} % at "
            f"{row.metric:.4g}"
            for row in best.itertuples()
        ]
        line = line_trace(entry, best["metric"], best["accuracy"], text)
        line["line"] |= {"shape": "hv"}
        data.append(line)
    return Figure(
        name,
        "Front",
        "Step plot of accuracy against the metric, of what each strategy found over all its seeds",
        data,
        base_layout(metric_title, "accuracy (%)"),
        caption="What each strategy has found, over all seeds that have ended.",
    )


def _failures(failed: Any) -> list[Block]:
    given = [each for each in failed if isinstance(each, dict)] if isinstance(failed, list) else []
    if not given:
        return []
    blocks: list[Block] = [Notice(f"{counted(len(given), 'search', 'searches')} failed.")]
    for each in {str(one.get("strategy")): one for one in given}.values():
        place = f"{each.get('strategy')}, {each.get('metric_target')}, seed {each.get('seed')}"
        blocks.append(Code(f"Traceback: {place}", str(each.get("error"))[-MOST_LETTERS:]))
    return blocks
