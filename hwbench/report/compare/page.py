"""The page that compares two runs: what differs between them, and by how much their numbers do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from markupsafe import Markup

from hwbench.analysis.differences import (
    LEVEL,
    SEARCH_KEYS,
    SIMULATION_KEYS,
    STUDY_KEYS,
    differing_values,
    paired_differences,
    search_outcomes,
    with_plain_names,
)
from hwbench.analysis.study import predictor_titles, trained
from hwbench.errors import HwbenchError
from hwbench.pages.blocks import (
    Block,
    Cell,
    Column,
    DataTable,
    Finding,
    Lines,
    Notice,
    Page,
    Row,
    Section,
    Terms,
    Text,
)
from hwbench.pages.plotting import Entry
from hwbench.pages.rendering import render_page
from hwbench.report.compare import figures
from hwbench.report.compare.alone import only_in_one
from hwbench.report.compare.measured import Measured, headline, lines, table
from hwbench.report.live.comparison import live_comparison
from hwbench.report.provenance import result_files
from hwbench.results.names import RECORD, SEARCHES, SIMULATION, TRIALS_FILE
from hwbench.results.run import Run

PARTS = ("study", "simulation", "search")
SIMULATED = (
    ("mra_all", "MRA of all selected, points", 3, False),
    ("mra_pareto", "MRA of verified picks, points", 3, False),
    ("hypervolume", "Hypervolume", 4, True),
)
"""Measures of simulated selections: column, words, digits, and whether more is better."""

SEARCHED = (("hypervolume", "Hypervolume", 4), ("accuracy", "Best accuracy, %", 2))
"""Measures of searches, larger is better: column, words, digits."""

LIVE = "live search"
TERMS = (
    (
        "Difference",
        "B less A: the mean over the seeds (or repeats) that both runs have. Where both runs drew "
        "the same rows with a seed, what is left is what changed between the runs.",
    ),
    ("95 % interval", "Student's t interval of the mean difference, paired by seed or repeat."),
    (
        "Significant",
        "Student's t-test that the mean difference is zero, with p-values adjusted by Holm's "
        f"method over all comparisons of a measure; below {LEVEL:g} a difference is called "
        "significant, and all of those hold together at that level.",
    ),
)


def render_comparison(one: Run, other: Run) -> str:
    """The page that compares a first run with a second one, as HTML text; errors as below."""
    page = comparison_of(one, other)
    return render_page(page.title, page.sections, brand="hwbench report: two runs compared")


def comparison_of(one: Run, other: Run) -> Page:
    """What the page holds that compares a first run with a second one.

    Raises
    ------
    HwbenchError
        Where the runs have nothing in common: no part, no target, or no seed.
    """
    names = _names(one, other)
    study = _study(one, other)
    simulation = _simulation(one, other)
    search = _search(one, other)
    live = live_comparison(one, other)
    if not (study or simulation or search or live):
        raise _nothing_in_common(one, other)
    measured = [*study, *simulation, *search]
    looks = _looks(one, other, study)
    shown = _most_changed(study)
    said = [*lines(measured), *_not_compared(one, other)]
    summary: list[Block] = [
        *([Finding("", (headline(measured),))] if measured else []),
        *live[:1],  # which found the better architecture
        Text(Markup("A is <b>{}</b>, B is <b>{}</b>; a difference is B less A.").format(*names)),
        *_notices(one, other),
        *([Lines(tuple(said))] if said else []),
        *live[1:],
    ]
    if shown is not None:
        summary.append(figures.study_figure(shown.name, shown.title, shown.rows, looks))
    elif measured:
        summary.append(figures.verdicts_figure(measured))
    details = [
        *_parts(study, simulation, search, looks, shown),
        _settings(one, other),
        Section("how-to-read", "How to read this", [Terms(TERMS)]),
        Section("provenance", "Provenance", [result_files([*one.records, *other.records])]),
    ]
    sections = [
        Section("summary", "Summary", summary),
        *(replace(each, folded=True) for each in details),
    ]
    return Page(f"{names[0]} and {names[1]}", sections)


def _names(one: Run, other: Run) -> tuple[str, str]:
    if one.folder.name != other.folder.name:
        return one.folder.name, other.folder.name
    return str(one.folder), str(other.folder)


# ---------------------------------------------------------------------- what is compared


def _study(one: Run, other: Run) -> list[Measured]:
    if one.study is None or other.study is None:
        return []
    first, second = (with_plain_names(trained(study)) for study in (one.study, other.study))
    rows = paired_differences(first, second, STUDY_KEYS, "seed", "kendall_tau")
    titles = predictor_titles(with_plain_names(one.study))
    several = rows.groupby("predictor")["encoding"].nunique().max() > 1
    return [
        Measured(
            f"study-{i}",
            f"Kendall's tau, {one.target(str(target)).title}",
            own.assign(predictor=own["predictor"].map(lambda name: titles.get(name, name))),
            ("predictor", *(["encoding"] if several else []), "training_size"),
            3,
            True,
            "tau",
        )
        for i, (target, own) in enumerate(rows.groupby("target", sort=True))
    ]


def _simulation(one: Run, other: Run) -> list[Measured]:
    if one.simulation is None or other.simulation is None:
        return []
    found = []
    for measure, words, digits, better in SIMULATED:
        if not _in_both(one.simulation, other.simulation, measure):
            continue
        rows = paired_differences(
            one.simulation, other.simulation, SIMULATION_KEYS, "repeat", measure
        )
        for i, (metric, own) in enumerate(rows.groupby("metric_target", sort=True)):
            found.append(
                Measured(
                    f"simulation-{measure.replace('_', '-')}-{i}",
                    f"{words}, {one.target(str(metric)).title}",
                    own,
                    ("pairing", "predictor", "training_size", "n_candidates", "deviation"),
                    digits,
                    better,
                    measure,
                )
            )
    return found


def _search(one: Run, other: Run) -> list[Measured]:
    if one.search is None or other.search is None:
        return []
    last = min(int(search["evaluation"].max()) for search in (one.search, other.search))
    first, second = (search_outcomes(search, last) for search in (one.search, other.search))
    found = []
    for measure, words, digits in SEARCHED:
        if not _in_both(one.search, other.search, measure):
            continue
        rows = paired_differences(first, second, SEARCH_KEYS, "seed", measure)
        for i, (metric, own) in enumerate(rows.groupby("metric_target", sort=True)):
            found.append(
                Measured(
                    f"search-{measure}-{i}",
                    f"{words} after {last:,} evaluations, {one.target(str(metric)).title}",
                    own,
                    ("strategy", "goal", "limit"),
                    digits,
                    True,
                    f"search {measure}",
                )
            )
    return found


def _in_both(one: pd.DataFrame, other: pd.DataFrame, measure: str) -> bool:
    """Whether both runs have a measure; older ones may lack it."""
    return all(measure in frame and frame[measure].notna().any() for frame in (one, other))


def _lacking(one: Run, other: Run) -> list[str]:
    """The measures of both runs' parts that one of them lacks."""
    found = []
    for part, measures in (("simulation", SIMULATED), ("search", SEARCHED)):
        frames = [getattr(run, part) for run in (one, other)]
        if any(frame is None for frame in frames):
            continue
        for measure, words, *_ in measures:
            there = [_in_both(frame, frame, measure) for frame in frames]
            if there[0] != there[1]:
                lacks = "B" if there[0] else "A"
                found.append(f"{words.partition(',')[0]}: {lacks} is of a version without it.")
    return found


def _nothing_in_common(one: Run, other: Run) -> HwbenchError:
    """Why two runs cannot be compared, in one line."""
    places = f"{one.folder} and {other.folder}"
    parts = [_parts_of(run) for run in (one, other)]
    common = [part for part in parts[0] if part in parts[1]]
    if not common:
        held = " and ".join(f"{run.folder} holds {_listed(_parts_of(run))}" for run in (one, other))
        return HwbenchError(f"{held}: give two runs that hold the same")
    if common == [LIVE]:
        return HwbenchError(f"{places}: give two single live searches of one space")
    frames = [getattr(run, common[0]) for run in (one, other)]
    column = "target" if common[0] == "study" else "metric_target"
    targets = [sorted({str(value) for value in frame[column]}) for frame in frames]
    if not set(targets[0]) & set(targets[1]):
        return HwbenchError(
            f"{places} have no target in common: {_listed(targets[0])} in the first, "
            f"{_listed(targets[1])} in the second"
        )
    what = "predictor, encoding and training size" if common[0] == "study" else "setting"
    return HwbenchError(
        f"{places} have no {what} in common with a score for the same seed; run one of them with "
        "what the other has"
    )


def _parts_of(run: Run) -> list[str]:
    found = [part for part in PARTS if getattr(run, part) is not None]
    return [*found, *([LIVE] if run.live else [])]


def _listed(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (" ..." if len(names) > most else "")


# ---------------------------------------------------------------------- what is said


def _notices(one: Run, other: Run) -> list[Block]:
    notices: list[Block] = []
    there, here = one.info.get("tables") or {}, other.info.get("tables") or {}
    changed = [
        name
        for name in there
        if name in here and there[name].get("sha256") != here[name].get("sha256")
    ]
    if changed:
        notices.append(
            Notice(
                Markup(
                    "<b>The data differ.</b> These tables have the same name and other content, so "
                    "differences below may be of the data: {}."
                ).format(", ".join(changed))
            )
        )
    return notices


def _not_compared(one: Run, other: Run) -> list[Markup]:
    """A line that names what one run alone has; none where both have the same."""
    only = []
    for name, run, rest in (("A", one, other), ("B", other, one)):
        parts = [part for part in _parts_of(run) if part not in _parts_of(rest)]
        only += [f"{name} alone holds a {part}." for part in parts]
    only += [*only_in_one(one, other, _titles(one, other)), *_lacking(one, other)]
    if not only:
        return []
    return [Markup("<b>Not compared</b>, since one run alone has it: {}").format(" ".join(only))]


def _titles(one: Run, other: Run) -> dict[str, str]:
    """Titles of the predictors of both runs, by name: those of the first come first."""
    first, second = (
        {} if run.study is None else predictor_titles(with_plain_names(run.study))
        for run in (one, other)
    )
    return {**first, **{name: title for name, title in second.items() if name not in first}}


def _looks(one: Run, other: Run, study: Sequence[Measured]) -> dict[tuple[str, str], Entry]:
    """The look of every predictor in all figures, those that one run alone has included."""
    titles = _titles(one, other)
    return figures.predictor_looks([each.rows for each in study], list(titles.values()))


def _most_changed(study: Sequence[Measured]) -> Measured | None:
    """The target whose scores changed most; None where no study is compared."""
    if not study:
        return None
    return max(
        study, key=lambda each: (len(each.clear), float(each.rows["difference"].abs().max()))
    )


def _settings(one: Run, other: Run) -> Section:
    """Specifications, versions, machines and tables in which the runs differ."""
    rows = []
    for title, key in (
        ("specification", "spec"),
        ("configuration", "config"),
        ("versions", "versions"),
        ("machine", "machine"),
        ("tables", "tables"),
        ("predictors", "predictors"),
    ):
        given = [{} if run.info is None else run.info.get(key) or {} for run in (one, other)]
        rows += [
            Row(path, (Cell(title, title), Cell(shorten(a), a), Cell(shorten(b), b)))
            for path, a, b in differing_values(*given)
        ]
    if not rows:
        text = "Specification, versions, machine and tables are the same."
        return Section("settings", "Settings that differ", [Text(text)])
    columns = (
        Column("setting", "setting", numeric=False),
        Column("of", "of", numeric=False),
        Column("A", "a", numeric=False),
        Column("B", "b", numeric=False),
    )
    title = f"{len(rows)} setting{'s' * (len(rows) != 1)}"
    table = DataTable("settings-table", title, columns, tuple(rows), folded=True)
    return Section("settings", "Settings that differ", [table], (RECORD,))


def shorten(text: str, most: int = 48) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= most else text[: most - 3] + "..."


def _parts(
    study: Sequence[Measured],
    simulation: Sequence[Measured],
    search: Sequence[Measured],
    looks: figures.Looks,
    shown: Measured | None,
) -> list[Section]:
    """Every measure in full; the figure of the target that the summary shows is not drawn again."""
    sections = []
    if study:
        blocks: list[Block] = []
        for i, each in enumerate(study):
            if each is not shown:
                blocks.append(figures.study_figure(each.name, each.title, each.rows, looks))
            blocks.append(table(each, folded=i > 0))
        sections.append(Section("study", "Predictors", blocks, (TRIALS_FILE,)))
    for name, title, measures, file in (
        ("simulation", "Simulated selections", simulation, SIMULATION),
        ("search", "Searches", search, SEARCHES),
    ):
        if measures:
            blocks = [table(each, folded=i > 0) for i, each in enumerate(measures)]
            sections.append(Section(name, title, blocks, (file,)))
    return sections
