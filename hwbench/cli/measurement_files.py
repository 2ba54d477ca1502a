"""What the commands share that read files of measurements: options, and refusals as commands."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.tables.own.asking import Answer
    from hwbench.tables.own.options import Reading

READING = "How a file of measurements is read"
"""The heading of these options in the help."""

ArchColumn = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        rich_help_panel=READING,
        help="The column of architectures; by default it is found by what it holds.",
    ),
]
ArchFormat = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        rich_help_panel=READING,
        help="The code of the architectures, one of hwbench spaces formats SPACE; by default what "
        "they are written in, where that is unmistakable.",
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        metavar="MARK",
        rich_help_panel=READING,
        help="The mark before decimals, '.' or ','; by default it is found out.",
    ),
]
Thousands = Annotated[
    str | None,
    typer.Option(
        metavar="MARK",
        rich_help_panel=READING,
        help="The mark between thousands, '.' or ',' or none; by default it is found out.",
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        rich_help_panel=READING,
        help="The column of numbers; by default the only one there is.",
    ),
]
Unit = Annotated[
    str | None,
    typer.Option(
        metavar="UNIT",
        rich_help_panel=READING,
        help="The unit of the numbers, such as ms; by default what the header says.",
    ),
]
Direction = Annotated[
    str | None,
    typer.Option(
        metavar="DIRECTION",
        rich_help_panel=READING,
        help="Whether less is better (minimize) or more (maximize); by default what the name "
        "tells.",
    ),
]
Duplicates = Annotated[
    str | None,
    typer.Option(
        metavar="WAY",
        rich_help_panel=READING,
        help="What to learn from of repeats: mean, median, min or first; by default (auto) the "
        "mean, the median where a repeat is an outlier.",
    ),
]
BadRows = Annotated[
    str | None,
    typer.Option(
        metavar="WAY",
        rich_help_panel=READING,
        help="What to do with rows of unknown architectures or without a measurement: refuse (the "
        "default) or drop.",
    ),
]
MissingCells = Annotated[
    str | None,
    typer.Option(
        metavar="WAY",
        rich_help_panel=READING,
        help="What to do with rows without a measurement: refuse (the default), or keep the "
        "others.",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN=VALUE",
        rich_help_panel=READING,
        help="Take only rows that hold this, such as device=phone; by default all; repeatable.",
    ),
]
Pool = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN",
        rich_help_panel=READING,
        help="Rows that differ only in this column are repeats; by default none is pooled; "
        "repeatable.",
    ),
]
Repeats = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        rich_help_panel=READING,
        help="Columns that repeat one measurement, such as 'latency_*'; by default none; "
        "repeatable.",
    ),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEXT",
        rich_help_panel=READING,
        help="What else in a cell means that nothing was measured, besides the marks that "
        "are known by default; repeatable.",
    ),
]
MeasuredValues = Annotated[
    list[float] | None,
    typer.Option(
        "--measured",
        metavar="VALUE",
        rich_help_panel=READING,
        help="A value that was measured in the column's unit, though it looks like a mark for "
        "none; by default such are asked about; repeatable.",
    ),
]
NoHeader = Annotated[
    bool,
    typer.Option(
        "--no-header",
        rich_help_panel=READING,
        help="The first line holds data, not names of columns.",
    ),
]
HeaderLine = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="LINE",
        rich_help_panel=READING,
        help="The line on which the names of the columns stand; by default it is found.",
    ),
]
Sheet = Annotated[
    str | None,
    typer.Option(
        metavar="SHEET",
        rich_help_panel=READING,
        help="The sheet of a workbook; by default the only one there is.",
    ),
]


def reading_of(
    *,
    arch_format: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    where: list[str] | None = None,
    pivot: list[str] | None = None,
    pool: list[str] | None = None,
    repeats: list[str] | None = None,
    missing: list[str] | None = None,
    measured: list[float] | None = None,
    no_header: bool = False,
    header_line: int | None = None,
    sheet: str | None = None,
) -> Reading:
    """What the options say of a file.

    Raises
    ------
    HwbenchError
        Where an option has not its form, or two contradict each other.
    """
    from hwbench.cli.table_files import pairs
    from hwbench.tables.own.options import Reading

    if no_header and header_line is not None:
        raise HwbenchError("give either --no-header or --header-line")
    return Reading(
        arch_format=arch_format,
        decimal=decimal,
        thousands=thousands,
        where=_first_equals(where) or pairs("--where", where, "COLUMN=VALUE"),
        pivot=pivot or (),
        pool=pool or (),
        repeats=repeats or (),
        missing=missing or (),
        measured=measured or (),
        header_line=0 if no_header else header_line,
        sheet=sheet,
    )


def _first_equals(where: list[str] | None) -> dict[str, str]:
    """Conditions, split at the first "=": values hold one more often than names do."""
    parted = [text.partition("=") for text in where or ()]
    if not all(name and value for name, _, value in parted):
        return {}
    return {name: value for name, _, value in parted}


@contextmanager
def complete_commands() -> Iterator[None]:
    """Refusals that ask name, for each answer, the whole command to type."""
    from hwbench.tables.own.asking import UnclearError

    try:
        yield
    except UnclearError as error:
        words = ["hwbench", *sys.argv[1:]]
        raise HwbenchError(error.text(lambda answer: _command(words, answer))) from error


def _command(words: list[str], answer: Answer) -> str:
    flags = answer.flags()
    singles = {"--decimal", "--thousands", "--arch-format", "--arch-column", "--bad-rows"}
    singles |= {"--missing-values", "--duplicates", "--metric", "--header-line", "--sheet"}
    replaced = singles & set(flags[::2])
    kept: list[str] = []
    skip = False
    for word in words:
        if skip or word.partition("=")[0] in replaced:
            skip = not skip and "=" not in word
        else:
            kept.append(word)
    return f"`{shlex.join([*kept, *flags])}`"
