"""The sections of the report on simulated selections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hwbench.analysis import study as analysis
from hwbench.pages.architectures import front_drawings
from hwbench.pages.blocks import (
    EMPTY,
    Block,
    Cell,
    Column,
    DataTable,
    Group,
    Row,
    Section,
    Text,
)
from hwbench.report.candidates import candidates_block
from hwbench.report.simulation import figures as simulation_figures
from hwbench.report.simulation.figures import Measure
from hwbench.report.simulation.whole import simulation_study
from hwbench.results.names import SELECTION_EXAMPLE, SIMULATION
from hwbench.results.run import Run

MRA_ALL = Measure("mra_all", "Accuracy lost, all selected", "MRA of all selected, points", "points")
MRA_PARETO = Measure(
    "mra_pareto", "Accuracy lost, verified picks", "MRA of verified picks, points", "points"
)
HYPERVOLUME = Measure("hypervolume", "Hypervolume", "hypervolume (no unit)", "")
HYPERVOLUME_LOSS = Measure("hypervolume_loss", "Hypervolume lost", "hypervolume lost, %", "%", 1)
HYPERVOLUME_SHARE = Measure(
    "hypervolume_share", "Share of the hypervolume", "share of the true front's hypervolume", "", 3
)
IGD_PLUS = Measure("igd_plus", "IGD+ to the true front", "IGD+ (no unit)", "", 3)
EPSILON = Measure(
    "epsilon_additive", "Additive epsilon to the true front", "additive epsilon (no unit)", "", 3
)

SOURCES = (SIMULATION,)
EXAMPLE_SOURCES = (SELECTION_EXAMPLE,)


def simulation_sections(run: Run, simulated: pd.DataFrame | None) -> list[Section]:
    """Losses, hypervolumes, the simulation as a whole, and one selection drawn."""
    sections = []
    if simulated is not None:
        sections += [
            _losses_section(run, simulated),
            _metrics_section(run, simulated),
            _volumes_section(run, simulated),
        ]
    whole = simulation_study(run)
    if whole is not None:
        blocks: list[Block] = [
            *(Text(sentence) for sentence in whole.sentences),
            Group("", whole.figures),
        ]
        sections.append(Section("simulation-study", "The simulation as a whole", blocks, SOURCES))
    return [*sections, *_selection_section(run)]


def _losses_section(run: Run, simulated: pd.DataFrame) -> Section:
    text = (
        "What a predictor's errors cost the search. Candidates are drawn, their true metric is "
        "disturbed as a predictor of the given quality would, and the architectures that look "
        f"Pareto-optimal are selected; up to {int(simulated['repeats'].max()):,} repeats a point."
    )
    pairs = _pairs(run, simulated)
    blocks: list[Block] = [
        Text(text),
        *candidates_block(run, "simulation"),
        _losses_table([(run.target(metric).name, title, rows) for title, metric, rows in pairs]),
        simulation_figures.losses_by_tau_figure(
            [(run.target(metric).name, rows) for _, metric, rows in pairs]
        ),
    ]
    lead = "Median loss by the predictor's tau, and what 5 % of searches exceed."
    return Section("accuracy-lost", "What errors cost a search", blocks, SOURCES, lead=lead)


def _metrics_section(run: Run, simulated: pd.DataFrame) -> Section:
    entries = simulation_figures.simulation_entries(
        int(n) for n in simulated["n_candidates"].unique()
    )
    curves = None if run.study is None else analysis.learning_curves(run.study)
    text = (
        "Lines are medians over repeats, bands hold nine repeats in ten, dotted lines are means. "
        "Left: everything selected is taken. Right: the selected are measured, and only those "
        "that stay Pareto-optimal are kept. Dotted verticals mark the best trained predictors of "
        "this run."
    )
    blocks: list[Block] = [Text(text)]
    for i, (title, metric, rows) in enumerate(_pairs(run, simulated)):
        columns = [f"{measure}_most" for measure in ("mra_all", "mra_pareto")]
        # One scale for neighbours: they are read against each other.
        top = float(rows[columns].max().max())
        top = top if np.isfinite(top) and top > 0 else 1.0
        marks = [] if curves is None else _marks(curves, metric, rows)
        figures = [
            simulation_figures.simulation_figure(
                f"{measure.column}-tau-{i}".replace("_", "-"),
                rows,
                entries,
                measure,
                against_tau=True,
                top=top,
                marks=marks,
            )
            for measure in (MRA_ALL, MRA_PARETO)
        ]
        own = tuple(entry for n, entry in entries.items() if (rows["n_candidates"] == n).any())
        blocks.append(Group(title, figures, own))
    return Section("losses-by-metric", "Accuracy lost, every metric", blocks, SOURCES)


def _losses_table(pairs: Sequence[tuple[str, str, pd.DataFrame]]) -> DataTable:
    """Median losses at the largest number of candidates, a row a metric and deviation.

    Parameters
    ----------
    pairs : name of the metric, what is searched in words, and its curves.
    """
    columns = (
        Column("search", "search", numeric=False),
        Column("deviation", "deviation"),
        Column("tau", "kendall_tau"),
        Column("points lost, all", "mra_all"),
        Column("points lost, verified", "mra_pareto"),
        Column("hypervolume share", "hypervolume_share"),
    )
    rows = []
    for name, title, own in pairs:
        largest = own[own["n_candidates"] == own["n_candidates"].max()].sort_values("deviation")
        wrong = largest[largest["deviation"] > 0]
        places = np.unique(np.linspace(0, len(wrong) - 1, MOST_DEVIATIONS).round().astype(int))
        for row in wrong.iloc[places[: len(wrong)]].to_dict("records"):
            share = _median_cell(row, "hypervolume_share", 3)
            cells = (
                Cell(f"{row['deviation']:.2g}", float(row["deviation"])),
                Cell(f"{row['tau']:.2f}", float(row["tau"])),
                _median_cell(row, "mra_all", 2),
                _median_cell(row, "mra_pareto", 2),
                share,
            )
            small = f"{title}, {row['n_candidates']:,} candidates"
            rows.append(Row(name, cells, small=small))
    return DataTable(
        "losses",
        "Losses by the size of the errors",
        columns,
        tuple(rows),
        small_key="search_of",
        note="Median over repeats; beneath, the 5 % and 95 % quantiles and the mean. Hypervolume "
        "share: what the verified picks dominate of what the true front does, both objectives "
        "scaled to its ideal and nadir point.",
    )


def _median_cell(row: dict[Any, Any], measure: str, digits: int) -> Cell:
    """A measure's median with its quantiles and its mean beneath; empty where it is unknown."""
    median = row.get(f"{measure}_median", np.nan)
    if not np.isfinite(median):
        return EMPTY
    names = ("least", "most", "mean")
    values = [float(row[key]) for key in (f"{measure}_least", f"{measure}_most", measure)]
    low, high, mean = (f"{value:.{digits}f}" for value in values)
    return Cell(
        f"{median:.{digits}f}",
        float(median),
        f"{low} to {high}, mean {mean}",
        more=dict(zip(names, values, strict=True)),
    )


MOST_DEVIATIONS = 3
"""Rows a metric has in the table of losses."""


def _volumes_section(run: Run, simulated: pd.DataFrame) -> Section:
    entries = simulation_figures.simulation_entries(
        int(n) for n in simulated["n_candidates"].unique()
    )
    text = (
        "Lines are medians, bands hold nine repeats in ten, dotted lines are means. Left, as "
        "published: the part of the accuracy-metric plane that the selected architectures "
        "dominate; dashed: what the true front of the same candidates dominates. Right: the share "
        "of "
    )
    shown = [HYPERVOLUME, HYPERVOLUME_LOSS]
    known = [each for each in (HYPERVOLUME_SHARE, IGD_PLUS, EPSILON) if each.column in simulated]
    if known:
        shown = [HYPERVOLUME, *known]
        text += (
            "what the true front dominates, where both objectives are scaled to its ideal and "
            "nadir point, so that it tells selections apart. Below, on the same scales: IGD+, the "
            "mean distance from the true front's points to what was selected, and additive "
            "epsilon, by how much the selected must improve in both to be as good everywhere."
        )
    else:
        text += "this that is lost."
    blocks: list[Block] = [Text(text)]
    for i, (title, _, rows) in enumerate(_pairs(run, simulated)):
        figures = [
            simulation_figures.simulation_figure(
                f"{measure.column}-{i}".replace("_", "-"), rows, entries, measure
            )
            for measure in shown
        ]
        own = tuple(entry for n, entry in entries.items() if (rows["n_candidates"] == n).any())
        blocks.append(Group(title, figures, own))
    return Section("hypervolume", "Hypervolume", blocks, SOURCES)


def _pairs(run: Run, simulated: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Title, metric and rows of each pair of accuracy and metric."""
    keys = ["accuracy_target", "metric_target"]
    return [
        (f"{run.target(accuracy).title} against {run.target(metric).with_unit}", metric, rows)
        for (accuracy, metric), rows in simulated.groupby(keys, sort=True)
    ]


def _marks(curves: pd.DataFrame, metric: str, rows: pd.DataFrame) -> list[tuple[float, str]]:
    """The best trained predictors of a metric that fall within the simulated range of tau."""
    own = curves[curves["target"] == metric]
    marks = []
    for size in sorted(
        {int(own["training_size"].min()), int(own["training_size"].max())} if len(own) else ()
    ):
        tau = float(analysis.best_at(own, metric, size)["tau"])
        if rows["tau"].min() <= tau <= rows["tau"].max():
            marks.append((tau, f"best with {size:,}"))
    return marks


def _selection_section(run: Run) -> list[Section]:
    if run.example is None:
        return []
    first = run.example.iloc[0]
    accuracy, metric = run.target(first["accuracy_target"]), run.target(first["metric_target"])
    text = (
        "One simulated selection. The step line is the best accuracy to be had at a metric no "
        "larger; the dotted drop from it to a selected architecture is the accuracy that one "
        "loses, and the mean of all drops is the MRA. Dashed: the front as the predictor sees it."
    )
    blocks: list[Block] = [
        Text(text),
        simulation_figures.selection_figure(run.example, accuracy, metric),
    ]
    picks = run.example[run.example["selected_pareto"]].sort_values("metric")
    drawings = front_drawings(run.space(metric.key), picks, metric)
    if drawings:
        note = "What stays of the selection once it is measured; faint parts reach no output."
        blocks.append(Group("Selected architectures", drawings, text=note))
    return [Section("selection", "A selection, drawn", blocks, EXAMPLE_SOURCES)]
