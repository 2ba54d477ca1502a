"""The architectures of one's own file: in which column they stand, and in which code."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces import Space
from hwbench.spaces.code import AmbiguousCodeError
from hwbench.spaces.code_values import whole_number
from hwbench.spaces.given import ARCH_COLUMNS, CERTAIN_ARCH_COLUMNS
from hwbench.spaces.reading import code_named, lost_zeros, read_code
from hwbench.tables.own.asking import Answer, UnclearError
from hwbench.tables.own.column_words import INDEX_COLUMNS
from hwbench.tables.own.number_columns import text_of
from hwbench.tables.own.numbers import is_missing
from hwbench.tables.own.problems import Problems, shortened
from hwbench.tables.own.rows import IsArchitecture, shown_name
from hwbench.wording import some

LONGEST_ARCH = 10_000
"""Characters."""

TRIED = 100
"""Cells that are read to see whether a column holds architectures."""

MATRIX = "matrix and operations"
CHOICES = "choices by position"
_MATRIX_COLUMNS = ("matrix", "module_adjacency", "adjacency", "adjacency_matrix")
_OPERATION_COLUMNS = ("ops", "module_operations", "operations")


def architecture_test(space: Space, arch_format: str | None) -> IsArchitecture:
    """Whether a cell holds an architecture of the space, also one of an unclear code."""

    def is_architecture(cell: Any) -> bool:
        if is_missing(cell) or (isinstance(cell, str) and len(cell) > LONGEST_ARCH):
            return False
        if arch_format is None and whole_number(cell) is not None:
            return _is_own_string(space, str(cell))  # else it is no more than a number
        try:
            read_code(space, cell, arch_format)
        except AmbiguousCodeError:
            return True
        except HwbenchError:
            return False
        return True

    return is_architecture


# ---------------------------------------------------------------------- the column


def find_arch_column(
    space: Space,
    frame: pd.DataFrame,
    given: str | None,
    label: str,
    arch_format: str | None = None,
) -> tuple[pd.DataFrame, str, list[str]]:
    """The column of architectures, and a note where its content told.

    Returns
    -------
    The frame, where matrices and operations stand in two columns with one of both in their place;
    the column's name; notes.

    Raises
    ------
    HwbenchError
        Where none, or more than one, can be it.
    """
    columns = list(frame)
    if given is not None:
        if shown_name(given) not in columns:
            raise unknown_name(f"column of {label}", shown_name(given), columns)
        return frame, shown_name(given), []
    if arch_format in ("official-index", "hwbench-index"):
        numbering = [name for name in columns if name.lower() in INDEX_COLUMNS]
        if len(numbering) == 1:
            return frame, numbering[0], []
    named = [column for column in columns if column.lower() in ARCH_COLUMNS]
    if len(named) == 1 and (
        named[0].lower() in CERTAIN_ARCH_COLUMNS or _any_parses(space, frame[named[0]], arch_format)
    ):
        return frame, named[0], []
    if len(named) == 1:  # "model" may be that of the board
        named = []
    for column, joined in (
        (MATRIX, _with_matrices(space, frame)),
        (CHOICES, _with_choices(space, frame)),
    ):
        if joined is not None:
            return joined, column, []
    parsing = [
        column for column in named or columns if _any_parses(space, frame[column], arch_format)
    ]
    if len(parsing) == 1:
        note = f"column '{parsing[0]}' is taken for the architectures, by its content"
        return frame, parsing[0], [note]
    numbering = [name for name in columns if name.lower() in INDEX_COLUMNS]
    if not parsing and len(numbering) == 1 and space.indexed and space.has_official_index:
        return frame, numbering[0], []
    likely = parsing or numbering or columns
    what = "several columns could hold" if len(parsing) > 1 else "no column is found to hold"
    raise UnclearError(
        f"{label}: {what} the architectures of {space.name}; there are {some(columns, 100)}; "
        "which column holds the architecture strings?",
        [Answer(f"'{likely[0]}', for one", (("arch_column", likely[0]),))],
    )


def _with_matrices(space: Space, frame: pd.DataFrame) -> pd.DataFrame | None:
    """The frame with a column of matrices and operations in the place of two; None without."""
    by_name = {column.lower(): column for column in frame}
    matrix = next((by_name[name] for name in _MATRIX_COLUMNS if name in by_name), None)
    operations = next((by_name[name] for name in _OPERATION_COLUMNS if name in by_name), None)
    if matrix is None or operations is None:
        return None
    cells = [
        {"matrix": rows, "ops": names}
        for rows, names in zip(frame[matrix], frame[operations], strict=True)
    ]
    try:
        if space.from_other_code(cells[0]) is None:
            return None
    except HwbenchError:
        pass  # it is one, if a broken one
    rest = frame.drop(columns=[matrix, operations])
    rest.insert(0, MATRIX, pd.Series(cells, dtype=object))
    return rest


def _with_choices(space: Space, frame: pd.DataFrame) -> pd.DataFrame | None:
    """The frame with a column of dictionaries in the place of one a position; None without."""
    by_name = {column.lower(): column for column in frame}
    names = [by_name.get(position.lower()) for position in space.positions]
    columns = [name for name in names if name is not None]
    if len(columns) < space.n_positions:
        return None
    cells = frame[columns].to_dict("split")["data"]
    rest = frame.drop(columns=columns)
    choices = [dict(zip(space.positions, row, strict=True)) for row in cells]
    rest.insert(0, CHOICES, pd.Series(choices, dtype=object))
    return rest


def _any_parses(space: Space, column: pd.Series, arch_format: str | None) -> bool:
    step = max(1, len(column) // TRIED)  # throughout, for the first rows may be the broken ones
    cells = column.iloc[::step].head(TRIED).tolist()
    test = architecture_test(space, arch_format)
    return any(not isinstance(cell, bool) and test(cell) for cell in cells)


# ---------------------------------------------------------------------- their code


def parse_archs(
    space: Space,
    cells: Sequence[Any],
    column: str,
    problems: Problems,
    *,
    label: str = "",
    arch_format: str | None = None,
    notes: list[str] | None = None,
) -> IntArray:
    """The architectures of all rows.

    Parameters
    ----------
    cells : one a row; texts, where nothing is wrong.
    column : its name, for the problems.
    problems : is told of the rows that hold no architecture.
    label : what to call the file.
    arch_format : the code of the architectures; what is unmistakable where not said.
    notes : are told what was taken for granted.

    Returns
    -------
    int64 array of shape (n_rows, n_positions), zeros in rows that were reported.

    Raises
    ------
    UnclearError
        Where a cell can be of several codes.
    HwbenchError
        Where the space has no such format.
    """
    if arch_format is not None:
        code_named(space, arch_format)
    archs = np.zeros((len(cells), space.n_positions), dtype=np.int64)
    padded = None if arch_format else _padded(space, cells)
    if padded is not None:
        cells = padded
        if notes is not None:
            notes.append(
                f"column '{column}': zeros in front of architectures, lost when they were read as "
                f"numbers, are put back: {space.n_positions} digits each"
            )
    rows_of: dict[str, list[int]] = {}
    values: dict[str, Any] = {}
    for row, cell in enumerate(cells):
        if is_missing(cell):
            problems.add(row, column, "is empty: there is no architecture")
            continue
        text = text_of(cell)
        if len(text) > LONGEST_ARCH:
            problems.add(row, column, f"holds {len(text)} characters, too long an architecture")
        else:
            rows_of.setdefault(text, []).append(row)
            values[text] = cell
    texts = list(rows_of)
    rows = list(rows_of.values())
    # Whole batches are parsed at once; one that fails is halved until the culprits stand alone.
    batches = [(0, len(texts))] if texts else []
    while batches:
        start, stop = batches.pop()
        try:
            parsed = _parsed(space, [values[text] for text in texts[start:stop]], arch_format)
        except HwbenchError as error:
            if stop - start > 1:
                middle = (start + stop) // 2
                batches += [(middle, stop), (start, middle)]
                continue
            if isinstance(error, AmbiguousCodeError):
                place = rows[start][0]
                raise _unclear(
                    label, column, int(problems.numbers[place]), texts[start], error
                ) from error
            why = _lost_digits(space, values[texts[start]]) or shortened(str(error))
            for row in rows[start]:
                problems.add(row, column, why)
            continue
        counts = [len(same) for same in rows[start:stop]]
        places = [row for same in rows[start:stop] for row in same]
        archs[places] = np.repeat(parsed, counts, axis=0)
    return archs


def _parsed(space: Space, cells: list[Any], arch_format: str | None) -> IntArray:
    """The architectures of cells, all at once where they are the space's own strings.

    Raises
    ------
    HwbenchError
        Where one is none; a batch of such strings is then to be halved.
    """
    if arch_format is None and all(isinstance(cell, str) for cell in cells):
        try:
            return space.from_strings(cells)
        except HwbenchError:
            if len(cells) > 1 and _is_own_string(space, cells[0]):
                raise
    return np.stack([read_code(space, cell, arch_format) for cell in cells])


def _is_own_string(space: Space, text: str) -> bool:
    with contextlib.suppress(HwbenchError):
        space.from_string(text)
        return True
    return False


def _padded(space: Space, cells: Sequence[Any]) -> list[Any] | None:
    """The cells with the zeros in front that they lost; None where none has lost any."""
    there = [cell for cell in cells if not is_missing(cell)]
    if not there:
        return None
    found = lost_zeros(space, there)
    if found is None:
        return None
    texts = iter(found)
    return [cell if is_missing(cell) else next(texts) for cell in cells]


def _lost_digits(space: Space, cell: Any) -> str | None:
    """What to say of digits that became a number too long to be exact."""
    example = (
        space.to_string(np.zeros(space.n_positions, dtype=np.int64))
        if (space.n_positions > 15)
        else ""
    )
    if not example.isdigit():
        return None
    text = text_of(cell)
    is_float = isinstance(cell, float | np.floating) or (
        isinstance(cell, str) and "e+" in text.lower()
    )
    if not is_float:
        return None
    return (
        f"holds {text[:40]!r}: {space.n_positions} digits were read as a number, which keeps the "
        "first 15 to 17; they cannot be brought back: read that column as text where it was made"
    )


def _unclear(
    label: str, column: str, row: int, text: str, error: AmbiguousCodeError
) -> UnclearError:
    shown = text if len(text) <= 60 else f"{text[:60]}..."
    return UnclearError(
        f"{label}: column '{column}', row {row}: '{shown}' is {error.what}, which different codes "
        "read as different architectures; say which it is",
        [Answer(code.title, (("arch_format", code.name),)) for code in error.codes],
    )
