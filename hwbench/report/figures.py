"""Figures of the predictor study."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from hwbench.report.analysis import Lookup, Predicted
from hwbench.report.plotting import (
    DASHES,
    N_COLOURS,
    SYMBOLS,
    Entry,
    Figure,
    Json,
    axis_title,
    band_trace,
    base_layout,
    interval_text,
    line_trace,
    plain_numbers,
    plain_text,
    sample,
    seconds,
)
from hwbench.report.reading import Target

LOOKUP_GROUP = "lookup"
MAX_SCATTER_POINTS = 2000


def predictor_entries(titles: Mapping[str, str]) -> dict[str, Entry]:
    """Colour, symbol and dash of every predictor: the same in all figures of a report."""
    return {
        name: Entry(
            f"p:{name}",
            title,
            f"$c{index % N_COLOURS}",
            SYMBOLS[index % len(SYMBOLS)],
            DASHES[index // N_COLOURS % len(DASHES)],
        )
        for index, (name, title) in enumerate(titles.items())
    }


def learning_curves_figure(
    name: str,
    title: str,
    curves: pd.DataFrame,
    entries: Mapping[str, Entry],
    lookup: Lookup | None,
) -> Figure:
    """Kendall's tau against training size with interval bands, of one target's `curves`."""
    bands: list[Json] = []
    lines: list[Json] = []
    legend: list[Entry] = []
    for predictor, entry in entries.items():
        rows = curves[curves["predictor"] == predictor]
        if rows.empty:
            continue
        legend.append(entry)
        sizes = rows["training_size"].tolist()
        bands += band_trace(entry, sizes, rows["low"], rows["high"])
        text = [
            f"<b>{plain_text(entry.title)}</b><br>{row.training_size:,} measurements<br>"
            f"tau {interval_text(row.tau, row.low, row.high)}<br>{row.seeds} seeds"
            for row in rows.itertuples()
        ]
        lines.append(line_trace(entry, sizes, rows["tau"], text))
    sizes = sorted({int(size) for size in curves["training_size"]})
    layout = base_layout("measurements to train on (log scale)", "Kendall's tau")
    layout["xaxis"] |= {
        "type": "log",
        "tickvals": sizes,
        "ticktext": [f"{size:,}" for size in sizes],
    }
    if lookup is not None:
        entry = Entry(LOOKUP_GROUP, f"{lookup.title} ({lookup.training_size})", "$ink", "", "dash")
        legend.append(entry)
        ends = [min([*sizes, lookup.training_size]), max([*sizes, lookup.training_size])]
        hover = (
            f"<b>{plain_text(lookup.title)}</b><br>{lookup.training_size:,} measurements, "
            f"no sampling<br>tau {lookup.tau:.3f}"
        )
        lines.append(
            line_trace(entry, ends, [lookup.tau] * 2, [hover] * 2)
            | {"mode": "lines", "line": {"color": "$ink", "dash": "dash", "width": 1.5}}
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
    for predictor, entry in entries.items():
        rows = curves[(curves["predictor"] == predictor) & (curves["fit_seconds"] > 0)]
        if rows.empty:
            continue
        legend.append(entry)
        text = [
            f"<b>{plain_text(entry.title)}</b><br>{row.training_size:,} measurements<br>"
            f"tau {row.tau:.3f}<br>fit {seconds(row.fit_seconds)}"
            for row in rows.itertuples()
        ]
        line = line_trace(entry, rows["fit_seconds"], rows["tau"], text)
        # A marker grows with its training size, so a path can be read without hovering.
        growth = np.linspace(5, 12, len(rows)) if len(rows) > 1 else np.array([9.0])
        line["marker"] |= {"size": plain_numbers(growth), "opacity": 1, "line": {"width": 0}}
        line["line"] |= {"width": 1}
        lines.append(line)
    layout = base_layout("median time of one fit, s (log scale)", "Kendall's tau")
    layout["xaxis"] |= {"type": "log", "exponentformat": "power", "dtick": 1}
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


def predicted_figure(name: str, chosen: Predicted, target: Target, entry: Entry) -> Figure:
    """Predicted against true values of the test architectures, at most 2,000 of them."""
    n = len(chosen.truth)
    shown = sample(n, MAX_SCATTER_POINTS)
    truth, prediction = chosen.truth[shown], chosen.prediction[shown]
    low = float(min(truth.min(), prediction.min()))
    high = float(max(truth.max(), prediction.max()))
    layout = base_layout(axis_title("true", target.unit), axis_title("predicted", target.unit))
    layout["hovermode"] = "closest"
    what = f"{n:,}" if len(shown) == n else f"{len(shown):,} of {n:,}"
    return Figure(
        name=name,
        title=f"Predicted against true {target.title}",
        description=f"Scatter plot of predicted against true {target.with_unit}",
        data=[
            {
                "type": "scatter",
                "x": [low, high],
                "y": [low, high],
                "mode": "lines",
                "line": {"color": "$ink", "width": 1, "dash": "dash"},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "x": plain_numbers(truth),
                "y": plain_numbers(prediction),
                "mode": "markers",
                "marker": {"color": entry.colour, "size": 4, "opacity": 0.45},
                "hovertemplate": "true %{x:.4g}<br>predicted %{y:.4g}<extra></extra>",
            },
        ],
        layout=layout,
        caption=f"{entry.title}, {chosen.training_size:,} measurements, seed {chosen.seed}; {what} "
        "test architectures. On the dashed line a prediction is exact.",
    )


def deviation_figure(name: str, chosen: Predicted, target: Target, entry: Entry) -> Figure:
    """Histogram of the standardised deviations beside a normal curve of the same spread."""
    deviation = chosen.deviation
    limit = max(float(np.quantile(np.abs(deviation), 0.995)), 1e-9)
    inside = np.abs(deviation) <= limit
    counts, edges = np.histogram(deviation, bins=61, range=(-limit, limit))
    width = edges[1] - edges[0]
    centres = (edges[:-1] + edges[1:]) / 2
    share = 100.0 * counts / len(deviation)
    mean, spread = float(deviation.mean()), float(deviation.std())
    grid = np.linspace(-limit, limit, 121)
    layout = base_layout("error (standard deviations)", "architectures, %")
    layout |= {"bargap": 0.04, "hovermode": "closest"}
    data: list[Json] = [
        {
            "type": "bar",
            "x": plain_numbers(centres),
            "y": plain_numbers(share),
            "width": float(f"{width:.5g}"),
            "marker": {"color": f"{entry.colour}/0.55", "line": {"width": 0}},
            "hovertemplate": "deviation %{x:.3f}<br>%{y:.2f} %<extra></extra>",
        }
    ]
    if spread > 0:
        normal = np.exp(-0.5 * ((grid - mean) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
        data.append(
            {
                "type": "scatter",
                "x": plain_numbers(grid),
                "y": plain_numbers(100.0 * width * normal),
                "mode": "lines",
                "line": {"color": "$ink", "width": 1.5, "dash": "dash"},
                "hoverinfo": "skip",
            }
        )
    beyond = 100.0 * float(np.mean(~inside))
    unit = f"; 1 standard deviation is {target.amount(f'{chosen.scale:.3g}')}" * bool(target.unit)
    return Figure(
        name=name,
        title=f"How far off: {target.title}",
        description=f"Histogram of deviations of predicted {target.title}",
        data=data,
        layout=layout,
        # Adding 0.0 turns a rounded -0.0 into 0.0.
        caption=f"Error is prediction minus truth: spread {spread:.2f}, "
        f"mean {round(mean, 2) + 0.0:.2f}{unit}. Dashed: a normal distribution of that mean and "
        f"spread. {beyond:.1f} % lie outside the plot.",
    )
