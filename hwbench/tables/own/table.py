"""One's own numbers as a table: from a file of any common kind, or a pandas frame.

Nothing is guessed in silence: every bad row is named with what is wrong in it, units are asked for,
and what was taken for granted stands in the report and in the card's recipe.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.files import file_digest, today
from hwbench.spaces import Space, get_space
from hwbench.tables.card import TableCard
from hwbench.tables.noise import with_twin_noise
from hwbench.tables.own.asking import Answer, UnclearError
from hwbench.tables.own.columns import describe_columns
from hwbench.tables.own.measured import (
    BAD_ROWS,
    MISSING_VALUES,
    Measured,
    read_measured,
)
from hwbench.tables.own.options import Reading
from hwbench.tables.own.problems import NAMED, SHOWN, problem_lines
from hwbench.tables.own.repeats import WAYS
from hwbench.tables.own.settled_columns import RowGroups, report_repeated, settled_columns
from hwbench.tables.table import Table
from hwbench.wording import counted

DUPLICATES = ("refuse", *WAYS)
EXAMPLES = 3
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

    def __repr__(self) -> str:
        kept = f"{self.rows_kept} of {self.rows_read} rows are kept"
        return f"<ImportReport: {kept}, {counted(len(self.problems), 'problem')}; see lines()>"

    def lines(self) -> list[str]:
        """The report for people, a line a fact."""
        causes = problem_lines(self.problems)
        lines = [*self.notes, *causes[:SHOWN]]
        more = len(causes) - SHOWN
        if more > 0:
            lines.append(f"... and {more} more problems")
        lines.append(f"{self.rows_kept} of {self.rows_read} rows are kept")
        if self.missing:
            examples = ", ".join(self.missing_examples)
            such = f", such as {examples}" if examples else ""
            lines.append(f"{self.missing} architectures of the space are not among them{such}")
        return lines


class OwnTableError(UnclearError):
    """Numbers that cannot become a table; `report` holds every problem."""

    def __init__(self, what: str, answers: Sequence[Answer], report: ImportReport) -> None:
        super().__init__(what, answers)
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
    reading: Reading | None = None,
    title: str | None = None,
    description: str = "",
    licence: str = "unspecified",
) -> tuple[Table, ImportReport]:
    """Make a table of one's own numbers.

    Parameters
    ----------
    source : a file (see `read_rows`), or a frame; a column of architectures, every other column a
        metric. Columns without a number, those that number rows or architectures, and those whose
        names tell of no metric are left out, unless a unit or direction is given for them; a
        column of standard deviations is the noise of the one it belongs to, and columns such as
        run1, run2 are repeats of one metric.
    space : the architectures' search space.
    name : of the table.
    units : of each metric by column, such as {"latency": "ms"}; a header "latency [ms]",
        "latency (ms)" or "latency_ms" says it too, and so do the cells ("2.4 ms").
    directions : "minimize" or "maximize" by column, where neither the column's name nor its unit
        tells.
    devices : what was measured on which device, by column; a single name is that of all columns,
        "{device}_latency" tells it by the columns' names. Predictors that learn from other devices
        need it.
    arch_column : the column of architectures, where neither its name nor its content tells.
    ignore : columns to be left out.
    duplicates : what becomes of an architecture that stands twice: "refuse", "first", "mean",
        "median" or "min".
    on_bad_rows : what becomes of rows with an unknown architecture or a cell that holds no
        measurement: "refuse" or "drop".
    missing_values : what becomes of cells that are empty or hold a value that no measurement can
        be: "refuse" or "keep".
    reading : how the file is to be read, where it does not tell itself.
    title, description, licence : for the card.

    Returns
    -------
    The table, rows in the order of the source, and the report.

    Raises
    ------
    OwnTableError
        Where rows are refused; its `report` names all of them.
    UnclearError
        Where the source can be read in several ways, or a unit or direction is lacking; the
        message names what can be said.
    HwbenchError
        Where the source cannot be read, or an option is unknown.
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
    units, directions = units or {}, directions or {}
    named = [*units, *directions, *(devices if isinstance(devices, Mapping) else ())]
    measured = read_measured(
        source,
        found,
        reading or Reading(),
        arch_column=arch_column,
        named=named,
        units=units,
        ignore=ignore,
        keep_missing=missing_values == "keep",
    )
    columns, notes = describe_columns(
        measured.metrics,
        measured.unclear,
        measured.label,
        units=units,
        directions=directions,
        devices=devices or {},
        passed_over=measured.passed_over,
    )
    notes = [*measured.notes, *notes]
    keys = found.keys_of(measured.archs)
    rows = RowGroups.of(measured, keys)
    refused = int(rows.repeated.sum()) if duplicates == "refuse" else 0
    if refused:
        report_repeated(found, measured, rows)
    way = None if duplicates == "refuse" else duplicates
    frame, cards = settled_columns(measured, columns, rows, way, notes)
    archs = measured.archs[rows.firsts]
    report = _report(found, measured, archs, frame, notes)
    _refuse(report, measured, drop=on_bad_rows == "drop", repeated=refused)
    _refuse_gaps(report, measured, frame, keep=missing_values == "keep")
    recipe = {
        **_source_record(source, measured.label),
        "rows_read": report.rows_read,
        "rows_kept": report.rows_kept,
        "bad_rows_dropped": measured.n_bad,
        "repeated_rows": int(rows.repeated.sum()),
        "duplicates": duplicates,
        "missing_values": missing_values,
        "notes": notes,
    }
    source_name = recipe["source"]
    card = TableCard(
        name=name,
        title=title or f"{found.title}, {source_name}",
        space=found.name,
        description=description,
        created=today(),
        licence=licence,
        recipes=(recipe,),
        columns={
            each: one.model_copy(update={"source": source_name}) for each, one in cards.items()
        },
    )
    return with_twin_noise(Table.from_archs(archs, frame, card)), report


# ---------------------------------------------------------------------- the result


def _report(
    space: Space, measured: Measured, archs: IntArray, frame: pd.DataFrame, notes: list[str]
) -> ImportReport:
    examples: tuple[str, ...] = ()
    missing = space.n_architectures - len(archs)
    if space.indexed and missing > 0 and space.n_architectures <= 10**6:
        there = np.zeros(space.n_architectures, dtype=bool)
        there[space.indices_of(archs)] = True
        absent = np.flatnonzero(~there)[:EXAMPLES]
        examples = tuple(space.to_strings(space.architectures_at(absent)))
    return ImportReport(
        rows_read=measured.rows_read,
        rows_kept=len(frame),
        problems=measured.problems.frame(),
        missing=missing,
        missing_examples=examples,
        notes=tuple(notes),
    )


def _refuse(report: ImportReport, measured: Measured, *, drop: bool, repeated: int) -> None:
    bad = 0 if drop else measured.n_bad
    if bad or repeated:
        counts = [counted(bad, "bad row")] * bool(bad)
        counts += [counted(repeated, "repeated architecture")] * bool(repeated)
        lines = problem_lines(report.problems)
        named = "; ".join(lines[:NAMED]) + ("; ..." if len(lines) > NAMED else "")
        what = f"{measured.label}: {' and '.join(counts)}: {named}"
        raise OwnTableError(what, _ways_out(measured, bad=bad, repeated=repeated), report)
    if not report.rows_kept:
        raise OwnTableError(f"{measured.label}: no row is left", (), report)


def _ways_out(measured: Measured, *, bad: int, repeated: int) -> list[Answer]:
    problems = measured.problems.frame()["problem"].astype(str)
    gaps = problems.str.contains("is empty (missing_values", regex=False)
    gaps |= problems.str.contains("no measurement", regex=False)
    settled = (("duplicates", "median"),) if repeated else ()
    answers = []
    if bad:
        if gaps.any():
            rest = () if gaps.all() else (("on_bad_rows", "drop"),)
            answers.append(
                Answer("gaps kept as missing", (("missing_values", "keep"), *rest, *settled))
            )
        answers.append(Answer("without these rows", (("on_bad_rows", "drop"), *settled)))
        if gaps.all() and len(gaps) and not repeated:
            return answers
    elif repeated:
        answers.append(Answer("the median of each", settled))
        answers.append(Answer("the first of each", (("duplicates", "first"),)))
    return answers


def _refuse_gaps(
    report: ImportReport, measured: Measured, frame: pd.DataFrame, *, keep: bool
) -> None:
    """Refuse architectures that were not measured under every condition."""
    lacking = int(frame.isna().any(axis=1).sum())
    if lacking and not keep and measured.conditions:
        raise OwnTableError(
            f"{measured.label}: {counted(lacking, 'architecture')} "
            f"{'was' if lacking == 1 else 'were'} not measured under every condition",
            [Answer("kept, with gaps", (("missing_values", "keep"),))],
            report,
        )


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
