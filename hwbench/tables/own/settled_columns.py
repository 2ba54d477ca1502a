"""One value of each metric, condition and architecture, out of the rows and columns of a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.spaces import Space
from hwbench.tables.card import ColumnCard, NoiseCard
from hwbench.tables.noise import given_noise
from hwbench.tables.own.columns import MetricColumn
from hwbench.tables.own.conditions import Condition
from hwbench.tables.own.measured import Measured, MeasuredMetric
from hwbench.tables.own.repeats import Settled, settle
from hwbench.wording import counted, some

_DEVICES = frozenset(("device", "board", "hardware", "hw", "platform", "soc", "phone", "machine"))


@dataclass(frozen=True)
class RowGroups:
    """Which rows are of one architecture, and of one condition.

    Attributes
    ----------
    groups : the architecture of each row, 0 .. n - 1 in the order of the file.
    firsts : the first row of each architecture.
    repeated : rows whose architecture, under the same condition, stands further up.
    conditions : of each row, its condition's place in `names`.
    names : of the conditions, "" where there is but one.
    devices : that the conditions are, None where they are no devices.
    """

    groups: NDArray[np.int64]
    firsts: NDArray[np.int64]
    repeated: NDArray[np.bool_]
    conditions: NDArray[np.int64]
    names: tuple[str, ...]
    devices: tuple[str | None, ...]

    @classmethod
    def of(cls, measured: Measured, keys: NDArray[Any]) -> RowGroups:
        """Of the rows of a file.

        Parameters
        ----------
        measured : the file.
        keys : what tells the architectures of its rows apart, of shape (n_rows,).
        """
        groups, _ = pd.factorize(pd.Series(keys), sort=False)
        firsts = np.unique(groups, return_index=True)[1]
        texts, devices = _condition_names(measured.conditions, len(keys), measured)
        places, names = pd.factorize(pd.Series(texts, dtype=object), sort=False)
        pairs = pd.DataFrame({"group": groups, "condition": places})
        first_device = [
            devices[int(np.flatnonzero(places == each)[0])] for each in range(len(names))
        ]
        return cls(
            groups.astype(np.int64),
            firsts.astype(np.int64),
            pairs.duplicated().to_numpy(),
            places.astype(np.int64),
            tuple(str(each) for each in names),
            tuple(first_device),
        )


def _condition_names(
    conditions: Sequence[Condition], n_rows: int, measured: Measured
) -> tuple[list[str], list[str | None]]:
    """The name of each row's condition, and the device where it is one."""
    texts = [""] * n_rows
    devices: list[str | None] = [None] * n_rows
    for condition in conditions:
        values = condition.values
        if len(values) != n_rows:
            raise HwbenchError(f"{measured.label}: column '{condition.column}' was lost")
        is_device = condition.column.lower() in _DEVICES
        for row in range(n_rows):
            name = re.sub(r"[^\w.-]+", "-", str(values[row]), flags=re.ASCII).strip("-") or "none"
            texts[row] = f"{texts[row]}_{name}" if texts[row] else name
            if is_device:
                devices[row] = str(values[row])
    return texts, devices


def report_repeated(space: Space, measured: Measured, rows: RowGroups) -> None:
    """Report every row whose architecture stands further up, with both rows."""
    repeated = np.flatnonzero(rows.repeated)
    strings = space.to_strings(measured.archs[repeated])
    firsts = pd.DataFrame({"group": rows.groups, "condition": rows.conditions}).drop_duplicates()
    first_of = {
        (group, condition): row
        for row, group, condition in firsts.itertuples(index=True, name=None)
    }
    for row, arch in zip(repeated.tolist(), strings, strict=True):
        first = first_of[int(rows.groups[row]), int(rows.conditions[row])]
        measured.problems.note(
            int(measured.numbers[row]),
            measured.arch_column,
            f"{arch} stands in row {measured.numbers[first]} already",
        )


def settled_columns(
    measured: Measured,
    columns: Sequence[MetricColumn],
    rows: RowGroups,
    way: str | None,
    notes: list[str],
) -> tuple[pd.DataFrame, dict[str, ColumnCard]]:
    """A column for each metric and condition, a row an architecture, and the columns' cards.

    Parameters
    ----------
    measured : the file.
    columns : what its metrics mean.
    rows : which of its rows are of one architecture.
    way : how repeats become one value, see `settle`.
    notes : are told of repeats.

    Raises
    ------
    HwbenchError
        Where two columns would have one name.
    """
    frame: dict[str, NDArray[Any]] = {}
    cards: dict[str, ColumnCard] = {}
    for metric, column in zip(measured.metrics, columns, strict=True):
        for place, (condition, device) in enumerate(zip(rows.names, rows.devices, strict=True)):
            name = f"{column.name}_{condition}" if condition else column.name
            among = np.flatnonzero(rows.conditions == place)
            if name in frame:
                raise HwbenchError(f"{measured.label}: two columns would be called '{name}'")
            if not rows.repeated.any() and not condition and metric.values.shape[1] == 1:
                frame[name] = metric.values[:, 0]
                settled = None
            else:
                settled = _settled(metric, among, rows, way)
                frame[name] = settled.values
                _note_settled(measured, name, settled, rows, notes, way)
            card = _column_card(column, device)
            noise = _noise_of(metric, among, rows, frame[name], settled)
            cards[name] = card if noise is None else card.model_copy(update={"noise": noise})
    return pd.DataFrame(frame), cards


def _settled(
    metric: MeasuredMetric, among: NDArray[np.int64], rows: RowGroups, way: str | None
) -> Settled:
    values = metric.values[among].astype(np.float64)
    groups = np.repeat(rows.groups[among], values.shape[1])
    return settle(values.ravel(), groups, len(rows.firsts), way)


def _note_settled(
    measured: Measured,
    name: str,
    settled: Settled,
    rows: RowGroups,
    notes: list[str],
    way: str | None,
) -> None:
    several = int((settled.counts > 1).sum())
    if not several:
        return
    note = (
        f"column '{name}': the {settled.way} of the repeats of {counted(several, 'architecture')}"
    )
    if len(settled.outliers):
        numbers = measured.numbers[rows.firsts[settled.outliers]].tolist()
        whose = "that of row" if len(numbers) == 1 else "those of rows"
        note += (
            f"; {len(numbers)} of them ({whose} {some(numbers)}) "
            f"{'has' if len(numbers) == 1 else 'have'} an outlier"
        )
        if way == "mean":
            note += ", which moves the mean (--duplicates median would not)"
    notes.append(note)


def _noise_of(
    metric: MeasuredMetric,
    among: NDArray[np.int64],
    rows: RowGroups,
    values: NDArray[Any],
    settled: Settled | None,
) -> NoiseCard | None:
    """The noise of a column that its repeats, or deviations in the file, tell; None for none."""
    if settled is not None and (settled.counts > 1).sum() >= 2:
        known = np.isfinite(settled.deviations)
        weights = (settled.counts - 1)[known]
        pooled = float(np.sqrt((weights * settled.deviations[known] ** 2).sum() / weights.sum()))
        of_value = pooled / np.sqrt(np.maximum(settled.counts, 1))
        return given_noise(values, of_value, method="repeats")
    if metric.deviations is None:
        return None
    deviations = metric.deviations[among]
    if metric.runs is not None:
        deviations = deviations / np.sqrt(metric.runs[among])
    of_value = np.full(len(rows.firsts), np.nan)
    of_value[rows.groups[among][::-1]] = deviations[::-1]
    return given_noise(values, of_value, method="deviations")


def _column_card(metric: MetricColumn, device: str | None) -> ColumnCard:
    return ColumnCard.model_validate(
        {
            "title": metric.source,
            "unit": metric.unit,
            "direction": metric.direction,
            "device": device or metric.device,
            "source": "",
        }
    )
