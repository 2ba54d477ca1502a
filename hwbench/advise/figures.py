"""The figures of the page of advice: plotly traces and layouts as plain dictionaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hwbench.arrays import Floats
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    axis_title,
    band_trace,
    base_layout,
    front_trace,
    line_trace,
    log_axis,
    marked_level,
    plain_numbers,
    plain_text,
    sample,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hwbench.advise.result import Advice
    from hwbench.advise.selection import Selection
    from hwbench.predictors.model_card import Score

RANKED = 15
MOST_POINTS = 1500
CHOSEN, OTHER = "$c1", "$c0"
STEPS = 24
REACH = 4.0
"""The learning curve is drawn to so many times the measurements there are."""


def ranking_figure(advice: Advice) -> Figure:
    """Cross-validated tau of the best candidates, with intervals; the choice stands out."""
    return scores_figure(advice.scores)


def scores_figure(scores: Sequence[Score]) -> Figure:
    """The same of a leaderboard; its best `RANKED` predictors, the choice always among them."""
    tried = [each for each in scores if each.status in ("chosen", "tried")]
    chosen = next(each for each in tried if each.status == "chosen")
    shown = tried[:RANKED]
    if chosen not in shown:
        shown = [*shown[:-1], chosen]
    traces, names = [], []
    for place, row in enumerate(reversed(shown)):
        title = row.title or row.predictor
        names.append(_row_name(place, title))
        tau = np.nan if row.kendall_tau is None else row.kendall_tau
        low, high = (tau if end is None else end for end in (row.low, row.high))
        colour = CHOSEN if row is chosen else OTHER
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": plain_numbers([tau]),
                "y": [place],
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": plain_numbers([high - tau]),
                    "arrayminus": plain_numbers([tau - low]),
                    "color": f"{colour}/0.6",
                    "thickness": 2,
                    "width": 4,
                },
                "marker": {
                    "color": colour,
                    "size": 11 if row is chosen else 8,
                    "symbol": "diamond" if row is chosen else "circle",
                },
                "text": [
                    f"{plain_text(title)}<br>tau {tau:.3f} ({low:.3f} to {high:.3f})<br>"
                    f"{row.repeats} times cross-validated"
                ],
                "hoverinfo": "text",
            }
        )
    layout = base_layout("Kendall's tau, cross-validated", "")
    layout["yaxis"] |= {
        "range": [-0.5, len(shown)],
        "ticks": "",
        "showticklabels": False,
        "showgrid": False,
        "showline": False,
        "title": {"text": ""},
    }
    layout["annotations"] = names
    return Figure(
        name="ranking",
        title="Predictors by cross-validated tau",
        description=f"The {len(shown)} best predictors with 90 % intervals; "
        f"{chosen.title} is chosen",
        data=traces,
        layout=layout,
        height=90 + 38 * len(shown),
        caption="Bars are 90 % intervals over samples of architectures; most of it is common to "
        "all, so that two whose bars overlap may still differ. The diamond is the choice.",
        wide=True,
    )


def _row_name(place: int, text: str) -> Json:
    """The name of a row, above its bar, so that it takes no width from the figure."""
    return {
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "y": place + 0.18,
        "yanchor": "bottom",
        "text": plain_text(text),
        "showarrow": False,
        "font": {"color": "$ink", "size": 12},
    }


def predicted_figure(advice: Advice) -> Figure:
    """Out-of-fold predictions against measurements."""
    measured = advice.measurements
    return points_figure(
        measured.space.to_strings(measured.archs),
        advice.data.values,
        advice.ranking.chosen.predictions[0],
        measured.unit,
        "Every architecture is predicted by a model that was not fitted to it. On the dotted line "
        "predictions are exact.",
    )


def points_figure(
    names: Sequence[str], truth: Floats, guess: Floats, unit: str, caption: str
) -> Figure:
    """Predictions against measurements, at most `MOST_POINTS` of them.

    Parameters
    ----------
    names : of the architectures.
    truth, guess : measured and predicted, float64 of shape (n_archs,), in `unit`.
    caption : what was predicted by what.
    """
    rows = sample(len(truth), MOST_POINTS)
    ends = [float(min(truth.min(), guess.min())), float(max(truth.max(), guess.max()))]
    data: list[Json] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": plain_numbers(ends),
            "y": plain_numbers(ends),
            "line": {"color": "$muted", "width": 1, "dash": "dot"},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "mode": "markers",
            "x": plain_numbers(truth[rows]),
            "y": plain_numbers(guess[rows]),
            "marker": {"color": f"{CHOSEN}/0.75", "size": 7},
            "text": [
                f"{plain_text(names[row])}<br>measured {truth[row]:.4g}, predicted {guess[row]:.4g}"
                for row in rows
            ],
            "hoverinfo": "text",
        },
    ]
    return Figure(
        name="predicted",
        title="Predicted against measured",
        description="Predictions of the chosen predictor against measurements",
        data=data,
        layout=base_layout(axis_title("measured", unit), axis_title("predicted", unit)),
        height=380,
        caption=caption,
    )


def curve_figure(advice: Advice) -> Figure:
    """Tau against the number of measurements: cross-validated, promised and extrapolated."""
    promised = advice.promise
    measured = Entry("measured", "cross-validated", OTHER, "circle", "solid")
    ahead = Entry("ahead", "extrapolated", CHOSEN, "diamond", "dash")
    points = promised.points
    sizes = np.geomspace(points[-1].size, REACH * promised.size, STEPS)
    estimates = [promised.at(size) for size in sizes]
    data = band_trace(
        measured,
        [p.size for p in points],
        [p.tau.low for p in points],
        [p.tau.high for p in points],
    )
    data += band_trace(ahead, sizes, [e.low for e in estimates], [e.high for e in estimates])
    data.append(
        line_trace(
            measured,
            [p.size for p in points],
            [p.tau.value for p in points],
            [f"{p.size} measurements: tau {p.tau.value:.3f}, cross-validated" for p in points],
        )
    )
    line = line_trace(
        ahead,
        sizes,
        [e.value for e in estimates],
        [f"{s:.0f} measurements: tau {e.value:.3f}" for s, e in zip(sizes, estimates, strict=True)],
    )
    data.append(line | {"mode": "lines"})
    marks = [(promised.size, promised.tau, "all"), (2 * promised.size, promised.doubled, "twice")]
    data.append(
        {
            "type": "scatter",
            "mode": "markers+text",
            "x": plain_numbers([size for size, _, _ in marks]),
            "y": plain_numbers([e.value for _, e, _ in marks]),
            "text": [f"{word}: {e.value:.2f}" for _, e, word in marks],
            "textposition": "bottom right",
            "textfont": {"color": "$ink", "size": 12},
            "marker": {"color": CHOSEN, "symbol": "diamond", "size": 11},
            "hoverinfo": "skip",
        }
    )
    layout = base_layout("measured architectures", "Kendall's tau")
    layout["xaxis"] |= log_axis([points[0].size, *sizes])
    if advice.noise is not None:
        layout["shapes"] = [marked_level(advice.noise.tau_ceiling)]
        layout["annotations"] = [_level_text(advice.noise.tau_ceiling, "ceiling that noise sets")]
    return Figure(
        name="curve",
        title="What more measurements would bring",
        description=f"Learning curve: tau {promised.tau.value:.2f} with {promised.size} "
        f"measurements, about {promised.doubled.value:.2f} with twice as many",
        data=data,
        layout=layout,
        height=380,
        caption="Circles are cross-validated on parts of the measurements. Diamonds and the dashed "
        "line follow the power law 1 - tau ~ n^-slope: beyond all measurements they are an "
        "extrapolation. Bands are 90 % intervals.",
    )


def _level_text(value: float, text: str) -> Json:
    return {
        "xref": "paper",
        "x": 0.01,
        "xanchor": "left",
        "y": value,
        "yanchor": "bottom",
        "text": text,
        "showarrow": False,
        "font": {"color": "$muted", "size": 11.5},
    }


def selection_figure(advice: Advice, selection: Selection) -> Figure:
    """One simulated selection: candidates, the true front, and what was picked."""
    example = selection.example
    picked, front = example[example["selected"]], example[example["front"]].sort_values("metric")
    others = example[~example["selected"]]
    measured = advice.measurements
    data: list[Json] = [
        _points(others, "$muted/0.35", 4, "circle", "candidate"),
        front_trace(
            front["metric"],
            front["accuracy"],
            OTHER,
            ascending=measured.direction != "maximize",
        ),
        _points(picked, CHOSEN, 9, "diamond", "picked"),
    ]
    return Figure(
        name="selection",
        title="A simulated selection",
        description=f"{len(picked)} of {len(example)} candidates are picked; the line is the true "
        "front",
        data=data,
        layout=base_layout(axis_title(measured.metric, measured.unit), "accuracy (%)"),
        height=380,
        caption="The line is the best accuracy to be had at a metric no worse; diamonds are what "
        "the model, erring as it does, would pick. What they lie below the line is the accuracy "
        "lost.",
    )


def _points(frame: object, colour: str, size: int, symbol: str, word: str) -> Json:
    rows = list(frame[["metric", "accuracy"]].itertuples(index=False))  # type: ignore[index]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": plain_numbers(row[0] for row in rows),
        "y": plain_numbers(row[1] for row in rows),
        "marker": {"color": colour, "size": size, "symbol": symbol},
        "text": [f"{word}: {row[0]:.4g}, accuracy {row[1]:.2f} %" for row in rows],
        "hoverinfo": "text",
    }


def budget_figure(selection: Selection) -> Figure:
    """Hypervolume lost against the number of picks that are measured."""
    entry = Entry("budget", "hypervolume lost", CHOSEN, "circle", "solid")
    budgets = selection.budgets
    trace = line_trace(
        entry,
        [each.budget for each in budgets],
        [each.lost for each in budgets],
        [f"{each.budget} measured: {each.lost:.1f} % lost" for each in budgets],
    )
    layout = base_layout("picks that are measured", "hypervolume lost (%)")
    layout["yaxis"] |= {"rangemode": "tozero"}
    layout["shapes"] = [marked_level(selection.verify, across=True)]
    return Figure(
        name="budget",
        title="How many picks to verify",
        description=f"Hypervolume lost against picks measured; {selection.verify} are enough",
        data=[trace],
        layout=layout,
        height=380,
        caption="The most accurate picks are measured first; medians over simulated searches. The "
        "dotted line is the least number with which the loss is within 1 % of the hypervolume of "
        "that of measuring all.",
    )
