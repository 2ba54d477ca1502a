"""One's own numbers as a table: from a CSV or Parquet file, or a pandas frame.

Nothing is guessed in silence: every bad row is named with what is wrong in it, units are asked for,
and what was taken for granted stands in the report and in the card's recipe.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.files import file_digest, today
from hwbench.spaces import Space, get_space
from hwbench.tables.card import ColumnCard, TableCard
from hwbench.tables.noise import with_twin_noise
from hwbench.tables.own.cells import Problems, is_missing, parse_archs, parse_numbers, sound_rows
from hwbench.tables.own.columns import MetricColumn, describe_columns
from hwbench.tables.own.files import read_rows, shown_name
from hwbench.tables.table import Table

DUPLICATES = ("refuse", "first", "mean")
BAD_ROWS = ("refuse", "drop")
MISSING_VALUES = ("refuse", "keep")
ARCH_COLUMNS = ("arch", "arch_str", "architecture", "arch_string", "architecture_string", "net")

SHOWN = 20  # problems that are printed; the report holds all
NAMED = 3  # problems that the error names
EXAMPLES = 3
TRIED = 100  # cells that are parsed to see whether a column holds architectures
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


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
        lines = [*self.notes, *problem_lines(self.problems.head(SHOWN))]
        more = len(self.problems) - SHOWN
        if more > 0:
            lines.append(f"... and {more} more problems")
        lines.append(f"{self.rows_kept} of {self.rows_read} rows are kept")
        if self.missing:
            examples = ", ".join(self.missing_examples)
            such = f", such as {examples}" if examples else ""
            lines.append(f"{self.missing} architectures of the space are not among them{such}")
        return lines


def problem_lines(problems: pd.DataFrame) -> list[str]:
    """Problems for people, a line each, from the frame of `ImportReport`."""
    return [
        f"row {row}, {column}: {problem}"
        for row, column, problem in problems.itertuples(index=False)
    ]


class OwnTableError(HwbenchError):
    """Numbers that cannot become a table; `report` holds every problem."""

    def __init__(self, message: str, report: ImportReport) -> None:
        super().__init__(message)
        self.report = report


def own_table(
    source: Path | str | pd.DataFrame,
    *,
    space: str,
    name: str,
    units: Mapping[str, str] | None = None,
    directions: Mapping[str, str] | None = None,
    devices: Mapping[str, str] | str | None = None,
    arch_column: str | None = None,
    ignore: Collection[str] = (),
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
        every other column a metric. Columns without a number, and those called `arch_index`,
        `index` or not at all, are left out unless a unit or direction is given for them.
    space : the architectures' search space.
    name : of the table.
    units : of each metric by column, such as {"latency": "ms"}; a header "latency [ms]",
        "latency (ms)" or "latency_ms" says it too.
    directions : "minimize" or "maximize" by column, where the column's name does not tell.
    devices : what was measured on which device, by column; a single name is that of all columns.
        Predictors that learn from other devices need it.
    arch_column : the column of architecture strings, where neither its name nor its content tells.
    ignore : columns to be left out.
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
    if not _NAME.fullmatch(name):
        raise HwbenchError(f"table name {name!r}: use lower-case letters, digits, '.', '_' and '-'")
    found = get_space(space)
    rows = read_rows(source)
    label = rows.label
    frame, problems = sound_rows(rows)
    arch_name, notes = find_arch_column(found, frame, arch_column, label)
    metrics, more_notes = describe_columns(
        frame.drop(columns=arch_name),
        label,
        units=units or {},
        directions=directions or {},
        devices=devices or {},
        ignore=ignore,
    )
    notes += more_notes
    archs = parse_archs(found, frame[arch_name].tolist(), arch_name, problems)
    values = pd.DataFrame(
        {
            metric.name: parse_numbers(
                frame[metric.source],
                metric.source,
                problems,
                keep_missing=missing_values == "keep",
            )
            for metric in metrics
        }
    )
    usable = problems.usable
    kept = np.flatnonzero(usable)
    archs, values = archs[kept], values.iloc[kept].reset_index(drop=True)
    keys = found.keys_of(archs)
    repeated = pd.Series(keys).duplicated().to_numpy()
    n_bad_rows = len(rows.frame) - len(kept)
    refused = int(repeated.sum()) if duplicates == "refuse" else 0
    if refused:
        _report_repeated(found, archs, kept, keys, repeated, arch_name, problems)
    if duplicates == "mean" and repeated.any():
        values = _means(values, keys)
    archs, values = archs[~repeated], values[~repeated]
    report = _report(found, len(rows.frame), archs, problems, notes)
    _refuse(report, label, bad_rows=n_bad_rows if on_bad_rows == "refuse" else 0, repeated=refused)
    recipe = {
        **_source_record(source, label),
        "rows_read": report.rows_read,
        "rows_kept": report.rows_kept,
        "bad_rows_dropped": n_bad_rows,
        "repeated_rows": int(repeated.sum()),
        "duplicates": duplicates,
        "missing_values": missing_values,
        "notes": notes,
    }
    card = TableCard(
        name=name,
        title=title or f"{found.title}, {recipe['source']}",
        space=found.name,
        description=description,
        created=today(),
        licence=licence,
        recipes=(recipe,),
        columns={metric.name: _column_card(metric, recipe["source"]) for metric in metrics},
    )
    return with_twin_noise(Table.from_archs(archs, values, card)), report


# ---------------------------------------------------------------------- architectures


def find_arch_column(
    space: Space, frame: pd.DataFrame, given: str | None, label: str
) -> tuple[str, list[str]]:
    """The column of architecture strings, and a note where its content told."""
    columns = list(frame)
    if given is not None:
        if shown_name(given) not in columns:
            raise unknown_name(f"column of {label}", shown_name(given), columns)
        return shown_name(given), []
    named = [column for column in columns if column.lower() in ARCH_COLUMNS]
    if len(named) == 1:
        return named[0], []
    parsing = [column for column in named or columns if _any_parses(space, frame[column])]
    if len(parsing) == 1:
        note = f"column '{parsing[0]}' is taken for the architectures, by its content"
        return parsing[0], [note]
    shown = ", ".join(columns[:100]) + (", ..." if len(columns) > 100 else "")
    raise HwbenchError(
        f"{label}: which column holds the architecture strings of {space.name}? "
        f"name it with arch_column (--arch-column); there are {shown}"
    )


def _any_parses(space: Space, column: pd.Series) -> bool:
    step = max(1, len(column) // TRIED)  # throughout, for the first rows may be the broken ones
    probe = Problems(np.arange(TRIED + 1))
    cells = column.iloc[::step].head(TRIED).tolist()
    texts = [cell for cell in cells if isinstance(cell, str) and not is_missing(cell)]
    parse_archs(space, texts, "", probe)
    return len(probe.bad) < len(texts)


def _report_repeated(
    space: Space,
    archs: IntArray,
    kept: NDArray[np.int64],
    keys: NDArray[Any],
    repeated: NDArray[np.bool_],
    column: str,
    problems: Problems,
) -> None:
    """Report every row whose architecture stands further up, with both rows."""
    first_of = dict(zip(keys[~repeated].tolist(), kept[~repeated].tolist(), strict=True))
    strings = space.to_strings(archs[repeated])
    for key, place, arch in zip(
        keys[repeated].tolist(), kept[repeated].tolist(), strings, strict=True
    ):
        first = problems.numbers[first_of[key]]
        problems.add(place, column, f"{arch} stands in row {first} already")


def _means(values: pd.DataFrame, keys: NDArray[Any]) -> pd.DataFrame:
    """The mean over the rows of each architecture, empty cells left out."""
    by_key = values.astype(np.float64).groupby(keys, sort=False)
    return by_key.transform("mean")


# ---------------------------------------------------------------------- the result


def _report(
    space: Space, rows_read: int, archs: IntArray, problems: Problems, notes: list[str]
) -> ImportReport:
    examples: tuple[str, ...] = ()
    missing = space.n_architectures - len(archs)
    if space.indexed and missing > 0 and space.n_architectures <= 10**6:
        there = np.zeros(space.n_architectures, dtype=bool)
        there[space.indices_of(archs)] = True
        absent = np.flatnonzero(~there)[:EXAMPLES]
        examples = tuple(space.to_strings(space.architectures_at(absent)))
    return ImportReport(
        rows_read=rows_read,
        rows_kept=len(archs),
        problems=problems.frame(),
        missing=missing,
        missing_examples=examples,
        notes=tuple(notes),
    )


def _refuse(report: ImportReport, label: str, *, bad_rows: int, repeated: int) -> None:
    if bad_rows or repeated:
        counts = [_counted(bad_rows, "bad row")] * bool(bad_rows)
        counts += [_counted(repeated, "repeated architecture")] * bool(repeated)
        hints = ["mend them"]
        if bad_rows:
            hints.append("drop bad rows with on_bad_rows='drop' (--bad-rows drop)")
        if repeated:
            hints.append("settle repeated ones with duplicates='first' or 'mean' (--duplicates)")
        named = "; ".join(problem_lines(report.problems.head(NAMED)))
        more = "; ..." if len(report.problems) > NAMED else ""
        raise OwnTableError(
            f"{label}: {' and '.join(counts)}: {named}{more}; {', or '.join(hints)}", report
        )
    if not report.rows_kept:
        raise OwnTableError(f"{label}: no row is left", report)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _source_record(source: Path | str | pd.DataFrame, label: str) -> dict[str, Any]:
    if isinstance(source, pd.DataFrame):
        return {"command": "import", "source": label}
    path = Path(source)
    return {
        "command": "import",
        "source": path.name,
        "bytes": path.stat().st_size,
        "sha256": file_digest(path),
    }


def _column_card(metric: MetricColumn, source: str) -> ColumnCard:
    return ColumnCard.model_validate(
        {
            "title": metric.source,
            "unit": metric.unit,
            "direction": metric.direction,
            "device": metric.device,
            "source": source,
        }
    )
