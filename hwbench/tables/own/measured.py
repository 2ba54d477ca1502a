"""A file of measurements, understood: architectures, metrics, repeats and what is wrong with rows.

Every command and function that takes measurements reads them here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces import Space
from hwbench.tables.own.architectures import architecture_test, find_arch_column, parse_archs
from hwbench.tables.own.asking import UnclearError
from hwbench.tables.own.column_words import normal_unit, split_header
from hwbench.tables.own.conditions import (
    Condition,
    find_conditions,
    kept_rows,
    texts_of,
    unclear_conditions,
)
from hwbench.tables.own.files import read_rows
from hwbench.tables.own.number_columns import NumberColumn, read_number_columns
from hwbench.tables.own.options import Reading
from hwbench.tables.own.plausible import NoMeasurement, no_measurements
from hwbench.tables.own.problems import Problems, sound_rows
from hwbench.tables.own.roles import Metric, Roles, find_roles
from hwbench.wording import some

BAD_ROWS = ("refuse", "drop")
MISSING_VALUES = ("refuse", "keep")


@dataclass(frozen=True)
class MeasuredMetric:
    """One metric of a file.

    Attributes
    ----------
    header : the column's name in the file, or what columns of repeats have in common.
    sources : the columns.
    unit : that header or cells state, None where nothing does.
    values : a column a repeat, float64 or int64 of shape (n_rows, n_repeats), NaN where missing.
    deviations : standard deviations that the file gives, float64 of shape (n_rows,), NaN where it
        gives none; None where it gives none at all.
    runs : of how many runs each value is the mean, float64 of shape (n_rows,); None where not told.
    """

    header: str
    sources: tuple[str, ...]
    unit: str | None
    values: NDArray[Any]
    deviations: Floats | None = None
    runs: Floats | None = None


@dataclass(frozen=True)
class Measured:
    """What a file holds, rows that cannot be used left out.

    Attributes
    ----------
    label : what the source is called.
    archs : of each row, int64 of shape (n_rows, n_positions); one may stand in several rows.
    numbers : of the rows, for messages, int64 of shape (n_rows,).
    metrics : in the order of the file.
    unclear : names of metrics of which neither name nor unit tells that they are any.
    rows_read : rows of the source that were asked for.
    n_bad : of these, rows that cannot be used.
    problems : what is wrong with rows.
    notes : what was taken for granted.
    passed_over : of these, what was noted of the file's lines.
    conditions : columns that were said to tell conditions apart.
    arch_column : where the architectures stand.
    """

    label: str
    archs: IntArray
    numbers: NDArray[np.int64]
    metrics: tuple[MeasuredMetric, ...]
    unclear: tuple[str, ...]
    rows_read: int
    n_bad: int
    problems: Problems
    notes: tuple[str, ...]
    passed_over: tuple[str, ...]
    conditions: tuple[Condition, ...]
    arch_column: str


def read_measured(
    source: Path | str | pd.DataFrame,
    space: Space,
    reading: Reading,
    *,
    arch_column: str | None = None,
    named: Collection[str] = (),
    units: Mapping[str, str] | None = None,
    ignore: Collection[str] = (),
    metric: str | None = None,
    unit: str | None = None,
    keep_missing: bool = False,
    pivots: bool = True,
) -> Measured:
    """Read a file of measurements.

    Parameters
    ----------
    source : a file, see `read_rows`, or a frame.
    space : of the architectures.
    reading : what is said of the file beside what stands in it.
    arch_column : the column of architectures, where neither name nor content tells.
    named : columns of which something is said, so that they are metrics.
    units : of columns, as given, by their names in the file or in a table.
    ignore : columns to be left out.
    metric : the only one that is wanted.
    unit : of metrics of which neither header nor cells say it.
    keep_missing : whether a cell of a metric may be empty.
    pivots : whether a column for each condition can be had; then messages offer it.

    Raises
    ------
    UnclearError
        Where the file can be read in several ways; the message names each.
    HwbenchError
        Where it cannot be read, or a name is unknown.
    """
    rows = read_rows(source, architecture_test(space, reading.arch_format), reading)
    label, notes = rows.label, list(rows.notes)
    frame, problems = sound_rows(rows)
    n_faults = len(rows.faults)
    frame, arch_name, found_notes = find_arch_column(
        space, frame, arch_column, label, reading.arch_format
    )
    notes += found_notes
    keep, found_notes = kept_rows(frame, label, reading.where)
    if not keep.all():
        frame = frame[keep].reset_index(drop=True)
        kept_problems = Problems(problems.numbers[keep])
        for row, column, problem in problems.frame().itertuples(index=False):
            kept_problems.note(row, column, problem)
        problems = kept_problems
    notes += found_notes
    archs = parse_archs(
        space,
        frame[arch_name].tolist(),
        arch_name,
        problems,
        label=label,
        arch_format=reading.arch_format,
        notes=notes,
    )
    columns = frame.drop(columns=arch_name)
    for name in (*reading.pivot, *reading.pool):
        if name not in columns.columns:
            raise unknown_name(f"column of {label}", name, columns.columns)
    roles = find_roles(
        columns,
        label,
        units=rows.units,
        named=[*named, *([metric] if metric else ())],
        ignore=[*ignore, *(name for name in reading.pivot if name not in ignore)],
        repeats=reading.repeats,
    )
    pivoted = {f"column '{name}' is left out, as asked" for name in reading.pivot}
    notes += [note for note in roles.notes if note not in pivoted]
    measuring = _used_columns(roles)
    if metric is not None:
        _only(roles, metric, label)
    used = _used_columns(roles)
    numbers, found_notes = read_number_columns(
        columns[used], label, problems.numbers, reading, rows.separator
    )
    notes += found_notes
    _refuse_unfilled(roles, numbers, label, len(frame))
    metrics = []
    for each in roles.metrics:
        own_unit = _unit_of(each, numbers, rows.units, units or {}, label) or unit
        notes += _note_cells(each, own_unit, numbers, problems, reading, keep_missing=keep_missing)
        metrics.append(_measured_metric(each, own_unit, numbers, roles))
    usable = problems.usable
    conditions = _check_conditions(
        columns.drop(columns=measuring)[usable],
        space.keys_of(archs[usable]),
        label,
        reading,
        pivots=pivots,
    )
    return Measured(
        label=label,
        archs=archs[usable],
        numbers=problems.numbers[usable],
        metrics=tuple(_rows_of(each, usable) for each in metrics),
        unclear=tuple(roles.unclear),
        rows_read=len(frame) + n_faults,
        n_bad=int((~usable).sum()) + n_faults,
        problems=problems,
        notes=tuple(notes),
        passed_over=rows.notes,
        conditions=tuple(conditions),
        arch_column=arch_name,
    )


# ---------------------------------------------------------------------- columns


def _only(roles: Roles, metric: str, label: str) -> None:
    """Keep the one metric that is wanted."""
    by_name = {split_header(each.header)[0]: each for each in roles.metrics}
    by_name |= {each.header: each for each in roles.metrics}
    by_name |= {source: each for each in roles.metrics for source in each.sources}
    if metric not in by_name:
        raise unknown_name(f"column of {label}", metric, [*by_name, *roles.others])
    chosen = by_name[metric]
    roles.metrics = [chosen]
    roles.unclear = [name for name in roles.unclear if name == chosen.header]


def _used_columns(roles: Roles) -> list[str]:
    names = [source for metric in roles.metrics for source in metric.sources]
    names += [metric.noise for metric in roles.metrics if metric.noise is not None]
    if roles.runs is not None and any(metric.noise for metric in roles.metrics):
        names.append(roles.runs)
    return list(dict.fromkeys(names))


def _refuse_unfilled(
    roles: Roles, numbers: Mapping[str, NumberColumn], label: str, n_rows: int
) -> None:
    """Refuse a file in whose columns of metrics nothing stands yet."""
    sources = [source for metric in roles.metrics for source in metric.sources]
    if not sources or not n_rows or any(len(numbers[each].missing) < n_rows for each in sources):
        return
    columns = f"column{'s' * (len(sources) > 1)} {some([repr(each) for each in sources])}"
    raise HwbenchError(
        f"{label}: {columns} {'are' if len(sources) > 1 else 'is'} empty in all {n_rows} rows; "
        "fill in what was measured, then run the same command again"
    )


def _unit_of(
    metric: Metric,
    numbers: Mapping[str, NumberColumn],
    row_units: Mapping[str, str],
    given: Mapping[str, str],
    label: str,
) -> str | None:
    """The unit of a metric; what its cells state must not contradict what is said elsewhere."""
    stated: dict[str, str] = {}
    for source in metric.sources:
        in_cells = numbers[source].unit
        header = split_header(source)[1] or row_units.get(source)
        said = given.get(source) or given.get(split_header(source)[0]) or header
        if in_cells is not None and said is not None and normal_unit(said) != in_cells:
            raise UnclearError(
                f"{label}: column '{source}' is in {normal_unit(said)} by its header, or as said, "
                f"and in {in_cells} by its cells; mend one of them",
                (),
            )
        unit = in_cells or said
        if unit is not None:
            stated[source] = normal_unit(unit)
    if len(set(stated.values())) > 1:
        listed = ", ".join(f"{name} in {unit}" for name, unit in stated.items())
        raise HwbenchError(f"{label}: repeats of one metric differ in their units: {listed}")
    return next(iter(stated.values()), None) or split_header(metric.header)[1]


def _note_cells(
    metric: Metric,
    unit: str | None,
    numbers: Mapping[str, NumberColumn],
    problems: Problems,
    reading: Reading,
    *,
    keep_missing: bool,
) -> list[str]:
    """Tell of the cells of a metric that hold no measurement, and take the number out of them.

    Of repeats some may be missing, as long as one is there.

    Returns
    -------
    Notes on the numbers that were taken out and are kept as missing.
    """
    notes: list[str] = []
    told: set[int] = set()
    n_missing = np.zeros(len(problems.numbers), dtype=np.int64)
    for source in metric.sources:
        column = numbers[source]
        told |= column.bad.keys()
        for row, problem in column.bad.items():
            problems.add(row, source, problem)
        n_missing[column.missing] += 1
        for found in no_measurements(column.values, source, unit, reading.measured):
            rows = list(found.places)
            column.values = column.values.astype(np.float64)
            column.values[rows] = np.nan
            n_missing[rows] += 1
            if keep_missing:
                at = some(problems.numbers[rows].tolist(), 20)
                notes.append(f"column '{source}', row {at}: {_why_none(found)}; kept as missing")
                continue
            told.update(rows)
            for row in rows:
                problems.add(row, source, _why_none(found))
    if keep_missing:
        return notes
    for row in np.flatnonzero(n_missing == len(metric.sources)).tolist():
        if row not in told:
            what = "is empty (missing_values='keep' keeps such cells)"
            problems.add(row, metric.sources[0], what)
    return notes


def _measured_metric(
    metric: Metric, unit: str | None, numbers: Mapping[str, NumberColumn], roles: Roles
) -> MeasuredMetric:
    columns = [numbers[source] for source in metric.sources]
    values = columns[0].values[:, None]
    if len(columns) > 1:
        values = np.stack([column.values.astype(np.float64) for column in columns], axis=1)
    deviations = runs = None
    if metric.noise is not None:
        deviations = numbers[metric.noise].values.astype(np.float64)
        deviations = np.where(deviations < 0, np.nan, deviations)
        if roles.runs is not None:
            runs = np.fmax(numbers[roles.runs].values.astype(np.float64), 1.0)
    elif len(columns) == 1:
        deviations = columns[0].noise
    return MeasuredMetric(metric.header, tuple(metric.sources), unit, values, deviations, runs)


def _why_none(found: NoMeasurement) -> str:
    if found.certain:
        return f"holds {found.value:g}, which is no measurement: {found.why}"
    times = "" if len(found.places) == 1 else f" {len(found.places)} times"
    return (
        f"holds {found.value:g}{times}, which looks like a mark for no measurement: {found.why} "
        f"(--measured {found.value:g} if it was measured)"
    )


def _rows_of(metric: MeasuredMetric, usable: NDArray[np.bool_]) -> MeasuredMetric:
    return MeasuredMetric(
        metric.header,
        metric.sources,
        metric.unit,
        metric.values[usable],
        None if metric.deviations is None else metric.deviations[usable],
        None if metric.runs is None else metric.runs[usable],
    )


# ---------------------------------------------------------------------- conditions


def _check_conditions(
    others: pd.DataFrame,
    keys: NDArray[Any],
    label: str,
    reading: Reading,
    *,
    pivots: bool,
) -> list[Condition]:
    """The conditions of which each shall have a column; those that nobody spoke of are refused."""
    found = find_conditions(others, keys, [*reading.pool, *reading.where])
    pivoted = [each for each in found if each.column in reading.pivot]
    for name in reading.pivot:
        if name not in [each.column for each in pivoted]:
            pivoted += _forced(others, name)
    open_ones = [each for each in found if each.column not in reading.pivot]
    if open_ones and not _settled_by(open_ones, pivoted):
        repeated = len(pd.unique(pd.Series(keys))) < len(keys)
        raise unclear_conditions(label, open_ones, repeated=repeated, pivots=pivots)
    return pivoted


def _forced(others: pd.DataFrame, name: str) -> list[Condition]:
    values = texts_of(others[name])
    counts = pd.Series(values).value_counts(sort=False)
    return [Condition(name, values, {each: int(counts[each]) for each in dict.fromkeys(values)})]


def _settled_by(conditions: Sequence[Condition], pivoted: Sequence[Condition]) -> bool:
    """Whether columns say nothing that the pivoted ones do not."""
    if not pivoted:
        return False
    known = pd.DataFrame({each.column: each.values for each in pivoted})
    both = known.assign(**{f"\0{each.column}": each.values for each in conditions})
    return len(both.drop_duplicates()) == len(known.drop_duplicates())
