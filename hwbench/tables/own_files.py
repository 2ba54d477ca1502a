"""Reading the rows of one's own file: CSV of any common separator, or Parquet."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hwbench.errors import HwbenchError

MOST_BYTES = 2**31
MOST_COLUMNS = 10_000
_TEXT = (".csv", ".tsv", ".txt")
_SEPARATORS = ",;\t"


def read_rows(
    source: Path | str | pd.DataFrame,
) -> tuple[pd.DataFrame, NDArray[np.int64], str]:
    """The rows of a file or frame.

    Parameters
    ----------
    source : a `.csv`, `.tsv`, `.txt` or `.parquet` file, or a frame.

    Returns
    -------
    The rows (of a text file every cell a text), the number of each row for messages (of a text
    file the line, the header being line 1), and what to call the source.

    Raises
    ------
    HwbenchError
        Where the file is missing, too large, of another kind, or broken, or holds no row, or two
        columns have one name.
    """
    if isinstance(source, pd.DataFrame):
        frame, first, label = source.reset_index(drop=True), 0, "the frame"
    else:
        path = Path(source)
        label = str(path)
        _check_size(path)
        if path.suffix.lower() in _TEXT:
            frame, first = _read_text(path), 2
        elif path.suffix.lower() == ".parquet":
            frame, first = _read_parquet(path), 0
        else:
            raise HwbenchError(f"{path}: the name must end in .csv, .tsv or .parquet")
    if len(frame.columns) > MOST_COLUMNS:
        raise HwbenchError(f"{label}: {len(frame.columns)} columns are too many")
    frame.columns = [str(column).strip() for column in frame.columns]
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise HwbenchError(f"{label}: two columns are called '{twice[0]}'")
    if frame.empty:
        raise HwbenchError(f"{label}: holds no row of numbers")
    return frame, np.arange(first, first + len(frame)), label


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise HwbenchError(f"{path}: {reason}") from error
    if path.is_dir():
        raise HwbenchError(f"{path}: is a folder; name one file")
    if size > MOST_BYTES:
        raise HwbenchError(f"{path}: {size} bytes are more than the {MOST_BYTES} that are read")


def _read_text(path: Path) -> pd.DataFrame:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise HwbenchError(f"{path}: cannot be read as UTF-8 text ({error})") from error
    if "\0" in text:
        raise HwbenchError(f"{path}: holds NUL bytes; it is no text")
    header = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=header.count)
    if header.count(separator) > MOST_COLUMNS:
        raise HwbenchError(f"{path}: {header.count(separator) + 1} columns are too many")
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=separator, strict=True))
    except csv.Error as error:
        raise HwbenchError(f"{path}: is no proper CSV ({error})") from error
    while rows and not rows[-1]:  # empty lines at the end
        rows.pop()
    if len(rows) < 2:
        raise HwbenchError(f"{path}: needs a line of column names and rows below it")
    names = rows[0]
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(names):
            raise HwbenchError(
                f"{path}: line {line} has {len(row)} cells, the header {len(names)} "
                f"(separator {separator!r})"
            )
    return pd.DataFrame(rows[1:], columns=names, dtype=object)


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        with pq.ParquetFile(path) as file:
            unpacked = sum(
                file.metadata.row_group(i).total_byte_size
                for i in range(file.metadata.num_row_groups)
            )
            if unpacked > MOST_BYTES or file.metadata.num_columns > MOST_COLUMNS:
                raise HwbenchError(
                    f"{path}: claims {unpacked} bytes in {file.metadata.num_columns} columns, "
                    "more than is read"
                )
            frame: pd.DataFrame = file.read().to_pandas(ignore_metadata=True)
    except (OSError, ValueError, pa.ArrowException) as error:
        if isinstance(error, HwbenchError):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HwbenchError(f"{path}: cannot be read as Parquet ({reason})") from error
    return frame
