"""Reading the rows of one's own file: CSV of any common separator, or Parquet.

A file is hostile until it is read: what it claims is held against limits before memory is given to
it, and text of a Parquet file is kept as a dictionary, because few bytes can stand for many rows.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.formats.parquet_files import ParquetReader, plain_column, readable
from hwbench.regular_files import check_regular, open_regular

MOST_BYTES = 2**31
MOST_COLUMNS = 10_000
MOST_CELLS = 20_000_000  # as Python texts some 1.5 GB; NAS-Bench-101 with 40 metrics has 18 million
ROW_CELLS = 4  # that a row takes beside its own
MOST_FAULTS = 100_000
MOST_ROW_LETTERS = 2**22  # a row of a text file, however many lines it has
_TEXT = (".csv", ".tsv", ".txt")
_SEPARATORS = ",;\t"
_HEADER_BYTES = 2**20
_QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True)
class Rows:
    """What a file or frame holds, before anything of it is understood.

    Attributes
    ----------
    frame : the rows; of a text file every cell is a text.
    numbers : int64 of shape (n_rows,), for messages: the line of a text file on which the row
        begins, the header being line 1; the row's place, from 0, of other sources.
    label : what to call the source.
    faults : what is wrong with whole rows, by their places in `frame`.
    """

    frame: pd.DataFrame
    numbers: NDArray[np.int64]
    label: str
    faults: dict[int, str]


def read_rows(source: Path | str | pd.DataFrame) -> Rows:
    """The rows of a file or frame.

    Parameters
    ----------
    source : a `.csv`, `.tsv`, `.txt` or `.parquet` file, or a frame.

    Raises
    ------
    HwbenchError
        Where the file is missing, too large, of another kind, or broken, or holds no row, or two
        columns have one name.
    """
    if isinstance(source, pd.DataFrame):
        label = "the frame"
        frame = source.reset_index(drop=True)
        _check_claims(label, len(frame), len(frame.columns))
        rows = Rows(frame, np.arange(len(frame)), label, {})
    else:
        rows = _read_file(Path(source))
    frame, label = rows.frame, rows.label
    frame.columns = pd.Index(_distinct_names(frame.columns, label), dtype=object)
    if frame.empty:
        raise HwbenchError(f"{label}: holds no row of numbers")
    return rows


def shown_name(name: object) -> str:
    """A column's name as it is shown and looked up: on one line, without control characters."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(name))
    return " ".join(text.split())


def _distinct_names(columns: Iterable[object], label: str) -> list[str]:
    names = [shown_name(column) or f"unnamed {place}" for place, column in enumerate(columns)]
    twice = pd.Index(names).duplicated()
    if twice.any():
        raise HwbenchError(f"{label}: two columns are called '{names[int(twice.argmax())]}'")
    return names


def _read_file(path: Path) -> Rows:
    check_regular(path, most_bytes=MOST_BYTES)
    if path.suffix.lower() in _TEXT:
        return _read_text(path)
    if path.suffix.lower() == ".parquet":
        frame = _read_parquet(path)
        return Rows(frame, np.arange(len(frame)), str(path), {})
    raise HwbenchError(f"{path}: the name must end in .csv, .tsv or .parquet")


def _check_claims(label: str, rows: int, columns: int) -> None:
    if columns > MOST_COLUMNS:
        raise HwbenchError(f"{label}: {columns} columns are too many, at most {MOST_COLUMNS} are")
    if rows * (columns + ROW_CELLS) > MOST_CELLS:
        raise HwbenchError(
            f"{label}: {rows} rows of {columns} columns are more than the {MOST_CELLS} cells "
            "that are read"
        )


# ---------------------------------------------------------------------- text


def _read_text(path: Path) -> Rows:
    try:
        with open_text(path) as file:
            separator = _separator(file.read(_HEADER_BYTES))
        with open_text(path) as file:
            return _parse_text(path, file, separator)
    except UnicodeDecodeError as error:
        raise HwbenchError(
            f"{path}: is no UTF-8 text ({error.reason}); save it as UTF-8"
        ) from error
    except csv.Error as error:
        raise HwbenchError(f"{path}: is no proper CSV ({error})") from error
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror})") from error


def open_text(path: Path) -> TextIO:
    """A text file, its line ends as they are: only so do line numbers hold beside quoted ones."""
    return io.TextIOWrapper(
        open_regular(path, most_bytes=MOST_BYTES), encoding="utf-8-sig", newline=""
    )


def _separator(start: str) -> str:
    """The separator that stands most often in the header, quoted names left out."""
    header = _QUOTED.sub("", start.lstrip("\r\n")).partition("\n")[0].partition("\r")[0]
    return max(_SEPARATORS, key=header.count)


def _parse_text(path: Path, file: TextIO, separator: str) -> Rows:
    names: list[str] | None = None
    rows: list[list[str]] = []
    numbers: list[int] = []
    faults: dict[int, str] = {}
    for line, row in _rows_of_text(path, file, separator):
        if names is None:
            names = row
            _check_claims(str(path), 1, len(names))
            continue
        if len(row) != len(names):
            faults[len(rows)] = (
                f"has {len(row)} cells, the header {len(names)} (separator {separator!r})"
            )
            if len(faults) > MOST_FAULTS:
                raise HwbenchError(
                    f"{path}: more than {MOST_FAULTS:,} rows have other numbers of cells than the "
                    f"header (separator {separator!r})"
                )
            row = (row + [""] * len(names))[: len(names)]
        rows.append(row)
        numbers.append(line)
        _check_claims(str(path), len(rows), len(names))
    if names is None or not rows:
        raise HwbenchError(f"{path}: needs a line of column names and rows below it")
    frame = pd.DataFrame(rows, dtype=object)
    frame.columns = pd.Index(names, dtype=object)
    return Rows(frame, np.array(numbers, dtype=np.int64), str(path), faults)


def text_lines(path: Path, file: TextIO) -> Iterator[tuple[int, str]]:
    """The lines of a text file, each with its number, from 1.

    Raises
    ------
    HwbenchError
        Where there are too many, one is too long, or one holds NUL bytes.
    """
    for number in itertools.count(1):
        text = file.readline(MOST_ROW_LETTERS)
        if not text:
            return
        if len(text) >= MOST_ROW_LETTERS:
            raise HwbenchError(
                f"{path}: line {number} holds more than the {MOST_ROW_LETTERS:,} characters that "
                "are read"
            )
        if number > MOST_CELLS:
            raise HwbenchError(f"{path}: holds more than the {MOST_CELLS:,} lines that are read")
        if "\0" in text:
            raise HwbenchError(f"{path}: line {number} holds NUL bytes; it is no text")
        yield number, text


def _rows_of_text(path: Path, file: TextIO, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line on which it begins."""
    first, n_letters = 1, 0  # of the row at hand

    def lines() -> Iterator[str]:
        nonlocal n_letters
        for _, text in text_lines(path, file):
            n_letters += len(text)
            if n_letters >= MOST_ROW_LETTERS:
                raise HwbenchError(
                    f"{path}: the row of line {first} holds more than the {MOST_ROW_LETTERS:,} "
                    "characters that are read"
                )
            yield text

    reader = csv.reader(lines(), delimiter=separator, strict=True)
    for row in reader:
        if row:
            yield first, row
        first, n_letters = reader.line_num + 1, 0


# ---------------------------------------------------------------------- Parquet


def _read_parquet(path: Path) -> pd.DataFrame:
    reader = ParquetReader(path)
    _check_claims(str(path), reader.n_rows, len(reader.schema))
    content = reader.read()
    with readable(path):
        columns = [plain_column(column) for column in content.columns]
        frame = pd.concat(columns, axis=1) if columns else pd.DataFrame()
    frame.columns = pd.Index(content.column_names, dtype=object)
    return frame
