"""Tables and their architectures: columns, histograms, two metrics with their front, one cell."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from hwbench.arrays import Floats
from hwbench.errors import HwbenchError, unknown_name
from hwbench.fronts.two import pareto_front
from hwbench.pages.architectures import drawing
from hwbench.pages.blocks import (
    EMPTY,
    Block,
    Cell,
    Column,
    DataTable,
    Group,
    Notice,
    Page,
    Row,
    Section,
    Text,
)
from hwbench.pages.plotting import (
    Figure,
    axis_title,
    base_layout,
    plain_numbers,
    plain_text,
    sample,
)
from hwbench.tables import Table, load_table, table_files
from hwbench.tables.card import ColumnCard

MOST_POINTS = 4_000
MOST_FRONT = 200
MOST_NEIGHBOURS = 60
BINS = 40
MOST_HISTOGRAMS = 40

LEAST_WHOLE, MOST_WHOLE = 1e4, 1e10
"""Numbers that are written without decimals, such as those of parameters."""


def tables_listing() -> tuple[list[dict[str, Any]], list[str]]:
    """What there is to say of every table, and what is wrong with others."""
    rows, problems = [], []
    for name in table_files():
        try:
            table = _opened(name)
        except HwbenchError as error:
            problems.append(str(error))
            continue
        card = table.card
        rows.append(
            {
                "name": name,
                "title": card.title,
                "space": card.space,
                "rows": len(table),
                "columns": len(card.columns),
                "words": " ".join([name, card.title, card.space, *card.columns]).lower(),
            }
        )
    return rows, problems


@lru_cache(maxsize=16)
def _opened(name: str) -> Table:
    if name not in table_files():  # a name, never a path
        raise unknown_name("table", name, table_files())
    return load_table(name)


def table_page(name: str, x: str | None, y: str | None) -> tuple[Page, dict[str, Any]]:
    """The page of a table, and what its choosers need.

    Parameters
    ----------
    name : of the table.
    x, y : columns of the scatter plot; by default a metric and an accuracy where it has both.

    Raises
    ------
    HwbenchError
        Where there is no such table or column.
    """
    table = _opened(name)
    across, up = _axes(table, x, y)
    scatter, front = _scatter(table, across, up)
    blocks: list[Block] = [Text(table.card.description)] if table.card.description else []
    sections = [
        Section("columns", "Columns", [*blocks, _columns(table)]),
        Section("two-metrics", "Two metrics", [scatter, _front_table(table, front, across, up)]),
        Section(
            "histograms",
            "Histograms",
            [Group("", [_histogram(table, each) for each in _shown_columns(table)])],
            folded=True,
        ),
    ]
    chosen = {"columns": list(table.card.columns), "x": across, "y": up, "space": table.card.space}
    meta = (table.card.space, f"{len(table):,} architectures", table.card.licence)
    return Page(table.card.title, sections, meta), chosen


def _shown_columns(table: Table) -> list[str]:
    return list(table.card.columns)[:MOST_HISTOGRAMS]


def _axes(table: Table, x: str | None, y: str | None) -> tuple[str, str]:
    columns = table.card.columns
    for given in (x, y):
        if given is not None and given not in columns:
            raise unknown_name(f"column of table {table.card.name}", given, columns)
    larger = [name for name, card in columns.items() if card.direction == "maximize"]
    smaller = [name for name, card in columns.items() if card.direction == "minimize"]
    names = list(columns)
    across = x or (smaller or names)[0]
    up = y or next((each for each in [*larger, *names] if each != across), across)
    return across, up


def _title(name: str, card: ColumnCard) -> str:
    return axis_title(name, "" if card.unit == "1" else card.unit)


def _columns(table: Table) -> DataTable:
    rows = []
    for name, card in table.card.columns.items():
        values = table.column(name)
        known = values[np.isfinite(values)]
        noise = card.noise
        rows.append(
            Row(
                name,
                (
                    _unit(card),
                    Cell("larger" if card.direction == "maximize" else "smaller", card.direction),
                    _text(card.dataset),
                    _text(card.device),
                    *(_number(call(known)) for call in (np.min, np.median, np.max)),
                    _missing(len(values) - len(known)),
                    EMPTY if noise is None else _number(noise.deviation),
                    EMPTY if noise is None else _number(noise.tau_ceiling),
                ),
                small=card.title,
            )
        )
    columns = (
        Column("column", "column", numeric=False),
        Column("unit", "unit", numeric=False),
        Column("better", "direction", numeric=False),
        Column("dataset", "dataset", numeric=False),
        Column("device", "device", numeric=False),
        Column("least", "minimum"),
        Column("median", "median"),
        Column("most", "maximum"),
        Column("missing", "missing"),
        Column("noise (deviation)", "noise"),
        Column("ceiling of tau", "tau_ceiling"),
    )
    return DataTable("columns-of-table", "Columns", columns, tuple(rows), small_key="title")


def _text(value: str | None) -> Cell:
    return Cell(value, value) if value else EMPTY


def _missing(count: int) -> Cell:
    return Cell(f"{count:,}", count)


def _number(value: float) -> Cell:
    if not np.isfinite(value):
        return EMPTY
    whole = LEAST_WHOLE <= abs(value) < MOST_WHOLE
    return Cell(f"{value:,.0f}" if whole else f"{value:.4g}", float(value))


def _unit(card: ColumnCard) -> Cell:
    return EMPTY if card.unit == "1" else Cell(card.unit, card.unit)


def _histogram(table: Table, name: str) -> Figure:
    card = table.card.columns[name]
    values = table.column(name)
    counts, edges = np.histogram(values[np.isfinite(values)], bins=BINS)
    data = {
        "type": "bar",
        "x": plain_numbers((edges[:-1] + edges[1:]) / 2),
        "y": [int(count) for count in counts],
        "width": plain_numbers(np.diff(edges)),
        "marker": {"color": "$c0"},
    }
    return Figure(
        f"histogram-{name}",
        name,
        f"Histogram of {name}",
        [data],
        base_layout(_title(name, card), "architectures") | {"bargap": 0},
        height=230,
    )


def _signed(values: Floats, card: ColumnCard, *, larger: bool) -> Floats:
    """Values of which the larger, or the smaller, are better."""
    return values if (card.direction == "maximize") == larger else -values


def _scatter(table: Table, x: str, y: str) -> tuple[Figure, list[int]]:
    """A scatter plot of two columns with their front, and the rows of that."""
    across, up = table.column(x), table.column(y)
    cards = table.card.columns
    known = np.flatnonzero(np.isfinite(across) & np.isfinite(up))
    front = known[
        pareto_front(
            _signed(up[known], cards[y], larger=True),
            _signed(across[known], cards[x], larger=False),
        )
    ][:MOST_FRONT]
    shown = known[sample(len(known), MOST_POINTS)]
    points = _points(table, shown, x, y) | {
        "mode": "markers",
        "marker": {"color": "$c0/0.45", "size": 5},
    }
    line = _points(table, front, x, y) | {
        "mode": "lines+markers",
        "line": {"color": "$c1", "width": 2, "shape": "hv"},
        "marker": {"color": "$c1", "size": 8},
    }
    rest = f" {MOST_POINTS:,} of {len(known):,} are drawn." if len(known) > MOST_POINTS else ""
    figure = Figure(
        "scatter",
        f"{y} against {x}",
        f"Scatter plot of {y} against {x} with the front of both",
        [points, line],
        base_layout(_title(x, cards[x]), _title(y, cards[y])),
        height=460,
        caption=f"Orange: the front. Choose a point to see its architecture.{rest}",
        wide=True,
    )
    return figure, [int(row) for row in front]


def _points(table: Table, rows: Any, x: str, y: str) -> dict[str, Any]:
    archs = table.frame["arch"].to_numpy()[rows]
    across, up = table.column(x)[rows], table.column(y)[rows]
    text = [
        f"{plain_text(arch)}<br>{plain_text(x)} {first:.4g}<br>{plain_text(y)} {second:.4g}"
        for arch, first, second in zip(archs, across, up, strict=True)
    ]
    return {
        "type": "scatter",
        "x": plain_numbers(across),
        "y": plain_numbers(up),
        "customdata": [str(arch) for arch in archs],
        "text": text,
        "hoverinfo": "text",
    }


def _front_table(table: Table, front: list[int], x: str, y: str) -> DataTable:
    archs = table.frame["arch"].to_numpy()
    rows = tuple(
        Row(
            str(archs[row]),
            (_number(table.column(x)[row]), _number(table.column(y)[row])),
        )
        for row in front
    )
    columns = (Column("architecture", "arch", numeric=False), Column(x, x), Column(y, y))
    return DataTable("front", "The front", columns, rows, folded=True)


# ---------------------------------------------------------------------- one architecture


def architecture_blocks(name: str, text: str) -> list[Block]:
    """An architecture of a table: drawn, its values here and elsewhere, and its neighbours.

    Parameters
    ----------
    name : of the table.
    text : the architecture's string in the table's space.

    Raises
    ------
    HwbenchError
        Where there is no such table, or it is no architecture of its space.
    """
    table = _opened(name)
    space = table.space
    arch = space.from_string(text)
    own = space.to_string(arch)
    drawn = drawing(table.card.space, own, "The architecture")
    row = int(space.rows_among(arch[None, :], table.keys)[0])
    blocks: list[Block] = [drawn] if drawn is not None else [Text(own)]
    if row < 0:
        blocks.append(Notice(f"The table {name} does not hold this architecture."))
    blocks.append(_values(name, own))
    blocks.append(_neighbours(table, arch))
    return blocks


def _values(name: str, text: str) -> DataTable:
    """What every table of the space says of an architecture, its own first."""
    space = _opened(name).card.space
    rows = []
    for other in sorted(table_files(), key=lambda each: (each != name, each)):
        try:
            table = _opened(other)
            if table.card.space != space:
                continue
            arch = table.space.from_string(text)
            row = int(table.space.rows_among(arch[None, :], table.keys)[0])
        except HwbenchError:  # a broken table of the user's
            continue
        if row < 0:
            continue
        for column, card in table.card.columns.items():
            values = table.column(column)
            rows.append(
                Row(
                    column,
                    (
                        Cell(other, other),
                        _number(values[row]),
                        _unit(card),
                        _place(values, row, card),
                    ),
                    small=card.title,
                )
            )
    columns = (
        Column("column", "column", numeric=False),
        Column("table", "table", numeric=False),
        Column("value", "value"),
        Column("unit", "unit", numeric=False),
        Column("better than", "better_than"),
    )
    return DataTable("values", "Its values in all tables", columns, tuple(rows), small_key="title")


def _place(values: Floats, row: int, card: ColumnCard) -> Cell:
    """Which share of the table is worse, in %."""
    known = _signed(values[np.isfinite(values)], card, larger=True)
    own = _signed(values[row : row + 1], card, larger=True)[0]
    if not np.isfinite(own) or not len(known):
        return EMPTY
    share = 100 * float(np.mean(known < own))
    return Cell(f"{share:.1f} %", share)


def _neighbours(table: Table, arch: Any) -> DataTable:
    """Architectures that differ in one position, with up to four columns."""
    found = table.space.neighbours(arch)
    rows = table.space.rows_among(found, table.keys)
    keep = rows >= 0
    names = list(table.card.columns)[:4]
    values: Mapping[str, Floats] = {name: table.column(name) for name in names}
    strings = pd.Series(table.space.to_strings(found[keep][:MOST_NEIGHBOURS]), dtype=object)
    lines = tuple(
        Row(
            str(text),
            tuple(_number(values[name][row]) for name in names),
        )
        for text, row in zip(strings, rows[keep][:MOST_NEIGHBOURS], strict=True)
    )
    columns = (
        Column("architecture", "arch", numeric=False),
        *(Column(name, name) for name in names),
    )
    more = int(keep.sum()) - len(lines)
    note = f"{more:,} further neighbours are in the table." if more > 0 else ""
    return DataTable("neighbours", "Its neighbours", columns, lines, note=note, folded=True)
