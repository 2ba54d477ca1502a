"""The page that compares two runs: what differs between them, and by how much their numbers do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    Row,
    Section,
    Terms,
    Text,
)
from hwbench.pages.plotting import Entry, nth_entry
from hwbench.pages.rendering import render_page
from hwbench.report.compare import figures
from hwbench.report.compare.measured import Measured, better_and_worse, table, verdict
from hwbench.report.live.comparison import live_comparison
from hwbench.report.provenance import result_files
from hwbench.results.names import RECORD, SEARCHES, SIMULATION, TRIALS_FILE
from hwbench.results.run import Run

PARTS = ("study", "simulation", "search")
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
    """The page that compares a first run with a second one, as HTML text.

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
    entries = _entries(one, study)
    summary: list[Block] = [
        *_other_data(one, other),
        *_headline(measured),
        Text(Markup("A is <b>{}</b>, B is <b>{}</b>; a difference is B less A.").format(*names)),
        *_changes(measured),
        *live,
        *(figures.study_figure(each.name, each.title, each.rows, entries) for each in study[:1]),
        *_only_in_one(one, other),
        *_parts_alone(one, other),
    ]
    details = [
        *_parts(study, simulation, search, entries),
        _settings(one, other),
        Section("how-to-read", "How to read this", [Terms(TERMS)]),
        Section("provenance", "Provenance", [result_files([*one.records, *other.records])]),
    ]
    sections = [
        Section("summary", "What changed", summary),
        *(replace(each, folded=True) for each in details),
    ]
    title = f"{names[0]} and {names[1]}"
    return render_page(title, sections, brand="hwbench report: two runs compared")


def _headline(measured: Sequence[Measured]) -> list[Block]:
    """What changed in the results, in one sentence."""
    tested = sum(int(each.rows["p_value"].notna().sum()) for each in measured)
    if not tested:
        return []
    better, worse = map(sum, zip(*(better_and_worse(each) for each in measured), strict=True))
    if not better + worse:
        text = Markup("<b>No result differs significantly</b> in {} comparisons.").format(tested)
    else:
        text = Markup(
            "<b>{} of {} results differ significantly</b>: B is better in {}, worse in {}."
        ).format(better + worse, tested, better, worse)
    return [Finding("", (text,))]


def _changes(measured: Sequence[Measured]) -> list[Block]:
    """A line a measure that changed; those that did not, together."""
    changed = [each for each in measured if sum(better_and_worse(each))]
    same = [each.title for each in measured if each not in changed]
    lines = [Markup("<b>{}</b>. {}").format(each.title, verdict(each)) for each in changed]
    if same and changed:
        lines.append(Markup("No significant difference: {}.").format("; ".join(same)))
    elif same:
        lines += [Markup("{}. {}").format(each.title, verdict(each)) for each in measured]
    return [Lines(tuple(lines))] if lines else []


def _only_in_one(one: Run, other: Run) -> list[Block]:
    """Targets, predictors, training sizes and strategies that one run has alone, by name."""
    lines = []
    for name, run, rest in (("A", one, other), ("B", other, one)):
        for part, column, words in (
            ("study", "target", "targets"),
            ("study", "predictor", "predictors"),
            ("study", "training_size", "training sizes"),
            ("simulation", "metric_target", "simulated metrics"),
            ("simulation", "n_candidates", "numbers of candidates"),
            ("search", "strategy", "strategies"),
        ):
            own, others = getattr(run, part), getattr(rest, part)
            if own is None or others is None:
                continue
            alone = sorted(set(_plain(part, own)[column]) - set(_plain(part, others)[column]))
            if alone:
                named = ", ".join(map(str, alone))
                lines.append(Markup("In {} only: {} {}.").format(name, words, named))
    return [Lines(tuple(lines))] if lines else []


def _plain(part: str, rows: pd.DataFrame) -> pd.DataFrame:
    return with_plain_names(rows) if part == "study" else rows


def _entries(one: Run, study: Sequence[Measured]) -> dict[tuple[str, str], Entry]:
    """The look of every predictor and encoding that is compared: one in all figures."""
    if one.study is None or not study:
        return {}
    rows = pd.concat([each.rows for each in study])
    order = list(predictor_titles(with_plain_names(one.study)).values())
    keys = {(str(row.predictor), str(row.encoding)) for row in rows.itertuples()}
    several = rows.groupby("predictor")["encoding"].nunique().max() > 1
    ordered = sorted(keys, key=lambda key: (order.index(key[0]) if key[0] in order else 999, key))
    return {
        key: nth_entry(place, f"p:{key[0]}:{key[1]}", key[0] + f" ({key[1]})" * bool(several))
        for place, key in enumerate(ordered)
    }


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
        )
        for i, (target, own) in enumerate(rows.groupby("target", sort=True))
    ]


def _simulation(one: Run, other: Run) -> list[Measured]:
    if one.simulation is None or other.simulation is None:
        return []
    found = []
    for measure, words, digits, better in (
        ("mra_all", "MRA of all selected, points", 3, False),
        ("mra_pareto", "MRA of verified picks, points", 3, False),
        ("hypervolume", "Hypervolume", 4, True),
    ):
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
                )
            )
    return found


def _search(one: Run, other: Run) -> list[Measured]:
    if one.search is None or other.search is None:
        return []
    last = min(int(search["evaluation"].max()) for search in (one.search, other.search))
    first, second = (search_outcomes(search, last) for search in (one.search, other.search))
    found = []
    for measure, words, digits in (
        ("hypervolume", "Hypervolume", 4),
        ("accuracy", "Best accuracy, %", 2),
    ):
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
                )
            )
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


def _other_data(one: Run, other: Run) -> list[Block]:
    """A warning where tables of one name hold other data: then nothing below is of the method."""
    there, here = one.info.get("tables") or {}, other.info.get("tables") or {}
    changed = [
        name
        for name in there
        if name in here and there[name].get("sha256") != here[name].get("sha256")
    ]
    if not changed:
        return []
    text = Markup(
        "<b>The data differ.</b> These tables have the same name and other content, so differences "
        "below may be of the data: {}."
    ).format(", ".join(changed))
    return [Notice(text)]


def _parts_alone(one: Run, other: Run) -> list[Block]:
    only = []
    for name, run, rest in (("A", one, other), ("B", other, one)):
        parts = [part for part in _parts_of(run) if part not in _parts_of(rest)]
        only += [f"{name} alone holds a {part}." for part in parts]
    return [Notice("Not everything can be compared.", "What not", tuple(only))] if only else []


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
        return Section("settings", "Settings", [Text(text)], lead="None differs.")
    columns = (
        Column("setting", "setting", numeric=False),
        Column("of", "of", numeric=False),
        Column("A", "a", numeric=False),
        Column("B", "b", numeric=False),
    )
    table = DataTable("settings-table", "Settings that differ", columns, tuple(rows))
    lead = f"{len(rows)} differ{'s' * (len(rows) == 1)}."
    return Section("settings", "Settings", [table], (RECORD,), lead=lead)


def shorten(text: str, most: int = 48) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= most else text[: most - 3] + "..."


def _parts(
    study: Sequence[Measured],
    simulation: Sequence[Measured],
    search: Sequence[Measured],
    entries: Mapping[tuple[str, str], Entry],
) -> list[Section]:
    sections = []
    if study:
        blocks: list[Block] = []
        for i, each in enumerate(study):
            if i > 0:  # the first one's figure is at the top
                blocks.append(figures.study_figure(each.name, each.title, each.rows, entries))
            blocks.append(table(each, folded=i > 0))
        sections.append(Section("study", "Predictors", blocks, (TRIALS_FILE,)))
    for name, title, measures, file in (
        ("simulation", "Simulated selections", simulation, SIMULATION),
        ("search", "Searches", search, SEARCHES),
    ):
        if measures:
            sections.append(
                Section(
                    name,
                    title,
                    [table(each, folded=i > 0) for i, each in enumerate(measures)],
                    (file,),
                )
            )
    return sections
