"""The sections of the report on simulated selections."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hwbench.analysis import study as analysis
from hwbench.pages.architectures import front_drawings
from hwbench.pages.blocks import Block, Group, Section, Text
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

SHARE = Measure(
    "hypervolume_share",
    "Share of the true front's hypervolume, normalised",
    "share of the true front's hypervolume",
    "",
    3,
)
IGD_PLUS = Measure("igd_plus", "IGD+ to the true front, normalised", "IGD+ (no unit)", "", 3)
EPSILON = Measure(
    "epsilon_additive",
    "Additive epsilon to the true front, normalised",
    "additive epsilon (no unit)",
    "",
    3,
)

SOURCES = (SIMULATION,)
EXAMPLE_SOURCES = (SELECTION_EXAMPLE,)


SPREADS = (
    "Lines are medians of single selections, bands what nine in ten of them lie between (5 % to "
    "95 % quantile), thin dotted lines means: a few hopeless selections can make up most of a mean."
)


def simulation_sections(run: Run, simulated: pd.DataFrame | None) -> list[Section]:
    """Losses, hypervolumes, the simulation as a whole, and one selection drawn."""
    sections = []
    if simulated is not None:
        sections += [_losses_section(run, simulated), _volumes_section(run, simulated)]
    whole = simulation_study(run)
    if whole is not None:
        blocks: list[Block] = [
            *(Text(sentence) for sentence in whole.sentences),
            Group("", whole.figures),
        ]
        sections.append(Section("simulation-study", "The simulation as a whole", blocks, SOURCES))
    return [*sections, *_selection_section(run)]


def _losses_section(run: Run, simulated: pd.DataFrame) -> Section:
    entries = simulation_figures.simulation_entries(
        int(n) for n in simulated["n_candidates"].unique()
    )
    curves = None if run.study is None else analysis.learning_curves(run.study)
    text = (
        "What a predictor's errors cost the search. Candidates are drawn, their true metric is "
        "disturbed as a predictor of the given quality would, and the architectures that look "
        f"Pareto-optimal are selected; up to {int(simulated['repeats'].max()):,} repeats a point. "
        f"{SPREADS} Left: everything selected is taken. Right: the selected are measured, and only "
        "those that stay Pareto-optimal are kept. Dotted verticals mark the best trained "
        "predictors of this run."
    )
    blocks: list[Block] = [Text(text), *candidates_block(run, "simulation")]
    for i, (title, metric, rows) in enumerate(_pairs(run, simulated)):
        columns = ["mra_all", "mra_all_most", "mra_pareto", "mra_pareto_most"]
        # One scale for the four neighbours: they are read against each other.
        top = float(rows[columns].max().max())
        top = top if np.isfinite(top) and top > 0 else 1.0
        marks = [] if curves is None else _marks(curves, metric, rows)
        figures = [
            simulation_figures.simulation_figure(
                f"{measure.column}-{'tau' if tau else 'deviation'}-{i}".replace("_", "-"),
                rows,
                entries,
                measure,
                against_tau=tau,
                top=top,
                marks=marks,
            )
            for tau in (False, True)
            for measure in (MRA_ALL, MRA_PARETO)
        ]
        own = tuple(entry for n, entry in entries.items() if (rows["n_candidates"] == n).any())
        blocks.append(Group(title, figures, own))
    return Section("accuracy-lost", "Accuracy lost", blocks, SOURCES)


def _volumes_section(run: Run, simulated: pd.DataFrame) -> Section:
    entries = simulation_figures.simulation_entries(
        int(n) for n in simulated["n_candidates"].unique()
    )
    text = (
        "The part of the accuracy-metric plane that the selected architectures dominate, as "
        "published: with accuracy as a fraction down to 0, up to 1.1 times the largest "
        "standardised metric. Dashed: what the true front of the same candidates dominates; the "
        f"figure beside it shows the share that is lost. {SPREADS}"
    )
    shown = [HYPERVOLUME, HYPERVOLUME_LOSS]
    if SHARE.column in simulated:
        shown += [SHARE, IGD_PLUS, EPSILON]
        text += (
            " Below, on normalised objectives: 0 is the ideal, the best accuracy and the least "
            "metric of the true front, 1 the nadir, the worst of both on that front. The share of "
            "the true front's hypervolume, up to 1.1 in both, lies between 0 and 1; IGD+ is the "
            "mean distance from the true front's points to what was selected, additive epsilon by "
            "how much the selected must improve in both objectives to be as good everywhere."
        )
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
        (f"{run.target(accuracy).title}, against {run.target(metric).with_unit}", metric, rows)
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
