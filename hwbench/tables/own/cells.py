"""The cells of one's own file: architectures, numbers, and what is wrong with the others."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces import Space
from hwbench.tables.own.files import Rows, shown_name

# Characters. A cell may hold megabytes, and one such text may stand in every row.
LONGEST_PROBLEM = 400
LONGEST_NUMBER = 1000
LONGEST_ARCH = 10_000

WHOLE_ROW = "(whole row)"

_MISSING = ("", "nan", "na", "n/a", "null", "none")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@dataclass
class Problems:
    """Problems as they are found, and the rows they make unusable.

    Attributes
    ----------
    numbers : of the rows, for messages, int64 of shape (n_rows,).
    bad : places of the rows that have a problem.
    """

    numbers: NDArray[np.int64]
    bad: set[int] = field(default_factory=set)
    _found: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, place: int, column: str, problem: str) -> None:
        """Keep a problem of the row at `place`, which makes it unusable."""
        self.bad.add(place)
        self.note(int(self.numbers[place]), column, problem)

    def note(self, number: int, column: str, problem: str) -> None:
        """Keep a problem of the row of that number."""
        text = shown_name(problem)
        self._found.append((number, column, text))

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which rows have no problem, of shape (n_rows,)."""
        return np.array([place not in self.bad for place in range(len(self.numbers))], dtype=bool)

    def frame(self) -> pd.DataFrame:
        """The columns `row`, `column` and `problem`, by row."""
        in_order = sorted(self._found, key=lambda found: found[0])
        return pd.DataFrame(in_order, columns=["row", "column", "problem"])


def sound_rows(rows: Rows) -> tuple[pd.DataFrame, Problems]:
    """The rows without a fault, numbered anew, and a record with the faults of the others."""
    sound = np.array([place not in rows.faults for place in range(len(rows.frame))], dtype=bool)
    problems = Problems(rows.numbers[sound])
    for place, fault in rows.faults.items():
        problems.note(int(rows.numbers[place]), WHOLE_ROW, fault)
    return rows.frame[sound].reset_index(drop=True), problems


def is_missing(cell: Any) -> bool:
    """Whether a cell says that there is no value."""
    if isinstance(cell, str):
        return len(cell) <= LONGEST_NUMBER and cell.strip().lower() in _MISSING
    if isinstance(cell, Decimal):
        return cell.is_nan()
    if isinstance(cell, float | np.floating):
        return math.isnan(cell)
    return cell is None or cell is pd.NA or cell is pd.NaT


def has_decimal_comma(cell: Any) -> bool:
    """Whether a cell is a number written with a comma."""
    if not isinstance(cell, str) or len(cell) > LONGEST_NUMBER:
        return False
    return _DECIMAL_COMMA.fullmatch(cell.strip()) is not None


def number_in(cell: Any) -> float | None:
    """The finite number in a cell, None where there is none."""
    if isinstance(cell, str):
        text = cell.strip() if len(cell) <= LONGEST_NUMBER else ""
        number = float(text) if _NUMBER.fullmatch(text) else None
    elif isinstance(cell, int | float | Decimal | np.integer | np.floating) and not isinstance(
        cell, bool
    ):
        try:
            number = float(cell)
        except (OverflowError, ValueError):  # an int beyond float64, a signalling NaN
            number = None
    else:
        number = None
    return number if number is not None and math.isfinite(number) else None


# ---------------------------------------------------------------------- architectures


def parse_archs(space: Space, cells: Sequence[Any], column: str, problems: Problems) -> IntArray:
    """The architectures of all rows.

    Parameters
    ----------
    cells : one a row; texts, where nothing is wrong.
    column : its name, for the problems.
    problems : is told of the rows that hold no architecture.

    Returns
    -------
    int64 array of shape (n_rows, n_positions), zeros in rows that were reported.
    """
    archs = np.zeros((len(cells), space.n_positions), dtype=np.int64)
    rows_of: dict[str, list[int]] = {}
    for row, cell in enumerate(cells):
        if is_missing(cell):
            problems.add(row, column, "is empty: there is no architecture")
        elif len(text := _text_of(cell)) > LONGEST_ARCH:
            problems.add(row, column, f"holds {len(text)} characters, too long an architecture")
        else:
            rows_of.setdefault(text, []).append(row)
    texts = list(rows_of)
    rows = list(rows_of.values())
    # Whole batches are parsed at once; one that fails is halved until the culprits stand alone.
    batches = [(0, len(texts))] if texts else []
    while batches:
        start, stop = batches.pop()
        try:
            parsed = space.from_strings(texts[start:stop])
        except HwbenchError:
            if stop - start == 1:
                why = _why_no_arch(space, texts[start])
                for row in rows[start]:
                    problems.add(row, column, why)
            else:
                middle = (start + stop) // 2
                batches += [(middle, stop), (start, middle)]
            continue
        counts = [len(same) for same in rows[start:stop]]
        places = [row for same in rows[start:stop] for row in same]
        archs[places] = np.repeat(parsed, counts, axis=0)
    return archs


def _why_no_arch(space: Space, text: str) -> str:
    try:
        space.from_string(text)
    except HwbenchError as error:
        why = str(error)
        if len(why) > LONGEST_PROBLEM:  # what is wrong stands at the end
            half = LONGEST_PROBLEM // 2
            why = f"{why[:half]} ... {why[-half:]}"
        return why
    return "is no architecture of the space"


# ---------------------------------------------------------------------- numbers


def parse_numbers(
    column: pd.Series, name: str, problems: Problems, *, keep_missing: bool
) -> NDArray[Any]:
    """The numbers of a column, exactly those that are written.

    Parameters
    ----------
    column : a cell a row.
    name : its name, for the problems.
    problems : is told of the rows that hold no finite number.
    keep_missing : whether a cell may be empty.

    Returns
    -------
    float64 of shape (n_rows,), NaN where a cell is missing or reported; integers where all cells
    are whole numbers.
    """
    numbers = _easy_numbers(column)
    if numbers is not None and np.isfinite(numbers).all():
        return numbers
    cells = column.tolist()
    if numbers is None:
        numbers = np.full(len(cells), np.nan)
    for place in np.flatnonzero(~np.isfinite(numbers)).tolist():
        cell = cells[place]
        number = number_in(cell)
        if number is not None:
            numbers[place] = number
            continue
        numbers[place] = np.nan
        if not is_missing(cell):
            problems.add(place, name, _why_no_number(cell))
        elif not keep_missing:
            problems.add(place, name, "is empty (missing_values='keep' keeps such cells)")
    return numbers


def _easy_numbers(column: pd.Series) -> NDArray[Any] | None:
    """The numbers of a column that is read as a whole; None where each cell must be looked at.

    Arrow rounds texts correctly. `pandas.to_numeric` does not: of values between 0 and 100, written
    to the last digit, one in seven comes back with another last bit.
    """
    kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else ""
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
    return np.array(numbers)


def _why_no_number(cell: Any) -> str:
    if has_decimal_comma(cell):
        text = cell.strip()
        return f"holds {text[:40]!r}; write {text[:40].replace(',', '.')} with a point"
    return f"holds {_text_of(cell)[:40]!r}, which is no finite number"


def _text_of(cell: Any) -> str:
    try:
        return str(cell)
    except ValueError:  # Python refuses to write whole numbers of thousands of digits
        return f"a {type(cell).__name__} too long to be shown"
