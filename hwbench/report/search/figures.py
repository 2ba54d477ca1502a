"""Figures of searches: anytime curves, attainment surfaces, and what predicted metrics cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from hwbench.analysis import search as analysis
from hwbench.analysis.statistics import HALF, central_range, mean_interval
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
    plain_numbers,
    plain_text,
)
from hwbench.report.centres import other_centre
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
    """A measure against evaluations, a line a strategy: median, band of quartiles, mean dotted.

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
            + both_centres(row, digits)
            + f"<br>{row.seeds} seeds"
            for row in rows.itertuples()
        ]
        shown = rows[["median", "mean"]].where(rows[["median", "mean"]] > 0) if log else rows
        if not log:  # on a logarithmic axis a band that reaches 0 has no lower end
            bands += band_trace(entry, rows["evaluation"], rows["lower"], rows["upper"])
        line = line_trace(entry, rows["evaluation"], shown["median"], text)
        line["marker"] |= {"size": 4}
        lines += [line, other_centre(entry, rows["evaluation"], shown["mean"])]
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


def both_centres(row: Any, digits: int) -> str:
    """Median with quartiles and mean with its interval, for hovering."""
    return (
        f"median {interval_text(row.median, row.lower, row.upper, digits)}<br>"
        f"mean {interval_text(row.mean, row.low, row.high, digits)}"
    )


def attainment_figure(
    name: str,
    title: str,
    surfaces: pd.DataFrame,
    front: pd.DataFrame,
    entries: Mapping[str, Entry],
    target: TargetWords,
) -> Figure:
    """What half of a strategy's seeds had attained, in a band from a quarter to three quarters.

    Parameters
    ----------
    surfaces : as from `attainment_surfaces`, of one metric and checkpoint.
    front : the true front of that metric.
    """
    bands: list[Json] = []
    lines: list[Json] = []
    reach = float(max(surfaces["metric"].max(), front["metric"].max()))
    least, middle, most = sorted(analysis.ATTAINED)
    for strategy, entry in entries.items():
        own = surfaces[surfaces["strategy"] == strategy]
        if own.empty:
            continue
        by_share = {share: own[own["percentage"] == share] for share in analysis.ATTAINED}
        seeds = int(own["seeds"].iloc[0])
        if seeds > 1:
            bands.append(_between(entry, by_share[least], by_share[most], reach))
        text = [
            f"<b>{plain_text(entry.title)}</b><br>half of {seeds} seeds attain {row.accuracy:.2f} "
            f"%<br>at no more than {target.amount(f'{row.metric:.3g}')}"
            for row in by_share[middle].itertuples()
        ]
        lines.append(_steps(entry, by_share[middle], text))
    text = [
        f"<b>{TRUTH.title}</b><br>{plain_text(row.arch)}<br>{row.accuracy:.2f} % at "
        f"{target.amount(f'{row.metric:.3g}')}"
        for row in front.sort_values("metric").itertuples()
    ]
    lines.append(_steps(TRUTH, front.sort_values("metric"), text) | {"mode": "lines"})
    layout = base_layout(axis_title(target.name, target.unit), "accuracy, %")
    # The low end of a front spans most of the axis and decides little.
    typical = float(front["accuracy"].median()) if len(front) else 0.0
    best = float(front["accuracy"].max()) if len(front) else 1.0
    layout["yaxis"] |= {"range": [min(typical, best - 10), best + 0.03 * (best - typical) + 0.2]}
    return Figure(
        name=name,
        title=title,
        description="Step plot of accuracy against the metric, the median attainment surface of "
        f"each strategy over seeds: {title}",
        data=bands + lines,
        layout=layout,
        height=380,
    )


def _between(entry: Entry, better: pd.DataFrame, worse: pd.DataFrame, reach: float) -> Json:
    """The area between two step lines that end at a metric of `reach`."""
    upper, lower = _corners(better, reach), _corners(worse, reach)
    if upper and lower:  # both must close where the worse one begins
        lower = [(upper[0][0], lower[0][1]), *lower]
    outline = [*upper, *reversed(lower)]
    return {
        "type": "scatter",
        "x": plain_numbers(point[0] for point in outline),
        "y": plain_numbers(point[1] for point in outline),
        "mode": "lines",
        "line": {"width": 0, "color": f"{entry.colour}/0"},
        "fill": "toself",
        "fillcolor": f"{entry.colour}/0.15",
        "legendgroup": entry.group,
        "hoverinfo": "skip",
    }


def _corners(rows: pd.DataFrame, reach: float) -> list[tuple[float, float]]:
    """Every corner of a step line."""
    metric, accuracy = rows["metric"].tolist(), rows["accuracy"].tolist()
    ends = [*metric[1:], reach]
    return [
        corner
        for start, end, height in zip(metric, ends, accuracy, strict=True)
        for corner in ((start, height), (end, height))
    ]


def _steps(entry: Entry, rows: pd.DataFrame, text: list[str]) -> Json:
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

    Medians over seeds with a band of quartiles, means dotted; what is expected is the median of
    simulated selections where the run holds it, else their mean.

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
        bands += band_trace(entry, trace["x"], trace["lower"], trace["upper"])
        lines.append(line_trace(entry, trace["x"], trace["median"], trace["text"]))
        lines.append(other_centre(entry, trace["x"], trace["mean"]))
    # The expectation depends on the predictor alone, so all strategies share it.
    mean = _by_size(verified, f"{measure}_expected", EXPECTED)
    if f"{measure}_expected_median" in verified:
        trace = _by_size(verified, f"{measure}_expected_median", EXPECTED)
        lines.append(line_trace(EXPECTED, trace["x"], trace["median"], trace["text"]))
        lines.append(other_centre(EXPECTED, mean["x"], mean["mean"]))
    else:
        trace = mean
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
    names = ("x", "median", "lower", "upper", "mean", "text")
    found: dict[str, list[Any]] = {name: [] for name in names}
    for size, group in rows.groupby("training_size"):
        mean, low, high = mean_interval(group[column])
        lower, median, upper = central_range(group[column], HALF)
        text = (
            f"<b>{plain_text(entry.title)}</b><br>{size:,} measurements, tau "
            f"{group['kendall_tau'].mean():.3f}<br>"
            f"median {interval_text(median, lower, upper, 2)} points<br>"
            f"mean {interval_text(mean, low, high, 2)} points"
        )
        values = (int(size), median, lower, upper, mean, text)
        for name, value in zip(names, values, strict=True):
            found[name].append(value)
    return found
