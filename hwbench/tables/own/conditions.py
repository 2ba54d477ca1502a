"""Columns that tell apart what was measured: rows of two devices are no repeats of one measurement.

A measuring script appends a row a network and device, batch size or day. Averaged, such rows give
the latency of no device at all, and their difference passes for noise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.errors import HwbenchError, unknown_name
from hwbench.tables.own.asking import Answer, UnclearError
from hwbench.tables.own.column_words import CONDITIONS, words_of
from hwbench.tables.own.number_columns import text_of
from hwbench.tables.own.numbers import is_missing, plain_number
from hwbench.tables.own.rows import shown_name
from hwbench.wording import counted

MOST_VALUES = 50
"""Different values of a column beyond which it is no condition, unless its name says so."""

SHOWN = 4

LONGEST_VALUE = 200
"""Characters of a cell by which rows are told apart."""

# Words of conditions only where the rows of one architecture differ in them.
_WHEN_REPEATED = frozenset(
    ("date", "day", "version", "driver", "os", "firmware", "size", "session")
)
# Words of columns that number repeats, or tell of what no one sets.
_NO_CONDITIONS = frozenset((
    "run", "rep", "repeat", "repetition", "trial", "iteration", "iter", "round", "measurement",
    "sample", "attempt", "try", "seed", "id", "uid", "uuid", "time", "timestamp", "index", "idx",
    "number", "order", "row", "n", "temperature", "temp", "celsius", "humidity", "load", "fan",
    "voltage", "battery", "uptime", "unnamed", "note", "comment", "log", "path", "file",
))  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A column that tells rows apart.

    Attributes
    ----------
    column : its name.
    values : the text of each row, of shape (n_rows,).
    counts : rows of each value, in the order in which values come.
    """

    column: str
    values: NDArray[np.object_]
    counts: Mapping[str, int]

    @property
    def shown(self) -> str:
        """The values with their rows, for messages."""
        listed = [f"{value} ({counted(count, 'row')})" for value, count in self.counts.items()]
        more = ", ..." if len(listed) > SHOWN else ""
        return ", ".join(listed[:SHOWN]) + more


def texts_of(column: pd.Series) -> NDArray[np.object_]:
    """The texts of a column: numbers in one way of writing them, "" where nothing stands."""
    found = np.empty(len(column), dtype=object)
    for place, cell in enumerate(column.tolist()):
        number = plain_number(cell)
        if number is not None:
            found[place] = _number_text(number)
        else:
            found[place] = "" if is_missing(cell) else _as_text(text_of(cell)[:LONGEST_VALUE])
    return found


def kept_rows(
    frame: pd.DataFrame, label: str, where: Mapping[str, str]
) -> tuple[NDArray[np.bool_], list[str]]:
    """The rows that hold what was asked for, bool of shape (n_rows,), and a note.

    Raises
    ------
    HwbenchError
        Where there is no such column, or no row with that value; the message names the nearest.
    """
    kept = np.ones(len(frame), dtype=bool)
    if not where:
        return kept, []
    for name, value in where.items():
        column = shown_name(name)
        if column not in frame.columns:
            raise unknown_name(f"column of {label}", column, frame.columns)
        texts = texts_of(frame[column])
        wanted = _as_text(value)
        fitting = texts == wanted
        if not fitting.any():
            raise unknown_name(f"value of column '{column}' of {label}", wanted, set(texts) - {""})
        kept &= fitting
    told = " and ".join(f"{name}={value}" for name, value in where.items())
    if not kept.any():
        raise HwbenchError(f"{label}: no row has {told}")
    return kept, [f"{int(kept.sum()):,} of {len(kept):,} rows are those with {told}"]


def _as_text(value: object) -> str:
    text = shown_name(value)
    try:
        return _number_text(float(text)) if len(text) < 30 else text
    except ValueError:
        return text


def _number_text(number: float) -> str:
    return str(int(number)) if number.is_integer() else repr(number)


def find_conditions(
    frame: pd.DataFrame, keys: NDArray[np.object_] | NDArray[np.int64], pool: Collection[str] = ()
) -> list[Condition]:
    """The columns that tell apart under what conditions rows were measured.

    Parameters
    ----------
    frame : the columns that are neither architectures nor metrics.
    keys : what tells architectures apart, of shape (n_rows,).
    pool : columns that are none, as was said.

    Returns
    -------
    Columns each of which tells of a difference that those before it do not.
    """
    groups = pd.Series(keys).groupby(pd.Series(keys), sort=False).ngroup().to_numpy()
    repeated = np.bincount(groups)[groups] > 1
    pooled = {shown_name(name) for name in pool}
    found: list[Condition] = []
    for column in frame:
        if column in pooled:
            continue
        values = texts_of(frame[column])
        if _is_condition(column, values, groups, repeated):
            counts = pd.Series(values).value_counts(sort=False)
            order = dict.fromkeys(values.tolist())
            found.append(Condition(column, values, {each: int(counts[each]) for each in order}))
    found.sort(key=lambda each: not words_of(each.column) & CONDITIONS)
    kept: list[Condition] = []
    for condition in found:
        if not kept or _adds(condition, kept):
            kept.append(condition)
    return kept


def _is_condition(
    column: str,
    values: NDArray[np.object_],
    groups: NDArray[np.int64],
    repeated: NDArray[np.bool_],
) -> bool:
    distinct = set(values.tolist())
    if len(distinct) < 2:
        return False
    pairs = pd.DataFrame({"group": groups[repeated], "value": values[repeated]})
    within = len(pairs) > 0 and bool((pairs.groupby("group")["value"].nunique() > 1).any())
    words = words_of(column)
    few = len(distinct) <= max(2, min(MOST_VALUES, len(values) // 2))
    if words & CONDITIONS and not words & _NO_CONDITIONS:
        return within or few
    if not within:
        return False
    if words & _WHEN_REPEATED:
        return few
    if words & _NO_CONDITIONS or not few or _are_fractions(distinct):
        return False
    shared = pairs.drop_duplicates().groupby("value").size()
    return not pairs.duplicated().any() and int((shared > 1).sum()) > 1


def _are_fractions(texts: Collection[str]) -> bool:
    def fraction(text: str) -> bool:
        try:
            return not float(text).is_integer()
        except (ValueError, OverflowError):
            return False

    return any(fraction(text) for text in texts)


def _adds(condition: Condition, kept: Sequence[Condition]) -> bool:
    """Whether a column tells rows apart that the others do not."""
    known = pd.DataFrame({each.column: each.values for each in kept})
    with_it = known.assign(**{"\0": condition.values})
    return len(with_it.drop_duplicates()) > len(known.drop_duplicates())


def unclear_conditions(
    label: str, conditions: Sequence[Condition], *, repeated: bool, pivots: bool
) -> UnclearError:
    """The refusal of rows of different conditions.

    Parameters
    ----------
    label : what to call the file.
    conditions : the columns.
    repeated : whether they stand in rows of one architecture.
    pivots : whether a column for each condition can be had.
    """
    told = "; ".join(f"column '{each.column}' holds {each.shown}" for each in conditions)
    what = (
        "rows of one architecture are no repeats, they differ in what was measured"
        if repeated
        else "rows differ in what was measured, so that they cannot be compared"
    )
    first = tuple(
        ("where", f"{each.column}={next((text for text in each.counts if text), '')}")
        for each in conditions
    )
    names = [each.column for each in conditions]
    answers = [Answer(f"one of them, such as {', '.join(value for _, value in first)}", first)]
    if pivots:
        answers.append(
            Answer(
                f"a column for each {' and '.join(names)}",
                tuple(("pivot", name) for name in names),
            )
        )
    pooled = tuple(("pool", name) for name in names)
    if repeated and pivots:
        pooled += (("duplicates", "median"),)
    answers.append(Answer("all of them as repeats, if they are", pooled))
    return UnclearError(f"{label}: {what}: {told}", answers)
