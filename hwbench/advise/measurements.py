"""What the user measured: architectures and one metric, read from a file or a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.files import file_digest
from hwbench.spaces import Space
from hwbench.tables.own.cells import parse_archs, parse_numbers, sound_rows
from hwbench.tables.own.columns import (
    DIRECTIONS,
    guess_direction,
    holds_metric,
    normal_unit,
    split_header,
)
from hwbench.tables.own.files import read_rows, shown_name
from hwbench.tables.own.table import BAD_ROWS, find_arch_column, problem_lines

NAMED = 3
"""Bad rows that an error names."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """Architectures and what was measured on them.

    Attributes
    ----------
    space : of the architectures.
    archs : each once, int64 of shape (n_archs, n_positions).
    values : mean of an architecture's measurements, float64 of shape (n_archs,).
    all_values, all_rows : every single measurement and the row of `archs` it is of, of shape
        (n_measurements,).
    metric, unit, direction : the metric's name, its unit ("" where nobody said), "minimize" or
        "maximize".
    label : what the source is called.
    sha256 : of the file; "" for a frame.
    notes : what was taken for granted, and what was left out.
    """

    space: Space
    archs: IntArray
    values: Floats
    all_values: Floats
    all_rows: IntArray
    metric: str
    unit: str
    direction: str
    label: str
    sha256: str
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def described(self) -> str:
        """The metric with its unit in brackets, where that is known."""
        return f"{self.metric} [{self.unit}]" if self.unit else self.metric


def read_measurements(
    source: Path | str | pd.DataFrame,
    space: Space,
    *,
    metric: str | None = None,
    unit: str | None = None,
    direction: str | None = None,
    arch_column: str | None = None,
    on_bad_rows: str = "refuse",
) -> Measurements:
    """Read a column of architecture strings and a column of numbers.

    The rules are those of `hwbench tables import`, but that an architecture may stand in several
    rows: these are repeated measurements, and tell how noisy one is.

    Parameters
    ----------
    source : a `.csv`, `.tsv` or `.parquet` file, or a frame.
    space : of the architectures.
    metric : the column of numbers, as in the file or without its unit; may be left out where there
        is only one.
    unit : of the numbers, where the header does not say it.
    direction : "minimize" or "maximize", where the metric's name does not tell.
    arch_column : the column of strings, where neither name nor content tells.
    on_bad_rows : rows with an unknown architecture or no number: "refuse" or "drop".

    Raises
    ------
    HwbenchError
        Where the source cannot be read, a column or option is unknown, or a row is refused; the
        message names the first bad rows.
    """
    if on_bad_rows not in BAD_ROWS:
        raise unknown_name("treatment of bad rows", on_bad_rows, BAD_ROWS)
    if direction is not None and direction not in DIRECTIONS:
        raise unknown_name("direction", direction, DIRECTIONS)
    rows = read_rows(source)
    label = rows.label
    frame, problems = sound_rows(rows)
    arch_name, notes = find_arch_column(space, frame, arch_column, label)
    column = _metric_column(frame.drop(columns=arch_name), metric, label)
    name, header_unit = split_header(column)
    archs = parse_archs(space, frame[arch_name].tolist(), arch_name, problems)
    numbers = parse_numbers(frame[column], column, problems, keep_missing=False)
    good = problems.usable
    n_bad = len(rows.frame) - int(good.sum())
    if n_bad and on_bad_rows == "refuse":
        found = problems.frame()
        named = "; ".join(problem_lines(found.head(NAMED)))
        raise HwbenchError(
            f"{label}: {n_bad} bad row{'s' * (n_bad != 1)}: {named}"
            f"{'; ...' if len(found) > NAMED else ''}; mend them, or leave them out with "
            "on_bad_rows='drop' (--bad-rows drop)"
        )
    if n_bad:
        notes.append(f"{n_bad} bad row{'s' * (n_bad != 1)} left out")
    if not good.any():
        raise HwbenchError(f"{label}: no row is left")
    kept = archs[good]
    all_values = np.asarray(numbers[good], dtype=np.float64)
    _, first, all_rows = np.unique(space.keys_of(kept), return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")  # architectures in the order of the file
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    all_rows = rank[all_rows.reshape(-1)]
    values = np.bincount(all_rows, all_values) / np.bincount(all_rows)
    known_unit = normal_unit(unit) if unit else (header_unit or "")
    if not known_unit:
        notes.append(f"nothing says the unit of '{name}'; --unit ms would")
    known_direction = direction or guess_direction(name)
    if known_direction is None:
        known_direction = "minimize"
        notes.append(f"smaller '{name}' is taken to be better; --direction maximize says otherwise")
    return Measurements(
        space=space,
        archs=kept[np.sort(first)],
        values=values,
        all_values=all_values,
        all_rows=all_rows,
        metric=name,
        unit=known_unit,
        direction=known_direction,
        label=label if isinstance(source, pd.DataFrame) else Path(source).name,
        sha256="" if isinstance(source, pd.DataFrame) else file_digest(Path(source)),
        notes=tuple(notes),
    )


def _metric_column(frame: pd.DataFrame, metric: str | None, label: str) -> str:
    """The column that holds the metric."""
    if metric is not None:
        by_name = {split_header(column)[0]: column for column in frame}
        by_name |= {column: column for column in frame}
        wanted = shown_name(metric)
        if wanted not in by_name:
            raise unknown_name(f"column of {label}", wanted, by_name)
        return by_name[wanted]
    found = [column for column in frame if holds_metric(frame, column)]
    if not found:
        raise HwbenchError(f"{label}: holds no column of numbers beside the architectures")
    if len(found) > 1:
        shown = ", ".join(found[:12]) + (", ..." if len(found) > 12 else "")
        raise HwbenchError(
            f"{label}: holds several columns of numbers ({shown}); say which with --metric"
        )
    return found[0]
