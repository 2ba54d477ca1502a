"""Finding tables by name: those that come with hwbench and those a user has added."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwbench.assets import TABLES, asset_files, home
from hwbench.errors import HwbenchError
from hwbench.tables.table import Table


def table_files() -> dict[str, Path]:
    """Every table's file by name: embedded, under `HWBENCH_HOME`/tables, and of packages."""
    return TABLES.files()


def table_path(name: str) -> Path:
    """The file of a table: a name, or the path of a `.parquet` file.

    Raises
    ------
    HwbenchError
        Where there is no such table; the message says the nearest one.
    """
    return TABLES.find(name)


def load_table(name: str | Path) -> Table:
    """Open a table.

    Parameters
    ----------
    name : a table's name (see `hwbench tables list`), or the path of a `.parquet` file.

    Returns
    -------
    A `Table` with `.frame`, `.space`, `.archs`, `.metrics` and `.card`.

    Raises
    ------
    HwbenchError
        Where there is no such table or its file is broken.
    """
    return Table.read(table_path(str(name)))


def own_table_path(name: str) -> Path:
    """Where a user's table of that name is kept.

    Raises
    ------
    HwbenchError
        Where the name belongs to an embedded table.
    """
    if name in asset_files("data", ".parquet"):
        raise HwbenchError(f"'{name}' is the name of an embedded table; choose another")
    return home() / "tables" / f"{name}.parquet"


def split_target(target: str) -> tuple[str, str]:
    """Split "table:column" into its two parts.

    Raises
    ------
    HwbenchError
        Where the text has not that form.
    """
    table, separator, column = target.rpartition(":")
    if not separator or not table or not column:
        raise HwbenchError(f"target '{target}' must have the form table:column")
    return table, column


def load_target(target: str) -> tuple[Table, NDArray[np.float64]]:
    """Open the table of a "table:column" target and take the column.

    Returns
    -------
    The table, and the column as float64 of shape (n_archs,).

    Raises
    ------
    HwbenchError
        Where table or column is unknown, or the column holds a missing or infinite value.
    """
    name, column = split_target(target)
    table = load_table(name)
    values = table.column(column)
    wrong = ~np.isfinite(values)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise HwbenchError(
            f"target {target}: {int(wrong.sum())} values are missing or infinite, the first in "
            f"row {row} ({table.frame['arch'].iloc[row]})"
        )
    return table, values
