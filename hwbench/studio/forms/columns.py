"""Columns of all tables, as a form offers them: read once, and again where a table has changed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from hwbench.errors import HwbenchError
from hwbench.tables import load_table, load_target, table_files


def targets() -> tuple[str, ...]:
    """Every column of every table, as "table:column"."""
    return tuple(text for name, files in _tables() for text, _ in _columns(name, files))


def accuracies() -> tuple[str, ...]:
    """Columns that are better the larger they are."""
    return tuple(
        text for name, files in _tables() for text, larger in _columns(name, files) if larger
    )


def check_target(text: str) -> None:
    """Refuse a "table:column" that there is not.

    Raises
    ------
    HwbenchError
        As `load_target`, which finds what lies in a file too.
    """
    if text not in targets():
        load_target(text)


def _tables() -> list[tuple[str, tuple[int, int]]]:
    """Name, and size and time of change, of every table's file."""
    return [(name, _state(path)) for name, path in table_files().items()]


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:  # removed a moment ago
        return 0, 0
    return found.st_size, found.st_mtime_ns


@lru_cache(maxsize=1024)
def _columns(name: str, state: tuple[int, int]) -> tuple[tuple[str, bool], ...]:
    """Columns of a table, and whether larger is better; none where it is broken."""
    del state  # of the file, by which this is kept
    try:
        columns = load_table(name).card.columns
    except HwbenchError:
        return ()
    return tuple(
        (f"{name}:{column}", card.direction == "maximize") for column, card in columns.items()
    )
