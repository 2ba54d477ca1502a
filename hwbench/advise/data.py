"""Measurements from whatever holds them: a file, a frame, a table or a column of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.advise.measured_target import measured_target
from hwbench.advise.measurements import Measurements, read_measurements
from hwbench.errors import HwbenchError, nearest
from hwbench.spaces import Space, get_space, list_spaces
from hwbench.tables import Table, Target, load_table, load_target, table_files
from hwbench.tables.own.asking import Answer, UnclearError
from hwbench.tables.target import Missing
from hwbench.target_text import parse_target
from hwbench.wording import some

LOOKED_AT = 5
"""Cells of a column that are read to see of which spaces they are."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Measurements, and the same as a target that models are fitted to.

    Attributes
    ----------
    measurements : as they were read, repeats included.
    target : a row an architecture, in the same order.
    """

    measurements: Measurements
    target: Target


def read_data(
    data: Path | str | pd.DataFrame | Table | Target | Measurements,
    space: Space | str | None,
    *,
    target: str | None = None,
    missing_values: str = "refuse",
    **options: Any,
) -> Measured:
    """The measurements that data holds.

    Parameters
    ----------
    data : a file or frame; a table, its name, or "table:column"; or measurements that were read.
    space : of a file's or frame's architectures.
    target : the column, where there are several.
    missing_values : see `read_measurements`.
    options : of a file or frame, see `read_measurements`.

    Raises
    ------
    HwbenchError
        Where there is nothing of that name, it is not said of which space the architectures are, or
        several columns could be meant.
    """
    if not isinstance(space, Space | str | None):
        raise HwbenchError(f"space must be a search space or its name, not {space!r}")
    if isinstance(data, Measurements):
        return Measured(data, measured_target(data))
    known = _of_table(data, target, missing_values)
    if known is not None:
        _refuse_options(known, space, options)
        return Measured(_measurements_of(known), known)
    source = data if isinstance(data, pd.DataFrame) else Path(str(data))
    if isinstance(source, Path) and not source.exists():
        raise _nothing_there(str(data))
    if space is None:
        raise _no_space(source)
    found_space = get_space(space) if isinstance(space, str) else space
    try:
        found = read_measurements(
            source, found_space, metric=target, missing_values=missing_values, **options
        )
    except UnclearError as error:
        raise HwbenchError(error.text(_argument)) from error
    return Measured(found, measured_target(found))


def _argument(answer: Answer) -> str:
    """An answer as arguments of a call."""
    of_reading = {"arch_format", "decimal", "thousands", "header_line", "sheet"}
    lists = {"pool", "repeats", "missing", "measured", "pivot"}
    parts = []
    for name, value in answer.options:
        if name == "where":
            key, _, wanted = value.partition("=")
            parts.append(f"reading=hwbench.Reading(where={{{key!r}: {wanted!r}}})")
        elif name in of_reading or name in lists:
            given = f"[{value!r}]" if name in lists else repr(value)
            parts.append(f"reading=hwbench.Reading({name}={given})")
        else:
            parts.append(f"{'target' if name == 'metric' else name}={value!r}")
    return ", ".join(parts)


# ---------------------------------------------------------------------- tables


def _of_table(data: Any, column: str | None, missing_values: str) -> Target | None:
    """The column of a table that is meant; None where it is no table."""
    if isinstance(data, Target):
        return data
    missing: Missing = "drop" if missing_values == "keep" else "refuse"
    if isinstance(data, Table):
        return Target.of(data, _only_column(data, column), missing=missing)
    if not isinstance(data, str) or Path(data).is_file():
        return None
    if parse_target(data) is not None:
        if column is not None:
            raise HwbenchError(f"{data} names a column already; leave out target={column!r}")
        return load_target(data, missing=missing)
    if data in table_files():
        table = load_table(data)
        return Target.of(table, _only_column(table, column), missing=missing)
    return None


def _only_column(table: Table, column: str | None) -> str:
    """The column that is meant, which may be left out where there is one."""
    names = list(table.card.columns)
    if column is None and len(names) > 1:
        raise HwbenchError(
            f"table {table.card.name} holds several columns of numbers ({some(names, 12)}); say "
            f"which: target={names[0]!r}"
        )
    return names[0] if column is None else column


def _refuse_options(target: Target, space: Space | str | None, options: dict[str, Any]) -> None:
    """See that nothing is said of a table that only a file or frame can be told."""
    usual = {"duplicates": "auto", "on_bad_rows": "refuse"}
    for name, value in options.items():
        if value is not None and value != usual.get(name):
            raise HwbenchError(
                f"{name} is for files and frames, and {target.key} is a table's column: leave it "
                "out"
            )
    if space is not None:
        target.check_space(space if isinstance(space, str) else space.name, "data")


def _measurements_of(target: Target) -> Measurements:
    values = np.asarray(target.values, dtype=np.float64)
    return Measurements(
        space=target.space,
        archs=target.table.archs,
        values=values,
        all_values=values,
        all_rows=np.arange(len(values)),
        deviations=None,
        metric=target.column,
        unit=target.unit,
        direction=target.direction,
        label=target.table_name,
        sha256="",
        notes=(),
    )


# ---------------------------------------------------------------------- what is lacking


def _nothing_there(text: str) -> HwbenchError:
    close = nearest(text, table_files())
    hint = f"; did you mean the table '{close}'?" if close else ""
    return HwbenchError(f"{text}: no such file, and no table of that name{hint}")


def _no_space(source: Path | pd.DataFrame) -> HwbenchError:
    """What to say where nobody said of which space architectures are: those that read them."""
    label = "the frame" if isinstance(source, pd.DataFrame) else str(source)
    found = [f"space={name!r}" for name in _spaces_that_read(source)]
    hint = f"they read as those of {' or '.join(found)}" if found else "such as 'nasbench201'"
    return HwbenchError(f"{label}: say of which search space its architectures are; {hint}")


def _spaces_that_read(source: Path | pd.DataFrame) -> list[str]:
    """Names of the spaces whose strings stand in a column."""
    from hwbench.tables.own.files import read_rows

    frame = read_rows(source).frame
    columns = [
        [cell for cell in frame[name].head(LOOKED_AT).tolist() if isinstance(cell, str)]
        for name in frame
    ]
    found = []
    for name in list_spaces():
        try:
            space = get_space(name)
        except HwbenchError:  # a broken card of one's own
            continue
        if any(cells and _reads(space, cells) for cells in columns):
            found.append(name)
    return found


def _reads(space: Space, cells: list[str]) -> bool:
    try:
        space.from_strings(cells)
    except HwbenchError:
        return False
    return True
