"""Columns of numbers, exactly as written, with one understanding of marks and units."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hwbench.arrays import Floats
from hwbench.errors import HwbenchError
from hwbench.tables.own.asking import Answer, UnclearError
from hwbench.tables.own.column_words import unit_factor
from hwbench.tables.own.numbers import (
    LONGEST_NUMBER,
    Marks,
    NumberStyle,
    WrittenNumber,
    is_missing,
    looks_like_date,
    plain_number,
    written_number,
)
from hwbench.tables.own.options import Reading
from hwbench.wording import some

_THREE_DECIMALS = r"^\s*[+-]?[1-9]\d{0,2}\.\d{3}\s*$"


@dataclass
class NumberColumn:
    """The numbers of a column.

    Attributes
    ----------
    name : of the column, as in the file.
    values : of shape (n_rows,), float64 with NaN where there is none; integers where all are whole.
    missing : places of cells that say there is no value.
    bad : what is wrong with cells that hold something else than a number, by place.
    unit : that all cells state, None where none does.
    noise : deviations behind plus-minus signs, float64 of shape (n_rows,), NaN where there is none;
        None where no cell has one.
    """

    name: str
    values: NDArray[Any]
    missing: list[int] = field(default_factory=list)
    bad: dict[int, str] = field(default_factory=dict)
    unit: str | None = None
    noise: Floats | None = None


@dataclass
class _Written:
    """A column whose cells are read one by one, its marks not understood yet."""

    name: str
    cells: list[Any]
    numbers: dict[int, WrittenNumber]
    marks: Marks


def read_number_columns(
    frame: pd.DataFrame,
    label: str,
    rows: NDArray[np.int64],
    reading: Reading,
    separator: str = "",
) -> tuple[dict[str, NumberColumn], list[str]]:
    """Read columns of numbers.

    Parameters
    ----------
    frame : the columns; a cell a row.
    label : what to call the file.
    rows : the rows' numbers, for messages, int64 of shape (n_rows,).
    reading : what was said of marks and of spellings of no value.
    separator : between the cells of the file.

    Returns
    -------
    The columns by name, and notes on marks and units that were told by the cells.

    Raises
    ------
    UnclearError
        Where a mark can be read in two ways; the message shows both readings of a cell.
    HwbenchError
        Where the cells of a column state units of different things.
    """
    spellings = frozenset(text.strip().lower() for text in reading.missing)
    plain_style = reading.decimal in (None, ".") and reading.thousands in (None, "none")
    found: dict[str, NumberColumn] = {}
    written: list[_Written] = []
    for name in frame:
        easy = _easy_numbers(frame[name], said=reading.decimal is not None) if plain_style else None
        if easy is not None and np.isfinite(easy).all():
            found[name] = NumberColumn(name, easy)
            continue
        written.append(_written(frame[name], name))
    notes: list[str] = []
    styles = _styles(written, label, rows, reading, separator, notes)
    for column in written:
        read = _values(column, styles[column.name], spellings)
        notes += _spaces_note(column)
        if read.noise is not None:
            notes.append(f"column '{column.name}': what stands behind ± is its noise")
        _settle_units(column, read, label, rows, notes)
        found[column.name] = read
    return {name: found[name] for name in frame}, notes


def _easy_numbers(column: pd.Series, *, said: bool) -> NDArray[Any] | None:
    """The numbers of a column that is read as a whole; None where each cell must be looked at.

    Arrow rounds texts correctly. `pandas.to_numeric` does not: of values between 0 and 100, written
    to the last digit, one in seven comes back with another last bit.
    """
    known = isinstance(column.dtype, np.dtype | pd.StringDtype)  # the latter of texts, in pandas 3
    kind = column.dtype.kind if known else ""
    if kind in ("i", "u"):
        return column.to_numpy()
    if kind == "f":
        with np.errstate(over="ignore"):  # a long double beyond float64 is infinite, and reported
            return column.to_numpy(dtype=np.float64, copy=True)
    if kind != "O":
        return None
    if not all(isinstance(cell, str) and len(cell) <= LONGEST_NUMBER for cell in column):
        return None
    try:
        texts = pa.array(column, pa.string())
        numbers = texts.cast(pa.float64())
        with contextlib.suppress(pa.ArrowException):  # which also reads 0x10: not before the floats
            numbers = texts.cast(pa.int64())
    except (pa.ArrowException, UnicodeEncodeError):  # the latter: a lone surrogate
        return None
    if not said and _points_are_unclear(texts):
        return None
    return np.array(numbers)


def _points_are_unclear(texts: pa.Array) -> bool:
    """Whether every point has exactly three digits behind it: it could part thousands."""
    three = pc.match_substring_regex(texts, _THREE_DECIMALS)
    pointed = pc.match_substring(texts, ".")
    return bool(pc.any(three).as_py()) and not bool(pc.any(pc.and_not(pointed, three)).as_py())


def _written(column: pd.Series, name: str) -> _Written:
    cells = column.tolist()
    numbers: dict[int, WrittenNumber] = {}
    marks = Marks.none()
    for place, cell in enumerate(cells):
        if isinstance(cell, str) and (number := written_number(cell)) is not None:
            numbers[place] = number
            marks.see(place, number.digits, number.power)
    return _Written(name, cells, numbers, marks)


# ---------------------------------------------------------------------- marks


def _styles(
    columns: Sequence[_Written],
    label: str,
    rows: NDArray[np.int64],
    reading: Reading,
    separator: str,
    notes: list[str],
) -> dict[str, NumberStyle]:
    """What marks mean, column by column; a column that does not tell follows the others."""
    said = _said_style(reading)
    if said is not None:
        return {column.name: said for column in columns}
    own = {column.name: column.marks.style(separator) for column in columns}
    told = {
        column.name: style
        for column in columns
        if (style := own[column.name]) is not None and _shows(column.marks)
    }
    marks_of_file = {style.decimal for style in told.values()}
    found: dict[str, NumberStyle] = {}
    for column in columns:
        style = own[column.name]
        if style is None and len(marks_of_file) == 1 and not _contradicts(column.marks):
            decimal = next(iter(marks_of_file))
            style = NumberStyle(decimal, "." if decimal == "," else ",")
            notes.append(
                f"column '{column.name}': '{decimal}' is taken for the decimal mark, as in column "
                f"'{next(iter(told))}'"
            )
        if style is None:
            raise _unclear(column, label, rows)
        if style.decimal == "," or style.thousands:
            notes.append(_style_note(column, style))
        found[column.name] = style
    return found


def _spaces_note(column: _Written) -> list[str]:
    """That blanks or apostrophes part the thousands of a column, if so."""
    for place, number in column.numbers.items():
        text = str(column.cells[place]).strip()
        if number.digits not in text and number.noise is None:
            return [f"column '{column.name}': blanks or apostrophes part thousands: '{text[:40]}'"]
    return []


def _said_style(reading: Reading) -> NumberStyle | None:
    if reading.decimal is None and reading.thousands in (None, "none"):
        return None if reading.thousands is None else NumberStyle(".", None)
    thousands = None if reading.thousands == "none" else reading.thousands
    decimal = reading.decimal or ("," if thousands == "." else ".")
    if reading.thousands is None:  # what is not the decimal mark may only part thousands
        thousands = "." if decimal == "," else ","
    return NumberStyle(decimal, thousands)


def _shows(marks: Marks) -> bool:
    return any(marks.decimal.values()) or any(marks.thousands.values())


def _contradicts(marks: Marks) -> bool:
    return _shows(marks)


def _style_note(column: _Written, style: NumberStyle) -> str:
    example = next(
        (number for number in column.numbers.values() if set(number.digits) & {",", "."}),
        next(iter(column.numbers.values())),
    )
    value = example.value(style)
    meaning = "before decimals" if style.decimal in example.digits else "between thousands"
    mark = style.decimal if style.decimal in example.digits else style.thousands
    return f"column '{column.name}': '{mark}' stands {meaning}: {example.digits} is {value:g}"


def _unclear(column: _Written, label: str, rows: NDArray[np.int64]) -> UnclearError:
    marks = column.marks
    if not marks.unclear:
        places = [
            place
            for place, number in column.numbers.items()
            if any(mark in number.digits for mark in ".,")
        ]
        place, digits = places[0], column.numbers[places[0]].digits
        why = "its marks contradict each other, as points and commas before decimals do"
    else:
        place, digits = next(iter(marks.unclear.values()))
        why = "exactly three digits behind every mark, so that it can be both"
    mark = next(letter for letter in digits if letter in ".,")
    other = "." if mark == "," else ","
    whole, point = digits.replace(mark, ""), digits.replace(mark, ".")
    return UnclearError(
        f"{label}: column '{column.name}', row {rows[place]}: '{digits}' is {whole} or {point} "
        f"({why})",
        [
            Answer(f"{whole}, thousands", (("thousands", mark),)),
            Answer(f"{point}, decimals", (("decimal", mark),)),
        ]
        if marks.unclear
        else [
            Answer(f"'{mark}' before decimals", (("decimal", mark), ("on_bad_rows", "drop"))),
            Answer(f"'{other}' before decimals", (("decimal", other), ("on_bad_rows", "drop"))),
        ],
    )


# ---------------------------------------------------------------------- values


def _values(column: _Written, style: NumberStyle, spellings: frozenset[str]) -> NumberColumn:
    values = np.full(len(column.cells), np.nan)
    found = NumberColumn(column.name, values)
    noise: Floats | None = None
    for place, cell in enumerate(column.cells):
        written = column.numbers.get(place)
        number = written.value(style) if written is not None else plain_number(cell)
        if is_missing(cell, spellings) or (number is not None and f"{number:g}" in spellings):
            found.missing.append(place)
        elif number is None:
            found.bad[place] = _why_no_number(cell, style, written)
        else:
            values[place] = number
            if written is not None and written.noise is not None:
                noise = np.full(len(values), np.nan) if noise is None else noise
                noise[place] = written.noise.value(style) or np.nan
    found.noise = noise
    if not found.bad and not found.missing:
        found.values = _whole_values(column, values)
    return found


def _whole_values(column: _Written, values: Floats) -> NDArray[Any]:
    """The values as integers where every cell is a whole number, written without a mark."""
    try:
        whole = [
            int(cell)
            for cell in column.cells
            if (
                isinstance(cell, str)
                and cell.strip().lstrip("+-").isascii()
                and cell.strip().lstrip("+-").isdecimal()
            )
            or (isinstance(cell, int | np.integer) and not isinstance(cell, bool))
        ]
        if len(whole) == len(values):
            return np.array(whole, dtype=np.int64)
    except (OverflowError, ValueError):
        pass
    return values


def _why_no_number(cell: Any, style: NumberStyle, written: WrittenNumber | None) -> str:
    text = text_of(cell)[:40]
    if written is not None and any(mark in written.digits for mark in ".,"):
        return f"holds {text!r}, which is no number where '{style.decimal}' stands before decimals"
    if isinstance(cell, str) and looks_like_date(cell):
        return f"holds {text!r}, a date that a spreadsheet made of a number"
    return f"holds {text!r}, which is no finite number"


def text_of(cell: Any) -> str:
    """What a cell says, for messages and for reading it as an architecture."""
    try:
        return str(cell)
    except ValueError:  # Python refuses to write whole numbers of thousands of digits
        return f"a {type(cell).__name__} too long to be shown"


# ---------------------------------------------------------------------- units


def _settle_units(
    column: _Written,
    read: NumberColumn,
    label: str,
    rows: NDArray[np.int64],
    notes: list[str],
) -> None:
    """Bring all cells to the unit that most of them state."""
    units = {
        place: number.unit for place, number in column.numbers.items() if place not in read.bad
    }
    counts = Counter(unit for unit in units.values() if unit)
    if not counts:
        return
    main = counts.most_common(1)[0][0]
    bare = [int(rows[place]) for place, unit in units.items() if not unit]
    if bare and main in ("1e3", "1e6", "1e9"):
        units = {place: unit or "1" for place, unit in units.items()}
    elif bare:
        raise UnclearError(
            f"{label}: column '{read.name}': {counts[main]} cells are in {main}, and "
            f"{len(bare)} state no unit (row {some(bare)}); write it there, or take it out of the "
            "others",
            (),
        )
    for place, unit in units.items():
        if unit == main:
            continue
        factor = unit_factor(unit, main)
        if factor is None:
            raise HwbenchError(
                f"{label}: column '{read.name}', row {rows[place]}: is in {unit}, the others are "
                f"in {main}; two columns must not stand in one"
            )
        read.values[place] *= factor
        if read.noise is not None:
            read.noise[place] *= factor
    read.unit = main
    others = sorted(set(units.values()) - {main})
    notes.append(
        f"column '{read.name}' is taken to be in {main}, by its cells"
        + (f"; those in {', '.join(others)} were converted" if others else "")
    )
