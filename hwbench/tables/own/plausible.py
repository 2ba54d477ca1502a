"""Values that cannot be measurements: no time is negative, and 9999 in every tenth row is a mark.

A file says "could not be measured" by a number as often as by an empty cell: -1 in HW-NAS-Bench, 0
in what a failed script printed, 9999 after a time-out. Such a value passes for a measurement
wherever it is not known: as the fastest network of all, or the slowest.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import Floats
from hwbench.tables.own.column_words import guess_direction, quantity_of

POSITIVE = ("time", "energy", "power", "memory", "frequency", "throughput")
"""What is more than nothing whenever it was measured."""

NOT_NEGATIVE = ("count", "accuracy")

FAR = 10.0
"""A repeated value so many times beyond all others is taken for a mark."""

FAR_MARK = 2.0
"""So many times, where the value is one that is used as a mark, and repeated."""

FEWEST = 3
"""Times that a value must stand in a column, to be taken for a mark by that alone."""

_POWERS = {2.0**bits - 1 for bits in (15, 16, 31, 32, 63, 64)}


@dataclass(frozen=True)
class NoMeasurement:
    """A value of a column that is no measurement.

    Attributes
    ----------
    value : the number.
    places : where it stands.
    why : it is none, in words.
    certain : whether it cannot be one, and need not be asked about.
    """

    value: float
    places: tuple[int, ...]
    why: str
    certain: bool


def no_measurements(
    values: NDArray[Any], name: str, unit: str | None, measured: Collection[float] = ()
) -> list[NoMeasurement]:
    """The values of a metric that cannot be measurements.

    Parameters
    ----------
    values : of shape (n_rows,), NaN where there is none.
    name, unit : of the column; the unit None where it is not known.
    measured : values that are measurements, whatever they look like.

    Returns
    -------
    One entry a value, by value.
    """
    numbers = np.asarray(values, dtype=np.float64)
    known = np.isfinite(numbers) & ~np.isin(numbers, [float(each) for each in measured])
    quantity = quantity_of(unit, name)
    found: list[NoMeasurement] = []
    impossible = known & _impossible(numbers, quantity, unit)
    for value in np.unique(numbers[impossible]).tolist():
        what = "accuracy" if quantity == "accuracy" else quantity
        found.append(_entry(numbers, value, f"no {what} is {value:g}", certain=True))
    left = np.isfinite(numbers) & ~impossible
    others = numbers[left]
    for value, why in _marks(others, quantity, name):
        if value not in measured:
            found.append(_entry(numbers, value, why, certain=False))
    return found


def _impossible(numbers: Floats, quantity: str | None, unit: str | None) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        if quantity in POSITIVE:
            return np.asarray(numbers <= 0)
        if quantity == "accuracy" and unit == "%":
            return np.asarray((numbers < 0) | (numbers > 100))
        if quantity in NOT_NEGATIVE:
            return np.asarray(numbers < 0)
    return np.zeros(len(numbers), dtype=bool)


def _entry(numbers: Floats, value: float, why: str, *, certain: bool) -> NoMeasurement:
    places = tuple(int(place) for place in np.flatnonzero(numbers == value))
    return NoMeasurement(value, places, why, certain)


def _marks(numbers: Floats, quantity: str | None, name: str) -> list[tuple[float, str]]:
    """Values that stand far beyond all others, as marks do, with the reason."""
    values, counts = np.unique(numbers, return_counts=True)
    if len(values) < FEWEST:
        return []
    found = []
    top, next_top = float(values[-1]), float(values[-2])
    ratio = top / next_top if next_top > 0 else np.inf
    times = int(counts[-1])
    if (
        values[0] >= 0
        and next_top > 0
        and (
            (times >= FEWEST and ratio >= FAR)
            or (_is_mark(top) and ratio >= (FAR_MARK if times > 1 else FAR))
        )
    ):
        found.append((top, f"{ratio:.3g} times the next largest value, {next_top:g}"))
    low, next_low = float(values[0]), float(values[1])
    if low in (-1.0, -999.0, -9999.0) and next_low >= 0:
        found.append((low, "the only negative value"))
    elif (
        low == 0
        and next_low >= 1
        and counts[0] > 0
        and (quantity == "accuracy" or guess_direction(name) == "maximize")
    ):
        found.append((low, f"the next smallest value is {next_low:g}"))
    return found


def _is_mark(value: float) -> bool:
    """Whether a value is one that stands for no value: 9999, 1e9, 2^31 - 1."""
    if value in _POWERS:
        return True
    if not value.is_integer() or not 999 <= value < 1e18:
        return value >= 1e18
    text = str(int(value))
    return set(text) == {"9"} or (text[0] == "1" and set(text[1:]) == {"0"})
