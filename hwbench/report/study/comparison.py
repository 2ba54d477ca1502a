"""Figures and tables that compare predictors beyond their curves: ranks, samples needed, errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from hwbench.analysis.comparison import rank_predictors, resampled_curves, samples_of_curves
from hwbench.analysis.deviations import deviation_statistics
from hwbench.analysis.measurements import measurements_of_run
from hwbench.errors import HwbenchError
from hwbench.pages.blocks import Cell, Column, DataTable, Row
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    base_layout,
    line_trace,
    plain_numbers,
    plain_text,
    signed,
)
from hwbench.results.run import Run

TAUS = (0.6, 0.7, 0.8, 0.9)
"""Kendall's taus whose cost in measurements is listed."""

FEWEST_TARGETS = 2

GROUP_STEP = 0.2
"""Ranks between the bars of groups of predictors that are not told apart."""


def ranks_figure(run: Run, study: pd.DataFrame, entries: Mapping[str, Entry]) -> Figure | None:
    """Average ranks over targets with half the critical difference on each side.

    Two predictors whose bars do not overlap differ (Nemenyi, 5 %); with too few tables of
    measurements of their own there are no bars. None where the study has not two targets and two
    predictors with all scores.
    """
    if study["target"].nunique() < FEWEST_TARGETS:
        return None
    try:
        found = rank_predictors(study, measurements=measurements_of_run(run))
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
            **(
                {
                    "error_x": {
                        "type": "constant",
                        "value": found.difference / 2,
                        "color": entries[name].colour,
                        "thickness": 2,
                        "width": 4,
                    }
                }
                if found.claim
                else {}
            ),
            "hovertemplate": f"<b>{plain_text(entries[name].title)}</b><br>average rank "
            f"{found.ranks[name]:.2f}<extra></extra>",
        }
        for name, place in zip(names, places, strict=True)
    ]
    for number, (first, last) in enumerate(found.groups if found.claim else ()):
        side = len(names) + 0.25 + GROUP_STEP * number
        data.append(
            {
                "type": "scatter",
                "x": [side, side],
                "y": [places[first] + 0.25, places[last] - 0.25],
                "mode": "lines",
                "line": {"color": "$muted", "width": 5},
                "hovertemplate": f"{last - first + 1} that are not told apart<extra></extra>",
            }
        )
    layout = base_layout("average rank", "")
    right = len(names) + 0.5 + GROUP_STEP * max(len(found.groups) - 1, 0)  # no rank lies beyond
    layout["xaxis"] |= {"range": [0.5, right]}
    layout["yaxis"] |= {
        "tickvals": places,
        "ticktext": [plain_text(entries[name].title) for name in names],
        "range": [0.4, len(names) + 0.6],
    }
    return Figure(
        name="critical-difference",
        title="Average ranks" + " and critical difference" * found.claim,
        description="Dot plot of the average rank of each predictor over the targets",
        data=data,
        layout=layout,
        height=120 + 26 * len(names),
        caption=f"Ranks by mean Kendall's tau over {found.n_blocks} measurements at the largest "
        "training size they share; 1 is best. "
        + (
            f"Bars reach half the critical difference of {found.difference:.2f} to both sides: "
            "predictors whose bars overlap are not told apart (Nemenyi, 5 %); the thick bars at "
            "the right join such groups. Friedman test that all are equal: "
            f"p = {found.p_value:.2g}."
            if found.claim
            else found.why_not
        ),
        wide=True,
    )


def samples_tables(run: Run, study: pd.DataFrame, titles: Mapping[str, str]) -> list[DataTable]:
    """For each target the measurements that every predictor needs for some taus."""
    curves = resampled_curves(study)
    found = {tau: samples_of_curves(curves, tau) for tau in TAUS}
    columns = (
        Column("predictor", "predictor", numeric=False),
        *(Column(f"tau {tau:g}", f"samples_for_{tau:g}") for tau in TAUS),
    )
    tables = []
    for i, target in enumerate(sorted(study["target"].unique())):
        cells: dict[str, list[Cell]] = {}
        order: dict[str, tuple[float, ...]] = {}
        for frame in found.values():
            for row in frame[frame["target"] == target].itertuples():
                cells.setdefault(row.predictor, []).append(_samples(row))
                order[row.predictor] = (*order.get(row.predictor, ()), row.samples)
        names = sorted(cells, key=lambda name: (order[name][2], order[name]))
        if names:
            rows = tuple(Row(titles[name], tuple(cells[name])) for name in names)
            title = run.target(target).title
            tables.append(DataTable(f"samples-{i}", title, columns, rows))
    return tables


def _samples(row: Any) -> Cell:
    if not np.isfinite(row.samples):
        return Cell("not reached")
    text = f"{'≤ ' if row.bounded else ''}{row.samples:,.0f}"
    if np.isnan(row.low):
        return Cell(text, float(row.samples))
    high = f"{row.high:,.0f}" if np.isfinite(row.high) else "beyond"
    more = {"low_95": float(row.low), "high_95": float(row.high) if high != "beyond" else ""}
    return Cell(text, float(row.samples), f"{row.low:,.0f} to {high}", more=more)


def spread_figure(
    study: pd.DataFrame, simulation: pd.DataFrame | None, entries: Mapping[str, Entry]
) -> Figure | None:
    """Spread of the deviations against tau, of trained and of simulated predictors (LAUBE A.7)."""
    own = study[study["deviation"].notna() & ~study["own_training_set"]]
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
    if simulation is not None:  # of these metrics: another's errors say nothing of theirs
        simulation = simulation[simulation["metric_target"].isin(points["target"])]
    simulated = simulation is not None and not simulation.empty
    if simulation is not None and simulated:
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
        + " Dashed: simulated predictors of the same metrics." * simulated,
        wide=True,
    )


def deviation_tables(
    run: Run, predictions: pd.DataFrame, titles: Mapping[str, str]
) -> list[DataTable]:
    """For each target the shape of every predictor's errors at the largest training size."""
    tables = []
    for i, (target, of_target) in enumerate(predictions.groupby("target", sort=True)):
        known = of_target["truth"].notna() & of_target["prediction"].notna()
        named = of_target["predictor"].isin(list(titles))
        frame = deviation_statistics(of_target[known & named])
        if frame.empty:
            continue
        frame = frame[frame["training_size"] == frame["training_size"].max()]
        rows = tuple(
            Row(titles[row.predictor], _shape(row))
            for row in frame.sort_values("spread").itertuples()
        )
        title = run.target(str(target)).title
        tables.append(DataTable(f"errors-{i}", title, SHAPE_COLUMNS, rows, sorted_by=(2, False)))
    return tables


SHAPE_COLUMNS = (
    Column("predictor", "predictor", numeric=False),
    Column("mean", "mean"),
    Column("spread", "spread"),
    Column("skewness", "skewness"),
    Column("excess kurtosis", "excess_kurtosis"),
    Column("beyond 2 spreads", "beyond_2_spreads_percent"),
    Column("narrow, %", "mixture_narrow_percent"),
    Column("wide, %", "mixture_wide_percent"),
    Column("uniform, %", "mixture_uniform_percent"),
    Column("shift", "mixture_shift"),
)


def _shape(row: Any) -> tuple[Cell, ...]:
    weights = (row.weight_narrow, row.weight_wide, row.weight_uniform)
    return (
        Cell(signed(row.mean), row.mean),
        Cell(f"{row.spread:.3f}", row.spread),
        Cell(signed(row.skewness), row.skewness),
        Cell(signed(row.kurtosis, 1), row.kurtosis),
        Cell(f"{100 * row.beyond_2:.1f} %", 100 * row.beyond_2),
        *(Cell(f"{100 * weight:.0f}", 100 * float(weight)) for weight in weights),
        Cell(signed(row.shift), row.shift),
    )
