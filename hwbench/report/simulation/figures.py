"""Figures of the selection simulation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hwbench.analysis.study import front_accuracy
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    axis_title,
    band_trace,
    base_layout,
    interval_text,
    line_trace,
    marked_level,
    nth_entry,
    plain_numbers,
    plain_text,
    sample,
)
from hwbench.report.centres import other_centre
from hwbench.results.run import TargetWords

MAX_POINTS = 4000


@dataclass(frozen=True)
class Measure:
    """A column of the simulation's curves, in words."""

    column: str
    title: str
    axis: str
    unit: str
    digits: int = 2


def simulation_entries(candidates: Iterable[int]) -> dict[int, Entry]:
    """Colour and symbol of every number of candidates."""
    return {
        n: nth_entry(i, f"n:{n}", f"{n:,} candidates") for i, n in enumerate(sorted(candidates))
    }


def simulation_figure(
    name: str,
    curves: pd.DataFrame,
    entries: Mapping[int, Entry],
    measure: Measure,
    *,
    against_tau: bool = False,
    top: float | None = None,
    marks: Sequence[tuple[float, str]] = (),
) -> Figure:
    """A measure against the deviation or the tau of simulated predictors.

    Lines are medians of single selections, bands what nine in ten of them lie between (5 % to 95 %
    quantile), thin dotted lines means.

    Parameters
    ----------
    curves : rows of one accuracy and metric target, as from `analysis.simulation_curves`.
    top : upper end of the y axis, so that neighbouring figures can be compared.
    marks : tau and label of trained predictors, drawn as vertical lines (with `against_tau`).
    """
    bands: list[Json] = []
    lines: list[Json] = []
    x_column = "tau" if against_tau else "deviation"
    for n, entry in entries.items():
        rows = curves[(curves["n_candidates"] == n) & curves[x_column].notna()]
        rows = rows.sort_values("deviation")
        if rows.empty:
            continue
        x = plain_numbers(rows[x_column])
        column = measure.column
        bands += band_trace(entry, x, rows[f"{column}_least"], rows[f"{column}_most"])
        text = [
            f"<b>{entry.title}</b><br>deviation {row['deviation']:.2f}, tau {row['tau']:.2f}<br>"
            f"{measure.title}<br>{_both_centres(row, measure)}<br>"
            f"{row['repeats']} repeats, {row['n_selected']:.1f} selected on average"
            for row in rows.to_dict(orient="records")
        ]
        lines.append(line_trace(entry, x, rows[f"{column}_median"], text))
        lines.append(other_centre(entry, x, rows[column]))
        if column == "hypervolume":
            # The best that any selection from the same candidates could reach.
            lines.append(
                line_trace(
                    entry,
                    x,
                    rows["hypervolume_true_median"],
                    [f"{entry.title}: true front"] * len(x),
                )
                | {"mode": "lines", "line": {"color": entry.colour, "dash": "dash", "width": 1.2}}
            )
    label = (
        "Kendall's tau (worse to the right)" if against_tau else "deviation (standard deviations)"
    )
    layout = base_layout(label, measure.axis)
    if against_tau:
        layout["xaxis"] |= {"autorange": "reversed"}
        _mark(layout, marks)
    if top is not None:
        layout["yaxis"] |= {"range": [-0.04 * top, 1.06 * top]}
    title = f"{measure.title} against {'tau' if against_tau else 'deviation'}"
    return Figure(
        name=name,
        title=title,
        description=f"Line plot: {title}, one line a number of candidates",
        data=bands + lines,
        layout=layout,
        height=340,
    )


def _both_centres(row: Mapping[str, Any], measure: Measure) -> str:
    """Median with what nine in ten lie between, and mean with its interval, for hovering."""
    name, digits = measure.column, measure.digits
    least, median, most = (row[f"{name}_{end}"] for end in ("least", "median", "most"))
    mean, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]

    return (
        f"median {interval_text(median, least, most, digits)} {measure.unit}<br>"
        f"mean {interval_text(mean, low, high, digits)} {measure.unit}"
    )


def losses_by_tau_figure(pairs: Sequence[tuple[str, pd.DataFrame]]) -> Figure:
    """The median accuracy lost against the predictor's tau, a line a metric.

    Parameters
    ----------
    pairs : a metric's name and its rows of `analysis.simulation_curves`; the largest number of
        candidates is drawn.
    """
    lines: list[Json] = []
    legend = []
    for place, (name, rows) in enumerate(pairs):
        largest = rows[rows["n_candidates"] == rows["n_candidates"].max()]
        own = largest[largest["tau"].notna()].sort_values("tau")
        entry = nth_entry(place, f"loss:{place}", name)
        legend.append(entry)
        text = [
            f"<b>{plain_text(name)}</b><br>tau {row.tau:.2f}<br>median "
            f"{row.mra_pareto_median:.2f} points if verified, 5 % above "
            f"{row.mra_pareto_most:.2f}<br>median {row.mra_all_median:.2f} if not"
            for row in own.itertuples()
        ]
        lines.append(line_trace(entry, own["tau"], own["mra_pareto_median"], text))
    layout = base_layout("Kendall's tau (worse to the right)", "median loss, points of accuracy")
    layout["xaxis"] |= {"autorange": "reversed"}
    return Figure(
        name="losses-by-tau",
        title="Accuracy lost once the picks are verified",
        description="Line plot of the median accuracy lost against tau, one line a metric",
        data=lines,
        layout=layout,
        height=320,
        legend=tuple(legend),
        caption="Of the largest number of candidates.",
        wide=True,
    )


def _mark(layout: Json, marks: Sequence[tuple[float, str]]) -> None:
    layout["shapes"] = [marked_level(tau, across=True) for tau, _ in marks]
    layout["annotations"] = [
        {
            "x": tau,
            "y": 1,
            "yref": "paper",
            "yanchor": "top",
            "xanchor": "right",
            "textangle": -90,
            "text": plain_text(label),
            "showarrow": False,
            "font": {"size": 10.5, "color": "$muted"},
        }
        for tau, label in marks
    ]


def selection_figure(example: pd.DataFrame, accuracy: TargetWords, metric: TargetWords) -> Figure:
    """One selection: candidates, the true front, what was selected, and what each selected lost."""
    example = example.dropna(subset=["accuracy", "metric"])
    plain = example[~example["selected"]]
    shown = plain.iloc[sample(len(plain), MAX_POINTS)]
    front, offered = front_accuracy(example)
    selected = example[example["selected"]].assign(offered=offered)
    stays = selected[selected["selected_pareto"]]
    legend = (
        Entry("s:candidates", "candidates", "$muted", "circle"),
        Entry("s:front", "true front", "$ink", "", "solid"),
        Entry("s:predicted", "front as predicted", "$c1", "", "dash"),
        Entry("s:loss", "accuracy lost", "$c3", "", "dot"),
        Entry("s:selected", "selected, dominated once measured", "$c3", "x"),
        Entry("s:stays", "selected, still Pareto-optimal once measured", "$c0", "diamond"),
    )
    drops = selected[selected["offered"] > selected["accuracy"]]
    segments_x = [v for x in plain_numbers(drops["metric"]) for v in (x, x, None)]
    pairs = zip(plain_numbers(drops["accuracy"]), plain_numbers(drops["offered"]), strict=True)
    segments_y = [v for low, high in pairs for v in (low, high, None)]
    layout = base_layout(axis_title(metric.name, metric.unit), axis_title(accuracy.name, "%"))
    layout["hovermode"] = "closest"
    # Most of a search space's poor architectures say nothing here: begin where the front is. One
    # hopeless pick must not squeeze all others into a corner either.
    quartile, top = float(np.quantile(example["accuracy"], 0.25)), float(example["accuracy"].max())
    worst = min([quartile, *selected["accuracy"].tolist()])
    floor = max(worst, top - 2.5 * max(top - quartile, 1e-6))
    pad = 0.04 * max(top - floor, 1e-6)
    layout["yaxis"] |= {"range": [floor - pad, top + pad]}
    points = f"{len(shown):,} of {len(plain):,}" if len(shown) < len(plain) else f"{len(plain):,}"
    deviation = float(example["deviation"].iloc[0]) if len(example) else float("nan")
    return Figure(
        name="selection-example",
        title=f"{accuracy.title} against {metric.title}",
        description="Scatter plot of candidates with the true front and the selected architectures",
        data=[
            {
                "type": "scatter",
                "x": plain_numbers(shown["metric"]),
                "y": plain_numbers(shown["accuracy"]),
                "mode": "markers",
                "marker": {"color": "$muted", "size": 3.5, "opacity": 0.4},
                "legendgroup": "s:candidates",
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "x": segments_x,
                "y": segments_y,
                "mode": "lines",
                "line": {"color": "$c3", "width": 1.2, "dash": "dot"},
                "legendgroup": "s:loss",
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "x": plain_numbers(front[:, 0]),
                "y": plain_numbers(front[:, 1]),
                "mode": "lines+markers",
                "line": {"color": "$ink", "width": 1.8, "shape": "hv"},
                "marker": {"color": "$ink", "size": 4},
                "legendgroup": "s:front",
                "hovertemplate": "true front<br>%{x:.4g}<br>%{y:.2f} %<extra></extra>",
            },
            _predicted_front(selected, legend[2]),
            _selected(selected[~selected["selected_pareto"]], legend[4], metric),
            _selected(stays, legend[5], metric),
        ],
        layout=layout,
        height=520,
        legend=legend,
        caption=f"Predictor with a deviation of {deviation:.2f}; {points} unselected candidates "
        "drawn." + _out_of_sight(example, selected, floor - pad),
        wide=True,
    )


def _out_of_sight(example: pd.DataFrame, selected: pd.DataFrame, bottom: float) -> str:
    """What lies below the plot, in a sentence; "" where nothing does."""
    below = int((example["accuracy"] < bottom).sum())
    if not below:
        return ""
    picks = int((selected["accuracy"] < bottom).sum())
    which = f", {picks} of the selected among them" if picks else ""
    return f" {below:,} architectures lie below the plot{which}: double-click it to see them."


def _predicted_front(selected: pd.DataFrame, entry: Entry) -> Json:
    """What was selected, where the predictor sees it: there it is a front."""
    rows = selected.dropna(subset=["predicted_metric"]).sort_values("predicted_metric")
    return {
        "type": "scatter",
        "x": plain_numbers(rows["predicted_metric"]),
        "y": plain_numbers(rows["accuracy"]),
        "mode": "lines+markers",
        "line": {"color": entry.colour, "width": 1.4, "shape": "hv", "dash": entry.dash},
        "marker": {"color": entry.colour, "size": 4},
        "legendgroup": entry.group,
        "hovertemplate": "as predicted<br>%{x:.4g}<br>%{y:.2f} %<extra></extra>",
    }


def _selected(rows: pd.DataFrame, entry: Entry, metric: TargetWords) -> Json:
    text = [
        f"<b>{plain_text(entry.title)}</b><br>{plain_text(row.arch)}<br>"
        f"accuracy {row.accuracy:.2f} %<br>true {plain_text(metric.amount(f'{row.metric:.4g}'))}, "
        f"predicted {plain_text(metric.amount(f'{row.predicted_metric:.4g}'))}"
        + (f"<br>loses {row.offered - row.accuracy:.2f} points" if row.offered >= 0 else "")
        for row in rows.itertuples()
    ]
    return {
        "type": "scatter",
        "x": plain_numbers(rows["metric"]),
        "y": plain_numbers(rows["accuracy"]),
        "mode": "markers",
        "marker": {
            "color": entry.colour,
            "size": 9,
            "symbol": entry.symbol,
            "line": {"color": "$panel", "width": 1},
        },
        "legendgroup": entry.group,
        "text": text,
        "hoverinfo": "text",
    }
