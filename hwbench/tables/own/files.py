"""Reading the rows of one's own file, whatever it is kept in.

A file is hostile until it is read: what it claims is held against limits before memory is given to
it, and text of a Parquet file is kept as a dictionary, because few bytes can stand for many rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.formats.parquet_files import ParquetReader, plain_column, readable
from hwbench.regular_files import check_regular
from hwbench.tables.own import rows as limits
from hwbench.tables.own.options import Reading
from hwbench.tables.own.plain_rows import read_json, read_json_lines, read_pickle
from hwbench.tables.own.rows import IsArchitecture, Rows, check_claims, rows_of_frame, shown_name
from hwbench.tables.own.text_files import PACKED, read_text
from hwbench.tables.own.workbooks import read_workbook

TEXT = (".csv", ".tsv", ".txt", ".dat")
KINDS = (
    ".csv, .tsv, .txt (also packed: .gz, .bz2, .xz, .zst), .json, .jsonl, .xlsx, .pkl or .parquet"
)
_WAYS_ON = {
    ".xls": "save it as .xlsx or .csv",
    ".ods": "save it as .xlsx or .csv",
    ".numbers": "export it as .csv",
    ".pt": "hwbench tables import BENCHMARK reads those of public benchmarks; write a .csv",
    ".pth": "hwbench tables import BENCHMARK reads those of public benchmarks; write a .csv",
    ".npy": "write a .csv",
    ".npz": "write a .csv",
    ".yaml": "hwbench predictors operators reads those of operators; write a .json",
    ".yml": "hwbench predictors operators reads those of operators; write a .json",
}


def no_architecture(cell: Any) -> bool:  # noqa: ARG001
    """What is said of cells where the space is not known."""
    return False


def read_rows(
    source: Path | str | pd.DataFrame,
    is_architecture: IsArchitecture = no_architecture,
    reading: Reading | None = None,
) -> Rows:
    """The rows of a file or frame.

    Parameters
    ----------
    source : a file of `KINDS`, or a frame.
    is_architecture : whether a cell holds an architecture, which tells rows from column names.
    reading : on which line the header stands, and which sheet is meant.

    Raises
    ------
    HwbenchError
        Where the file is missing, too large, of another kind, or broken, or holds no row, or two
        columns have one name.
    """
    reading = reading or Reading()
    if isinstance(source, pd.DataFrame):
        label = "the frame"
        frame = source.reset_index(drop=True)
        check_claims(label, len(frame), len(frame.columns))
        rows = rows_of_frame(frame, label)
    else:
        rows = _read_file(Path(source), is_architecture, reading)
    frame, label = rows.frame, rows.label
    names = _distinct_names(frame.columns, label)
    units = {shown_name(name): unit for name, unit in rows.units.items()}
    frame.columns = pd.Index(names, dtype=object)
    if frame.empty:
        raise HwbenchError(f"{label}: holds no row of numbers")
    return Rows(
        frame, rows.numbers, label, rows.faults, rows.notes, units, separator=rows.separator
    )


def _distinct_names(columns: Iterable[object], label: str) -> list[str]:
    names = [_name(column) or f"unnamed {place}" for place, column in enumerate(columns)]
    twice = pd.Index(names).duplicated()
    if twice.any():
        raise HwbenchError(f"{label}: two columns are called '{names[int(twice.argmax())]}'")
    return names


def _name(column: object) -> str:
    """A column's name; of several levels, as pandas has them, the texts joined."""
    if isinstance(column, tuple):
        return shown_name("_".join(str(part) for part in column if str(part)))
    return shown_name(column)


def _read_file(path: Path, is_architecture: IsArchitecture, reading: Reading) -> Rows:
    check_regular(path, most_bytes=limits.MOST_BYTES)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = bool(suffixes) and suffixes[-1] in PACKED
    suffix = suffixes[-2] if packed and len(suffixes) > 1 else (suffixes or [""])[-1]
    if suffix in TEXT:
        return read_text(path, is_architecture, reading.header_line)
    if suffix in (".jsonl", ".ndjson"):
        return read_json_lines(path, is_architecture)
    if suffix == ".json":
        return read_json(path, is_architecture, reading.header_line)
    if suffix in (".pkl", ".pickle", ".p"):
        return read_pickle(path, is_architecture, reading.header_line)
    if suffix in (".xlsx", ".xlsm") and not packed:
        return read_workbook(path, is_architecture, reading)
    if suffix == ".parquet" and not packed:
        frame = _read_parquet(path)
        return Rows(frame, np.arange(len(frame)), str(path))
    way = f"; {_WAYS_ON[suffix]}" if suffix in _WAYS_ON else ""
    raise HwbenchError(f"{path}: the name must end in {KINDS}{way}")


def _read_parquet(path: Path) -> pd.DataFrame:
    reader = ParquetReader(path)
    check_claims(str(path), reader.n_rows, len(reader.schema))
    content = reader.read()
    with readable(path):
        columns = [plain_column(column) for column in content.columns]
        frame = pd.concat(columns, axis=1) if columns else pd.DataFrame()
    frame.columns = pd.Index(content.column_names, dtype=object)
    return frame
