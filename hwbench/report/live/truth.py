"""How good what live searches found truly is: in words, as a figure, and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from hwbench.analysis.statistics import mean_interval
from hwbench.pages.blocks import (
    EMPTY,
    Block,
    Cell,
    Column,
    DataTable,
    Lines,
    Row,
    Section,
    Text,
)
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    axis_title,
    base_layout,
    marked_level,
    plain_numbers,
    plain_text,
    signed,
)
from hwbench.results.live import LiveRun
from hwbench.results.live_runs import method_key, method_titles
from hwbench.results.names import LIVE_RESULT
from hwbench.results.true_value import TrueValue, baselines, headline, unknown

FEWEST_BELOW = 0.05
"""Share of the worst architectures that a figure leaves out, unless a search found one of them."""


@dataclass(frozen=True)
class Method:
    """Searches that differ in nothing but their seed.

    Attributes
    ----------
    title : of the searches, told apart by their folder from others of the same title.
    runs : at least one; ended or not.
    """

    title: str
    runs: tuple[LiveRun, ...]

    @property
    def known(self) -> list[TrueValue]:
        """The true values that are known, one a search."""
        return [run.truth for run in self.runs if run.truth and run.truth.value is not None]


def methods(runs: Sequence[LiveRun]) -> list[Method]:
    """Searches put together by what they are besides their seed, in the order given."""
    together: dict[tuple[str, str, str], list[LiveRun]] = {}
    titles = method_titles(runs)
    for run, title in zip(runs, titles, strict=True):
        truth = run.truth.target if run.truth else ""
        together.setdefault((title, method_key(run), truth), []).append(run)
    return [Method(title, tuple(own)) for (title, _, _), own in together.items()]


def found_by_one(method: Method) -> Iterator[Markup | str]:
    """What one search found, by its true value; nothing where it has not ended."""
    (run,) = method.runs
    if run.truth is not None:
        yield Markup("<b>{}</b>").format(headline(run.truth))
    elif run.result:
        yield unknown(str(run.folder))


def costless(runs: Sequence[LiveRun]) -> list[Block]:
    """What costs no search, said once for all searches that the same table judges."""
    by_table: dict[tuple[str, str], TrueValue] = {}
    for run in runs:
        if run.truth is not None:
            key = run.truth.target, run.truth.sha256
            if key not in by_table or by_table[key].best_of is None:
                by_table[key] = run.truth
    return [
        Lines(
            (f"Beside that, by {found.words}:", *baselines(found))
            if len(by_table) > 1
            else tuple(baselines(found))
        )
        for found in by_table.values()
    ]


def found_by_several(method: Method) -> Iterator[Markup | str]:
    """What searches of one method found on average, with the interval over their seeds."""
    found = method.known
    stopped = sum(not run.result for run in method.runs)
    if not found:
        yield unknown(str(method.runs[0].folder))
    else:
        yield _mean_headline(found)
    if stopped:
        yield f"{stopped} of {len(method.runs)} searches have not ended."


def _mean_headline(found: Sequence[TrueValue]) -> Markup:
    first = found[0]
    mean, low, high = mean_interval([_value(each) for each in found])
    better = float(np.mean([each.better_than or 0.0 for each in found]))
    interval = (
        f"; 95 % interval over the seeds {low:.2f} to {first.amount(high)}"
        if len(found) > 1
        else ""
    )
    beside = first.more_than_random(mean)
    return Markup(
        "<b>Over {} seed{} what was found truly has {} on average, better than {:.0f} % of {:,} "
        "architectures{}</b> ({}{})."
    ).format(
        len(found),
        "s" * (len(found) != 1),
        first.amount(mean),
        100 * better,
        first.of,
        f", {beside}" * bool(beside),
        first.words,
        interval,
    )


def _value(found: TrueValue) -> float:
    return float("nan") if found.value is None else found.value


class _Held(NamedTuple):
    """A search that was held against true values, and how figures show it."""

    run: LiveRun
    truth: TrueValue
    entry: Entry


def truth_section(runs: Sequence[LiveRun], entries: Sequence[Entry]) -> list[Section]:
    """Figure and table of all true values, for each table of them; none where none is known."""
    by_table: dict[tuple[str, str], list[_Held]] = {}
    for run, entry in zip(runs, entries, strict=True):
        if run.truth is not None:
            held = _Held(run, run.truth, entry)
            by_table.setdefault((run.truth.target, run.truth.sha256), []).append(held)
    if not by_table:
        return []
    blocks: list[Block] = [
        Text(
            "What complete trainings of the architectures came to, from a table; no number of the "
            "supernet enters. A search is worth its cost where it finds more than what costs none."
        )
    ]
    for place, own in enumerate(by_table.values()):
        blocks.append(_figure(f"truth-{place}", own))
        blocks.append(_table(f"truth-table-{place}", own))
    return [Section("true-values", "True values", blocks, (LIVE_RESULT,))]


def _figure(name: str, own: Sequence[_Held]) -> Figure:
    """All values of the table against their rank, and where those found stand."""
    truth = own[0].truth
    every = Entry(f"{name}:all", "all architectures of the table", "$muted", "", "solid")
    places = np.linspace(0, 100, len(truth.quantiles))
    data: list[Json] = [
        {
            "type": "scatter",
            "x": plain_numbers(places),
            "y": plain_numbers(truth.quantiles),
            "mode": "lines",
            "line": {"color": every.colour, "width": 2},
            "legendgroup": every.group,
            "hovertemplate": f"better than %{{x:.0f}} %: %{{y:.2f}} {plain_text(truth.unit)}"
            "<extra></extra>",
        }
    ]
    shown = [held for held in own if held.truth.value is not None]
    data += [_point(held.entry, held.truth) for held in shown]
    legend = [every, *(held.entry for held in shown)]
    for place, (what, value, rank) in enumerate(truth.most):
        entry = Entry(f"{name}:most-{place}", f"most {what}", "$ink", "diamond", "")
        data.append(
            {
                "type": "scatter",
                "x": [100 * (1 - rank / truth.of)],
                "y": [value],
                "mode": "markers",
                "marker": {"color": entry.colour, "size": 11, "symbol": entry.symbol},
                "legendgroup": entry.group,
                "text": [f"<b>most {plain_text(what)}</b><br>{value:.2f}, rank {rank:,}"],
                "hoverinfo": "text",
            }
        )
        legend.append(entry)
    layout = base_layout(
        "architectures of the table that are worse, %",
        axis_title(truth.title.partition(",")[0], truth.unit),
    )
    lowest = min(
        [truth.quantiles[round(FEWEST_BELOW * (len(places) - 1))]]
        + [_value(held.truth) for held in shown]
        + ([] if truth.random is None else [truth.random.mean])
    )
    margin = 0.05 * (truth.best - lowest) or 1.0
    layout["yaxis"] |= {"range": [lowest - margin, truth.best + margin]}
    layout["xaxis"] |= {"range": [-2, 102]}
    caption = "Line: all architectures of the table, from the worst to the best."
    if truth.random is not None:
        layout["shapes"] = [marked_level(truth.random.mean)]
        caption += " Dotted: the mean of one drawn at random."
    return Figure(
        name=name,
        title=f"What was found among all architectures, {truth.words}",
        description="Line plot of all true values against their rank, with those found marked",
        data=data,
        layout=layout,
        height=380,
        legend=tuple(legend),
        caption=caption,
        wide=True,
    )


def _point(entry: Entry, found: TrueValue) -> Json:
    words = f"{_value(found):.2f} {found.unit}, rank {found.rank:,} of {found.of:,}"
    return {
        "type": "scatter",
        "x": [100 * (found.better_than or 0.0)],
        "y": [_value(found)],
        "mode": "markers",
        "marker": {"color": entry.colour, "size": 11, "symbol": entry.symbol},
        "legendgroup": entry.group,
        "text": [f"<b>{plain_text(entry.title)}</b><br>{plain_text(words)}"],
        "hoverinfo": "text",
    }


def _table(name: str, own: Sequence[_Held]) -> DataTable:
    """A row a method and a search; below, what costs no search."""
    truth = own[0].truth
    titles = {held.run.folder: held.entry.title for held in own}
    rows: list[Row] = []
    for method in methods([held.run for held in own]):
        if len(method.known) > 1:
            rows.append(_mean_row(method))
        rows += [
            _search_row(titles[run.folder], run, run.truth)
            for run in method.runs
            if run.truth is not None
        ]
    unit = f", {truth.unit}" if truth.unit not in ("", "1") else ""
    columns = (
        Column("architecture of", "architecture", numeric=False),
        Column(f"true value{unit}", "true_value"),
        Column("rank", "rank"),
        Column("better than, %", "better_than"),
        Column("more than random", "more_than_random"),
        Column("test images, supernet's weights, %", "supernet_test_accuracy"),
    )
    return DataTable(
        name,
        f"True values, {truth.words}",
        columns,
        tuple(rows),
        foot=tuple(_foot(truth)),
        note=f"Among {truth.of:,} architectures. {truth.target}: {truth.title}; {truth.source}; "
        f"the table's SHA-256 begins with {truth.sha256[:12]}. \N{PLUS-MINUS SIGN} half the 95 % "
        "interval over seeds.",
    )


def _search_row(title: str, run: LiveRun, found: TrueValue) -> Row:
    accuracy = run.result.get("test_accuracy")
    return Row(
        title,
        (
            *_cells(found, found.value, found.rank, found.better_than),
            EMPTY if accuracy is None else Cell(f"{accuracy:.2f}", float(accuracy)),
        ),
    )


def _mean_row(method: Method) -> Row:
    found = method.known
    mean, low, high = mean_interval([_value(each) for each in found])
    half = (high - low) / 2
    better = float(np.mean([each.better_than or 0.0 for each in found]))
    value, _, share, gain = _cells(found[0], mean, None, better)
    accuracies = [float(run.result["test_accuracy"]) for run in method.runs if run.result]
    mean_accuracy = float(np.mean(accuracies))
    return Row(
        f"{method.title}: mean of {len(found)} seeds",
        (
            Cell(
                value.text,
                value.value,
                f"\N{PLUS-MINUS SIGN} {half:.2f}",
                best=True,
                more={"low_95": low, "high_95": high},
            ),
            EMPTY,
            share,
            gain,
            Cell(f"{mean_accuracy:.2f}", mean_accuracy),
        ),
    )


def _foot(truth: TrueValue) -> Iterator[Row]:
    """What costs no search, and the best there is."""

    def row(title: str, value: float, rank: int | None) -> Row:
        share = None if rank is None else 1 - rank / truth.of
        return Row(title, (*_cells(truth, value, rank, share), EMPTY))

    if truth.random is not None:
        yield row("one random architecture, mean", truth.random.mean, None)
    if truth.best_of is not None:
        title = f"best of {truth.best_of.drawn:,} random ones by true value, mean"
        yield row(title, truth.best_of.mean, None)
    for what, value, rank in truth.most:
        yield row(f"most {what}", value, rank)
    yield row("best there is", truth.best, 1)


def _cells(
    truth: TrueValue, value: float | None, rank: int | None, share: float | None
) -> tuple[Cell, Cell, Cell, Cell]:
    gain = None if value is None or truth.random is None else value - truth.random.mean
    return (
        EMPTY if value is None else Cell(f"{value:.2f}", value),
        EMPTY if rank is None else Cell(f"{rank:,}", float(rank)),
        EMPTY if share is None else Cell(f"{100 * share:.1f}", 100 * share),
        EMPTY if gain is None else Cell(signed(gain, plus=True), gain),
    )
