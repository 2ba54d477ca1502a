"""The report's plotly figures, as plain dictionaries.

Colours are tokens ("$c0" ... "$c6", "$ink", "$muted", "$grid", with an opacity as "$c0/0.2"): the
page resolves them from its style sheet, so that figures follow the light and the dark theme.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from hwbench.report.analysis import Lookup, Predicted, front_accuracy
from hwbench.report.reading import Target

# Five symbols and seven colours share no factor: 35 predictors differ in symbol or colour.
N_COLOURS = 7
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")
DASHES = ("solid", "dash", "dot")
LOOKUP_GROUP = "lookup"
MAX_POINTS = 4000
MAX_SCATTER_POINTS = 2000

Json = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A line of a legend. `group` is shared by all traces, in all figures, that it toggles."""

    group: str
    title: str
    colour: str
    symbol: str = ""
    dash: str = ""


@dataclass(frozen=True)
class Figure:
    """One figure: plotly traces and layout, what a reader needs to read it, and its legend."""

    name: str
    title: str
    description: str
    data: list[Json]
    layout: Json
    height: int = 360
    legend: tuple[Entry, ...] = ()
    caption: str = ""
    wide: bool = False
    extra: Json = field(default_factory=dict)


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
        bands += _band(entry, sizes, rows["low"], rows["high"])
        text = [
            f"<b>{_safe(entry.title)}</b><br>{row.training_size:,} measurements<br>"
            f"tau {_interval(row.tau, row.low, row.high)}<br>{row.seeds} seeds"
            for row in rows.itertuples()
        ]
        lines.append(_line(entry, sizes, rows["tau"], text))
    sizes = sorted({int(size) for size in curves["training_size"]})
    layout = _layout("measurements to train on (log scale)", "Kendall's tau")
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
            f"<b>{_safe(lookup.title)}</b><br>{lookup.training_size:,} measurements, no sampling"
            f"<br>tau {lookup.tau:.3f}"
        )
        lines.append(
            _line(entry, ends, [lookup.tau] * 2, [hover] * 2)
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
            f"<b>{_safe(entry.title)}</b><br>{row.training_size:,} measurements<br>"
            f"tau {row.tau:.3f}<br>fit {seconds(row.fit_seconds)}"
            for row in rows.itertuples()
        ]
        line = _line(entry, rows["fit_seconds"], rows["tau"], text)
        # A marker grows with its training size, so a path can be read without hovering.
        growth = np.linspace(5, 12, len(rows)) if len(rows) > 1 else np.array([9.0])
        line["marker"] |= {"size": _numbers(growth), "opacity": 1, "line": {"width": 0}}
        line["line"] |= {"width": 1}
        lines.append(line)
    layout = _layout("median time of one fit, s (log scale)", "Kendall's tau")
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
    shown = _sample(n, MAX_SCATTER_POINTS)
    truth, prediction = chosen.truth[shown], chosen.prediction[shown]
    low = float(min(truth.min(), prediction.min()))
    high = float(max(truth.max(), prediction.max()))
    layout = _layout(_axis("true", target.unit), _axis("predicted", target.unit))
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
                "x": _numbers(truth),
                "y": _numbers(prediction),
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
    layout = _layout("prediction - truth (standard deviations)", "architectures, %")
    layout |= {"bargap": 0.04, "hovermode": "closest"}
    data: list[Json] = [
        {
            "type": "bar",
            "x": _numbers(centres),
            "y": _numbers(share),
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
                "x": _numbers(grid),
                "y": _numbers(100.0 * width * normal),
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
        caption=f"Spread {spread:.2f}, mean {round(mean, 2) + 0.0:.2f}{unit}. Dashed: a normal distribution of "
        f"that mean and spread. {beyond:.1f} % lie outside the plot.",
    )


def simulation_entries(candidates: Iterable[int]) -> dict[int, Entry]:
    """Colour and symbol of every number of candidates."""
    return {
        n: Entry(
            f"n:{n}", f"{n:,} candidates", f"$c{i % N_COLOURS}", SYMBOLS[i % len(SYMBOLS)], "solid"
        )
        for i, n in enumerate(sorted(candidates))
    }


@dataclass(frozen=True)
class Measure:
    """A column of the simulation's curves, in words."""

    column: str
    title: str
    axis: str
    unit: str
    digits: int = 2


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
        x = _numbers(rows[x_column])
        column = measure.column
        bands += _band(entry, x, rows[f"{column}_low"], rows[f"{column}_high"])
        text = [
            f"<b>{entry.title}</b><br>deviation {row.deviation:.2f}, tau {row.tau:.2f}<br>"
            + measure.title
            + f" {_interval(value, low, high, measure.digits)} {measure.unit}<br>"
            + f"{row.repeats} repeats, {row.n_selected:.1f} selected on average"
            for row, value, low, high in zip(
                rows.itertuples(),
                rows[column],
                rows[f"{column}_low"],
                rows[f"{column}_high"],
                strict=True,
            )
        ]
        lines.append(_line(entry, x, rows[column], text))
        if column == "hypervolume":
            # The best that any selection from the same candidates could reach.
            lines.append(
                _line(entry, x, rows["hypervolume_true"], [f"{entry.title}: true front"] * len(x))
                | {"mode": "lines", "line": {"color": entry.colour, "dash": "dash", "width": 1.2}}
            )
    label = (
        "Kendall's tau (worse to the right)" if against_tau else "deviation (standard deviations)"
    )
    layout = _layout(label, measure.axis)
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


def _mark(layout: Json, marks: Sequence[tuple[float, str]]) -> None:
    layout["shapes"] = [
        {
            "type": "line",
            "x0": tau,
            "x1": tau,
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"color": "$muted", "width": 1, "dash": "dot"},
        }
        for tau, _ in marks
    ]
    layout["annotations"] = [
        {
            "x": tau,
            "y": 1,
            "yref": "paper",
            "yanchor": "top",
            "xanchor": "right",
            "textangle": -90,
            "text": _safe(label),
            "showarrow": False,
            "font": {"size": 10.5, "color": "$muted"},
        }
        for tau, label in marks
    ]


def selection_figure(example: pd.DataFrame, accuracy: Target, metric: Target) -> Figure:
    """One selection: candidates, the true front, what was selected, and what each selected lost."""
    example = example.dropna(subset=["accuracy", "metric"])
    plain = example[~example["selected"]]
    shown = plain.iloc[_sample(len(plain), MAX_POINTS)]
    front, offered = front_accuracy(example)
    selected = example[example["selected"]].assign(offered=offered)
    stays = selected[selected["selected_pareto"]]
    legend = (
        Entry("s:candidates", "candidates", "$muted", "circle"),
        Entry("s:front", "true front", "$ink", "", "solid"),
        Entry("s:loss", "accuracy lost", "$c3", "", "dot"),
        Entry("s:selected", "selected, dominated once measured", "$c3", "x"),
        Entry("s:stays", "selected, still Pareto-optimal once measured", "$c0", "diamond"),
    )
    drops = selected[selected["offered"] > selected["accuracy"]]
    segments_x = [v for x in _numbers(drops["metric"]) for v in (x, x, None)]
    pairs = zip(_numbers(drops["accuracy"]), _numbers(drops["offered"]), strict=True)
    segments_y = [v for low, high in pairs for v in (low, high, None)]
    layout = _layout(_axis(metric.title, metric.unit), _axis(accuracy.title, "%"))
    layout["hovermode"] = "closest"
    # Most of a search space's poor architectures say nothing here: begin where the front is.
    floor = min(
        [
            float(np.quantile(example["accuracy"], 0.25)),
            *selected["accuracy"].tolist(),
        ]
    )
    top = float(example["accuracy"].max())
    pad = 0.04 * max(top - floor, 1e-6)
    layout["yaxis"] |= {"range": [floor - pad, top + pad]}
    below = 100.0 * float((example["accuracy"] < floor - pad).mean())
    points = f"{len(shown):,} of {len(plain):,}" if len(shown) < len(plain) else f"{len(plain):,}"
    deviation = float(example["deviation"].iloc[0]) if len(example) else float("nan")
    return Figure(
        name="selection-example",
        title=f"{accuracy.title} against {metric.title}",
        description="Scatter plot of candidates with the true front and the selected architectures",
        data=[
            {
                "type": "scatter",
                "x": _numbers(shown["metric"]),
                "y": _numbers(shown["accuracy"]),
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
                "x": _numbers(front[:, 0]),
                "y": _numbers(front[:, 1]),
                "mode": "lines+markers",
                "line": {"color": "$ink", "width": 1.8, "shape": "hv"},
                "marker": {"color": "$ink", "size": 4},
                "legendgroup": "s:front",
                "hovertemplate": "true front<br>%{x:.4g}<br>%{y:.2f} %<extra></extra>",
            },
            _selected(selected[~selected["selected_pareto"]], legend[3], metric),
            _selected(stays, legend[4], metric),
        ],
        layout=layout,
        height=520,
        legend=legend,
        caption=f"Predictor with a deviation of {deviation:.2f}; {points} unselected candidates "
        f"drawn. {below:.0f} % of all lie below the plot: double-click it to see them.",
        wide=True,
    )


def _selected(rows: pd.DataFrame, entry: Entry, metric: Target) -> Json:
    text = [
        f"<b>{_safe(entry.title)}</b><br>{_safe(row.arch)}<br>accuracy {row.accuracy:.2f} %<br>"
        f"true {_safe(metric.amount(f'{row.metric:.4g}'))}, "
        f"predicted {_safe(metric.amount(f'{row.predicted_metric:.4g}'))}"
        + (f"<br>loses {row.offered - row.accuracy:.2f} points" if row.offered >= 0 else "")
        for row in rows.itertuples()
    ]
    return {
        "type": "scatter",
        "x": _numbers(rows["metric"]),
        "y": _numbers(rows["accuracy"]),
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


def seconds(value: float) -> str:
    """A duration in the unit that suits it: "12 ms", "3.4 s", "5 min 20 s", "2 h 5 min"."""
    if not np.isfinite(value):
        return "unknown"
    if value < 1:
        return f"{1000 * value:.3g} ms"
    if value < 60:
        return f"{value:.3g} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"


def _layout(x: str, y: str) -> Json:
    axis: Json = {
        "gridcolor": "$grid",
        "linecolor": "$axis",
        "showline": True,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "$axis",
        "automargin": True,
    }
    return {
        "xaxis": axis | {"title": {"text": _safe(x), "standoff": 10}},
        "yaxis": axis | {"title": {"text": _safe(y), "standoff": 8}},
        "showlegend": False,
        "hovermode": "closest",
        "margin": {"l": 54, "r": 14, "t": 28, "b": 48},
        "paper_bgcolor": "$none",
        "plot_bgcolor": "$none",
        "font": {"color": "$ink", "size": 12.5},
        "modebar": {"bgcolor": "$none", "color": "$axis", "activecolor": "$muted"},
        "hoverlabel": {
            "bgcolor": "$panel",
            "bordercolor": "$axis",
            "align": "left",
            "font": {"color": "$ink", "size": 12.5},
        },
    }


def _line(entry: Entry, x: Iterable[float], y: Iterable[float], text: list[str]) -> Json:
    return {
        "type": "scatter",
        "x": _numbers(x),
        "y": _numbers(y),
        "mode": "lines+markers",
        "line": {"color": entry.colour, "dash": entry.dash or "solid", "width": 2},
        "marker": {"color": entry.colour, "symbol": entry.symbol or "circle", "size": 7},
        "legendgroup": entry.group,
        "text": text,
        "hoverinfo": "text",
    }


def _band(
    entry: Entry, x: Iterable[float], low: Iterable[float], high: Iterable[float]
) -> list[Json]:
    known = [
        point
        for point in zip(_numbers(x), _numbers(low), _numbers(high), strict=True)
        if None not in point
    ]
    if len(known) < 2:
        return []
    outline = [(p[0], p[2]) for p in known] + [(p[0], p[1]) for p in reversed(known)]
    return [
        {
            "type": "scatter",
            "x": [p[0] for p in outline],
            "y": [p[1] for p in outline],
            "mode": "lines",
            "line": {"width": 0, "color": f"{entry.colour}/0"},
            "fill": "toself",
            "fillcolor": f"{entry.colour}/0.15",
            "legendgroup": entry.group,
            "hoverinfo": "skip",
        }
    ]


def _numbers(values: Iterable[float]) -> list[float | None]:
    """Plain numbers of five digits (a plot shows fewer); None, which plotly skips, for NaN."""
    return [
        float(f"{value:.5g}") if np.isfinite(value) else None
        for value in np.asarray(list(values), dtype=np.float64)
    ]


def _sample(n: int, most: int) -> np.ndarray:
    """Up to `most` of n positions, in order, the same at every call."""
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, most, replace=False))


def _axis(title: str, unit: str) -> str:
    return f"{title} ({unit})" if unit else title


def _interval(mean: float, low: float, high: float, digits: int = 3) -> str:
    text = f"{mean:.{digits}f}"
    return f"{text} ({low:.{digits}f} to {high:.{digits}f})" if np.isfinite(low) else text


def _safe(text: str) -> str:
    """Text that plotly shows as it is: it would read tags and templates in it."""
    return html.escape(str(text)).replace("%{", "% {")
