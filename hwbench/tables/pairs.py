"""Accuracies and metrics of the same architectures: joined here and nowhere else.

Whatever selects, searches or ranks by an accuracy sees it through `Accuracies` or `Pair`, under
these rules:

- an accuracy is larger where it is better; a column to be minimised, such as an error rate or a
  loss, is refused, and the message names the column to use instead;
- an accuracy of unit 1 whose values lie in 0 .. 1 is a fraction and is turned into %; a score in
  another unit, or beyond that range, enters as it is;
- a metric is smaller where it is better; one to be maximised enters negated, once;
- architectures that lack one of the numbers, or whose number is infinite, are left out;
- so are, from a `Pair`, those whose output no path reaches, unless they are asked for: nobody would
  choose them, and how much of a selection's loss they make up says nothing of a predictor;
- rows stand in the order of the space, whatever the order of the tables.

What was done to a column is told in `notes`, for whoever reads the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces import Space
from hwbench.tables.own.column_words import normal_unit
from hwbench.tables.target import Target, load_target

PERCENT, FRACTION = "%", "1"


@dataclass(frozen=True, eq=False)
class Accuracies:
    """A column as an accuracy, of the architectures of which it is known.

    Attributes
    ----------
    target : "table:column".
    space : of the architectures.
    keys : of the architectures in the space's order, shape (n_archs,), see `Space.keys_of`.
    values : float64 of shape (n_archs,), larger is better: in %, a score of another unit in its
        own.
    notes : what was done to the column, a sentence each.
    """

    target: str
    space: Space
    keys: NDArray[Any]
    values: Floats
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def archs(self) -> IntArray:
        """The architectures, int64 of shape (n_archs, n_positions)."""
        return self.space.archs_of(self.keys)

    def values_of(self, archs: ArrayLike) -> Floats:
        """The accuracies of architectures, float64 of shape (n_archs,), NaN where unknown.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        """
        known = pd.Series(self.values, index=pd.Index(self.keys))
        return known.reindex(self.space.keys_of(archs)).to_numpy(dtype=np.float64)


def load_accuracies(text: str, space: str) -> Accuracies:
    """Open a column of accuracies.

    Parameters
    ----------
    text : "table:column".
    space : the name of the search space that it must be of.

    Raises
    ------
    HwbenchError
        Where table or column is unknown, of another space, to be minimised, or holds fewer than two
        numbers.
    """
    return accuracies_of(load_target(text, missing="keep").check_space(space, "accuracy"))


def accuracies_of(target: Target) -> Accuracies:
    """A column of accuracies at hand; missing values are left out.

    Raises
    ------
    HwbenchError
        Where it is to be minimised, or holds fewer than two numbers.
    """
    values, notes = _as_accuracy(target)
    known = pd.Series(values, index=pd.Index(target.table.keys))
    known = known[np.isfinite(known)].sort_index()
    if len(known) < 2:
        raise HwbenchError(f"accuracy {target.key} holds fewer than two numbers")
    return Accuracies(target.key, target.space, known.index.to_numpy(), known.to_numpy(), notes)


@dataclass(frozen=True, eq=False)
class Pair:
    """An accuracy and a metric of the architectures of which both are known.

    Attributes
    ----------
    accuracy_target, metric_target : "table:column".
    space : of the architectures.
    keys : of the architectures in the space's order, shape (n_archs,), see `Space.keys_of`.
    accuracy : float64 of shape (n_archs,), larger is better: in %, a score of another unit in its
        own.
    metric : to be minimised, float64 of shape (n_archs,), in its unit; negated where larger is
        better.
    sign : -1 where the metric has been negated, else 1.
    n_left_out : architectures that stand in all tables but lack a finite number in one.
    n_disconnected : architectures with all numbers that are left out, since no path leads to their
        output.
    notes : what was done to the columns, a sentence each.
    """

    accuracy_target: str
    metric_target: str
    space: Space
    keys: NDArray[Any]
    accuracy: Floats
    metric: Floats
    sign: int
    n_left_out: int
    n_disconnected: int
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.accuracy)

    @cached_property
    def archs(self) -> IntArray:
        """The architectures, int64 of shape (n_archs, n_positions)."""
        return self.space.archs_of(self.keys)

    def check_candidates(self, count: int) -> None:
        """Raise where more candidates are asked for than there are.

        Raises
        ------
        HwbenchError
            Where so many do not share accuracy and metric; the message says how to have more.
        """
        if count <= len(self):
            return
        more = ""
        if count <= len(self) + self.n_disconnected:
            more = (
                f"; {self.n_disconnected} more, whose output no path reaches, are candidates with "
                "--disconnected, in a scenario with disconnected = true"
            )
        raise HwbenchError(
            f"{count} candidates asked for, but {self.accuracy_target} and {self.metric_target} "
            f"share {len(self)} architectures{more}"
        )

    def check_limit(self, limit: float) -> None:
        """Raise where no architecture keeps a limit of the metric.

        Parameters
        ----------
        limit : the largest value that is acceptable, the smallest where larger is better.

        Raises
        ------
        HwbenchError
            Where it is beyond all of them; names the value that is nearest.
        """
        nearest = float(self.metric.min())
        if nearest <= self.sign * limit:
            return
        least = "the least" if self.sign > 0 else "the most"
        raise HwbenchError(
            f"limit {limit:g} of {self.metric_target}: none of {len(self)} architectures keeps it; "
            f"{least} there is is {self.sign * nearest:g}"
        )

    @classmethod
    def load(cls, accuracy: str, metric: str, *, disconnected: bool = False) -> Self:
        """Pair an accuracy and a metric.

        Parameters
        ----------
        accuracy, metric : "table:column", of one space.
        disconnected : whether to keep architectures whose output no path reaches.

        Raises
        ------
        HwbenchError
            Where a target is unknown or named twice, the spaces differ, the accuracy is to be
            minimised, or fewer than two architectures have both.
        """
        return cls.load_several(accuracy, [metric], disconnected=disconnected)[0]

    @classmethod
    def load_several(
        cls, accuracy: str, metrics: Sequence[str], *, disconnected: bool = False
    ) -> tuple[Self, ...]:
        """Pair an accuracy with each of several metrics.

        Parameters
        ----------
        accuracy : "table:column".
        metrics : "table:column" each, of the same space.
        disconnected : whether to keep architectures whose output no path reaches.

        Returns
        -------
        A pair a metric, all with the same rows: the architectures that have all the numbers.

        Raises
        ------
        HwbenchError
            As `load`.
        """
        return cls.of(
            load_target(accuracy, missing="keep"),
            [load_target(metric, missing="keep") for metric in metrics],
            disconnected=disconnected,
        )

    @classmethod
    def of(
        cls, accuracy: Target, metrics: Sequence[Target], *, disconnected: bool = False
    ) -> tuple[Self, ...]:
        """Pair an accuracy with each of several metrics, all at hand.

        Parameters
        ----------
        accuracy, metrics : of one space; missing values are left out.
        disconnected : whether to keep architectures whose output no path reaches.

        Returns
        -------
        As `load_several`.

        Raises
        ------
        HwbenchError
            As `load`.
        """
        for metric in metrics:
            if metric.space.name != accuracy.space.name:
                raise HwbenchError(
                    f"{accuracy.key} is of space {accuracy.space.name}, {metric.key} of "
                    f"{metric.space.name}; accuracy and metric must describe the same architectures"
                )
        values, notes = _as_accuracy(accuracy)
        _refuse_twice(accuracy, metrics)
        columns = [values, *(metric.sign * metric.values for metric in metrics)]
        keys, rows, n_left_out = _joined([accuracy, *metrics], columns)
        names = list(dict.fromkeys(target.key for target in (accuracy, *metrics)))
        n_disconnected = 0
        if not disconnected:
            connected = accuracy.space.connected(accuracy.space.archs_of(keys))
            n_disconnected = int((~connected).sum())
            keys, rows = keys[connected], rows[connected]
        if len(rows) < 2:
            count = "one architecture has" if len(rows) else "no architecture has"
            raise HwbenchError(f"{count} a number in each of {', '.join(names)}; two are the least")
        left_out = _left_out_note(names, n_left_out)
        return tuple(
            cls(
                accuracy.key,
                metric.key,
                accuracy.space,
                keys,
                rows[:, 0].copy(),
                rows[:, place].copy(),
                metric.sign,
                n_left_out,
                n_disconnected,
                (*notes, *_metric_note(metric), *left_out, *_disconnected_note(n_disconnected)),
            )
            for place, metric in enumerate(metrics, start=1)
        )


def _joined(
    targets: Sequence[Target], columns: Sequence[Floats]
) -> tuple[NDArray[Any], Floats, int]:
    """The keys that all tables hold with finite numbers, the numbers, and how many lack one."""
    parts = [
        pd.Series(column, index=pd.Index(target.table.keys))
        for target, column in zip(targets, columns, strict=True)
    ]
    shared = pd.concat(parts, axis=1, join="inner").sort_index()
    numbers = shared.to_numpy(dtype=np.float64)
    known = np.isfinite(numbers).all(axis=1)
    return shared.index.to_numpy()[known], numbers[known], int((~known).sum())


def _refuse_twice(accuracy: Target, metrics: Sequence[Target]) -> None:
    """Refuse a column that is named twice, which would be set against itself."""
    seen = {accuracy.key: "accuracy"}
    for metric in metrics:
        if metric.key in seen:
            raise HwbenchError(
                f"{metric.key} is named twice, as {seen[metric.key]} and as metric; drop it, or "
                f"name another column: hwbench tables show {metric.table_name} lists them"
            )
        seen[metric.key] = "metric"


def _as_accuracy(target: Target) -> tuple[Floats, tuple[str, ...]]:
    """A column's values as accuracies, and what was done to them.

    Raises
    ------
    HwbenchError
        Where the column is to be minimised.
    """
    if target.direction == "minimize":
        raise HwbenchError(
            f"{target.key} ({target.title}) is better the smaller it is, so it is no accuracy; "
            f"{_way_out(target)}"
        )
    unit, known = normal_unit(target.unit), target.values[np.isfinite(target.values)]
    if unit == PERCENT:
        return target.values, ()
    if unit == FRACTION and np.all((known >= 0) & (known <= 1)):
        return 100.0 * target.values, (
            f"{target.key} holds fractions (unit 1): it was multiplied by 100, so that accuracies "
            "are in % and losses of accuracy in percentage points.",
        )
    beyond = " with values beyond 0 .. 1" if unit == FRACTION else ""
    return target.values, (
        f"{target.key} ({target.title}, unit {target.unit}{beyond}) is a score, not an accuracy in "
        "%: it enters as it is, so that what is said in % or points of accuracy is in its unit.",
    )


def _way_out(target: Target) -> str:
    """What to use in place of a column that is to be minimised."""
    better = {
        name: card
        for name, card in target.table.card.columns.items()
        if card.direction == "maximize"
    }
    if not better:
        return (
            f"its table has no column that is better the larger it is: name one of another table "
            f"of {target.space.name}"
        )

    def likeness(name: str) -> tuple[bool, bool, bool, bool, float]:
        card = better[name]
        return (
            card.dataset == target.card.dataset,
            card.split == target.card.split,
            normal_unit(card.unit) == PERCENT,
            normal_unit(card.unit) == FRACTION,
            SequenceMatcher(None, name, target.column).ratio(),
        )

    return f"use {target.table_name}:{max(better, key=likeness)}"


def _metric_note(metric: Target) -> tuple[str, ...]:
    if metric.sign > 0:
        return ()
    return (
        f"{metric.key} ({metric.title}) is better the larger it is: it enters negated, its limits "
        "too, so that less is better.",
    )


def _left_out_note(names: Sequence[str], count: int) -> tuple[str, ...]:
    if not count:
        return ()
    which = "s that lack" if count > 1 else " that lacks"
    is_out = "are left out" if count > 1 else "is left out"
    return (f"{count} architecture{which} a number in one of {', '.join(names)} {is_out}.",)


def _disconnected_note(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    whose = "architectures whose" if count > 1 else "architecture whose"
    out = "are no candidates" if count > 1 else "is no candidate"
    return (f"{count} {whose} output no path reaches {out}.",)
