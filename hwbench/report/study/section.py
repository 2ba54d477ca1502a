"""The sections of the report on a predictor study."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from hwbench.analysis import study as analysis
from hwbench.errors import HwbenchError
from hwbench.pages.blocks import (
    EMPTY,
    Block,
    Cell,
    Column,
    DataTable,
    Group,
    Notice,
    Row,
    Section,
    Text,
)
from hwbench.pages.plotting import Entry
from hwbench.report.study import comparison as comparison_figures
from hwbench.report.study import curves as curve_figures
from hwbench.report.study import findings as summary
from hwbench.report.study import predictions as prediction_figures
from hwbench.report.study.answer import study_answer
from hwbench.report.study.device_sets import device_set_sections
from hwbench.report.study.uncertainty import uncertainty_section
from hwbench.results.names import PREDICTIONS_FILE, TRIALS_FILE
from hwbench.results.run import Run

HEAT_POWER = 2
"""The good end, where predictors differ little, gets most of the colour."""


def study_summary(run: Run, simulated: pd.DataFrame | None) -> list[Block]:
    """What the study answers, after what it could not do."""
    if run.study is None:
        return []
    study = run.study
    failed = analysis.failures(study)
    blocks: list[Block] = []
    if len(failed):
        reasons = tuple(f"{row[0]} ({row[1]}): {row[2]}" for row in failed.to_numpy().tolist())
        sentence = summary.failure_sentence(failed, len(study))
        blocks.append(Notice(sentence, "What they said", reasons))
    left_out = summary.left_out_sentences(run)
    if left_out:
        text = f"{len(left_out)} of the predictors and targets asked for could not be run."
        blocks.append(Notice(text, "Which, and why", tuple(left_out)))
    curves = analysis.learning_curves(study)
    if curves.empty:
        text = "No trained predictor has a score, so there is nothing to compare."
        return [*blocks, Notice(text)]
    return [*blocks, *study_answer(run, simulated)]


def study_sections(run: Run, simulated: pd.DataFrame | None) -> list[Section]:
    """From each target to how predictors err; none where there is no study.

    Parameters
    ----------
    run : of the page.
    simulated : curves of its simulation, from which losses are taken; None: it has none.
    """
    if run.study is None:
        return []
    study = run.study
    curves = analysis.learning_curves(study)
    titles = analysis.predictor_titles(study)
    entries = curve_figures.predictor_entries(titles)
    sections = []
    if len(curves):
        # A target on which every trial failed has no curve, but keeps its place in the failures.
        targets = sorted(str(target) for target in curves["target"].unique())
        sections = [
            *device_set_sections(run, entries),
            _curves_section(run, curves, targets, titles, entries, simulated),
            _ranking_section(run, curves, targets, titles),
            *_targets_section(run, curves, targets, titles, entries),
            _samples_section(run, titles),
            _cost_section(run, curves, targets, entries),
            *_predictions_section(run, curves, targets, entries),
            *uncertainty_section(study, entries, titles),
        ]
    return [*sections, *_errors_section(run, entries, titles)]


def _study(run: Run) -> pd.DataFrame:
    if run.study is None:
        raise HwbenchError(f"{run.folder}: it holds no study")
    return run.study


def _curves_section(
    run: Run,
    curves: pd.DataFrame,
    targets: list[str],
    titles: Mapping[str, str],
    entries: Mapping[str, Entry],
    simulated: pd.DataFrame | None,
) -> Section:
    own_sets = analysis.own_set_scores(_study(run))
    found = summary.study_findings(run, curves, own_sets, titles, simulated)
    drawn = []
    for i, key in enumerate(targets):
        own = curves[curves["target"] == key]
        sizes = [int(size) for size in own["training_size"]]
        drawn.append(
            curve_figures.learning_curves_figure(
                f"curve-{i}",
                run.target(key).title,
                own,
                entries,
                own_sets.get(key, ()),
                curve_figures.references(run, [key], sizes),
                height=280,
            )
        )
    # One legend for all: every line that any of them has.
    legend = tuple(dict.fromkeys(entry for figure in drawn for entry in figure.legend))
    figures = [replace(figure, legend=()) for figure in drawn]
    blocks: list[Block] = [*found, Group("", figures, _once(legend))]
    text = (
        "How well each predictor orders architectures it has not seen, by the number of "
        "measurements it was trained on. Lines are means over seeds, bands their 95 % intervals. "
        "A key switches a predictor on or off in every figure."
    )
    best = [
        f"{run.target(key).name} {curves.loc[curves['target'] == key, 'tau'].max():.2f}"
        for key in targets
    ]
    return Section(
        "learning-curves",
        "Each target",
        [Text(text), *blocks],
        (TRIALS_FILE,),
        lead=f"The highest tau: {', '.join(best)}.",
    )


def _once(legend: Sequence[Entry]) -> tuple[Entry, ...]:
    """Entries of a legend, those of one group once: levels are another in every figure."""
    first: dict[str, Entry] = {}
    for entry in legend:
        title = re.sub(r" \(0\.\d\d\)$", "", entry.title)
        first.setdefault(entry.group, replace(entry, title=title))
    return tuple(first.values())


def _ranking_section(
    run: Run, curves: pd.DataFrame, targets: list[str], titles: Mapping[str, str]
) -> Section:
    study = _study(run)
    notes = _row_notes(run, study)
    own_sets = analysis.own_set_scores(study)
    overall = analysis.overall_curves(study)
    tables = [
        _ranking(
            f"ranking-{i}",
            run.target(key).title,
            curves,
            key,
            titles,
            notes,
            [*own_sets.get(key, ()), *curve_figures.baseline_scores(run, [key])],
        )
        for i, key in enumerate(targets)
    ]
    if len(targets) > 1 and len(overall):
        title = f"Mean over the {len(targets)} targets"
        tables.insert(
            0,
            _ranking(
                "ranking-all",
                title,
                overall,
                "",
                titles,
                notes,
                [*own_sets.get("", ()), *curve_figures.baseline_scores(run, targets)],
            ),
        )
    tables = [tables[0], *(replace(table, folded=True) for table in tables[1:])]
    text = (
        "Mean Kendall's tau ± half its 95 % interval, by training size (measurements). The best "
        "of each column is bold. A column's heading sorts by it."
    )
    first = [f"{row.title} {row.cells[-1].text}" for row in tables[0].rows[:3]]
    size = max(int(size) for size in curves["training_size"])
    lead = f"With {size:,} measurements: {', '.join(first)}."
    blocks: list[Block] = [Text(text), *tables]
    return Section("ranking", "All predictors", blocks, (TRIALS_FILE,), lead=lead)


def _row_notes(run: Run, study: pd.DataFrame) -> dict[str, str]:
    """For every predictor its features, and whether its hyper-parameters were searched."""
    found = {}
    for name, rows in study.groupby("predictor", sort=False):
        most = rows["configurations"].max()
        base = str(name).partition(" (")[0]  # behind it stands the encoding, where it has several
        tuned = "tuned" if most > 1 else "untuned" if run.searched(base) else ""
        found[str(name)] = ", ".join(part for part in (rows["encoding"].iloc[0], tuned) if part)
    return found


def _ranking(
    name: str,
    title: str,
    curves: pd.DataFrame,
    key: str,
    titles: Mapping[str, str],
    notes: Mapping[str, str],
    own_sets: Sequence[analysis.OwnSetScore],
) -> DataTable:
    own = curves[curves["target"] == key]
    sizes = sorted({int(size) for size in own["training_size"]})
    best_of = own.groupby("training_size")["tau"].max()
    heat = heats(own["tau"])
    cells = {
        (row.predictor, row.training_size): tau_cell(
            row, heat=heat[row.Index], best=is_best(row.tau, best_of[row.training_size])
        )
        for row in own.itertuples()
    }
    rows = [
        Row(
            title,
            tuple(cells.get((predictor, size), EMPTY) for size in sizes),
            small=notes[predictor],
        )
        for predictor, title in titles.items()
        if any((predictor, size) in cells for size in sizes)
    ]
    rows.sort(key=_by_last_cell)
    # What needs no sample has one score, whatever the others are given.
    foot = tuple(
        Row(
            each.title,
            tuple(Cell(f"{each.tau:.3f}", each.tau) for _ in sizes),
            small=f"{each.training_size:,} measurements of its own"
            if each.training_size
            else "no measurement",
        )
        for each in own_sets
    )
    return DataTable(
        name,
        title,
        (
            Column("predictor", "predictor", numeric=False),
            *(Column(f"{size:,}", f"kendall_tau_{size}") for size in sizes),
        ),
        tuple(rows),
        small_key="features",
        foot=foot,
        sorted_by=(len(sizes), True),
    )


def heats(values: pd.Series) -> pd.Series:
    """The colour of each value, from 0 for the lowest to 1 for the highest."""
    low, high = float(values.min()), float(values.max())
    return ((values - low) / max(high - low, 1e-9)) ** HEAT_POWER


def is_best(tau: float, best: float) -> bool:
    """Whether a tau is the best as far as the table shows it, in three digits."""
    return f"{tau:.3f}" == f"{best:.3f}"


def tau_cell(row: object, *, heat: float | None = None, best: bool = False) -> Cell:
    """A cell for a row of `analysis.learning_curves`."""
    tau, low, high, seeds = (getattr(row, name) for name in ("tau", "low", "high", "seeds"))
    known = low == low
    more = {"low_95": low, "high_95": high} if known else {}
    return Cell(
        f"{tau:.3f}",
        tau,
        f"± {(high - low) / 2:.3f}" if known else "one seed",
        heat,
        best,
        {**more, "seeds": seeds},
    )


def _by_last_cell(row: Row) -> float:
    value = row.cells[-1].value
    return -value if isinstance(value, float) else 2.0


def _targets_section(
    run: Run,
    curves: pd.DataFrame,
    targets: list[str],
    titles: Mapping[str, str],
    entries: Mapping[str, Entry],
) -> list[Section]:
    if len(targets) < comparison_figures.FEWEST_TARGETS:
        return []
    blocks: list[Block] = []
    ranks = comparison_figures.ranks_figure(run, _study(run), entries)
    if ranks is not None:
        blocks += [
            Text(
                "Does a predictor win on every target, or on one? Each target ranks the "
                "predictors; a dot is the average of a predictor's ranks."
            ),
            ranks,
        ]
    blocks += [
        _heat_map(run, curves, targets, titles, largest=largest) for largest in (True, False)
    ]
    return [Section("ranks", "Ranks over targets", blocks, (TRIALS_FILE,))]


def _heat_map(
    run: Run, curves: pd.DataFrame, targets: list[str], titles: Mapping[str, str], *, largest: bool
) -> DataTable:
    """Tau of every predictor on every target at its largest or smallest training size."""
    sizes = curves.groupby("target")["training_size"]
    chosen = sizes.transform("max" if largest else "min")
    rows_of = curves[curves["training_size"] == chosen]
    columns: dict[str, dict[str, Cell]] = {}
    for target in targets:
        own = rows_of[rows_of["target"] == target]
        heat, top = heats(own["tau"]), own["tau"].max()
        columns[target] = {
            str(row.predictor): tau_cell(row, heat=heat[row.Index], best=is_best(row.tau, top))
            for row in own.itertuples()
        }
    size_of = rows_of.groupby("target")["training_size"].first()
    which = "most" if largest else "fewest"
    return DataTable(
        f"targets-{which}",
        f"Every target, with the {which} measurements",
        (
            Column("predictor", "predictor", numeric=False),
            *(
                Column(f"{run.target(key).title}, {size_of[key]:,}", f"{key} at {size_of[key]}")
                for key in targets
            ),
        ),
        tuple(
            Row(title, tuple(columns[key].get(name, EMPTY) for key in targets))
            for name, title in titles.items()
        ),
        note="Kendall's tau ± half its 95 % interval; colours compare the predictors of a target.",
    )


def _samples_section(run: Run, titles: Mapping[str, str]) -> Section:
    text = (
        "Measured architectures at which the mean learning curve reaches a Kendall's tau, "
        "interpolated between training sizes on their logarithm; beneath, the 95 % bootstrap "
        "interval over seeds. “≤”: the smallest training size does already."
    )
    tables = comparison_figures.samples_tables(run, _study(run), titles)
    tables = [*tables[:1], *(replace(table, folded=True) for table in tables[1:])]
    return Section("samples-needed", "Samples needed", [Text(text), *tables], (TRIALS_FILE,))


def _cost_section(
    run: Run, curves: pd.DataFrame, targets: list[str], entries: Mapping[str, Entry]
) -> Section:
    overall = analysis.overall_curves(_study(run))
    several = len(targets) > 1 and len(overall) > 0
    text = (
        "The time one fit takes, any tuning inside it included, against the tau it reaches. Along "
        "a path the training size grows with the markers. Up and to the left is better."
    )
    figure = curve_figures.fit_cost_figure(
        overall if several else curves,
        entries,
        "Mean over the targets" if several else "Fit time against tau",
    )
    return Section("cost", "Cost of a fit", [Text(text), figure], (TRIALS_FILE,))


def _predictions_section(
    run: Run, curves: pd.DataFrame, targets: list[str], entries: Mapping[str, Entry]
) -> list[Section]:
    if run.predictions is None:
        return []
    figures = []
    for i, chosen in enumerate(analysis.best_predictions(run.predictions, curves, targets)):
        target, entry = run.target(chosen.target), entries[chosen.predictor]
        figures += [
            prediction_figures.predicted_figure(f"predicted-{i}", chosen, target, entry),
            prediction_figures.deviation_figure(f"deviation-{i}", chosen, target, entry),
        ]
    if not figures:
        return []
    text = (
        "The best predictor of each target at the largest training size, one seed, on "
        "architectures it has not seen."
    )
    return [
        Section(
            "predictions",
            "Predicted against true",
            [Text(text), Group("", figures)],
            (PREDICTIONS_FILE,),
        )
    ]


def _errors_section(
    run: Run, entries: Mapping[str, Entry], titles: Mapping[str, str]
) -> list[Section]:
    spread = comparison_figures.spread_figure(_study(run), run.simulation, entries)
    tables = (
        []
        if run.predictions is None
        else comparison_figures.deviation_tables(run, run.predictions, titles)
    )
    if spread is None and not tables:
        return []
    text = (
        "An error is a prediction minus the truth, in standard deviations of the truth. A normal "
        "distribution has no skewness, no excess kurtosis, and 4.6 % beyond two spreads. The "
        "mixture is the one that simulated predictors draw from, fitted to these errors: shares "
        "of its narrow, its three times wider and its uniform part (published: 72.5 / 26.5 / 1), "
        "and the shift of the two centres in units of the narrow width (published: 0 to 2)."
    )
    blocks: list[Block] = [Text(text), *([] if spread is None else [spread]), *tables]
    files = (TRIALS_FILE, *([] if run.predictions is None else [PREDICTIONS_FILE]))
    return [Section("errors", "How predictors err", blocks, files)]
