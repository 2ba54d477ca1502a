"""A run's results in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hwbench.cli.by_size import size_lines
from hwbench.cli.output import print_listing
from hwbench.results.names import SIMULATION
from hwbench.results.record import read_record

if TYPE_CHECKING:
    import pandas as pd

    from hwbench.results.run import Run


MOST_ROWS = 12
"""Predictors that a terminal shows; the page and `hwbench study scores` have all."""


def print_study(folder: Path) -> None:
    """Print what a study answers, then tau of the best predictors at every training size."""
    import shutil

    from hwbench.analysis import study as analysis
    from hwbench.results.columns import SIMULATION_COLUMNS
    from hwbench.results.device_sets import over_device_sets
    from hwbench.results.frames import read_rows
    from hwbench.results.run import Run, name_entries, read_study

    study = read_study(folder)
    if study is None:
        return
    info = read_record(folder) or {}
    trials = name_entries(over_device_sets(study))
    simulation = read_rows(folder / SIMULATION, SIMULATION_COLUMNS)
    run = Run(folder, info, study=trials, trials=study, simulation=simulation)
    simulated = None if run.simulation is None else analysis.simulation_curves(run.simulation)
    width = shutil.get_terminal_size().columns
    for question, answer in answer_texts(run, simulated):
        typer.echo(textwrap.fill(f"{question} {answer}", width, subsequent_indent="  "))
    for line in score_lines(run, width):
        typer.echo(line)
    print_device_sets(run)
    for each in info.get("left_out", []):
        typer.echo(f"left out: {each['predictor']} on {each['target']}: {each['reason']}")
    stopped = int(trials["stopped_by_time"].sum())
    if stopped:
        typer.echo(f"the time limit ended the search for hyper-parameters in {stopped} trials")
    failed = int(trials["error"].notna().sum())
    if failed:
        reason = str(trials["error"].dropna().iloc[0]).strip().splitlines()[-1]
        print_listing(
            [{"failed trials": failed, "first reason": reason}],
            ["failed trials", "first reason"],
            as_json=False,
        )


def print_device_sets(run: Run) -> None:
    """Print for each device set how well its devices are predicted, beside what is published."""
    from hwbench.analysis.device_sets import (
        device_sets_of,
        set_baselines,
        set_curves,
        sources_used,
    )
    from hwbench.analysis.study import predictor_titles
    from hwbench.report.study.curves import BASELINES
    from hwbench.report.study.device_sets import shown, shown_size

    sets = device_sets_of(run.info)
    if run.trials is None or run.study is None or not sets:
        return
    curves = set_curves(run.trials, sets)
    if curves.empty:
        return
    size = shown_size(curves)
    own = curves[curves["training_size"] == size]
    titles = predictor_titles(run.study)
    table = own.pivot(index="predictor", columns="device_set", values="spearman")
    table = table.reindex(columns=[each.name for each in sets])
    rows = [
        {"predictor": titles.get(str(name), str(name)), **_three_digits(values)}
        for name, values in table.iterrows()
    ]
    rows += [
        {
            "predictor": f"{BASELINES[name]}, not measured",
            **_three_digits({each.name: means.get(each.name, float("nan")) for each in sets}),
        }
        for name, means in set_baselines(run.info, sets).items()
        if name in BASELINES
    ]
    for method in dict.fromkeys(score["method"] for each in sets for score in each.published):
        scores = {
            each.name: float(score["spearman"])
            for each in sets
            for score in each.published
            if score["method"] == method
        }
        published = {each.name: scores.get(each.name, float("nan")) for each in sets}
        rows.append({"predictor": f"{method}, published", **_three_digits(published)})
    columns = ["predictor", *table.columns]
    title = f"device sets: Spearman's rho with {size} measurements, mean over their devices"
    print_listing(rows, columns, as_json=False, title=title)
    used = sources_used(run.trials).set_index(["device_set", "training_size"])
    for each in sets:
        if (each.name, size) in used.index:
            row = used.loc[(each.name, size)]
            weights = ", ".join(f"{name} {weight:.2f}" for name, weight in shown(row["weights"]))
            typer.echo(
                f"device set {each.name}: other devices helped in {row['helped']} of "
                f"{row['fits']} fits" + (f"; mean weights there: {weights}" if weights else "")
            )


def _three_digits(values: Mapping[str, float] | pd.Series) -> dict[str, str]:
    return {str(name): "" if value != value else f"{value:.3f}" for name, value in values.items()}


def score_lines(run: Run, width: int) -> list[str]:
    """Mean Kendall's tau of the best predictors by training size, in lines of a width.

    Of as many sizes as there is room for, and over all targets where there are several.
    """
    from hwbench.analysis import study as analysis
    from hwbench.report.study.curves import baseline_scores

    if run.study is None:
        return []
    targets = sorted(str(target) for target in run.study["target"].unique())
    several = len(targets) > 1
    curves = analysis.overall_curves(run.study) if several else analysis.learning_curves(run.study)
    if curves.empty:
        why = "no predictor has a score on every target at one training size" * several
        return [f"{why or 'no predictor has a score'}: hwbench study scores {run.folder}"]
    table = curves.pivot(index="predictor", columns="training_size", values="tau")
    table = table.loc[table.mean(axis=1).sort_values(ascending=False, kind="stable").index]
    own = analysis.own_set_scores(run.study).get("" if several else targets[0], [])
    free = baseline_scores(run, targets)
    fixed = [(f"{each.predictor}, {each.training_size} of its own", each.tau) for each in own]
    fixed += [(f"{each.title}, not measured", each.tau) for each in free]
    seeds = int(run.study["seed"].nunique())
    where = f"mean over {len(targets)} targets and {seeds} seeds" if several else f"{seeds} seeds"
    sizes = [int(size) for size in table.columns]
    rows = [
        (str(name), {size: f"{row[size]:.3f}" for size in sizes if row[size] == row[size]})
        for name, row in table.head(MOST_ROWS).iterrows()
    ]
    rows += [(name, dict.fromkeys(sizes, f"{tau:.3f}")) for name, tau in fixed]
    lines = [f"Kendall's tau by number of measurements, {where}", *size_lines(rows, sizes, width)]
    left = len(table) - MOST_ROWS
    if left > 0 or several:
        what = f"{left} more predictors and " if left > 0 else ""
        targets_of = "each target's scores" if several else "intervals"
        lines.append(f"{what}{targets_of}: hwbench study scores {run.folder}")
    return lines


def answer_texts(run: Run, simulated: pd.DataFrame | None) -> list[tuple[str, str]]:
    """The questions and answers of a study's page, as plain text."""
    from markupsafe import Markup

    from hwbench.pages.blocks import Answers
    from hwbench.report.study.answer import study_answer

    return [
        (question, answer.striptags() if isinstance(answer, Markup) else answer)
        for block in study_answer(run, simulated)
        if isinstance(block, Answers)
        for question, answer in block.pairs
    ]


def print_simulation(folder: Path) -> None:
    """Print what selections by predictors of each quality lose, at most a dozen lines a run."""
    from hwbench.results.columns import SIMULATION_COLUMNS
    from hwbench.results.frames import read_frame

    selections = read_frame(folder / SIMULATION, SIMULATION_COLUMNS)
    if selections is None:
        return
    largest = selections["n_candidates"].max()
    shown = selections[selections["n_candidates"] == largest]
    n_metrics = shown["metric_target"].nunique()
    what = f"{n_metrics} metrics" if n_metrics > 1 else str(shown["metric_target"].iloc[0])
    typer.echo(
        f"Points of accuracy that selecting from {largest:,} candidates by predictions loses\n"
        f"({what}): median over selections (5 % to 95 % quantile; mean)"
    )
    several = shown["pairing"].nunique() > 1
    for pairing, of_pairing in shown.groupby("pairing", sort=False):
        if several:
            typer.echo(f"pairing {pairing}:")
        for line in _loss_lines(of_pairing):
            typer.echo(line)
    others = sorted(set(selections["n_candidates"]) - {largest})
    if others or n_metrics > 1:
        typer.echo("each metric and number of candidates: the report, or simulation.parquet")


def _loss_lines(selections: pd.DataFrame) -> list[str]:
    """A line a predictor, or a deviation of simulated ones."""
    import numpy as np

    has_share = "hypervolume_share" in selections
    lines = [
        f"{'predictor':<20}{'tau':>6}  {'all selected':<24}{'verified picks':<24}"
        + "HV" * has_share
    ]
    fitted = selections["predictor"].notna()
    keys = ["predictor", "training_size", "deviation"]
    # A fitted predictor's deviation is another in every repeat.
    grouped = selections.assign(deviation=selections["deviation"].where(~fitted)).groupby(
        keys, dropna=False, sort=True
    )
    rows = [(key, group) for key, group in grouped if key[2] != 0.0]
    places = np.unique(np.linspace(0, len(rows) - 1, MOST_ROWS).round().astype(int))
    for place in places[: len(rows)]:
        (predictor, size, deviation), group = rows[place]
        simulated = not isinstance(predictor, str)
        name = f"deviation {deviation:.2g}" if simulated else f"{predictor}, {size}"
        line = f"{name[:19]:<20}{group['kendall_tau'].mean():>6.2f}"
        for measure in ("mra_all", "mra_pareto"):
            values = group[measure].dropna()
            least, median, most = values.quantile([0.05, 0.5, 0.95])
            line += f"  {f'{median:.2f} ({least:.2f}-{most:.2f}; {values.mean():.2f})':<22}"
        if has_share:
            line += f"  {group['hypervolume_share'].median():.2f}"
        lines.append(line.rstrip())
    if has_share:
        lines.append("HV: share of the true front's hypervolume between its ideal and nadir point")
    return lines
