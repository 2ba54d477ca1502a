"""One's own numbers as a table: from a CSV or Parquet file, or a pandas frame.

Nothing is guessed in silence: every bad row is named with what is wrong in it, units are asked for,
and what was taken for granted stands in the report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.errors import HwbenchError, unknown_name
from hwbench.files import today
from hwbench.spaces import Space, get_space
from hwbench.spaces.base import IntArray
from hwbench.tables.card import ColumnCard, TableCard
from hwbench.tables.noise import with_twin_noise
from hwbench.tables.own_columns import MetricColumn, describe_columns
from hwbench.tables.own_files import read_rows
from hwbench.tables.table import Table
from hwbench.tables.table_file import file_digest

DUPLICATES = ("refuse", "first", "mean")
BAD_ROWS = ("refuse", "drop")
MISSING_VALUES = ("refuse", "keep")
ARCH_COLUMNS = ("arch", "arch_str", "architecture", "arch_string", "architecture_string", "net")

SHOWN = 20  # problems that are printed; the report holds all
EXAMPLES = 3
_MISSING = ("", "nan", "na", "n/a", "null", "none")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


@dataclass(frozen=True)
class ImportReport:
    """What was found while one's own numbers were read.

    Attributes
    ----------
    rows_read : rows of the file or frame.
    rows_kept : rows of the table.
    problems : a frame of `row` (the line of a CSV file, the number of a row else), `column` and
        `problem`.
    missing : architectures of the space that are not among the rows.
    missing_examples : the first of them.
    notes : what was taken for granted: directions, units of headers, ignored columns.
    """

    rows_read: int
    rows_kept: int
    problems: pd.DataFrame
    missing: int
    missing_examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The report for people, a line a fact."""
        lines = list(self.notes)
        for row, column, problem in self.problems.head(SHOWN).itertuples(index=False):
            lines.append(f"row {row}, {column}: {problem}")
        more = len(self.problems) - SHOWN
        if more > 0:
            lines.append(f"... and {more} more problems")
        lines.append(f"{self.rows_kept} of {self.rows_read} rows are kept")
        if self.missing:
            examples = ", ".join(self.missing_examples)
            such = f", such as {examples}" if examples else ""
            lines.append(f"{self.missing} architectures of the space are not among them{such}")
        return lines


class OwnTableError(HwbenchError):
    """Numbers that cannot become a table; `report` holds every problem."""

    def __init__(self, message: str, report: ImportReport) -> None:
        super().__init__(message)
        self.report = report


@dataclass
class _Problems:
    """Problems as they are found, and the rows they make unusable."""

    numbers: NDArray[np.int64]
    rows: list[tuple[int, str, str]] = field(default_factory=list)
    bad: set[int] = field(default_factory=set)

    def add(self, place: int, column: str, problem: str) -> None:
        self.rows.append((int(self.numbers[place]), column, problem))
        self.bad.add(place)

    def frame(self) -> pd.DataFrame:
        return pd.DataFrame(sorted(self.rows), columns=["row", "column", "problem"])


def own_table(
    source: Path | str | pd.DataFrame,
    *,
    space: str,
    name: str,
    units: Mapping[str, str] | None = None,
    directions: Mapping[str, str] | None = None,
    arch_column: str | None = None,
    duplicates: str = "refuse",
    on_bad_rows: str = "refuse",
    missing_values: str = "refuse",
    title: str | None = None,
    description: str = "",
    licence: str = "unspecified",
) -> tuple[Table, ImportReport]:
    """Make a table of one's own numbers.

    Parameters
    ----------
    source : a `.csv`, `.tsv` or `.parquet` file, or a frame; a column of architecture strings,
        every other column a metric. Columns of text alone, and one called `arch_index`, are left
        out.
    space : the architectures' search space.
    name : of the table.
    units : of each metric by column, such as {"latency": "ms"}; a header "latency [ms]",
        "latency (ms)" or "latency_ms" says it too.
    directions : "minimize" or "maximize" by column, where the column's name does not tell.
    arch_column : the column of architecture strings, where neither its name nor its content tells.
    duplicates : what becomes of an architecture that stands twice: "refuse", "first" or "mean".
    on_bad_rows : what becomes of rows with an unknown architecture or a cell that is no number:
        "refuse" or "drop".
    missing_values : what becomes of empty cells: "refuse" or "keep".
    title, description, licence : for the card.

    Returns
    -------
    The table, rows in the order of the source, and the report.

    Raises
    ------
    OwnTableError
        Where rows are refused; its `report` names all of them.
    HwbenchError
        Where the source cannot be read, a unit or direction is lacking, or an option is unknown.
    """
    for kind, given, valid in (
        ("treatment of duplicates", duplicates, DUPLICATES),
        ("treatment of bad rows", on_bad_rows, BAD_ROWS),
        ("treatment of missing values", missing_values, MISSING_VALUES),
    ):
        if given not in valid:
            raise unknown_name(kind, given, valid)
    found = get_space(space)
    frame, numbers, label = read_rows(source)
    arch_name = _find_arch_column(found, frame, arch_column, label)
    metrics, notes = describe_columns(
        frame.drop(columns=arch_name), units or {}, directions or {}, label
    )
    problems = _Problems(numbers)
    archs = _parse_archs(found, frame[arch_name].tolist(), arch_name, problems)
    values = {
        metric.name: _parse_numbers(
            frame[metric.source], metric.source, problems, keep_missing=missing_values == "keep"
        )
        for metric in metrics
    }
    usable = np.array([place not in problems.bad for place in range(len(frame))], dtype=bool)
    keys = found.keys_of(archs[usable])
    kept = np.flatnonzero(usable)
    repeated = pd.Series(keys).duplicated().to_numpy()
    if duplicates == "refuse":
        _report_repeated(found, archs, kept, keys, repeated, arch_name, problems)
    table_values = pd.DataFrame({key: value[kept] for key, value in values.items()})
    if duplicates == "mean" and repeated.any():
        table_values = table_values.groupby(keys).transform("mean")
    first = ~repeated
    archs, table_values = archs[kept][first], table_values[first]
    report = _report(found, frame, archs, problems, notes)
    _refuse(report, on_bad_rows, duplicates, label)
    table = _table(found, archs, table_values, metrics, label, source, name)
    about = {"title": title or table.card.title, "description": description, "licence": licence}
    return Table(table.frame, table.card.model_copy(update=about)), report


# ---------------------------------------------------------------------- architectures


def _find_arch_column(space: Space, frame: pd.DataFrame, given: str | None, label: str) -> str:
    columns = [str(column) for column in frame]
    if given is not None:
        if given not in columns:
            raise unknown_name(f"column of {label}", given, columns)
        return given
    named = [column for column in columns if column.lower() in ARCH_COLUMNS]
    if len(named) == 1:
        return named[0]
    parsing = [column for column in columns if _any_parses(space, frame[column])]
    if len(parsing) == 1:
        return parsing[0]
    raise HwbenchError(
        f"{label}: which column holds the architecture strings of {space.name}? "
        f"name it with arch_column (--arch-column); there are {', '.join(columns[:12])}"
    )


def _any_parses(space: Space, column: pd.Series) -> bool:
    for text in column.head(EXAMPLES):
        try:
            space.from_string(str(text))
        except HwbenchError:
            continue
        return True
    return False


def _parse_archs(space: Space, texts: list[Any], column: str, problems: _Problems) -> IntArray:
    """All architectures, zeros in the rows that are reported."""
    strings = [text if isinstance(text, str) else str(text) for text in texts]
    try:
        return space.from_strings(strings)
    except HwbenchError:
        pass  # some row is wrong: find all of them, one by one
    archs = np.zeros((len(strings), space.n_positions), dtype=np.int64)
    for place, text in enumerate(strings):
        try:
            archs[place] = space.from_string(text)
        except HwbenchError as error:
            problems.add(place, column, str(error))
            archs[place] = space.baseline
    return archs


def _report_repeated(
    space: Space,
    archs: IntArray,
    kept: NDArray[np.int64],
    keys: NDArray[Any],
    repeated: NDArray[np.bool_],
    column: str,
    problems: _Problems,
) -> None:
    first_place: dict[Any, int] = {}
    for key, place in zip(keys.tolist(), kept.tolist(), strict=True):
        first_place.setdefault(key, place)
    for at in np.flatnonzero(repeated):
        place, first = int(kept[at]), first_place[keys[at]]
        arch = space.to_string(archs[place])
        problems.add(place, column, f"{arch} stands in row {problems.numbers[first]} already")


# ---------------------------------------------------------------------- numbers


def _parse_numbers(
    column: pd.Series, name: str, problems: _Problems, *, keep_missing: bool
) -> NDArray[np.float64]:
    """Numbers of a column, NaN where a cell is missing or reported."""
    if column.dtype.kind in "iuf":
        numbers = column.to_numpy(dtype=np.float64)
        texts = column
    else:
        texts = column.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
    for place in np.flatnonzero(~np.isfinite(numbers)):
        cell = texts.iloc[place]
        if _is_missing(cell):
            if not keep_missing:
                problems.add(int(place), name, "is empty (missing_values='keep' keeps such cells)")
        elif isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell):
            point = cell.replace(",", ".")
            problems.add(int(place), name, f"holds {cell!r}; write {point} with a point")
        else:
            problems.add(int(place), name, f"holds {str(cell)[:40]!r}, which is no finite number")
    return numbers


def _is_missing(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.lower() in _MISSING
    return cell is None or bool(pd.isna(cell))


# ---------------------------------------------------------------------- the result


def _report(
    space: Space, frame: pd.DataFrame, archs: IntArray, problems: _Problems, notes: list[str]
) -> ImportReport:
    examples: tuple[str, ...] = ()
    missing = space.n_architectures - len(archs)
    if space.indexed and missing > 0 and space.n_architectures <= 10**6:
        there = np.zeros(space.n_architectures, dtype=bool)
        there[space.indices_of(archs)] = True
        absent = np.flatnonzero(~there)[:EXAMPLES]
        examples = tuple(space.to_strings(space.architectures_at(absent)))
    return ImportReport(
        rows_read=len(frame),
        rows_kept=len(archs),
        problems=problems.frame(),
        missing=missing,
        missing_examples=examples,
        notes=tuple(notes),
    )


def _refuse(report: ImportReport, on_bad_rows: str, duplicates: str, label: str) -> None:
    problems = report.problems
    if on_bad_rows == "refuse" and len(problems):
        row, column, problem = problems.iloc[0]
        hint = "mend them, or drop them with on_bad_rows='drop' (--bad-rows drop)"
        if duplicates == "refuse" and problems["problem"].str.contains("already$").any():
            hint += "; duplicates='first' or 'mean' (--duplicates) settles repeated architectures"
        many = f"{len(problems)} problems, the first" if len(problems) > 1 else "1 problem,"
        raise OwnTableError(
            f"{label}: {many} in row {row}, {column}: {problem}; {hint}",
            report,
        )
    if not report.rows_kept:
        raise OwnTableError(f"{label}: no row is left", report)


def _table(
    space: Space,
    archs: IntArray,
    values: pd.DataFrame,
    metrics: list[MetricColumn],
    label: str,
    source: Path | str | pd.DataFrame,
    name: str,
) -> Table:
    recipe: dict[str, Any] = {"command": "import", "source": label}
    if not isinstance(source, pd.DataFrame):
        path = Path(source)
        recipe.update(source=path.name, bytes=path.stat().st_size, sha256=file_digest(path))
    cards = {
        metric.name: ColumnCard.model_validate(
            {
                "title": metric.source,
                "unit": metric.unit,
                "direction": metric.direction,
                "source": recipe["source"],
            }
        )
        for metric in metrics
    }
    card = TableCard(
        name=name,
        title=f"{space.title}, {recipe['source']}",
        space=space.name,
        created=today(),
        recipes=(recipe,),
        columns=cards,
    )
    return with_twin_noise(Table.from_archs(archs, values, card))
