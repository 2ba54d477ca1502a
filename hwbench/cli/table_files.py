"""What the commands that make tables share: where a new table goes, and what it is called."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli.output import print_json, tell
from hwbench.cli.output_paths import output_file, usable_file
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.tables import Table

LONGEST_NAME = 200
"""Characters of a table's name: file systems take 255 bytes, and more stands beside it."""

TableName = Annotated[
    str, typer.Option("--name", metavar="NAME", help="The name of the table to make.")
]
TablePath = Annotated[
    Path | None,
    output_file(
        "The Parquet file to write; by default the table joins yours under HWBENCH_HOME.",
        suffixes=(".parquet",),
    ),
]
Rounds = Annotated[int, typer.Option(metavar="N", help="How many rounds visit each architecture.")]
RunsOfVisit = Annotated[int, typer.Option(metavar="N", help="Recorded runs of a visit.")]
Warmup = Annotated[int, typer.Option(min=0, metavar="N", help="Unrecorded runs of a visit.")]
Title = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="A line on the table for people; by default it is made up."),
]
Description = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT", help="What a reader of the table should know; by default nothing."
    ),
]
Licence = Annotated[str, typer.Option(metavar="TEXT", help="The licence of the numbers.")]
Replace = Annotated[
    bool, typer.Option("--replace", help="Make the table again where there is one of that name.")
]


def new_table_path(name: str, output: Path | None, *, replace: bool = False) -> Path:
    """Where a new table goes; one that exists is overwritten only where that was asked for.

    Raises
    ------
    HwbenchError
        Where the name cannot be one, or there is such a table already.
    """
    from hwbench.tables.library import own_table_path

    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise HwbenchError(
            f"table name {name[:LONGEST_NAME]!r}: use lower-case letters, digits, '.', '_' and '-'"
        )
    if len(name) > LONGEST_NAME:
        raise HwbenchError(
            f"table name '{name[:40]}...': {len(name)} characters are too many, take "
            f"{LONGEST_NAME} at most"
        )
    path = own_table_path(name) if output is None else output
    if path.suffix != ".parquet":
        raise HwbenchError(f"{path}: the name of a table's file must end in .parquet")
    try:
        exists = path.exists()
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be written ({error.strerror})") from error
    if exists and not replace:
        raise HwbenchError(f"{path}: exists already; choose another name or remove it first")
    return usable_file(path)


def say_made(table: Table, path: Path, *, as_json: bool, **more: Any) -> None:
    """Tell that a table was made, and where it is; in JSON `more` too."""
    if as_json:
        columns = list(table.card.columns)
        print_json(
            {
                "table": table.card.name,
                "space": table.card.space,
                "architectures": len(table),
                "columns": columns,
                "path": str(path),
                **more,
            }
        )
        return
    tell(f"table {table.card.name}: {len(table)} architectures at {path}")


def pairs(
    option: str, given: list[str] | None, form: str, *, known: Collection[str] = ()
) -> dict[str, str]:
    """Split the values "key=value" of a repeated option.

    Parameters
    ----------
    option, given, form : the option, its values, and what they look like, for messages.
    known : keys that there are. A value with several "=" is split behind the longest of these, and
        at its last "=" where none fits.

    Raises
    ------
    HwbenchError
        Where one has not that form; the message says `form`.
    """
    found = {}
    for text in given or []:
        fitting = [key for key in known if text.startswith(f"{key}=") and len(text) > len(key) + 1]
        key = max(fitting, key=len) if fitting else text.rpartition("=")[0]
        value = text[len(key) + 1 :]
        if not key or not value:
            raise HwbenchError(f"{option} {text!r} must have the form {form}")
        found[key] = value
    return found
