"""The accuracies that a search is simulated with: those of the user's own file, or of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.spaces import Space
from hwbench.tables.own.column_words import guess_direction, quantity_of, split_header
from hwbench.tables.own.columns import told_direction
from hwbench.tables.own.measured import MeasuredMetric, read_measured
from hwbench.tables.own.options import Reading
from hwbench.tables.pairs import Accuracies, load_accuracies
from hwbench.wording import some

DEFAULT_ACCURACY = {
    "nasbench101": "nasbench101:test_accuracy",
    "nasbench201": "hw-nas-bench:cifar10.test_accuracy",
    "nasbench_macro": "nasbench-macro:test_accuracy",
    "transnas_macro": "transnas-macro:class_object.test_top1",
    "transnas_micro": "transnas-micro:class_object.test_top1",
}
"""Accuracies that come with hwbench, by search space."""

FEWEST = 10
"""Architectures of known accuracy that a selection is simulated among, at least."""


@dataclass(frozen=True, eq=False)
class Known:
    """Accuracies, or why there are none.

    Attributes
    ----------
    accuracies : of architectures whose output a path reaches; None where there are none.
    reason : why, in words that begin a sentence's second half; "" where there are some.
    """

    accuracies: Accuracies | None
    reason: str = ""


def is_accuracy(name: str, unit: str | None) -> bool:
    """Whether a column's name tells that its numbers are accuracies, larger where better."""
    return quantity_of(unit, name) == "accuracy" and guess_direction(name) == "maximize"


def find_accuracies(
    source: Path | str | pd.DataFrame,
    space: Space,
    metric: str,
    unit: str,
    *,
    wanted: str | None = None,
    arch_column: str | None = None,
    reading: Reading | None = None,
) -> Known:
    """The accuracies to simulate a search with.

    Parameters
    ----------
    source : of the measurements: a column of accuracies there is used before any table.
    space : of the architectures.
    metric, unit : what was measured.
    wanted : "table:column", or a column of the source; by default the source's own, else those that
        come with hwbench.
    arch_column, reading : how the source is read.

    Raises
    ------
    HwbenchError
        Where what is wanted is unknown, or no accuracy.
    """
    if wanted is not None and ":" in wanted:
        return _usable(load_accuracies(wanted, space.name))
    own = _own_columns(source, space, metric, wanted, arch_column, reading)
    if own:
        return _usable(own[0])
    if wanted is not None:
        raise HwbenchError(
            f"accuracy: '{wanted}' is what is learned; name another column of the file, or a "
            f"table's, {_example(space)}"
        )
    if is_accuracy(metric, unit):
        return Known(None, f"{metric} is itself an accuracy, and a search needs a cost beside it")
    default = DEFAULT_ACCURACY.get(space.name)
    if default is None:
        return Known(
            None,
            f"no accuracies of {space.name} are at hand; a column of accuracies in the file, or "
            "--accuracy table:column, gives some",
        )
    return _usable(load_accuracies(default, space.name))


def _usable(accuracies: Accuracies) -> Known:
    """Without architectures whose output no path reaches."""
    alive = accuracies.space.connected(accuracies.archs)
    count = int((~alive).sum())
    if count:
        one = count == 1
        note = (
            f"{count:,} architecture{'' if one else 's'} of {accuracies.target} whose output no "
            f"path reaches {'is no candidate' if one else 'are no candidates'}."
        )
        accuracies = replace(
            accuracies,
            keys=accuracies.keys[alive],
            values=accuracies.values[alive],
            notes=(*accuracies.notes, note),
        )
    if len(accuracies) < FEWEST:
        return Known(
            None,
            f"{accuracies.target} holds accuracies of {len(accuracies)} architectures, and "
            f"{FEWEST} are the least",
        )
    return Known(accuracies)


def _own_columns(
    source: Path | str | pd.DataFrame,
    space: Space,
    metric: str,
    wanted: str | None,
    arch_column: str | None,
    reading: Reading | None,
) -> list[Accuracies]:
    """The accuracies that stand beside the metric, the one to use first."""
    try:
        measured = read_measured(
            source,
            space,
            reading or Reading(),
            arch_column=arch_column,
            metric=wanted,
            keep_missing=True,
            pivots=False,
        )
    except HwbenchError as error:
        if wanted is not None:
            raise HwbenchError(f"accuracy: {error}; or a table's, {_example(space)}") from error
        return []  # of columns that nobody asked for
    columns = [each for each in measured.metrics if split_header(each.header)[0] != metric]
    if wanted is None:
        columns = [each for each in columns if is_accuracy(_name(each), each.unit)]
    for each in columns:
        if told_direction(_name(each), each.unit or "")[0] == "minimize":
            raise HwbenchError(
                f"accuracy: '{_name(each)}' is better the smaller it is, so it is no accuracy; "
                f"name another column of the file, or a table's, {_example(space)}"
            )
    columns.sort(key=lambda each: "test" not in each.header.lower())
    names = [_name(each) for each in columns]
    notes: Sequence[str] = ()
    if len(names) > 1:
        notes = (
            f"Of the columns of accuracies ({some(names)}) '{names[0]}' is used; --accuracy "
            f"{names[1]} takes another.",
        )
    return [_accuracies(each, measured.archs, space, notes) for each in columns[:1]]


def _example(space: Space) -> str:
    return f"such as --accuracy {DEFAULT_ACCURACY.get(space.name, 'my-table:test_accuracy')}"


def _name(metric: MeasuredMetric) -> str:
    return split_header(metric.header)[0]


def _accuracies(
    metric: MeasuredMetric, archs: np.ndarray, space: Space, notes: Sequence[str]
) -> Accuracies:
    """A column of the file as accuracies in %, an architecture's mean."""
    with np.errstate(invalid="ignore"):
        rows = pd.DataFrame(metric.values.astype(np.float64)).mean(axis=1)
    known = rows.groupby(pd.Series(space.keys_of(archs))).mean().dropna().sort_index()
    values = known.to_numpy(dtype=np.float64)
    name = _name(metric)
    if len(values) and values.min() >= 0 and values.max() <= 1:
        values = 100.0 * values
        notes = (*notes, f"'{name}' holds fractions: it was multiplied by 100.")
    return Accuracies(f"the file's '{name}'", space, known.index.to_numpy(), values, tuple(notes))
