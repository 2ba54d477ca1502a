"""Figures and tables that compare predictors beyond their curves: ranks, samples needed, errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.report.plotting import (
    Entry,
    Figure,
    Json,
    base_layout,
    line_trace,
    plain_numbers,
    plain_text,
)
from hwbench.report.reading import LOOKUP_FAMILY, Run
from hwbench.study.comparison import rank_predictors, samples_needed
from hwbench.study.deviations import deviation_statistics

TAUS = (0.6, 0.7, 0.8, 0.9)
"""Kendall's taus whose cost in measurements is listed."""

FEWEST_TARGETS = 2


@dataclass(frozen=True)
class Listing:
    """A plain table: a title, headings, and rows of a name and cells."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def ranks_figure(study: pd.DataFrame, entries: Mapping[str, Entry]) -> Figure | None:
    """Average ranks over targets with half the critical difference on each side.

    Two predictors whose bars do not overlap differ (Nemenyi, 5 %). None where the study has not two
    targets and two predictors with all scores.
    """
    if study["target"].nunique() < FEWEST_TARGETS:
        return None
    try:
        found = rank_predictors(study)
    except HwbenchError:  # no common training size, or fewer than two complete predictors
        return None
    names = list(found.ranks)
    places = list(range(len(names), 0, -1))
    data: list[Json] = [
        {
            "type": "scatter",
            "x": plain_numbers([found.ranks[name]]),
            "y": [place],
            "mode": "markers",
            "marker": {"color": entries[name].colour, "symbol": entries[name].symbol, "size": 9},
            "error_x": {
                "type": "constant",
                "value": found.difference / 2,
                "color": entries[name].colour,
                "thickness": 2,
                "width": 4,
            },
            "hovertemplate": f"<b>{plain_text(entries[name].title)}</b><br>average rank "
            f"{found.ranks[name]:.2f}<extra></extra>",
        }
        for name, place in zip(names, places, strict=True)
    ]
    layout = base_layout("average rank (1 is best)", "")
    layout["xaxis"] |= {"range": [0.5, len(names) + 0.5]}  # no rank lies beyond
    layout["yaxis"] |= {
        "tickvals": places,
        "ticktext": [plain_text(entries[name].title) for name in names],
        "range": [0.4, len(names) + 0.6],
    }
    return Figure(
        name="critical-difference",
        title="Average ranks and critical difference",
        description="Dot plot of the average rank of each predictor over the targets",
        data=data,
        layout=layout,
        height=120 + 26 * len(names),
        caption=f"Ranks by mean Kendall's tau over {found.n_blocks} targets at the largest "
        "training size they share. Bars reach half the critical difference of "
        f"{found.difference:.2f} to both sides: predictors whose bars overlap are not told apart "
        f"(Nemenyi, 5 %). Friedman test that all are equal: p = {found.p_value:.2g}.",
        wide=True,
    )


def samples_listings(run: Run, study: pd.DataFrame, titles: Mapping[str, str]) -> list[Listing]:
    """For each target the measurements that every predictor needs for some taus."""
    found = {tau: samples_needed(study, tau) for tau in TAUS}
    listings = []
    for target in sorted(study["target"].unique()):
        cells: dict[str, list[str]] = {}
        order: dict[str, tuple[float, ...]] = {}
        for frame in found.values():
            for row in frame[frame["target"] == target].itertuples():
                cells.setdefault(row.predictor, []).append(_samples(row))
                order[row.predictor] = (*order.get(row.predictor, ()), row.samples)
        names = sorted(cells, key=lambda name: (order[name][2], order[name]))
        if names:
            listings.append(
                Listing(
                    run.target(target).title,
                    tuple(f"tau {tau:g}" for tau in TAUS),
                    tuple((titles[name], tuple(cells[name])) for name in names),
                )
            )
    return listings


def _samples(row: Any) -> str:
    if not np.isfinite(row.samples):
        return "not reached"
    text = f"{'≤ ' if row.bounded else ''}{row.samples:,.0f}"
    if np.isnan(row.low):
        return text
    high = f"{row.high:,.0f}" if np.isfinite(row.high) else "beyond"
    return f"{text} ({row.low:,.0f} to {high})"


def spread_figure(
    study: pd.DataFrame, simulation: pd.DataFrame | None, entries: Mapping[str, Entry]
) -> Figure | None:
    """Spread of the deviations against tau, of trained and of simulated predictors (LAUBE A.7)."""
    own = study[study["deviation"].notna() & (study["family"] != LOOKUP_FAMILY)]
    if own.empty:
        return None
    means = own.groupby(["target", "predictor", "training_size"])[["deviation", "kendall_tau"]]
    points = means.mean().reset_index()
    data: list[Json] = []
    legend = []
    for name, entry in entries.items():
        rows = points[points["predictor"] == name]
        if rows.empty:
            continue
        legend.append(entry)
        text = [
            f"<b>{plain_text(entry.title)}</b><br>{row.training_size:,} measurements<br>"
            f"spread {row.deviation:.3f}, tau {row.kendall_tau:.3f}"
            for row in rows.itertuples()
        ]
        points_of = line_trace(entry, rows["deviation"], rows["kendall_tau"], text)
        data.append(points_of | {"mode": "markers"})
    if simulation is not None:
        line = simulation.groupby("deviation")["kendall_tau"].mean()
        data.append(
            {
                "type": "scatter",
                "x": plain_numbers(line.index),
                "y": plain_numbers(line),
                "mode": "lines",
                "line": {"color": "$ink", "dash": "dash", "width": 1.5},
                "hovertemplate": "simulated<br>spread %{x:.3f}<br>tau %{y:.3f}<extra></extra>",
            }
        )
    layout = base_layout("spread of the error (standard deviations)", "Kendall's tau")
    # A model beyond hope would squeeze all others into a corner.
    most = float(np.quantile(points["deviation"], 0.98))
    layout["xaxis"] |= {"range": [0, 1.05 * max(most, 0.2)]}
    return Figure(
        name="spread-tau",
        title="Spread of errors and tau",
        description="Scatter plot of the spread of errors against Kendall's tau",
        data=data,
        layout=layout,
        height=420,
        legend=tuple(legend),
        caption="A point is a predictor at one training size on one target, mean over seeds."
        + " Dashed: simulated predictors of this run." * (simulation is not None),
        wide=True,
    )


def deviation_listing(
    run: Run, predictions: pd.DataFrame, titles: Mapping[str, str]
) -> list[Listing]:
    """For each target the shape of every predictor's errors at the largest training size."""
    listings = []
    for target, of_target in predictions.groupby("target", sort=True):
        known = of_target["truth"].notna() & of_target["prediction"].notna()
        named = of_target["predictor"].isin(list(titles))
        frame = deviation_statistics(of_target[known & named])
        if frame.empty:
            continue
        frame = frame[frame["training_size"] == frame["training_size"].max()]
        rows = tuple(
            (
                titles[row.predictor],
                (
                    f"{row.mean + 0.0:.2f}",
                    f"{row.spread:.3f}",
                    f"{row.skewness:.2f}",
                    f"{row.kurtosis:.1f}",
                    f"{100 * row.beyond_2:.1f} %",
                    f"{100 * row.weight_narrow:.0f} / {100 * row.weight_wide:.0f} / "
                    f"{100 * row.weight_uniform:.0f}",
                    f"{row.shift:.2f}",
                ),
            )
            for row in frame.sort_values("spread").itertuples()
        )
        headings = ("mean", "spread", "skewness", "excess kurtosis", "beyond 2 spreads")
        mixture = ("mixture, %", "shift")
        listings.append(Listing(run.target(str(target)).title, (*headings, *mixture), rows))
    return listings
