"""What the user measured: architectures and one metric, read from a file or a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hwbench.advise.accuracies import is_accuracy
from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.files import file_digest
from hwbench.spaces import Space
from hwbench.tables.own.asking import Answer, UnclearError
from hwbench.tables.own.column_words import normal_unit, split_header
from hwbench.tables.own.columns import DIRECTIONS, told_direction
from hwbench.tables.own.measured import (
    BAD_ROWS,
    MISSING_VALUES,
    Measured,
    MeasuredMetric,
    read_measured,
)
from hwbench.tables.own.options import Reading
from hwbench.tables.own.problems import NAMED, problem_lines
from hwbench.tables.own.repeats import WAYS, settle
from hwbench.tables.own.roles import numbered_alike
from hwbench.tables.own.rows import shown_name
from hwbench.wording import counted, some

DUPLICATES = ("auto", *WAYS)


@dataclass(frozen=True, eq=False)
class Measurements:
    """Architectures and what was measured on them.

    Attributes
    ----------
    space : of the architectures.
    archs : each once, int64 of shape (n_archs, n_positions).
    values : one of an architecture's measurements, float64 of shape (n_archs,): their mean, or what
        else was asked for.
    all_values, all_rows : every single measurement and the row of `archs` it is of, of shape
        (n_measurements,).
    deviations : standard deviation of each of `values`, as the file gives it, float64 of shape
        (n_archs,), NaN where it gives none; None where it gives none at all.
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
    deviations: Floats | None
    metric: str
    unit: str
    direction: str
    label: str
    sha256: str
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        size = f"{len(self)} architectures of {self.space.name}, {len(self.all_values)} values"
        return f"<Measurements {self.label}: {self.described}, {size}>"

    def taken(self, rows: IntArray) -> Measurements:
        """Those of some architectures, int64 of shape (n_rows,), in ascending order."""
        if len(rows) == len(self):
            return self
        place = np.full(len(self), -1)
        place[rows] = np.arange(len(rows))
        kept = place[self.all_rows] >= 0
        return replace(
            self,
            archs=self.archs[rows],
            values=self.values[rows],
            all_values=self.all_values[kept],
            all_rows=place[self.all_rows[kept]],
            deviations=None if self.deviations is None else self.deviations[rows],
        )

    @property
    def key(self) -> str:
        """What they are called where a target is: "my.csv:latency"."""
        return f"{self.label.removeprefix('the ')}:{self.metric}"

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
    duplicates: str = "auto",
    on_bad_rows: str = "refuse",
    missing_values: str = "refuse",
    reading: Reading | None = None,
) -> Measurements:
    """Read a column of architectures and a column of numbers.

    The rules are those of `hwbench tables import`, but that an architecture may stand in several
    rows: these are repeated measurements, and tell how noisy one is.

    Parameters
    ----------
    source : a file (see `hwbench.tables.own.files.read_rows`), or a frame.
    space : of the architectures.
    metric : the column of numbers, as in the file or without its unit; may be left out where there
        is only one.
    unit : of the numbers, where neither header nor cells say it.
    direction : "minimize" or "maximize", where neither the metric's name nor its unit tells.
    arch_column : the column of architectures, where neither name nor content tells.
    duplicates : what of repeated measurements is learned from: "mean", "median", "min", "first";
        "auto" is the mean, and the median where a repeat is an outlier.
    on_bad_rows : rows with an unknown architecture or no measurement: "refuse" or "drop".
    missing_values : rows whose measurement is missing: "refuse", or "keep" the others.
    reading : how the file is to be read, where it does not tell itself.

    Raises
    ------
    UnclearError
        Where the file can be read in several ways, or rows are refused; the message names what can
        be said.
    HwbenchError
        Where the source cannot be read, or a column or option is unknown.
    """
    for kind, given, valid in (
        ("treatment of bad rows", on_bad_rows, BAD_ROWS),
        ("treatment of missing values", missing_values, MISSING_VALUES),
        ("treatment of duplicates", duplicates, DUPLICATES),
        ("direction", direction or DIRECTIONS[0], DIRECTIONS),
    ):
        if given not in valid:
            raise unknown_name(kind, given, valid)
    wanted = None if metric is None else shown_name(metric)
    reading = reading or Reading()
    if reading.pivot:
        raise HwbenchError("advise: takes one metric; choose a condition with where, not pivot")
    read = partial(
        read_measured,
        source,
        space,
        reading,
        arch_column=arch_column,
        unit=normal_unit(unit) if unit else None,
        keep_missing=missing_values == "keep",
        pivots=False,
    )
    measured, chosen, notes = _read_metric(read, wanted, unit)
    notes += measured.notes
    if measured.n_bad:
        if on_bad_rows == "refuse":
            raise _refused(measured)
        notes.append(f"{counted(measured.n_bad, 'bad row')} left out")
    if not len(measured.archs):
        raise HwbenchError(f"{measured.label}: no row is left")
    groups, _ = pd.factorize(pd.Series(space.keys_of(measured.archs)), sort=False)
    firsts = np.unique(groups, return_index=True)[1]
    numbers = chosen.values.astype(np.float64)
    values, rows = numbers.ravel(), np.repeat(groups, numbers.shape[1]).astype(np.int64)
    settled = settle(values, rows, len(firsts), None if duplicates == "auto" else duplicates)
    there = np.isfinite(settled.values)
    if not there.any():
        raise HwbenchError(f"{measured.label}: no row is left")
    if not there.all():
        missing = int((~there).sum())
        notes.append(f"{counted(missing, 'architecture')} without a measurement left out")
    if len(settled.outliers):
        at = some(measured.numbers[firsts[settled.outliers]].tolist())
        notes.append(
            f"of the repeats of {counted(len(settled.outliers), 'architecture')} (row {at}) one is "
            f"an outlier: the {settled.way} of all repeats is taken"
        )
    place = np.cumsum(there) - 1
    known = np.isfinite(values)
    name = split_header(chosen.header)[0]
    known_unit = chosen.unit or ""
    if not known_unit:
        notes.append(f"nothing says the unit of '{name}'; --unit ms would")
    known_direction = direction or told_direction(name, known_unit)[0]
    if known_direction is None:
        known_direction = "minimize"
        notes.append(f"smaller '{name}' is taken to be better; --direction maximize says otherwise")
    is_frame = isinstance(source, pd.DataFrame)
    return Measurements(
        space=space,
        archs=measured.archs[firsts][there],
        values=settled.values[there],
        all_values=values[known],
        all_rows=place[rows[known]].astype(np.int64),
        deviations=_deviations(chosen, firsts, there),
        metric=name,
        unit=known_unit,
        direction=known_direction,
        label=measured.label if is_frame else Path(str(source)).name,
        sha256="" if is_frame else file_digest(Path(str(source))),
        notes=tuple(notes),
    )


def _read_metric(
    read: Callable[..., Measured], wanted: str | None, unit: str | None
) -> tuple[Measured, MeasuredMetric, list[str]]:
    """A file's one metric, its rows judged by it alone; and what is noted of others."""

    def units(name: str | None) -> dict[str, str] | None:
        return {name: unit} if name and unit else None

    measured = read(metric=wanted, units=units(wanted))
    chosen = _the_metric(measured)
    beside = [each.header for each in measured.metrics if each is not chosen]
    if not beside:
        return measured, chosen, []
    measured = read(metric=chosen.header, units=units(chosen.header))
    is_not = "are not" if len(beside) > 1 else "is not"
    note = f"'{chosen.header}' is what is learned; {some(beside)} {is_not}"
    return measured, _the_metric(measured), [note]


def _the_metric(measured: Measured) -> MeasuredMetric:
    """The metric of a file that has but one, or one beside accuracies.

    Raises
    ------
    UnclearError
        Where it has several.
    """
    metrics = measured.metrics
    clear = [each for each in metrics if each.header not in measured.unclear]
    if len(metrics) == 1:
        return metrics[0]
    if not metrics:
        raise HwbenchError(f"{measured.label}: holds no column of numbers beside the architectures")
    if len(clear) == 1:
        return clear[0]
    costs = [each for each in clear or metrics if not _is_accuracy(each)]
    if len(costs) == 1:
        return costs[0]
    headers = [each.header for each in metrics]
    answers = [Answer(f"'{name}'", (("metric", name),)) for name in headers[:3]]
    pattern = numbered_alike(headers)
    if pattern is not None:
        answers.append(Answer("all as repeats of one metric", (("repeats", pattern),)))
    raise UnclearError(
        f"{measured.label}: holds several columns of numbers ({some(headers, 12)}); say which one",
        answers,
    )


def _is_accuracy(metric: MeasuredMetric) -> bool:
    return is_accuracy(split_header(metric.header)[0], metric.unit)


def _refused(measured: Measured) -> UnclearError:
    problems = measured.problems.frame()
    lines = problem_lines(problems)
    named = "; ".join(lines[:NAMED]) + ("; ..." if len(lines) > NAMED else "")
    answers = []
    if problems["problem"].map(_is_gap).all():
        answers.append(Answer("without them", (("missing_values", "keep"),)))
    else:
        answers.append(Answer("without these rows", (("on_bad_rows", "drop"),)))
    return UnclearError(f"{measured.label}: {counted(measured.n_bad, 'bad row')}: {named}", answers)


def _is_gap(problem: str) -> bool:
    return "is empty (missing_values" in problem or "no measurement" in problem


def _deviations(metric: MeasuredMetric, firsts: IntArray, there: np.ndarray) -> Floats | None:
    """The standard deviation of each architecture's value, as its first row gives it."""
    if metric.deviations is None:
        return None
    found = metric.deviations[firsts]
    if metric.runs is not None:
        found = found / np.sqrt(metric.runs[firsts])
    return np.asarray(found[there], dtype=np.float64)
