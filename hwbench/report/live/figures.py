"""Figures of live searches: epochs, strengths over epochs, and rankings against their targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hwbench.analysis.statistics import mean_interval
from hwbench.pages.architectures import short_name
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    axis_title,
    band_trace,
    base_layout,
    line_trace,
    log_axis,
    marked_level,
    nth_entry,
    plain_numbers,
    plain_text,
)
from hwbench.results.live import LiveRun, LiveSweep
from hwbench.results.run import TargetWords


def run_titles(runs: Sequence[LiveRun]) -> list[str]:
    """A title for each search, with its folder's name where several would have the same."""
    titles = [str(run.config.get("title") or run.folder.name) for run in runs]
    shared = {title for title in titles if titles.count(title) > 1}
    return [
        f"{title} ({run.folder.name})" if title in shared else title
        for run, title in zip(runs, titles, strict=True)
    ]


def run_entries(runs: Sequence[LiveRun]) -> list[Entry]:
    """Colour, symbol and dash of every search: the same in all figures of a report."""
    return [nth_entry(i, f"live:{i}", title) for i, title in enumerate(run_titles(runs))]


def epochs_figure(
    name: str,
    title: str,
    axis: str,
    runs: Sequence[LiveRun],
    entries: Sequence[Entry],
    columns: Sequence[tuple[str, str]],
    *,
    log: bool = False,
) -> Figure | None:
    """Numbers of each epoch, a line a search and column; None where no search has any.

    Parameters
    ----------
    columns : column and its name in words; the first is drawn solid, the others dashed.
    """
    data: list[Json] = []
    several = len(columns) > 1
    for run, entry in zip(runs, entries, strict=True):
        for (column, words), dash in zip(columns, ("solid", "dash", "dot"), strict=False):
            if column not in run.epochs or run.epochs[column].isna().all():
                continue
            rows = run.epochs.dropna(subset=[column])
            text = [
                f"<b>{plain_text(entry.title)}</b><br>epoch {epoch + 1}<br>{words} {value:.4g}"
                for epoch, value in zip(rows["epoch"], rows[column], strict=True)
            ]
            # On a logarithmic axis 0 has no place: it ends the line.
            values = rows[column].where(rows[column] > 0) if log else rows[column]
            line = line_trace(entry, rows["epoch"] + 1, values, text)
            line["line"] |= {"dash": dash}
            line["marker"] |= {"size": 4}
            data.append(line)
    if not data:
        return None
    layout = base_layout("epoch", axis)
    if log:
        layout["yaxis"] |= log_axis(value for trace in data for value in trace["y"])
    names = [words for _, words in columns]
    return Figure(
        name=name,
        title=title,
        description=f"Line plot of {axis} against epochs, one line a search",
        data=data,
        layout=layout,
        caption=f"Solid: {names[0]}; dashed: {names[1]}." if several else "",
    )


def strengths_figures(name: str, run: LiveRun) -> tuple[list[Figure], tuple[Entry, ...]]:
    """Shares of the candidates over epochs, a figure a position, and their common legend.

    Where each position has one candidate, which is there or not, all shares are one: then there is
    one figure, of how strong these are by operation.
    """
    strengths = run.strengths
    operations = list(dict.fromkeys(strengths["operation"]))
    entries = {
        operation: nth_entry(i, f"operation:{operation}", short_name(str(operation)))
        for i, operation in enumerate(operations)
    }
    if not strengths.duplicated(["epoch", "position"]).any():
        return [_lone_strengths(f"{name}-0", strengths, entries)], tuple(entries.values())
    figures = []
    for i, (position, rows) in enumerate(strengths.groupby("position", sort=False)):
        data = []
        for operation, own in rows.groupby("operation", sort=False):
            entry = entries[operation]
            text = [
                f"<b>{plain_text(entry.title)}</b><br>epoch {row.epoch + 1}<br>"
                f"share {row.probability:.3f}"
                for row in own.itertuples()
            ]
            line = line_trace(entry, own["epoch"] + 1, own["probability"], text)
            line["marker"] |= {"size": 4}
            data.append(line)
        layout = base_layout("epoch", "share")
        layout["yaxis"] |= {"rangemode": "tozero"}
        figures.append(
            Figure(
                name=f"{name}-{i}",
                title=str(position).replace("->", " \N{RIGHTWARDS ARROW} "),
                description=f"Line plot of the candidates' shares against epochs: {position}",
                data=data,
                layout=layout,
                height=230,
            )
        )
    return figures, tuple(entries.values())


def _lone_strengths(name: str, strengths: pd.DataFrame, entries: Mapping[str, Entry]) -> Figure:
    """Median and range of the strengths of all positions that have an operation, over epochs."""
    data: list[Json] = []
    for operation, own in strengths.groupby("operation", sort=False):
        entry = entries[str(operation)]
        at = own.groupby("epoch")["strength"].agg(["median", "min", "max", "size"])
        text = [
            f"<b>{plain_text(entry.title)}</b><br>epoch {row.Index + 1}<br>"
            f"strength {row.median:.3g} ({row.min:.3g} to {row.max:.3g}) at {row.size} positions"
            for row in at.itertuples()
        ]
        data += band_trace(entry, at.index + 1, at["min"], at["max"])
        data.append(line_trace(entry, at.index + 1, at["median"], text))
    layout = base_layout("epoch", "strength")
    layout["yaxis"] |= {"rangemode": "tozero"}
    return Figure(
        name=name,
        title="Strengths by operation",
        description="Line plot of strengths against epochs, a line an operation",
        data=data,
        layout=layout,
        caption="Line: median over the positions; area: from the weakest to the strongest.",
    )


def ranking_figure(name: str, run: LiveRun, entry: Entry, target: TargetWords) -> Figure | None:
    """What the supernet ranks by against the target's value; None where no such value is known."""
    if "true" not in run.ranking or run.ranking["true"].notna().sum() < 2:
        return None
    rows = run.ranking.dropna(subset=["true", "score"])
    by_accuracy = np.allclose(rows["score"], rows["accuracy"])
    column = "accuracy" if by_accuracy else "loss"
    axis = (
        "accuracy with the supernet's weights, %"
        if by_accuracy
        else "loss with the supernet's weights"
    )
    found = rows["architecture"] == run.result.get("architecture")
    data = [
        _points(rows[~found], column, entry.colour, 5, "circle", 0.55),
        _points(rows[found], column, "$ink", 11, "diamond", 1.0),
    ]
    layout = base_layout(axis, axis_title(target.name, target.unit))
    if not by_accuracy:
        layout["xaxis"] |= {"autorange": "reversed"}
    tau = run.measures.get("kendall_tau")
    return Figure(
        name=name,
        title=f"{entry.title}: ranking against its target",
        description="Scatter plot of the supernet's score against the target's value",
        data=data,
        layout=layout,
        height=400,
        caption=f"{len(rows):,} architectures"
        + (f", Kendall's tau {tau:.3f}." if tau is not None and np.isfinite(tau) else ".")
        + " Diamond: what the search chose." * bool(found.any()),
    )


def _points(
    rows: pd.DataFrame, column: str, colour: str, size: int, symbol: str, opacity: float
) -> Json:
    return {
        "type": "scatter",
        "x": plain_numbers(rows[column]),
        "y": plain_numbers(rows["true"]),
        "mode": "markers",
        "marker": {"color": colour, "size": size, "symbol": symbol, "opacity": opacity},
        "text": [
            f"{plain_text(row.architecture)}<br>accuracy {row.accuracy:.2f} %, loss {row.loss:.3g}"
            f"<br>target {row.true:.4g}"
            for row in rows.itertuples()
        ],
        "hoverinfo": "text",
    }


def sweep_figure(
    name: str, sweep: LiveSweep, column: str, axis: str, *, random: float | None = None
) -> Figure | None:
    """A number of every search of a sweep against the argument's value, with means and intervals.

    None where the sweep lacks the number.

    Parameters
    ----------
    random : what one random architecture has on average, drawn as a line.
    """
    if column not in sweep.searches or sweep.searches[column].isna().all():
        return None
    values = list(dict.fromkeys(sweep.searches["value"]))
    entry = Entry(f"sweep:{column}", axis, "$c0", "circle", "solid")
    found = [
        mean_interval(sweep.searches.loc[sweep.searches["value"] == value, column])
        for value in values
    ]
    places = list(range(len(values)))
    means, lows, highs = (list(numbers) for numbers in zip(*found, strict=True))
    text = [
        f"{plain_text(str(value))}<br>mean {mean:.4g}"
        for value, mean in zip(values, means, strict=True)
    ]
    single = {
        "type": "scatter",
        "x": [values.index(value) for value in sweep.searches["value"]],
        "y": plain_numbers(sweep.searches[column]),
        "mode": "markers",
        "marker": {"color": "$c1", "size": 6, "opacity": 0.7},
        "hovertemplate": "%{y:.4g}<extra></extra>",
    }
    layout = base_layout(str(sweep.config.get("argument") or "value"), axis)
    layout["xaxis"] |= {"tickvals": places, "ticktext": [plain_text(str(v)) for v in values]}
    # The interval of two or three seeds may be far wider than anything that was seen.
    shown = [*sweep.searches[column].dropna(), *([] if random is None else [random])]
    low, high = float(min(shown)), float(max(shown))
    margin = 0.4 * max(high - low, 1e-6)
    layout["yaxis"] |= {"range": [low - margin, high + margin]}
    caption = "Line: mean over seeds, band: its 95 % interval; small dots: single searches."
    if random is not None:
        layout["shapes"] = [marked_level(random)]
        caption += " Dotted: one random architecture on average."
    return Figure(
        name=name,
        title=axis,
        description=f"Line plot of {axis} against the values of a sweep",
        data=[
            *band_trace(entry, places, lows, highs),
            line_trace(entry, places, means, text),
            single,
        ],
        layout=layout,
        caption=caption,
    )
