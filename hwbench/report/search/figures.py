"""Figures of search experiments: anytime curves, fronts, and searches with predicted metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from hwbench.analysis.statistics import mean_interval
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    axis_title,
    band_trace,
    base_layout,
    interval_text,
    line_trace,
    log_axis,
    nth_entry,
    plain_text,
)
from hwbench.results.run import TargetWords

TRUTH = Entry("s:truth", "true front", "$ink", "", "dash")
EXPECTED = Entry("s:expected", "expected by the simulation", "$ink", "", "dash")


def strategy_entries(strategies: Iterable[str]) -> dict[str, Entry]:
    """Colour, symbol and dash of every strategy: the same in all figures of a report."""
    return {name: nth_entry(index, f"s:{index}", name) for index, name in enumerate(strategies)}


def anytime_figure(
    name: str,
    title: str,
    curves: pd.DataFrame,
    entries: Mapping[str, Entry],
    axis: str,
    *,
    digits: int,
    log: bool = False,
) -> Figure:
    """A measure's median over seeds against evaluations, a line a strategy, bands to 5 and 95 %.

    Parameters
    ----------
    curves : rows of `hypervolume_curves` or `regret_curves`, of one metric, goal and limit.
    axis : what the measure is, with its unit.
    digits : of the numbers shown on hovering.
    log : whether the y axis is logarithmic; a value of 0 ends the line.
    """
    bands: list[Json] = []
    lines: list[Json] = []
    for strategy, entry in entries.items():
        rows = curves[curves["strategy"] == strategy].sort_values("evaluation")
        if rows.empty:
            continue
        text = [
            f"<b>{plain_text(strategy)}</b><br>{row.evaluation:,} evaluations<br>"
            f"median {interval_text(row.median, row.least, row.most, digits)}<br>"
            f"mean {row.mean:.{digits}f} of {row.seeds} seeds"
            for row in rows.itertuples()
        ]
        median = rows["median"].where(rows["median"] > 0) if log else rows["median"]
        if not log:  # on a logarithmic axis a band that reaches 0 has no lower end
            bands += band_trace(entry, rows["evaluation"], rows["least"], rows["most"])
        line = line_trace(entry, rows["evaluation"], median, text)
        line["marker"] |= {"size": 4}
        lines.append(line)
    layout = base_layout("evaluations", axis)
    if log:
        layout["yaxis"] |= log_axis(value for trace in lines for value in trace["y"])
    return Figure(
        name=name,
        title=title,
        description=f"Line plot of {axis} against evaluations, one line a strategy: {title}",
        data=bands + lines,
        layout=layout,
        height=380,
    )


def fronts_figure(
    name: str,
    title: str,
    found: pd.DataFrame,
    front: pd.DataFrame,
    entries: Mapping[str, Entry],
    target: TargetWords,
) -> Figure:
    """What every strategy had found after some evaluations of one seed, and the true front.

    Parameters
    ----------
    found : evaluations of one metric and seed, up to the checkpoint.
    front : the true front of that metric.
    """
    lines: list[Json] = []
    for strategy, entry in entries.items():
        rows = found[found["strategy"] == strategy].sort_values(
            ["metric", "accuracy"], ascending=[True, False]
        )
        rows = rows[rows["accuracy"] > rows["accuracy"].cummax().shift(fill_value=-np.inf)]
        if len(rows):
            lines.append(_steps(entry, rows, target))
    lines.append(_steps(TRUTH, front.sort_values("metric"), target) | {"mode": "lines"})
    layout = base_layout(axis_title(target.name, target.unit), "accuracy, %")
    layout["yaxis"] |= {"range": _good_end(front)}
    return Figure(
        name=name,
        title=title,
        description=f"Step plot of accuracy against the metric, one front a strategy: {title}",
        data=lines,
        layout=layout,
        height=380,
    )


def attainment_figure(
    name: str,
    title: str,
    surfaces: pd.DataFrame,
    front: pd.DataFrame,
    entries: Mapping[str, Entry],
    target: TargetWords,
) -> Figure:
    """What half of a strategy's seeds attain, between what a quarter and three quarters do.

    Parameters
    ----------
    surfaces : rows of `attainment_surfaces`, of one metric.
    front : the true front of that metric.
    """
    lines: list[Json] = []
    for strategy, entry in entries.items():
        own = surfaces[surfaces["strategy"] == strategy]
        for percent, rows in own.groupby("percent", sort=True):
            middle = percent == 50
            text = [
                f"<b>{plain_text(strategy)}</b><br>{percent:.0f} % of its seeds attain "
                f"{row.accuracy:.2f} %<br>at {target.amount(f'{row.metric:.3g}')}"
                for row in rows.itertuples()
            ]
            line = line_trace(entry, rows["metric"], rows["accuracy"], text)
            line["mode"] = "lines"
            line["line"] |= {"shape": "hv", "width": 2.0 if middle else 0.8}
            lines.append(line)
    lines.append(_steps(TRUTH, front.sort_values("metric"), target) | {"mode": "lines"})
    layout = base_layout(axis_title(target.name, target.unit), "accuracy, %")
    layout["yaxis"] |= {"range": _good_end(front)}
    return Figure(
        name=name,
        title=title,
        description=f"Step plot of attained accuracies against the metric: {title}",
        data=lines,
        layout=layout,
        height=380,
        caption="Thick: what half of the seeds attain; thin: a quarter and three quarters of them.",
    )


def _good_end(front: pd.DataFrame) -> list[float]:
    """What an axis of accuracy shows: a front's low end spans most of it and decides little."""
    middle = float(front["accuracy"].median()) if len(front) else 0.0
    best = float(front["accuracy"].max()) if len(front) else 1.0
    return [min(middle, best - 10), best + 0.03 * (best - middle) + 0.2]


def _steps(entry: Entry, rows: pd.DataFrame, target: TargetWords) -> Json:
    text = [
        f"<b>{plain_text(entry.title)}</b><br>{plain_text(row.arch)}<br>{row.accuracy:.2f} % at "
        f"{target.amount(f'{row.metric:.3g}')}"
        for row in rows.itertuples()
    ]
    line = line_trace(entry, rows["metric"], rows["accuracy"], text)
    line["line"] |= {"shape": "hv", "width": 1.5}
    line["marker"] |= {"size": 5}
    return line


def verified_figure(
    name: str,
    title: str,
    verified: pd.DataFrame,
    entries: Mapping[str, Entry],
    measure: str,
    axis: str,
    top: float,
) -> Figure:
    """Accuracy lost against the measurements a predictor was fitted to, really and as simulated.

    Parameters
    ----------
    verified : rows of one metric.
    measure : "mra_all" or "mra_pareto".
    top : upper end of the y axis, so that neighbouring figures can be compared.
    """
    bands: list[Json] = []
    lines: list[Json] = []
    for strategy, entry in entries.items():
        rows = verified[verified["strategy"] == strategy]
        if rows.empty:
            continue
        trace = _by_size(rows, measure, entry)
        bands += band_trace(entry, trace["x"], trace["low"], trace["high"])
        lines.append(line_trace(entry, trace["x"], trace["mean"], trace["text"]))
    # The expectation depends on the predictor alone, so all strategies share it.
    trace = _by_size(verified, f"{measure}_expected", EXPECTED)
    lines.append(line_trace(EXPECTED, trace["x"], trace["mean"], trace["text"]))
    layout = base_layout("measurements the predictor was fitted to (log scale)", axis)
    layout["xaxis"] |= {
        "type": "log",
        "tickvals": trace["x"],
        "ticktext": list(map(str, trace["x"])),
    }
    layout["yaxis"] |= {"range": [0, 1.05 * top]}
    return Figure(
        name=name,
        title=title,
        description=f"Line plot of {axis} against training size, one line a strategy: {title}",
        data=bands + lines,
        layout=layout,
    )


def _by_size(rows: pd.DataFrame, column: str, entry: Entry) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {"x": [], "mean": [], "low": [], "high": [], "text": []}
    for size, group in rows.groupby("training_size"):
        mean, low, high = mean_interval(group[column])
        found["x"].append(int(size))
        found["mean"].append(mean)
        found["low"].append(low)
        found["high"].append(high)
        found["text"].append(
            f"<b>{plain_text(entry.title)}</b><br>{size:,} measurements, tau "
            f"{group['kendall_tau'].mean():.3f}<br>{interval_text(mean, low, high, 2)} points"
        )
    return found
