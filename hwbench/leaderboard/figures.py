"""Figures of the leaderboard's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from hwbench.analysis.published import published_curves
from hwbench.fronts.two import pareto_front
from hwbench.leaderboard.standings import BASELINE, BASELINES, ENTRY, Standings
from hwbench.leaderboard.tables import entry_title
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    band_trace,
    base_layout,
    interval_text,
    line_trace,
    log_axis,
    marked_level,
    nth_entry,
    plain_numbers,
    plain_text,
)
from hwbench.results.leaderboard import Board
from hwbench.results.study_columns import FIT_CPU_SECONDS
from hwbench.wording import duration

Looks = Mapping[tuple[str, ...], Entry]
"""Colour, symbol and dash of every entry: the same in all figures of the page."""

DASHES = ("dash", "dot", "dashdot")

MOST_SHOWN = 8
"""Entries that learning curves show to begin with; the reader switches others on."""


def entry_looks(board: Board) -> dict[tuple[str, ...], Entry]:
    """The look of every entry, those that score best first."""
    scored = board.scores[~board.scores["own_training_set"]]
    order = scored.groupby(ENTRY)["kendall_tau"].mean().sort_values(ascending=False)
    titles = scored.groupby(ENTRY)["title"].first()
    looks = {}
    for place, key in enumerate(order.index):
        row = {**dict(zip(ENTRY, key, strict=True)), "title": titles[key]}
        looks[tuple(key)] = nth_entry(place, f"e:{place}", entry_title(row))
    return looks


def leaders(curves: pd.DataFrame) -> list[tuple[str, ...]]:
    """The entries that a figure shows to begin with: those that rank best at any size.

    Parameters
    ----------
    curves : see `hwbench.leaderboard.standings.learning_curves`.
    """
    ranks = curves.groupby("training_size")["tau"].rank(ascending=False, method="min")
    of_entry = curves.assign(rank=ranks).groupby(ENTRY)["rank"].agg(["min", "mean"])
    ordered = of_entry.sort_values(["min", "mean"], kind="stable")
    return [tuple(key) for key in ordered.index[:MOST_SHOWN]]


def curves_figure(
    name: str,
    board: Board,
    targets: Sequence[str],
    curves: pd.DataFrame,
    looks: Looks,
    *,
    bands: bool = True,
) -> Figure:
    """Tau by number of measurements, with what is published, free, and possible at best.

    To begin with it shows those that lead, see `leaders`.
    """
    ahead = leaders(curves)
    areas: list[Json] = []
    lines: list[Json] = []
    legend: list[Entry] = []
    for key, look in looks.items():
        rows = curves
        for column, value in zip(ENTRY, key, strict=True):
            rows = rows[rows[column] == value]
        if rows.empty:
            continue
        look = replace(look, group=f"{name}:{look.group}", shown=key in ahead)
        legend.append(look)
        sizes = rows["training_size"].tolist()
        if bands:
            areas += band_trace(look, sizes, rows["low"], rows["high"])
        lines.append(_hovered(look, sizes, rows["tau"]))
    sizes = sorted({int(size) for size in curves["training_size"]})
    drawn, keys = _references(board, targets, sizes)
    layout = base_layout("measurements to train on (log scale)", "Kendall's tau")
    layout["xaxis"] |= {
        "type": "log",
        "tickvals": sizes,
        "ticktext": [f"{size:,}" for size in sizes],
    }
    what = targets[0] if len(targets) == 1 else f"mean over {len(targets)} targets"
    return Figure(
        name,
        f"Learning curves, {what}",
        f"Line plot of Kendall's tau against the number of measurements, {what}",
        areas + lines + drawn,
        layout,
        height=480,
        legend=(*legend, *keys),
        caption="Means over seeds"
        + (" with their 95 % intervals" if bands else "")
        + (f", at first of the {MOST_SHOWN} that rank best" if len(legend) > MOST_SHOWN else "")
        + ". A key switches an entry on or off.",
        wide=True,
    )


def _references(
    board: Board, targets: Sequence[str], sizes: Sequence[int]
) -> tuple[list[Json], list[Entry]]:
    """Lines that entries are held against: the ceiling, published curves, the best for free."""
    if not sizes:
        return [], []
    known = board.targets()
    ends = [min(sizes), max(sizes)]
    found: list[tuple[str, str, Sequence[float], Sequence[float], str]] = []
    given = [known[target].get("ceiling") for target in targets]
    ceilings = [float(each) for each in given if each is not None]
    if len(ceilings) == len(targets):
        level = float(np.mean(ceilings))
        title = f"ceiling that noise sets ({level:.2f})"
        found.append(("r:ceiling", title, ends, [level, level], "dot"))
    for place, curve in enumerate(published_curves(targets)):
        taus = {size: tau for size, tau in curve.taus.items() if ends[0] <= size <= ends[1]}
        if taus:
            group = f"r:published-{place}"
            found.append((group, curve.title, list(taus), list(taus.values()), DASHES[place % 3]))
    free = {}
    for name, title in BASELINES.items():
        known_taus = [known[each]["baselines"].get(name) for each in targets]
        if None not in known_taus:
            free[title] = float(np.mean(known_taus))
    if free:
        title, level = max(free.items(), key=lambda each: each[1])
        found.append(("r:free", f"{title} ({level:.2f})", ends, [level, level], "dash"))
    drawn, keys = [], []
    for group, title, x, y, dash in found:
        look = Entry(group, title, "$muted", "", dash)
        drawn.append(_hovered(look, x, y) | {"mode": "lines"})
        keys.append(look)
    return drawn, keys


def _hovered(look: Entry, x: Sequence[float], y: Sequence[float] | pd.Series) -> Json:
    """A line that says on hovering what it is: a text for each point would be most of the page."""
    trace = line_trace(look, x, y, [])
    del trace["text"], trace["hoverinfo"]
    what = f"<b>{plain_text(look.title)}</b><br>%{{x:,}} measurements<br>tau %{{y:.3f}}"
    return trace | {"hovertemplate": f"{what}<extra></extra>"}


def cost_figure(name: str, found: Standings, looks: Looks) -> Figure:
    """What a fit costs against how well it ranks, and which entries no other beats."""
    table = found.table[(found.table["family"] != BASELINE) & found.table["rank"].notna()]
    table = table.dropna(subset=["mean", FIT_CPU_SECONDS]).reset_index(drop=True)
    data: list[Json] = []
    for row in table.to_dict("records"):
        look = looks.get(tuple(row[each] for each in ENTRY))
        if look is None:  # it chooses its own training set: no line of any curve
            look = Entry("e:own-set", entry_title(row), "$ink", "x")
        data.append(_point(row, look))
    front = pareto_front(table["mean"].to_numpy(), table[FIT_CPU_SECONDS].to_numpy())
    if len(front):
        along = table.iloc[front]
        look = Entry("r:front", "no other is as good for less", "$axis", "", "dash")
        data.insert(0, _steps(along, look))
    layout = base_layout("processor time of one fit (log scale)", "Kendall's tau")
    layout["xaxis"] |= log_axis(table[FIT_CPU_SECONDS], duration)
    free = found.table[found.table["family"] == BASELINE]
    if len(free):
        layout["shapes"] = [marked_level(float(free["mean"].max()))]
    return Figure(
        name,
        f"Cost against quality with {found.size:,} measurements",
        "Scatter plot of processor time against Kendall's tau, a marker an entry",
        data,
        layout,
        height=400,
        caption="Entries on the dashed steps: no other is as good for less. The dotted line is the "
        "best of what ranks without measurements.",
        wide=True,
    )


def _point(row: Mapping[str, Any], look: Entry) -> Json:
    text = (
        f"<b>{plain_text(entry_title(row))}</b><br>"
        f"tau {interval_text(row['mean'], row['low'], row['high'])}<br>"
        f"fit {duration(row[FIT_CPU_SECONDS])}"
    )
    trace = line_trace(look, [max(row[FIT_CPU_SECONDS], 1e-4)], [row["mean"]], [text])
    trace["marker"] |= {"size": 11}
    return trace | {"mode": "markers"}


def _steps(along: pd.DataFrame, look: Entry) -> Json:
    trace = line_trace(look, along[FIT_CPU_SECONDS], along["mean"], [""] * len(along))
    trace["x"] = plain_numbers(np.maximum(along[FIT_CPU_SECONDS], 1e-4))
    trace["line"] |= {"shape": "hv", "width": 1.5}
    return trace | {"mode": "lines", "hoverinfo": "skip"}
