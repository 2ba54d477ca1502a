"""Reading Parquet files of results: every column checked before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError


def read_frame(path: Path, columns: Mapping[str, str]) -> pd.DataFrame | None:
    """Read the named columns of a Parquet file; None where it is absent or has no rows."""
    if not path.exists():
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = set(pq.read_schema(path).names)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise HwbenchError(
            f"{path}: cannot be read as Parquet ({one_line(error)}); run it again"
        ) from error
    missing = [name for name in columns if name not in names]
    if missing:
        raise HwbenchError(f"{path}: column '{missing[0]}' is missing")
    try:
        # The metadata that pandas stores could rename or re-index columns: results need none of it.
        frame = pq.read_table(path, columns=list(columns)).to_pandas(ignore_metadata=True)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise HwbenchError(
            f"{path}: cannot be read as Parquet ({one_line(error)}); run it again"
        ) from error
    if frame.empty:
        return None
    return pd.DataFrame({name: checked(path, frame[name], kind) for name, kind in columns.items()})


def checked(path: Path, column: pd.Series, kind: str) -> pd.Series:
    """The column in the type that its kind asks for: text, optional text, flag, integer, number."""
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


def one_line(error: BaseException) -> str:
    """What an error says, in one line of at most 160 characters; its type where it is silent."""
    text = " ".join(str(error).split())
    return text[:160] or type(error).__name__
