"""Live searches of two runs side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwbench.pages.architectures import drawing
from hwbench.pages.blocks import EMPTY, Block, Cell, Column, DataTable, Group, Row, Text
from hwbench.results.live import LiveRun
from hwbench.results.run import Run

NUMBERS = {
    "search_accuracy": "validation accuracy with the supernet's weights, %",
    "test_accuracy": "test accuracy with the supernet's weights, %",
    "weight_sets": "sets of weights",
}
MEASURES = {
    "kendall_tau": "Kendall's tau of the ranking",
    "kendall_tau_top50": "tau of the 50 truly best",
    "mean_true_top10": "mean true value of the 10 best ranked",
}


def live_comparison(one: Run, other: Run) -> list[Block]:
    """Numbers and architectures of both; none where either holds no live search or several."""
    if len(one.live) != 1 or len(other.live) != 1:
        return []
    runs = (one.live[0], other.live[0])
    if runs[0].config["space"]["name"] != runs[1].config["space"]["name"]:
        return []
    rows = [_row(title, *(run.result.get(name) for run in runs)) for name, title in NUMBERS.items()]
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
        DataTable("live", "Live searches", columns, shown),
        Text("One search each: no interval can be given. hwbench live sweep repeats a search."),
    ]
    drawings = [
        drawn
        for name, run in zip("AB", runs, strict=True)
        if run.result
        and (drawn := drawing(run.config["space"]["name"], run.result["architecture"], name))
    ]
    return [*blocks, Group("What was found", drawings)] if drawings else blocks


def _retrained(run: LiveRun) -> Any:
    content: Mapping[str, Any] = run.retraining
    return content.get("test_accuracy")


def _row(title: str, one: Any, other: Any) -> Row:
    known = [isinstance(value, int | float) for value in (one, other)]
    cells = [
        Cell(f"{value:.4g}", float(value)) if there else EMPTY
        for value, there in zip((one, other), known, strict=True)
    ]
    if all(known):
        cells.append(Cell(f"{other - one + 0.0:+.3g}" if other != one else "0", float(other - one)))
    else:
        cells.append(EMPTY)
    return Row(title, tuple(cells))
