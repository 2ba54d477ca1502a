"""Figures of learning curves: tau against measurements, and against the time of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import pandas as pd

from hwbench.analysis.study import OwnSetScore
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    band_trace,
    base_layout,
    interval_text,
    line_trace,
    log_axis,
    nth_entry,
    plain_numbers,
    plain_text,
    seconds,
)

OWN_SET_DASHES = ("dash", "dot", "dashdot")


def predictor_entries(titles: Mapping[str, str]) -> dict[str, Entry]:
    """Colour, symbol and dash of every predictor: the same in all figures of a report."""
    return {
        name: nth_entry(index, f"p:{name}", title)
        for index, (name, title) in enumerate(titles.items())
    }


def learning_curves_figure(
    name: str,
    title: str,
    curves: pd.DataFrame,
    entries: Mapping[str, Entry],
    own_sets: Sequence[OwnSetScore],
) -> Figure:
    """Kendall's tau against training size with interval bands, of one target's `curves`."""
    bands: list[Json] = []
    lines: list[Json] = []
    legend: list[Entry] = []
    for predictor, look in entries.items():
        rows = curves[curves["predictor"] == predictor]
        if rows.empty:
            continue
        legend.append(look)
        sizes = rows["training_size"].tolist()
        bands += band_trace(look, sizes, rows["low"], rows["high"])
        text = [
            f"<b>{plain_text(look.title)}</b><br>{row.training_size:,} measurements<br>"
            f"tau {interval_text(row.tau, row.low, row.high)}<br>{row.seeds} seeds"
            for row in rows.itertuples()
        ]
        lines.append(line_trace(look, sizes, rows["tau"], text))
    sizes = sorted({int(size) for size in curves["training_size"]})
    layout = base_layout("measurements to train on (log scale)", "Kendall's tau")
    layout["xaxis"] |= {
        "type": "log",
        "tickvals": sizes,
        "ticktext": [f"{size:,}" for size in sizes],
    }
    for dash, own in zip(cycle(OWN_SET_DASHES), own_sets, strict=False):
        title_of_own = f"{own.title} ({own.training_size})"
        look = Entry(f"o:{own.predictor}", title_of_own, "$ink", "", dash)
        legend.append(look)
        ends = [min([*sizes, own.training_size]), max([*sizes, own.training_size])]
        hover = (
            f"<b>{plain_text(own.title)}</b><br>{own.training_size:,} measurements, "
            f"no sampling<br>tau {own.tau:.3f}"
        )
        lines.append(
            line_trace(look, ends, [own.tau] * 2, [hover] * 2)
            | {"mode": "lines", "line": {"color": "$ink", "dash": dash, "width": 1.5}}
        )
    return Figure(
        name=name,
        title=title,
        description=f"Line plot of Kendall's tau against training size, one line a predictor: "
        f"{title}",
        data=bands + lines,
        layout=layout,
        height=440,
        legend=tuple(legend),
        wide=True,
    )


def fit_cost_figure(curves: pd.DataFrame, entries: Mapping[str, Entry], title: str) -> Figure:
    """Median fit time against mean tau, a path through the training sizes for each predictor."""
    lines: list[Json] = []
    legend: list[Entry] = []
    for predictor, look in entries.items():
        rows = curves[(curves["predictor"] == predictor) & (curves["fit_seconds"] > 0)]
        if rows.empty:
            continue
        legend.append(look)
        text = [
            f"<b>{plain_text(look.title)}</b><br>{row.training_size:,} measurements<br>"
            f"tau {row.tau:.3f}<br>fit {seconds(row.fit_seconds)}"
            for row in rows.itertuples()
        ]
        line = line_trace(look, rows["fit_seconds"], rows["tau"], text)
        # A marker grows with its training size, so a path can be read without hovering.
        growth = np.linspace(5, 12, len(rows)) if len(rows) > 1 else np.array([9.0])
        line["marker"] |= {"size": plain_numbers(growth), "opacity": 1, "line": {"width": 0}}
        line["line"] |= {"width": 1}
        lines.append(line)
    layout = base_layout("median time of one fit (log scale)", "Kendall's tau")
    layout["xaxis"] |= log_axis(curves["fit_seconds"], seconds)
    return Figure(
        name="fit-cost",
        title=title,
        description="Scatter plot of fit time against Kendall's tau, one path a predictor",
        data=lines,
        layout=layout,
        height=440,
        legend=tuple(legend),
        wide=True,
    )
