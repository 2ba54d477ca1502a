"""Checking that a table's file is whole and says the same thing everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hwbench.errors import HwbenchError
from hwbench.tables.noise import with_twin_noise
from hwbench.tables.table import Table
from hwbench.tables.table_file import TableFile


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    what : was checked.
    passed : whether it holds.
    found : what was seen.
    """

    what: str
    passed: bool
    found: str


def verify_table(path: Path) -> list[Check]:
    """Check a table's file from its bytes to its meaning.

    Parameters
    ----------
    path : of the Parquet file.

    Returns
    -------
    A check for: checksums of the file's pages, card and columns, architecture strings against
    places, values, and noise estimates. Where the file cannot be read the first is the only one.

    Raises
    ------
    HwbenchError
        Where there is no such file.
    """
    if not path.exists():
        raise HwbenchError(f"{path}: no such file")
    pages = _pages(path)
    try:
        table = Table.read(path)
        _ = table.frame
    except HwbenchError as error:
        message = str(error).removeprefix(f"{path}: ")
        return [pages, Check("card and columns", passed=False, found=message)]
    columns = f"{len(table)} rows, {len(table.card.columns)} columns of numbers"
    return [
        pages,
        Check("card and columns", passed=True, found=columns),
        _architectures(table),
        _values(table),
        _noise(table),
    ]


def _pages(path: Path) -> Check:
    what = "checksums of pages"
    try:
        file = TableFile(path)
        file.read(file.schema.names)
    except HwbenchError as error:
        return Check(what, passed=False, found=str(error).removeprefix(f"{path}: "))
    return Check(what, passed=True, found=f"{path.stat().st_size} bytes")


def _architectures(table: Table) -> Check:
    what = "architecture strings"
    try:
        parsed = table.space.keys_of(table.space.from_strings(table.frame["arch"]))
    except HwbenchError as error:
        return Check(what, passed=False, found=str(error))
    wrong = np.flatnonzero(parsed != table.keys)
    if len(wrong):
        row = int(wrong[0])
        found = (
            f"{len(wrong)} rows where string and hwbench_index disagree, the first is row {row}: "
            f"{table.frame['arch'].iloc[row]} is not {table.keys[row]}"
        )
        return Check(what, passed=False, found=found)
    covered = f"{len(table)} of {table.space.n_architectures} of {table.card.space}"
    return Check(what, passed=True, found=covered)


def _values(table: Table) -> Check:
    missing = 0
    for column in table.card.columns:
        values = table.column(column)
        infinite = np.flatnonzero(np.isinf(values))
        if len(infinite):
            found = f"'{column}' is infinite in {len(infinite)} rows, first in row {infinite[0]}"
            return Check("values", passed=False, found=found)
        missing += int(np.isnan(values).sum())
    return Check("values", passed=True, found=f"none infinite, {missing} missing")


def _noise(table: Table) -> Check:
    """Twin noise follows from the values: computed again, it must be what the card says."""
    again = with_twin_noise(table).card.columns
    estimated = [name for name, card in table.card.columns.items() if card.noise is not None]
    for name, card in table.card.columns.items():
        now = again[name].noise
        if now is not None and now.method == "twins" and not _agree(card.noise, now):
            found = f"column '{name}': the card's estimate is not that of its values"
            return Check("noise estimates", passed=False, found=found)
    return Check("noise estimates", passed=True, found=f"{len(estimated)} columns have one")


def _agree(stated: object, computed: object) -> bool:
    if stated is None or computed is None:
        return stated is computed
    first, second = (vars(card) for card in (stated, computed))
    return all(
        np.isclose(value, second[key], rtol=1e-6, atol=1e-9)
        if isinstance(value, float)
        else value == second[key]
        for key, value in first.items()
    )
