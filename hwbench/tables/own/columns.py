"""What the metrics of one's own file mean in a table: names, units, directions and devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hwbench.errors import HwbenchError, unknown_name
from hwbench.tables.own.asking import Answer, UnclearError
from hwbench.tables.own.column_words import (
    TURNS_ROUND,
    direction_of_unit,
    guess_direction,
    normal_unit,
    quantity_of,
    split_header,
    words_of,
)
from hwbench.tables.own.measured import MeasuredMetric
from hwbench.tables.own.roles import numbered_alike
from hwbench.tables.own.rows import shown_name

DIRECTIONS = ("minimize", "maximize")
DEVICE = "{device}"
"""Stands in a pattern of columns for the name of a device."""

TAKEN_NAMES = ("arch", "hwbench_index", "arch_index")
"""Names that every table keeps for its architectures, now or formerly."""

_USUAL = {
    "time": "ms", "energy": "mJ", "power": "mW", "memory": "MB", "throughput": "1/s",
    "count": "1", "accuracy": "%",
}  # fmt: skip


@dataclass(frozen=True)
class MetricColumn:
    """One column of numbers.

    Attributes
    ----------
    source : its name in the file.
    name : its name in the table.
    unit : of its numbers.
    direction : which way is better.
    device : what it was measured on, where that was given.
    """

    source: str
    name: str
    unit: str
    direction: str
    device: str | None = None


def describe_columns(
    metrics: Sequence[MeasuredMetric],
    unclear: Sequence[str],
    label: str,
    *,
    units: Mapping[str, str],
    directions: Mapping[str, str],
    devices: Mapping[str, str] | str,
    passed_over: Sequence[str] = (),
) -> tuple[list[MetricColumn], list[str]]:
    """Find out what each metric means.

    Parameters
    ----------
    metrics : of the file.
    unclear : those of them of which neither name nor unit tells that they are metrics.
    label : what to call the file.
    units, directions, devices : given by name, as in the file or as in the table; a single device
        is that of all columns, a pattern such as "{device}_latency" that of each column by its
        name.
    passed_over : what was noted of the file's lines, for messages.

    Returns
    -------
    The columns, and notes on what was taken for granted.

    Raises
    ------
    UnclearError
        Where units or directions are lacking; one message names all of them.
    HwbenchError
        Where there is no metric, a unit or direction is unknown, a given name is none of the
        file's, or two names become one.
    """
    names = {metric.header: split_header(metric.header)[0] for metric in metrics}
    _check_names(names, label)
    by_name = {} if isinstance(devices, str) else devices
    given_units = _by_column(units, metrics, names, "unit", label)
    given_directions = _by_column(directions, metrics, names, "direction", label)
    given_devices = _by_column(by_name, metrics, names, "device", label)
    notes: list[str] = []
    found_units = _find_units(metrics, names, given_units, notes)
    found_directions = _find_directions(names, found_units, given_directions, notes)
    where = f"{label}{''.join(f' ({note})' for note in passed_over)}"
    _ask_for_the_rest(metrics, names, unclear, found_units, found_directions, where)
    for metric in metrics:
        _refuse_fractions(metric, names[metric.header], found_units[metric.header], label)
    everywhere = shown_name(devices) if isinstance(devices, str) else None
    if everywhere is not None and DEVICE in everywhere:
        given_devices = _devices_by_pattern(everywhere, names, label)
        everywhere = None
    columns = [
        MetricColumn(
            metric.header,
            names[metric.header],
            found_units[metric.header],
            found_directions[metric.header],
            given_devices.get(metric.header, everywhere),
        )
        for metric in metrics
    ]
    return columns, notes


def _check_names(names: Mapping[str, str], label: str) -> None:
    if not names:
        raise HwbenchError(f"{label}: holds no column of numbers beside the architectures")
    sources: dict[str, str] = {}
    for column, name in names.items():
        if name in TAKEN_NAMES:
            raise HwbenchError(
                f"{label}: the column '{column}' would be called '{name}', a name that every table "
                "keeps for its architectures; rename it"
            )
        if name in sources:
            raise HwbenchError(
                f"{label}: the columns '{sources[name]}' and '{column}' would both be called "
                f"'{name}'; rename one"
            )
        sources[name] = column


def _by_column(
    given: Mapping[str, str],
    metrics: Sequence[MeasuredMetric],
    names: Mapping[str, str],
    what: str,
    label: str,
) -> dict[str, str]:
    """What was given, by the metric's header."""
    headers: dict[str, str] = {}
    for metric in metrics:
        for source in metric.sources:
            headers[split_header(source)[0]] = headers[source] = metric.header
        headers[names[metric.header]] = headers[metric.header] = metric.header
    found = {}
    for key, value in given.items():
        if shown_name(key) not in headers:
            raise unknown_name(f"column of {label} with a {what}", shown_name(key), headers)
        found[headers[shown_name(key)]] = value
    return found


def _devices_by_pattern(pattern: str, names: Mapping[str, str], label: str) -> dict[str, str]:
    before, _, after = pattern.partition(DEVICE)
    found = {
        header: name[len(before) : len(name) - len(after)]
        for header, name in names.items()
        if name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)
    }
    if not found:
        raise HwbenchError(
            f"{label}: no column has the form {pattern}; there are {', '.join(names.values())}"
        )
    return found


# ---------------------------------------------------------------------- units and directions


def _find_units(
    metrics: Sequence[MeasuredMetric],
    names: Mapping[str, str],
    given: Mapping[str, str],
    notes: list[str],
) -> dict[str, str]:
    units: dict[str, str] = {}
    for metric in metrics:
        header = metric.header
        if normal_unit(given.get(header, "")):
            units[header] = normal_unit(given[header])
        elif metric.unit is not None:
            units[header] = metric.unit
            if split_header(metric.sources[0])[1] is not None:
                notes.append(
                    f"column '{names[header]}' is taken to be in {metric.unit}, by its header"
                )
    return units


def _find_directions(
    names: Mapping[str, str],
    units: Mapping[str, str],
    given: Mapping[str, str],
    notes: list[str],
) -> dict[str, str]:
    directions: dict[str, str] = {}
    for column, name in names.items():
        direction = given.get(column)
        if direction is not None:
            if direction not in DIRECTIONS:
                raise unknown_name(f"direction of column {name}", direction, DIRECTIONS)
            directions[column] = direction
            continue
        guess, why = told_direction(name, units.get(column))
        if guess is not None:
            directions[column] = guess
            better = "smaller" if guess == "minimize" else "larger"
            notes.append(f"column '{name}': {better} is taken to be better, by its {why}")
    return directions


def told_direction(name: str, unit: str | None) -> tuple[str | None, str]:
    """Which way is better, where name or unit tell, else None; and which of them tells."""
    guess = guess_direction(name)
    if guess is not None:
        return guess, "name"
    if words_of(name) & TURNS_ROUND - {"per"}:
        return None, ""
    return direction_of_unit(unit), "unit"


def _ask_for_the_rest(
    metrics: Sequence[MeasuredMetric],
    names: Mapping[str, str],
    unclear: Sequence[str],
    units: Mapping[str, str],
    directions: Mapping[str, str],
    label: str,
) -> None:
    """Ask for all units and directions that are lacking, at once.

    Raises
    ------
    UnclearError
        Where one is.
    """
    headers = [metric.header for metric in metrics]
    no_unit = [header for header in headers if header not in units]
    no_direction = [header for header in headers if header not in directions]
    if not no_unit and not no_direction:
        return
    said = []
    if no_unit:
        said.append(f"say the unit of {_listed([names[header] for header in no_unit])}")
    if no_direction:
        listed = _listed([names[header] for header in no_direction])
        said.append(f"{'' if no_unit else 'say '}which way is better for {listed}")
    known = [
        f"{names[header]} [{units[header]}]"
        for header in headers
        if header in units and header in directions
    ]
    what = f"{label}: {' and '.join(said)}"
    if known:
        what += f" (clear are {_listed(known)})"
    by_header = {metric.header: metric for metric in metrics}
    doubtful = [header for header in headers if header in unclear]
    sure = [header for header in headers if header not in doubtful]
    usual = "1" if sure else _USUAL["time"]  # of what no word tells
    base = _guesses(sure, by_header, names, units, directions, usual)
    answers = []
    if doubtful and sure:
        out = tuple(
            ("ignore", source) for header in doubtful for source in by_header[header].sources
        )
        answers.append(Answer(f"without {_listed(doubtful, 5)}{_if(base)}", (*base, *out)))
    every = (*base, *_guesses(doubtful, by_header, names, units, directions, usual))
    answers.append(Answer(f"all of them{_if(every)}", every))
    pattern = numbered_alike(headers)
    if pattern is not None:
        answers.append(Answer("as repeats of one metric", (("repeats", pattern),)))
    raise UnclearError(what, answers)


def _guesses(
    headers: Sequence[str],
    metrics: Mapping[str, MeasuredMetric],
    names: Mapping[str, str],
    units: Mapping[str, str],
    directions: Mapping[str, str],
    usual: str,
) -> tuple[tuple[str, str], ...]:
    """What could be said of metrics: the usual unit of what they measure."""
    found: list[tuple[str, str]] = []
    for header in headers:
        if header not in units:
            quantity = quantity_of(None, names[header])
            unit = _USUAL.get(quantity or "", usual)
            if quantity == "accuracy" and _are_fractions(metrics[header]):
                unit = "1"
            found.append(("units", f"{names[header]}={unit}"))
            if told_direction(names[header], unit)[0] is not None:
                continue
        if header not in directions:
            found.append(("directions", f"{names[header]}=minimize"))
    return tuple(found)


def _if(options: Sequence[tuple[str, str]]) -> str:
    """The condition under which guesses hold, in words."""
    told = [
        f"{name} is in {unit}"
        for option, value in options
        if option == "units"
        for name, unit in [value.rsplit("=", 1)]
    ]
    told += [
        value.replace("=minimize", " is the better the smaller")
        for option, value in options
        if option == "directions"
    ]
    shown = ", ".join(told[:5]) + (", ..." if len(told) > 5 else "")
    return f" (if {shown}; 1 is the unit of counts, and of fractions)" if told else ""


def _are_fractions(metric: MeasuredMetric) -> bool:
    known = metric.values[np.isfinite(metric.values.astype(np.float64))]
    return len(known) > 0 and bool(np.all((known >= 0) & (known <= 1)))


def _refuse_fractions(metric: MeasuredMetric, name: str, unit: str, label: str) -> None:
    """Refuse accuracies between 0 and 1 that are said to be in %.

    Raises
    ------
    UnclearError
        Where a column is such.
    """
    if unit != "%" or quantity_of(None, name) != "accuracy" or len(metric.values) < 2:
        return
    if _are_fractions(metric):
        low, high = float(np.nanmin(metric.values)), float(np.nanmax(metric.values))
        raise UnclearError(
            f"{label}: column '{name}' is in %, but all its values lie between {low:g} and "
            f"{high:g}, as fractions do: it would be 100 times too small",
            [Answer("fractions", (("units", f"{name}=1"),))],
        )


def _listed(names: Sequence[str], most: int = 100) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
