"""Live searches of two runs side by side."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from hwbench.pages.architectures import drawing
from hwbench.pages.blocks import EMPTY, Block, Cell, Column, DataTable, Finding, Group, Row, Text
from hwbench.results.live import LiveRun
from hwbench.results.run import Run
from hwbench.results.true_value import TrueValue

NUMBERS = {
    "search_accuracy": "validation accuracy with the supernet's weights, %",
    "test_accuracy": "test accuracy with the supernet's weights, %",
    "weight_sets": "sets of weights",
}
MEASURES = {
    "kendall_tau": "Kendall's tau of the ranking with its target",
    "kendall_tau_top50": "tau of the 50 best by the target",
    "mean_true_top10": "mean target value of the 10 best ranked",
}


def live_comparison(one: Run, other: Run) -> list[Block]:
    """Numbers and architectures of both; none where either holds no live search or several."""
    if len(one.live) != 1 or len(other.live) != 1:
        return []
    runs = (one.live[0], other.live[0])
    if runs[0].config["space"]["name"] != runs[1].config["space"]["name"]:
        return []
    rows = _true_rows(*runs)
    rows += [
        _row(title, *(run.result.get(name) for run in runs)) for name, title in NUMBERS.items()
    ]
    rows += [
        _row(title, *(run.measures.get(name) for run in runs)) for name, title in MEASURES.items()
    ]
    rows.append(_row("test accuracy trained from scratch, %", *(_retrained(run) for run in runs)))
    columns = (
        Column("number", "number", numeric=False),
        Column("A", "a"),
        Column("B", "b"),
        Column("B less A", "difference"),
    )
    shown = tuple(row for row in rows if any(cell.value is not None for cell in row.cells[:2]))
    blocks: list[Block] = [
        Finding("", (_headline(*runs),)),
        Text("One search each: no interval can be given. hwbench live sweep repeats a search."),
        DataTable("live", "Live searches", columns, shown),
    ]
    drawings = [
        drawn
        for name, run in zip("AB", runs, strict=True)
        if run.result
        and (drawn := drawing(run.config["space"]["name"], run.result["architecture"], name))
    ]
    return [*blocks, Group("What was found", drawings)] if drawings else blocks


def _alike(one: LiveRun, other: LiveRun) -> tuple[TrueValue, TrueValue] | None:
    """The true values of both, where one table judges both."""
    if one.truth is None or other.truth is None:
        return None
    keys = [(truth.target, truth.sha256) for truth in (one.truth, other.truth)]
    return (one.truth, other.truth) if keys[0] == keys[1] else None


def _headline(one: LiveRun, other: LiveRun) -> Markup | str:
    """Which of both found the truly better architecture, and by how much."""
    alike = _alike(one, other)
    if alike is None:
        return (
            "Which of both found the better architecture is not known: no table of true values "
            f"judges both. hwbench live truth {one.folder} and hwbench live truth {other.folder} "
            "look for one."
        )
    first, second = alike
    if first.value is None or second.value is None:
        return f"Which found the better architecture is not known: {first.words} lacks one of them."
    gain = second.value - first.value
    how = "the same as" if gain == 0 else f"{'better' if gain > 0 else 'worse'} than"
    drawn = first.random
    beside = "" if drawn is None else f"; one random architecture has {first.amount(drawn.mean)}"
    return Markup("<b>What B found is truly {} what A found: {} against {}</b> ({}{}).").format(
        how, second.amount(second.value), first.amount(first.value), first.words, beside
    )


def _true_rows(one: LiveRun, other: LiveRun) -> list[Row]:
    alike = _alike(one, other)
    if alike is None:
        return []
    first = alike[0]
    shares = [None if truth.better_than is None else 100 * truth.better_than for truth in alike]
    return [
        _row(f"true value{f', {first.unit}' * bool(first.unit)}", *(each.value for each in alike)),
        _row(f"rank among {first.of:,}", *(each.rank for each in alike)),
        _row("better than, %", *shares),
        _row("tau of the ranking with true values", *(each.kendall_tau for each in alike)),
    ]


def _retrained(run: LiveRun) -> float | None:
    """The mean over the seeds."""
    return None if run.retrained is None else run.retrained.mean


def _row(title: str, one: Any, other: Any) -> Row:
    known = [isinstance(value, int | float) for value in (one, other)]
    cells = [
        Cell(_number(value), float(value)) if there else EMPTY
        for value, there in zip((one, other), known, strict=True)
    ]
    if all(known):
        cells.append(Cell(_difference(one, other), float(other - one)))
    else:
        cells.append(EMPTY)
    return Row(title, tuple(cells))


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def _difference(one: float, other: float) -> str:
    if other == one:
        return "0"
    whole = isinstance(one, int) and isinstance(other, int)
    return f"{other - one:+,}" if whole else f"{other - one + 0.0:+.3g}"
