"""The section of the report on architectures that were trained from scratch."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from markupsafe import Markup

from hwbench.pages.blocks import (
    EMPTY,
    Block,
    Cell,
    Column,
    DataTable,
    Finding,
    Row,
    Section,
)
from hwbench.pages.plotting import Entry
from hwbench.report.live.measured import measured_words
from hwbench.results.names import RETRAINING, RETRAINING_RESULT
from hwbench.results.retrainings import Retraining, SeveralSeeds, over_seeds
from hwbench.results.run import Run

MOST_SHOWN = 5

COLUMNS = (
    Column("search", "search", numeric=False),
    Column("test accuracy, %", "test_accuracy"),
    Column("deviation over seeds", "test_accuracy_deviation"),
    Column("in a table", "table_value"),
    Column("seeds", "seeds", numeric=False),
    Column("parameters", "parameters"),
    Column("measured on test images", "measured", numeric=False),
    Column("recipe", "recipe", numeric=False),
    Column("images", "images", numeric=False),
    Column("architecture", "architecture", numeric=False),
)


def retrained_sentence(trained: SeveralSeeds) -> Markup:
    """What the architecture found came to, and what a table says of it."""
    return Markup("Trained from scratch it reaches <b>{}</b> on test images ({}){}.").format(
        trained.accuracy, trained.how, _beside(trained)
    )


def _beside(trained: SeveralSeeds) -> str:
    table = trained.first.table
    return "" if table is None else f"; {table.words}"


def retraining_summary(retrainings: Sequence[Retraining]) -> list[Block]:
    """What came of architectures that no search found, the best first."""
    together = sorted(over_seeds(retrainings), key=lambda each: each.mean, reverse=True)
    if not together:
        return []
    sentences = [
        Markup("{}: <b>{}</b> on test images ({}){}.").format(
            each.first.architecture, each.accuracy, each.how, _beside(each)
        )
        for each in together[:MOST_SHOWN]
    ]
    more = len(together) - MOST_SHOWN
    rest = [Markup("{} more stand in the table.").format(more)] if more > 0 else []
    return [Finding("Trained from scratch", (*sentences, *rest))]


def retraining_section(run: Run, entries: Sequence[Entry]) -> list[Section]:
    """A table of all trainings from scratch; none where there were none.

    Parameters
    ----------
    entries : of the run's live searches.
    """
    searches = zip(run.live, entries, strict=True)
    given = [(entry.title, over_seeds(live.retrainings)) for live, entry in searches]
    given.append(("no search", over_seeds(run.retrainings)))
    rows = [(title, trained) for title, those in given for trained in those]
    if not rows:
        return []
    several = any(len(trained.seeds) > 1 for _, trained in rows)
    made = [_row(title, trained) for title, trained in rows]
    used = [  # spikes are measured of spiking networks alone
        place
        for place, column in enumerate(COLUMNS)
        if column.key != "measured" or any(row.cells[place - 1].value for row in made)
    ]
    table = DataTable(
        "retraining",
        "Architectures trained from scratch",
        tuple(COLUMNS[place] for place in used),
        tuple(Row(row.title, tuple(row.cells[place - 1] for place in used[1:])) for row in made),
        note="Means over the seeds; the deviation is the standard deviation." * several,
    )
    labels = [each.label for _, trained in rows for each in trained.retrainings]
    sources = [RETRAINING] if not all(labels) else []
    sources += [RETRAINING_RESULT] if any(labels) else []
    return [Section("trained-from-scratch", "Trained from scratch", [table], tuple(sources))]


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
        _text(measured_words(first.space, _measured(trained))),
        _text(first.recipe_title),
        _text(first.images),
        _text(first.architecture),
    )
    return Row(title, cells)


def _measured(trained: SeveralSeeds) -> dict[str, float]:
    """Means over the seeds of what all measured besides the accuracy."""
    names = [
        name
        for name in trained.first.measured
        if all(name in each.measured for each in trained.retrainings)
    ]
    return {name: mean(each.measured[name] for each in trained.retrainings) for name in names}


def _short(target: str, epochs: int | None) -> str:
    return target if epochs is None else f"{target}, trainings of {epochs} epochs: no true value"


def _text(words: str) -> Cell:
    return Cell(words, words) if words else EMPTY
