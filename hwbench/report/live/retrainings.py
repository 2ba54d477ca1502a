"""The section of the report on architectures that were trained from scratch."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from hwbench.pages.blocks import EMPTY, Cell, Column, DataTable, Row, Section
from hwbench.pages.plotting import Entry
from hwbench.results.live import LiveRun
from hwbench.results.names import RETRAINING, RETRAINING_RESULT
from hwbench.results.retrainings import SeveralSeeds, over_seeds

COLUMNS = (
    Column("search", "search", numeric=False),
    Column("test accuracy, %", "test_accuracy"),
    Column("deviation over seeds", "test_accuracy_deviation"),
    Column("in a table", "table_value"),
    Column("seeds", "seeds", numeric=False),
    Column("parameters", "parameters"),
    Column("recipe", "recipe", numeric=False),
    Column("images", "images", numeric=False),
    Column("architecture", "architecture", numeric=False),
)


def retrained_sentence(trained: SeveralSeeds) -> Markup:
    """What the architecture found came to, and what a table says of it."""
    table = trained.first.table
    beside = "" if table is None else f"; {table.words}"
    return Markup("Trained from scratch it reaches <b>{}</b> on test images ({}){}.").format(
        trained.accuracy, trained.how, beside
    )


def retraining_section(runs: Sequence[LiveRun], entries: Sequence[Entry]) -> list[Section]:
    """A table of all trainings from scratch; none where there were none."""
    rows = [
        _row(entry.title, trained)
        for live, entry in zip(runs, entries, strict=True)
        for trained in over_seeds(live.retrainings)
    ]
    if not rows:
        return []
    several = any(len(trained.seeds) > 1 for run in runs for trained in over_seeds(run.retrainings))
    table = DataTable(
        "retraining",
        "Architectures trained from scratch",
        COLUMNS,
        tuple(rows),
        note="Means over the seeds; the deviation is the standard deviation." * several,
    )
    old = any(not each.label for run in runs for each in run.retrainings)
    new = any(each.label for run in runs for each in run.retrainings)
    sources = (*([RETRAINING] * old), *([RETRAINING_RESULT] * new))
    return [Section("trained-from-scratch", "Trained from scratch", [table], sources)]


def _row(title: str, trained: SeveralSeeds) -> Row:
    first, deviation = trained.first, trained.deviation
    table = first.table
    known = table is not None and table.value is not None
    cells = (
        Cell(f"{trained.mean:.2f}", trained.mean),
        EMPTY if deviation is None else Cell(f"{deviation:.2f}", deviation),
        Cell(f"{table.value:.2f}", table.value, small=_short(table.target, table.short_epochs))
        if table is not None and known
        else EMPTY,
        _text(", ".join(map(str, trained.seeds))),
        EMPTY if first.parameters is None else Cell(f"{first.parameters:,.0f}", first.parameters),
        _text(first.recipe_title),
        _text(first.images),
        _text(first.architecture),
    )
    return Row(title, cells)


def _short(target: str, epochs: int | None) -> str:
    return target if epochs is None else f"{target}, trainings of {epochs} epochs: no true value"


def _text(words: str) -> Cell:
    return Cell(words, words) if words else EMPTY
