"""Reading the rows of one's own file: CSV of any common separator, or Parquet.

A file is hostile until it is read: what it claims is held against limits before memory is given to
it, and text of a Parquet file is kept as a dictionary, because few bytes can stand for many rows.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hwbench.errors import HwbenchError, one_line

MOST_BYTES = 2**31
MOST_COLUMNS = 10_000
MOST_CELLS = 50_000_000  # as Python texts some 4 GB; NAS-Bench-101 with 100 metrics has 42 million
_TEXT = (".csv", ".tsv", ".txt")
_TEXT_TYPES = ("string", "large_string", "string_view")
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
    try:
        size = path.stat().st_size
        regular = path.is_file()
    except FileNotFoundError as error:
        raise HwbenchError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise HwbenchError(f"{path}: cannot be read ({error})") from error
    if not regular:  # devices and pipes never end
        raise HwbenchError(f"{path}: is no regular file; name a CSV or Parquet file")
    if size > MOST_BYTES:
        raise HwbenchError(f"{path}: {size} bytes are more than the {MOST_BYTES} that are read")
    if path.suffix.lower() in _TEXT:
        return _read_text(path)
    if path.suffix.lower() == ".parquet":
        frame = _read_parquet(path)
        return Rows(frame, np.arange(len(frame)), str(path), {})
    raise HwbenchError(f"{path}: the name must end in .csv, .tsv or .parquet")


def _check_claims(label: str, rows: int, columns: int) -> None:
    if columns > MOST_COLUMNS:
        raise HwbenchError(f"{label}: {columns} columns are too many, at most {MOST_COLUMNS} are")
    if rows * columns > MOST_CELLS:
        raise HwbenchError(
            f"{label}: {rows} rows of {columns} columns are more than the {MOST_CELLS} cells "
            "that are read"
        )


# ---------------------------------------------------------------------- text


def _read_text(path: Path) -> Rows:
    try:
        # Line ends are left as they are: only so do line numbers hold beside quoted line breaks.
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = _separator(file.read(_HEADER_BYTES))
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _parse_text(path, file, separator)
    except UnicodeDecodeError as error:
        raise HwbenchError(
            f"{path}: is no UTF-8 text ({error.reason}); save it as UTF-8"
        ) from error
    except csv.Error as error:
        raise HwbenchError(f"{path}: is no proper CSV ({error})") from error
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror})") from error


def _separator(start: str) -> str:
    """The separator that stands most often in the header, quoted names left out."""
    header = _QUOTED.sub("", start.lstrip("\r\n")).partition("\n")[0].partition("\r")[0]
    return max(_SEPARATORS, key=header.count)


def _parse_text(path: Path, file: Iterable[str], separator: str) -> Rows:
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
            row = (row + [""] * len(names))[: len(names)]
        rows.append(row)
        numbers.append(line)
        if len(rows) * len(names) > MOST_CELLS:
            _check_claims(str(path), len(rows), len(names))
    if names is None or not rows:
        raise HwbenchError(f"{path}: needs a line of column names and rows below it")
    frame = pd.DataFrame(rows, dtype=object)
    frame.columns = pd.Index(names, dtype=object)
    return Rows(frame, np.array(numbers, dtype=np.int64), str(path), faults)


def _rows_of_text(
    path: Path, file: Iterable[str], separator: str
) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line on which it begins."""

    def lines() -> Iterator[str]:
        for number, text in enumerate(file, start=1):
            if "\0" in text:
                raise HwbenchError(f"{path}: line {number} holds NUL bytes; it is no text")
            yield text

    reader = csv.reader(lines(), delimiter=separator, strict=True)
    first = 1
    for row in reader:
        if row:
            yield first, row
        first = reader.line_num + 1


# ---------------------------------------------------------------------- Parquet


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        with pq.ParquetFile(path) as file:
            _check_parquet(path, file)
            texts = [column.name for column in file.schema_arrow if _is_text(column.type)]
        # Text as a dictionary: a kilobyte can hold thousands of rows of the same megabyte.
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            content = file.read()
        columns = [_to_pandas(column) for column in content.columns]
    except HwbenchError:
        raise
    except (OSError, ValueError, MemoryError, pa.ArrowException) as error:
        raise HwbenchError(f"{path}: cannot be read as Parquet ({one_line(error)})") from error
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame()
    frame.columns = pd.Index(content.column_names, dtype=object)
    return frame


def _check_parquet(path: Path, file: pq.ParquetFile) -> None:
    about = file.metadata
    _check_claims(str(path), about.num_rows, about.num_columns)
    groups = (about.row_group(group) for group in range(about.num_row_groups))
    unpacked = sum(group.total_byte_size for group in groups)
    if unpacked > MOST_BYTES:
        raise HwbenchError(
            f"{path}: claims {unpacked} unpacked bytes, more than the {MOST_BYTES} that are read"
        )
    for column in file.schema_arrow:
        if not _is_flat(column.type):
            raise HwbenchError(
                f"{path}: the column '{shown_name(column.name)}' is of type "
                f"{one_line(column.type, 80)}, neither numbers nor text; leave it out of the file"
            )


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return str(kind) in _TEXT_TYPES


def _is_flat(kind: pa.DataType) -> bool:
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    others = (pa.types.is_boolean, pa.types.is_temporal, pa.types.is_null, _is_text)
    return any(is_kind(kind) for is_kind in (*numbers, *others))


def _to_pandas(column: pa.ChunkedArray) -> pd.Series:
    if pa.types.is_dictionary(column.type):
        # As objects, equal texts are one object, so that this costs a pointer a row.
        return column.to_pandas().astype(object)
    if pa.types.is_temporal(column.type):
        # No metric whatever it is; so there is no calendar and no time zone to look up.
        return pd.Series([f"a {column.type}"] * len(column), dtype=object)
    return column.to_pandas()
