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

ArchColumn = Annotated[str | None, typer.Option(help="The column of architectures, if not found.")]
ArchFormat = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="The code of the architectures, where it is not unmistakable: official-index, naslib, "
        "hwbench, ... by space (hwbench spaces formats SPACE).",
    ),
]
Decimal = Annotated[
    str | None, typer.Option(metavar="MARK", help="What stands before decimals: . or ,")
]
Thousands = Annotated[
    str | None,
    typer.Option(metavar="MARK", help="What stands between thousands: . or , or none."),
]
Metric = Annotated[str | None, typer.Option(help="The column of numbers, where there are several.")]
Unit = Annotated[str | None, typer.Option(help="Of the numbers, where the header does not say it.")]
Direction = Annotated[
    str | None, typer.Option(help="minimize or maximize, where the name does not tell.")
]
Duplicates = Annotated[
    str | None,
    typer.Option(
        help="What to learn from of repeats: mean, median, min or first; by default the mean, the "
        "median where a repeat is an outlier."
    ),
]
BadRows = Annotated[
    str | None,
    typer.Option(
        help="Rows with unknown architectures or no measurement: refuse (the default) or drop."
    ),
]
MissingCells = Annotated[
    str | None,
    typer.Option(help="Rows without a measurement: refuse (the default), or keep the others."),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN=VALUE", help="Only rows that hold this, such as device=phone; repeatable."
    ),
]
Pool = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Rows that differ in this column are repeats; repeatable."),
]
Repeats = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Columns that repeat one measurement, such as 'latency_*'; repeatable.",
    ),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEXT", help="What else in a cell means that nothing was measured; repeatable."
    ),
]
MeasuredValues = Annotated[
    list[float] | None,
    typer.Option(
        "--measured",
        metavar="VALUE",
        help="A value that was measured, though it looks like a mark for none; repeatable.",
    ),
]
NoHeader = Annotated[
    bool, typer.Option("--no-header", help="The first line holds data, not names of columns.")
]
HeaderLine = Annotated[
    int | None,
    typer.Option(min=1, help="The line on which the names of the columns stand."),
]
Sheet = Annotated[str | None, typer.Option(help="The sheet of a workbook.")]


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
