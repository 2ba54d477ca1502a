"""Sheets of workbooks (.xlsx), read with openpyxl."""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError, unknown_name
from hwbench.extras import MissingExtraError
from hwbench.regular_files import check_regular
from hwbench.tables.own.asking import Answer, UnclearError
from hwbench.tables.own.headers import LOOKED_AT, Row, find_header, is_empty
from hwbench.tables.own.options import Reading
from hwbench.tables.own.rows import IsArchitecture, Rows, check_claims
from hwbench.wording import some

MOST_UNPACKED = 2**29
"""Bytes of XML in a workbook."""


def read_workbook(path: Path, is_architecture: IsArchitecture, reading: Reading) -> Rows:
    """The rows of a sheet; they are numbered as the sheet does.

    Raises
    ------
    UnclearError
        Where several sheets hold something, and none was named.
    HwbenchError
        Where openpyxl is not installed, the file is no workbook, or it holds no rows.
    """
    try:
        openpyxl = importlib.import_module("openpyxl")
    except ImportError as error:
        besides = ", or save the sheet as .csv"
        raise MissingExtraError(str(path), "openpyxl", besides=besides) from error
    check_regular(path)
    _check_size(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # whatever openpyxl says of a broken file
        raise HwbenchError(f"{path}: is no workbook ({str(error)[:100]})") from error
    try:
        sheet = _sheet(path, book, reading.sheet)
        rows = list(_rows(path, sheet))
    except HwbenchError:
        raise
    except Exception as error:
        raise HwbenchError(f"{path}: is a broken workbook ({str(error)[:100]})") from error
    finally:
        book.close()
    if not rows:
        raise HwbenchError(f"{path}: sheet '{sheet.title}' holds no rows")
    label = str(path)
    header = find_header(rows[:LOOKED_AT], label, is_architecture, line=reading.header_line)
    names = [*header.names]
    width = max((len(cells) for _, cells in rows), default=0)
    names += [""] * (width - len(names))
    body = rows[header.first :]
    if not body:
        raise HwbenchError(f"{path}: needs a line of column names and rows below it")
    cells = [(each + [None] * width)[:width] for _, each in body]
    frame = pd.DataFrame(cells, dtype=object)
    frame.columns = pd.Index(names[:width], dtype=object)
    numbers = np.array([number for number, _ in body], dtype=np.int64)
    return Rows(frame, numbers, label, {}, header.notes, dict(header.units))


def _check_size(path: Path) -> None:
    """Refuse a workbook that would fill the memory, before it is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise HwbenchError(f"{path}: is no workbook ({str(error)[:100]})") from error
    if size > MOST_UNPACKED:
        raise HwbenchError(
            f"{path}: {size:,} bytes once unpacked are more than the {MOST_UNPACKED:,} that are "
            "read"
        )


def _sheet(path: Path, book: Any, wanted: str | None) -> Any:
    sheets = list(book.worksheets)
    if wanted is not None:
        titles = [sheet.title for sheet in sheets]
        if wanted not in titles:
            raise unknown_name(f"sheet of {path}", wanted, titles)
        return sheets[titles.index(wanted)]
    filled = [sheet for sheet in sheets if next(_rows(path, sheet), None) is not None]
    if len(filled) == 1:
        return filled[0]
    if not filled:
        raise HwbenchError(f"{path}: holds no sheet with rows")
    titles = [sheet.title for sheet in filled]
    raise UnclearError(
        f"{path}: several sheets hold something ({some(titles, 20)})",
        [Answer(f"sheet '{title}'", (("sheet", title),)) for title in titles[:3]],
    )


def _rows(path: Path, sheet: Any) -> Iterator[Row]:
    """The rows of a sheet that are not blank, with their numbers."""
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        check_claims(str(path), number, 1)
        values = [_value(cell) for cell in cells]
        while values and is_empty(values[-1]):
            values.pop()
        if values:
            check_claims(str(path), 1, len(values))
            yield number, values


def _value(cell: Any) -> Any:
    """The value of a cell; of one that shows percent what it shows."""
    value = cell.value
    percent = "%" in (getattr(cell, "number_format", None) or "")
    if percent and isinstance(value, int | float) and not isinstance(value, bool):
        return f"{round(100 * value, 10)!r}%"
    return value
