"""Runs side by side: an overview of any number, and of two the report that compares them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from urllib.parse import urlencode

from markupsafe import Markup

from hwbench.analysis import study as analysis
from hwbench.errors import HwbenchError
from hwbench.pages.blocks import (
    EMPTY,
    Block,
    Cell,
    Column,
    DataTable,
    Lines,
    Notice,
    Page,
    Row,
    Section,
)
from hwbench.pages.plotting import Figure, base_layout, line_trace, nth_entry, plain_text
from hwbench.report.compare.page import comparison_of
from hwbench.report.live.figures import epochs_figure
from hwbench.results.run import Run, read_run
from hwbench.studio.best import Bests
from hwbench.studio.broken import UNREADABLE, problem_of
from hwbench.studio.folders import check_contained, inside
from hwbench.studio.index import RunIndex
from hwbench.studio.summary import Summary
from hwbench.wording import duration

MOST_RUNS = 12


def compared(index: RunIndex, bests: Bests, names: Sequence[str]) -> Page:
    """What the page holds that compares runs.

    Parameters
    ----------
    index, bests : of all runs.
    names : of those to compare, two at least.

    Raises
    ------
    HwbenchError
        Where there are fewer than two, too many, or one is unknown.
    """
    if not 2 <= len(names) <= MOST_RUNS:
        raise HwbenchError(f"compare: choose from 2 to {MOST_RUNS} runs, not {len(names)}")
    summaries = [index.summary(name) for name in names]
    runs: dict[str, Run] = {}
    problems = []
    for name in names:
        try:
            path = inside(index.runs, name)
            check_contained(path, index.runs)
            runs[name] = read_run(path)
        except UNREADABLE as error:
            problems.append(problem_of(name, error))
    blocks: list[Block] = [_overview(summaries, bests, runs)]
    blocks += [Notice(problem) for problem in problems]
    try:
        blocks += _overlaid(runs)
    except UNREADABLE as error:
        blocks.append(Notice(problem_of(", ".join(runs), error)))
    if len(names) > 2:
        blocks.append(_pairs(names))
    sections = [Section("side-by-side", "Side by side", blocks)]
    if len(names) == 2 and len(runs) == 2:
        try:
            sections += comparison_of(*runs.values()).sections
        except UNREADABLE as error:
            blocks.append(Notice(problem_of(", ".join(names), error)))
    return Page(", ".join(names), sections)


def _overview(summaries: Sequence[Summary], bests: Bests, runs: dict[str, Run]) -> DataTable:
    rows = []
    for each in summaries:
        progress = each.current
        done = EMPTY
        if progress is not None:
            total = "" if progress.total is None else f" of {progress.total:,}"
            done = Cell(f"{progress.done:,}{total} {progress.unit}", progress.done)
        took = runs[each.name].info.get("seconds") if each.name in runs else None
        best = bests.get(each) or ""
        rows.append(
            Row(
                each.name,
                (
                    Cell(each.kind, each.kind),
                    Cell(each.state, each.state),
                    done,
                    Cell(f"{each.failed:,}", each.failed),
                    Cell(best, best) if best else EMPTY,
                    Cell(duration(float(took)), float(took))
                    if isinstance(took, int | float)
                    else EMPTY,
                ),
                small=each.title,
            )
        )
    columns = (
        Column("run", "run", numeric=False),
        Column("kind", "kind", numeric=False),
        Column("state", "state", numeric=False),
        Column("done", "done"),
        Column("failed", "failed"),
        Column("best so far", "best", numeric=False),
        Column("ran for", "seconds"),
    )
    return DataTable("overview", "Overview", columns, tuple(rows), small_key="title")


def _overlaid(runs: dict[str, Run]) -> list[Block]:
    """Figures in which each run is a line."""
    looks = {name: nth_entry(i, f"run:{i}", name) for i, name in enumerate(runs)}
    blocks: list[Block] = []
    studies = {name: run.study for name, run in runs.items() if run.study is not None}
    if len(studies) > 1:
        data = []
        for name, study in studies.items():
            best = analysis.overall_curves(study).groupby("training_size")["tau"].max()
            if best.empty:  # no seed has all targets yet
                continue
            text = [
                f"<b>{plain_text(name)}</b><br>{size:,} measurements<br>best tau {tau:.3f}"
                for size, tau in best.items()
            ]
            data.append(line_trace(looks[name], best.index, best, text))
        layout = base_layout("measurements to train on (log scale)", "Kendall's tau")
        layout["xaxis"] |= {"type": "log"}
        blocks.append(
            Figure(
                "beside-study",
                "The best predictor of each study",
                "Line plot of the best mean Kendall's tau against training size, a line a run",
                data,
                layout,
                legend=tuple(looks[name] for name in studies),
                wide=True,
            )
        )
    searches = {name: run.search for name, run in runs.items() if run.search is not None}
    if len(searches) > 1:
        data = []
        for name, rows in searches.items():
            medians = rows.groupby(["strategy", "evaluation"])["hypervolume_share"].median()
            best = medians.groupby("evaluation").max().dropna()
            text = [
                f"<b>{plain_text(name)}</b><br>{place:,} evaluations<br>{share:.4f}"
                for place, share in best.items()
            ]
            data.append(line_trace(looks[name], best.index, best, text))
        blocks.append(
            Figure(
                "beside-search",
                "The best strategy of each run",
                "Line plot of the largest median hypervolume against evaluations, a line a run",
                data,
                base_layout("evaluations", "share of the true front's hypervolume"),
                legend=tuple(looks[name] for name in searches),
                wide=True,
            )
        )
    lives = [(name, live) for name, run in runs.items() for live in run.live[:1]]
    if len(lives) > 1:
        entries = tuple(looks[name] for name, _ in lives)
        found = [live for _, live in lives]
        for name, title, axis, column in (
            ("beside-loss", "Training loss", "cross-entropy", "train_loss"),
            ("beside-accuracy", "Accuracy on validation images", "%", "validation_accuracy"),
            ("beside-true", "True value of what would be selected", "true value", "true_value"),
        ):
            figure = epochs_figure(name, title, axis, found, entries, [(column, title)])
            if figure is not None:
                blocks.append(Figure(**{**vars(figure), "legend": entries}))
    return blocks


def _pairs(names: Sequence[str]) -> Lines:
    lines = [
        Markup('<a href="/compare?{}">{} and {}</a>').format(
            urlencode([("name", one), ("name", other)]), one, other
        )
        for one, other in combinations(names, 2)
    ]
    return Lines(tuple(lines), "Two at a time, with what differs and what is significant")
