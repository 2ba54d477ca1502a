"""Figures of learning curves: tau against measurements, and against the time of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd

from hwbench.analysis.answer import mean_or_nan
from hwbench.analysis.published import published_curves
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
)
from hwbench.results.run import Run
from hwbench.wording import duration

OWN_SET_DASHES = ("dash", "dot", "dashdot")

BASELINES = {
    "flops": "FLOPs",
    "parameters": "Parameters",
    "operations": "Number of operations",
    "random": "Random order",
}
"""What ranks without measurements, in words."""


@dataclass(frozen=True)
class Reference:
    """A line that predictors are held against: what is published, or noise allows."""

    group: str
    title: str
    colour: str
    dash: str
    sizes: tuple[int, ...]
    taus: tuple[float, ...]


def predictor_entries(titles: Mapping[str, str]) -> dict[str, Entry]:
    """Colour, symbol and dash of every predictor: the same in all figures of a report."""
    return {
        name: nth_entry(index, f"p:{name}", title)
        for index, (name, title) in enumerate(titles.items())
    }


def baseline_scores(run: Run, targets: Sequence[str]) -> list[OwnSetScore]:
    """What ranks for nothing: Kendall's tau, mean over targets that all know it, the best first."""
    by_target = [run.baselines(target) for target in targets]
    found = []
    for name, title in BASELINES.items():
        taus = [known[name] for known in by_target if name in known]
        if taus and len(taus) == len(by_target):
            found.append(OwnSetScore(name, title, float(np.mean(taus)), 0))
    return sorted(found, key=lambda each: -each.tau)


def references(run: Run, targets: Sequence[str], sizes: Sequence[int]) -> list[Reference]:
    """Lines of one target's figure, or of the mean's: ceiling, published curves, best for free.

    Parameters
    ----------
    run : of the figure.
    targets : "table:column"; several for their mean.
    sizes : training sizes that the figure shows.
    """
    ends = (min(sizes), max(sizes))
    found = []
    level = mean_or_nan([run.ceiling(target) for target in targets])
    if np.isfinite(level):
        title = f"ceiling that noise sets ({level:.2f})"
        found.append(Reference("r:ceiling", title, "$muted", "dot", ends, (level, level)))
    for place, curve in enumerate(published_curves(targets)):
        taus = {size: tau for size, tau in curve.taus.items() if ends[0] <= size <= ends[1]}
        if taus:
            dash = OWN_SET_DASHES[place % len(OWN_SET_DASHES)]
            group = f"r:published-{place}"
            own = Reference(group, curve.title, "$muted", dash, tuple(taus), tuple(taus.values()))
            found.append(own)
    for own_score in baseline_scores(run, targets)[:1]:
        title = f"{own_score.title}, no measurement ({own_score.tau:.2f})"
        level = own_score.tau
        found.append(Reference("r:free", title, "$axis", "dash", ends, (level, level)))
    return found


def learning_curves_figure(
    name: str,
    title: str,
    curves: pd.DataFrame,
    entries: Mapping[str, Entry],
    own_sets: Sequence[OwnSetScore],
    held_against: Sequence[Reference] = (),
    height: int = 440,
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
    for each in held_against:
        look = Entry(each.group, each.title, each.colour, "", each.dash)
        legend.append(look)
        texts = [
            f"<b>{plain_text(each.title)}</b><br>{size:,} measurements<br>tau {tau:.3f}"
            for size, tau in zip(each.sizes, each.taus, strict=True)
        ]
        lines.append(line_trace(look, each.sizes, each.taus, texts) | {"mode": "lines"})
    return Figure(
        name=name,
        title=title,
        description=f"Line plot of Kendall's tau against training size, one line a predictor: "
        f"{title}",
        data=bands + lines,
        layout=layout,
        height=height,
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
            f"tau {row.tau:.3f}<br>fit {duration(row.fit_seconds)}"
            for row in rows.itertuples()
        ]
        line = line_trace(look, rows["fit_seconds"], rows["tau"], text)
        # A marker grows with its training size, so a path can be read without hovering.
        growth = np.linspace(5, 12, len(rows)) if len(rows) > 1 else np.array([9.0])
        line["marker"] |= {"size": plain_numbers(growth), "opacity": 1, "line": {"width": 0}}
        line["line"] |= {"width": 1}
        lines.append(line)
    layout = base_layout("median time of one fit (log scale)", "Kendall's tau")
    layout["xaxis"] |= log_axis(curves["fit_seconds"], duration)
    return Figure(
        name="fit-cost",
        title=title,
        description="Scatter plot of fit time against Kendall's tau, one path a predictor",
        data=lines,
        layout=layout,
        height=330,
        legend=tuple(legend),
        wide=True,
    )
