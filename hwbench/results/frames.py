"""One writer and one reader of a frame of results.

Everything read is checked before anything is made of it. A study's rows stand in parts, which
`study_reading` puts together; columns are checked here all the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.files import atomic_path

Kind = Literal["text", "optional text", "flag", "integer", "number"]


@dataclass(frozen=True)
class Column:
    """A column of a file of results.

    Attributes
    ----------
    kind : what its values are read as.
    meaning : in words, with the unit.
    optional : whether runs may lack it.
    """

    kind: Kind
    meaning: str = ""
    optional: bool = False


Columns = Mapping[str, Column]


def empty_frame(columns: Columns) -> pd.DataFrame:
    """A frame with the columns that are not optional, and no rows."""
    return pd.DataFrame(columns=[name for name, each in columns.items() if not each.optional])


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame as Parquet, as CSV where the name ends in .csv; whole or not at all.

    It is on the disk when this returns.

    Raises
    ------
    HwbenchError
        Where it cannot be written.
    """
    with atomic_path(path, durable=True) as temporary:
        if path.suffix == ".csv":
            frame.to_csv(temporary, index=False)
        else:
            frame.to_parquet(temporary, compression="zstd", index=False)


def require_rows(path: Path, rows: int) -> None:
    """See that a Parquet file that was written is on the disk, with all its rows.

    Raises
    ------
    HwbenchError
        Where it is not: somebody has removed or replaced it.
    """
    import pyarrow.parquet as pq

    there = 0
    if path.exists():
        with readable(path):
            there = pq.read_metadata(path).num_rows
    if there != rows:
        raise HwbenchError(
            f"{path}: {there:,} of {rows:,} rows are on the disk, something else has changed it "
            "meanwhile; run the command again"
        )


def read_frame(path: Path, columns: Columns) -> pd.DataFrame | None:
    """Read a Parquet file of results; None where it is absent.

    Parameters
    ----------
    path : the file.
    columns : what it holds; others are read unchecked and stand behind these.

    Raises
    ------
    HwbenchError
        Where the file is damaged, lacks a column, or a column holds what it may not.
    """
    return _read(path, columns, others=True)


def read_rows(path: Path, columns: Columns) -> pd.DataFrame | None:
    """As `read_frame`, without other columns; None also where the file has no rows."""
    frame = _read(path, columns, others=False)
    return None if frame is None or frame.empty else frame


def _read(path: Path, columns: Columns, *, others: bool) -> pd.DataFrame | None:
    from hwbench.formats.parquet_files import ParquetReader, plain_column

    with readable(path):
        try:
            reader = ParquetReader(path)
        except HwbenchError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise
        there = reader.schema.names
        # The metadata that pandas stores could rename or re-index columns: results need none of it.
        table = reader.read(None if others else [name for name in columns if name in there])
        frame = pd.DataFrame({name: plain_column(table[name]) for name in table.column_names})
    return checked_frame(path, frame, columns)


def checked_frame(path: Path, frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """A frame with its columns in their types, in this order, others behind them.

    Raises
    ------
    HwbenchError
        Where it lacks a column, or a column holds what it may not.
    """
    for name, column in columns.items():
        if name not in frame and not column.optional:
            raise HwbenchError(f"{path}: column '{name}' is missing; run it again")
    known = {
        name: _checked(path, frame[name], column.kind)
        for name, column in columns.items()
        if name in frame
    }
    others = {name: frame[name] for name in frame if name not in known}
    return pd.DataFrame({**known, **others})


def _checked(path: Path, column: pd.Series, kind: Kind) -> pd.Series:
    place = f"{path}: column '{column.name}'"
    if kind == "optional text":
        return column.map(lambda value: None if pd.isna(value) else str(value)).astype(object)
    if kind == "number":
        if column.isna().all():
            return pd.Series(np.nan, index=column.index, dtype=np.float64)
        if not pd.api.types.is_numeric_dtype(column):
            raise HwbenchError(f"{place} must hold numbers")
        return column.astype(np.float64).replace([np.inf, -np.inf], np.nan)
    if column.isna().any():
        raise HwbenchError(f"{place} holds missing values")
    if kind == "integer":
        if not pd.api.types.is_numeric_dtype(column) or (column % 1 != 0).any():
            raise HwbenchError(f"{place} must hold whole numbers")
        return column.astype(np.int64)
    if kind == "flag":
        if not pd.api.types.is_bool_dtype(column):
            raise HwbenchError(f"{place} must hold true or false")
        return column.astype(bool)
    return column.astype(str)


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in one line which Parquet file cannot be read."""
    from hwbench.formats import parquet_files

    try:
        with parquet_files.readable(path):
            yield
    except HwbenchError as error:
        raise HwbenchError(f"{error}; run it again") from error.__cause__
