"""Figures of what was selected from a supernet again: what was evaluated, and what is true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hwbench.fronts.two import pareto_front
from hwbench.pages.plotting import (
    SYMBOLS,
    Entry,
    Figure,
    Json,
    axis_title,
    base_layout,
    line_trace,
    marked_level,
    plain_numbers,
    plain_text,
    sample,
)
from hwbench.results.selections import Metric, Selected, SingleBaseline

MOST_POINTS, FEWEST_POINTS = 3000, 200
"""Evaluated architectures that a figure draws at most, and of one selection at least."""

Shown = Sequence[tuple[Selected, Entry]]
"""Selections with the colour, symbol and words they have in all figures."""


def evaluated_figure(name: str, metric: Metric, shown: Shown, *, folded: bool) -> Figure | None:
    """The supernet's accuracy against the metric as selections were told it, a point each.

    None where no evaluations of them were kept.

    Parameters
    ----------
    folded : whether the reader has to unfold it, since true values stand in another figure.
    """
    own = [(each.evaluations.dropna(subset=["metric", "accuracy"]), entry) for each, entry in shown]
    own = [(rows, entry) for rows, entry in own if len(rows)]
    if not own:
        return None
    most = max(MOST_POINTS // len(own), FEWEST_POINTS)
    data: list[Json] = []
    drawn = unselected = 0
    for rows, entry in own:
        others = rows[~rows["selected"]]
        points = others.iloc[sample(len(others), most)]
        drawn += len(points)
        unselected += len(others)
        data.append(_evaluated(points, entry, metric, selected=False))
    # What was selected lies above all that was not.
    data += [
        _evaluated(rows[rows["selected"]], entry, metric, selected=True) for rows, entry in own
    ]
    layout = base_layout(
        axis_title(f"{metric.title}, as the selection was told", metric.shown_unit),
        "supernet's accuracy, %",
    )
    _mark_limits(layout, shown)
    how_many = f"{drawn:,} of {unselected:,}" if drawn < unselected else f"{unselected:,}"
    caption = (
        f"The supernet's own numbers, on validation images. Large: selected; small: {how_many} "
        f"others that were evaluated.{_about_limits(metric, shown)}"
    )
    return Figure(
        name=name,
        title=f"What was evaluated: the supernet's accuracy against {metric.title}",
        description=f"Scatter plot of the supernet's accuracy against {metric.title}, a colour a "
        "selection",
        data=data,
        layout=layout,
        height=400,
        legend=tuple(entry for _, entry in own),
        caption=caption,
        wide=True,
        folded=folded,
    )


def _evaluated(rows: pd.DataFrame, entry: Entry, metric: Metric, *, selected: bool) -> Json:
    words = "selected" if selected else "not selected"
    text = [
        f"<b>{plain_text(entry.title)}</b>, {words}<br>{plain_text(row.architecture)}<br>"
        f"{row.accuracy:.2f} % with the supernet's weights, told "
        f"{plain_text(metric.amount(row.metric))}"
        for row in rows.itertuples()
    ]
    return evaluated_points(rows["metric"], rows["accuracy"], text, entry, selected=selected)


def evaluated_points(
    x: pd.Series, y: pd.Series, text: list[str], entry: Entry, *, selected: bool
) -> Json:
    """What a selection evaluated, a point each: large what it selected, small and pale the rest."""
    marker: Json = {"color": entry.colour, "symbol": entry.symbol}
    if selected:
        marker |= {"size": 10, "line": {"color": "$ink", "width": 1}}
    else:
        marker |= {"size": 4, "opacity": 0.35}
    return {
        "type": "scatter",
        "x": plain_numbers(x),
        "y": plain_numbers(y),
        "mode": "markers",
        "marker": marker,
        "legendgroup": entry.group,
        "text": text,
        "hoverinfo": "text",
    }


def true_figure(name: str, metric: Metric, shown: Shown) -> Figure | None:
    """True accuracy against the true metric of what was selected, beside the true front.

    None where both are known of nothing that was selected. Baselines without a metric are drawn as
    levels.
    """
    known = [(each.true_points, entry) for each, entry in shown]
    known = [(rows, entry) for rows, entry in known if len(rows)]
    if not known:
        return None
    sign = 1 if metric.direction == "minimize" else -1
    truth = Entry(f"{name}:front", "true front", "$ink", "", "dash")
    front = next((each.true_front for each, _ in shown if len(each.true_front)), None)
    data: list[Json] = []
    legend = [entry for _, entry in known]
    if front is not None:
        front = front.dropna(subset=["accuracy", "metric"]).sort_values("metric")
        data.append(_steps(truth, front["metric"], front["accuracy"], front, metric, width=1.5))
        legend.append(truth)
    for rows, entry in known:
        data += _selected(rows, entry, metric, sign)
    free = list(
        dict.fromkeys(
            baseline
            for each, _ in shown
            if each.result.single is not None
            for baseline in each.result.single.baselines
        )
    )
    reach = [value for trace in data for value in trace["x"] if value is not None]
    for place, baseline in enumerate(free):
        entry, trace = _baseline(f"{name}:free-{place}", place, baseline, metric, reach)
        legend.append(entry)
        data.append(trace)
    layout = base_layout(axis_title(f"true {metric.title}", metric.shown_unit), "true accuracy, %")
    _mark_limits(layout, shown)
    ends = _range(known, front, free)
    if np.isfinite(ends).all():  # numbers near the largest that there are leave no room for margins
        layout["yaxis"] |= {"range": ends}
    return Figure(
        name=name,
        title=f"What was selected: true accuracy against {metric.title}",
        description=f"Scatter plot of true accuracy against true {metric.title} of what was "
        "selected, with the true front as a line",
        data=data,
        layout=layout,
        height=420,
        legend=tuple(legend),
        caption=_caption(shown, known, metric, front is not None),
        wide=True,
    )


def _selected(rows: pd.DataFrame, entry: Entry, metric: Metric, sign: int) -> list[Json]:
    """What one selection selected; of several a line along those that are truly best."""
    accuracy = rows["true_accuracy"].to_numpy(np.float64)
    best = rows.iloc[pareto_front(accuracy, sign * rows["true_metric"].to_numpy(np.float64))]
    best = best.sort_values("true_metric")
    traces = []
    if len(best) > 1:
        columns = best["true_metric"], best["true_accuracy"]
        traces.append(_steps(entry, *columns, best, metric, width=1) | {"hoverinfo": "skip"})
    traces.append(
        {
            "type": "scatter",
            "x": plain_numbers(rows["true_metric"]),
            "y": plain_numbers(rows["true_accuracy"]),
            "mode": "markers",
            "marker": {
                "color": entry.colour,
                "symbol": entry.symbol,
                "size": 12 if len(rows) == 1 else 8,
            },
            "legendgroup": entry.group,
            "text": [
                _words(entry.title, row.architecture, row.true_accuracy, row.true_metric, metric)
                for row in rows.itertuples()
            ],
            "hoverinfo": "text",
        }
    )
    return traces


def _steps(
    entry: Entry,
    x: pd.Series,
    y: pd.Series,
    rows: pd.DataFrame,
    metric: Metric,
    *,
    width: float,
) -> Json:
    """A front as a step line: the best accuracy that is to be had up to, or from, each metric."""
    text = [
        _words(entry.title, name, accuracy, value, metric)
        for name, value, accuracy in zip(rows["architecture"], x, y, strict=True)
    ]
    line = line_trace(entry, x, y, text) | {"mode": "lines"}
    shape = "hv" if metric.direction == "minimize" else "vh"
    line["line"] |= {"shape": shape, "width": width}
    return line


def _baseline(
    group: str, place: int, baseline: SingleBaseline, metric: Metric, reach: Sequence[float]
) -> tuple[Entry, Json]:
    value = baseline.true_metric
    symbol = "" if value is None else SYMBOLS[place % len(SYMBOLS)]
    entry = Entry(group, baseline.words, "$muted", symbol, "dot" if value is None else "")
    text = _words(baseline.words, "", baseline.true_accuracy, value, metric)
    if value is None:
        ends = [min(reach), max(reach)]
        level = [baseline.true_accuracy] * 2
        return entry, line_trace(entry, ends, level, [text] * 2) | {"mode": "lines"}
    return entry, {
        "type": "scatter",
        "x": plain_numbers([value]),
        "y": plain_numbers([baseline.true_accuracy]),
        "mode": "markers",
        "marker": {"color": entry.colour, "symbol": symbol, "size": 11},
        "legendgroup": group,
        "text": [text],
        "hoverinfo": "text",
    }


def _words(
    title: str, architecture: str, accuracy: float, value: float | None, metric: Metric
) -> str:
    lines = [f"<b>{plain_text(title)}</b>"]
    if architecture:
        lines.append(plain_text(architecture))
    at = "" if value is None else f" at {plain_text(metric.amount(value))}"
    return "<br>".join([*lines, f"truly {accuracy:.2f} %{at}"])


def _range(
    known: Sequence[tuple[pd.DataFrame, Entry]],
    front: pd.DataFrame | None,
    free: Sequence[SingleBaseline],
) -> list[float]:
    """From the worst that was selected to the best there is: a front's low end decides little."""
    shown = [value for rows, _ in known for value in rows["true_accuracy"]]
    shown += [baseline.true_accuracy for baseline in free]
    if front is not None and len(front):
        shown += [float(front["accuracy"].median()), float(front["accuracy"].max())]
    low, high = min(shown), max(shown)
    margin = 0.06 * (high - low) or 1.0
    return [low - margin, high + margin]


def _caption(
    shown: Shown, known: Sequence[tuple[pd.DataFrame, Entry]], metric: Metric, front: bool
) -> str:
    better = "less" if metric.direction == "minimize" else "more"
    words = "Complete trainings, from a table; no number of the supernet enters."
    if front:
        words += f" Dashed: the best there is ({better} {metric.title} is better)."
    if any(len(rows) > 1 for rows, _ in known):
        words += " Thin lines: what is truly best of those selected."
    words += _about_limits(metric, shown)
    drawn = [entry for _, entry in known]
    missing = [entry.title for _, entry in shown if entry not in drawn]
    if missing:
        words += f" Not drawn, since its true values are not known: {'; '.join(missing)}."
    return words


def _limits(shown: Shown) -> list[float]:
    """The limits of selections, each once, in order."""
    metrics = (each.result.metric for each, _ in shown)
    return sorted({m.limit for m in metrics if m is not None and m.limit is not None})


def _mark_limits(layout: Json, shown: Shown) -> None:
    limits = _limits(shown)
    if limits:
        layout["shapes"] = [marked_level(limit, across=True) for limit in limits]


def _about_limits(metric: Metric, shown: Shown) -> str:
    limits = _limits(shown)
    if not limits:
        return ""
    amounts = " and ".join(metric.amount(limit) for limit in limits)
    return f" Dotted, upright: the limit{'s' * (len(limits) > 1)} of {amounts}."
