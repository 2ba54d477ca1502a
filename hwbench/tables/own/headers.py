"""Where the names of the columns stand: not on the first line, as often as not.

Titles of spreadsheets, comments and blank lines stand before them, units below them, and some files
have none. What is a row of data tells: it holds a number or an architecture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hwbench.errors import HwbenchError
from hwbench.spaces.given import ARCH_COLUMNS
from hwbench.tables.own.column_words import guess_direction, known_unit, split_header
from hwbench.tables.own.numbers import is_missing, looks_like_number
from hwbench.tables.own.rows import IsArchitecture, shown_name

LOOKED_AT = 100
"""Rows, from the first, among which the header is looked for."""

Row = tuple[int, list[Any]]
"""The line on which a row begins, and its cells."""


@dataclass(frozen=True)
class Header:
    """The columns' names and where the data begin.

    Attributes
    ----------
    names : of the columns.
    first : place, among the rows looked at, of the first row of data.
    units : that a line below the names says, by name.
    notes : what was passed over, a sentence each.
    """

    names: list[str]
    first: int
    units: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def find_header(
    rows: Sequence[Row],
    label: str,
    is_architecture: IsArchitecture,
    *,
    line: int | None = None,
    comments: Sequence[list[str]] = (),
) -> Header:
    """Find the columns' names.

    Parameters
    ----------
    rows : the first rows, up to `LOOKED_AT`; blank ones and comments left out.
    label : what to call the source.
    is_architecture : whether a cell holds an architecture.
    line : on which the names stand, where that was said; 0 for none.
    comments : the comment lines before the first row, each in cells: the names may stand there.

    Raises
    ------
    HwbenchError
        Where there are no rows, or none begins on that line.
    """
    if not rows:
        raise HwbenchError(f"{label}: needs a line of column names and rows below it")
    width = _width(rows)
    if line is not None and line > 0:
        places = [place for place, (number, _) in enumerate(rows) if number == line]
        if not places:
            raise HwbenchError(f"{label}: no row begins on line {line}, where the header should be")
        return _with_units(rows, places[0])
    data = [_is_data(cells, width, is_architecture) for _, cells in rows]
    first = data.index(True) if True in data else None
    if line == 0:
        return _without(rows, first or 0, width, said=True)
    if first is None:
        return _with_units(rows, _likeliest(rows, range(len(rows)), width))
    names = [place for place in range(first) if len(_trimmed(rows[place][1])) == width]
    if not names:
        names = [place for place in range(first) if len(_trimmed(rows[place][1])) > 1]
    if first > 0 and names:
        return _with_units(rows, _likeliest(rows, names, width))
    for cells in reversed(comments):
        if len(cells) == width and not _is_data(cells, width, is_architecture):
            note = "the names of the columns are those of the comment before the first row"
            return Header(_names(cells), first, notes=(note,))
    return _without(rows, first, width, said=False)


def _width(rows: Sequence[Row]) -> int:
    """How many cells most rows have; of two such numbers the larger."""
    counts = Counter(len(_trimmed(cells)) for _, cells in rows)
    return max(counts, key=lambda width: (counts[width], width)) if counts else 0


def _trimmed(cells: Sequence[Any]) -> list[Any]:
    """The cells without empty ones at the end."""
    stop = len(cells)
    while stop and is_empty(cells[stop - 1]):
        stop -= 1
    return list(cells[:stop])


def is_empty(cell: Any) -> bool:
    """Whether nothing stands in a cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _is_data(cells: Sequence[Any], width: int, is_architecture: IsArchitecture) -> bool:
    """Whether a row is one of data: it holds a number or an architecture, and no column's name."""
    there = [cell for cell in cells if not is_empty(cell)]
    if len(there) < min(width, 2) or any(_names_architectures(cell) for cell in there):
        return False
    if _counts_up(there):  # the names that pandas gives columns without names
        return False
    return any(_is_number(cell) or is_architecture(cell) for cell in there)


def _names_architectures(cell: Any) -> bool:
    return isinstance(cell, str) and shown_name(cell).lower() in ARCH_COLUMNS


def _counts_up(cells: Sequence[Any]) -> bool:
    return len(cells) > 1 and [str(cell).strip() for cell in cells] == [
        str(place) for place in range(len(cells))
    ]


def _is_number(cell: Any) -> bool:
    if isinstance(cell, str):
        return looks_like_number(cell)
    return isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool)


def _likeliest(rows: Sequence[Row], places: Sequence[int], width: int) -> int:
    """The row of names: that which names architectures, else the first that tells of metrics."""
    for tells in (_names_architectures, _tells_of_metric):
        for place in places:
            if any(tells(cell) for cell in rows[place][1]):
                return place
    whole = [place for place in places if len(_trimmed(rows[place][1])) == width]
    return (whole or list(places))[0]


def _tells_of_metric(cell: Any) -> bool:
    if not isinstance(cell, str):
        return False
    name = shown_name(cell)
    return split_header(name)[1] is not None or guess_direction(name) is not None


def _with_units(rows: Sequence[Row], place: int) -> Header:
    """The header on a row, and the units on the row below, if that holds nothing else."""
    notes: tuple[str, ...] = ()
    number, cells = rows[place]
    names = _names(_trimmed(cells))
    if place:
        before = [str(line) for line, _ in rows[:place]]
        notes += (
            f"line{'s' * (len(before) > 1)} {', '.join(before[:5])}"
            f"{', ...' * (len(before) > 5)} before the names of the columns (line {number}) "
            f"{'are' if len(before) > 1 else 'is'} passed over",
        )
    if place + 1 < len(rows):
        below, units = rows[place + 1][0], _units(rows[place + 1][1], names)
        if units:
            notes += (f"line {below} holds the units of the columns",)
            return Header(names, place + 2, units, notes)
    return Header(names, place + 1, {}, notes)


def _units(cells: Sequence[Any], names: Sequence[str]) -> dict[str, str]:
    """The units on a row of nothing else; none where something else stands there."""
    found: dict[str, str] = {}
    for name, cell in zip(names, cells, strict=False):
        if name.lower() in ARCH_COLUMNS:
            continue  # "string", "-", or nothing
        text = str(cell).strip().strip("[]()") if isinstance(cell, str) else ""
        if is_empty(cell) or is_missing(text):
            continue
        unit = known_unit(text)
        if unit is None or looks_like_number(text):
            return {}
        found[name] = unit
    return found


def _without(rows: Sequence[Row], first: int, width: int, *, said: bool) -> Header:
    """Names for the columns of a file that has none."""
    names = [f"column_{place}" for place in range(1, max(width, 1) + 1)]
    why = "as was said" if said else f"line {rows[first][0]} holds data" if rows else ""
    called = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return Header(
        names, first, notes=(f"there is no line of column names ({why}): they are called {called}",)
    )


def _names(cells: Sequence[Any]) -> list[str]:
    names = ["" if is_empty(cell) else str(cell) for cell in cells]
    if names and names[0].lstrip().startswith("#"):
        names[0] = names[0].lstrip().lstrip("#").strip()
    return names
