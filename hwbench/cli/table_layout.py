"""How rows are laid out in a terminal's width: as a table, tables in turn, or records."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

Row = Sequence[str]

BETWEEN = 3
"""Characters between two cells of a table: a blank, a line, a blank."""
FEWEST_LINES = 2
"""Where no record has more lines, each is told in a paragraph; else each value has its own line."""


def table_width(widths: Sequence[int]) -> int:
    """Characters of a table's line whose cells have these widths."""
    return sum(widths) + BETWEEN * len(widths) + 1


def natural_widths(columns: Sequence[str], rows: Sequence[Row]) -> list[int]:
    """Characters of the widest cell of each column, its heading included."""
    return [
        max([len(column), *(_longest(row[place].split("\n")) for row in rows)])
        for place, column in enumerate(columns)
    ]


def least_widths(columns: Sequence[str], rows: Sequence[Row]) -> list[int]:
    """Characters that each column needs so that no word is cut; the first is not wrapped at all."""
    natural = natural_widths(columns, rows)
    return [
        natural[0],
        *(
            max(_longest(column.split()), *(_longest(row[place].split()) for row in rows), 1)
            for place, column in enumerate(columns[1:], start=1)
        ),
    ]


def wrapped_widths(columns: Sequence[str], rows: Sequence[Row], width: int) -> list[int]:
    """Characters of each column of a table that fills a width in which its words have room.

    What is left beside the words goes first to columns that lack least, so that few are wrapped.
    """
    natural, widths = natural_widths(columns, rows), least_widths(columns, rows)
    left = width - table_width(widths)
    for place in sorted(range(len(columns)), key=lambda each: natural[each] - widths[each]):
        given = min(left, natural[place] - widths[place])
        widths[place] += given
        left -= given
    return widths


def column_groups(columns: Sequence[str], rows: Sequence[Row], width: int) -> list[list[int]]:
    """Which columns stand in each of several tables below each other, none of them too wide.

    The columns before the first number say what a row is, and are repeated in each table. An empty
    list says that not even these and one more have room.
    """
    widths = natural_widths(columns, rows)
    keys = [0]
    for place in range(1, len(columns)):
        if any(re.match(r"[-+]?[\d.]", row[place]) for row in rows):
            break
        keys.append(place)
    while len(keys) > 1 and table_width([widths[key] for key in keys]) > width // 2:
        keys.pop()
    groups: list[list[int]] = []
    group = list(keys)
    for place in range(len(keys), len(columns)):
        if table_width([widths[each] for each in (*keys, place)]) > width:
            return []
        if table_width([widths[each] for each in (*group, place)]) > width:
            groups.append(group)
            group = list(keys)
        group.append(place)
    return [*groups, group]


def records(columns: Sequence[str], rows: Sequence[Row], width: int) -> list[str]:
    """A record a row: what the first column says, and beneath it the others with their names.

    Of two columns the second stands behind the first.
    """
    if len(columns) == 2:
        return [
            line
            for key, text in rows
            for line in _wrapped(f"{key}: {text}" if text else key, width, "", "  ")
        ]
    values = [
        [f"{key}: {text}" for key, text in zip(columns[1:], row[1:], strict=True) if text]
        for row in rows
    ]
    together = [_wrapped("; ".join(each), width, "  ", "  ") for each in values]
    brief = all(len(each) <= FEWEST_LINES for each in together)
    lines: list[str] = []
    for row, each, paragraph in zip(rows, values, together, strict=True):
        lines += _wrapped(row[0], width, "", "  ")
        if brief:
            lines += paragraph
        else:
            lines += [line for text in each for line in _wrapped(text, width, "  ", "    ")]
        lines.append("")
    return lines[:-1]


def _wrapped(text: str, width: int, first: str, further: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=further, break_on_hyphens=False
    )


def _longest(texts: Sequence[str]) -> int:
    return max(map(len, texts), default=0)
