"""Finding tables by name: those that come with hwbench and those a user has added."""

from __future__ import annotations

import shlex
from pathlib import Path

from hwbench.assets import BENCHMARKS, TABLES, asset_files, home
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
        Where there is no such table; the message says the nearest one, how a public benchmark
        comes here, or how a file of another kind becomes one.
    """
    path = Path(name)
    if path.suffix and path.suffix != ".parquet" and _is_file(path):
        raise HwbenchError(
            f"{name}: is no table; make one of it: hwbench tables import --space SPACE "
            f"{shlex.quote(name)}"
        )
    benchmarks = BENCHMARKS.files()
    if name in benchmarks and name not in TABLES.files():
        raise HwbenchError(
            f"table '{name}' is a public benchmark's that is not here yet; bring it: "
            f"hwbench tables fetch {name}"
        )
    return TABLES.find(name, besides=benchmarks)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


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
        raise HwbenchError(
            f"'{name}' is a table that comes with hwbench; give yours another name with --name"
        )
    return home() / "tables" / f"{name}.parquet"
