"""What the columns of one's own file mean: names, units and directions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError, unknown_name
from hwbench.tables.own.cells import has_decimal_comma, number_in
from hwbench.tables.own.files import shown_name
from hwbench.tables.table import ARCH_COLUMNS

DIRECTIONS = ("minimize", "maximize")

# Whole words of a name, singular or plural. A name with words of both kinds, or with one that
# turns the meaning round, tells nothing.
LARGER_IS_BETTER = frozenset((
    "acc", "accuracy", "top", "top1", "top5", "precision", "recall", "map", "iou", "miou",
    "auc", "auroc", "f1", "psnr", "ssim", "bleu", "fps", "throughput", "reward",
))  # fmt: skip
SMALLER_IS_BETTER = frozenset((
    "latency", "lat", "time", "runtime", "energy", "power", "memory", "mem", "ram", "size",
    "param", "params", "parameter", "nparams", "flop", "flops", "mflops", "gflops", "mac",
    "macs", "mmacs", "gmacs", "madd", "madds", "loss", "nll", "perplexity", "error", "err",
    "rmse", "mae", "cost", "edp", "bytes", "cycles",
))  # fmt: skip
TURNS_ROUND = frozenset((
    "neg", "negative", "inv", "inverse", "minus", "per", "std", "stdev", "sd", "var",
    "variance", "deviation", "iqr", "noise", "drop", "gain", "reduction", "improvement",
    "rank",
))  # fmt: skip

# Units as tables write them. Capitals count, where they do in the unit: MJ is not mJ.
UNITS = (
    "s", "ms", "us", "ns", "J", "kJ", "MJ", "mJ", "uJ", "nJ", "W", "kW", "MW", "mW", "uW", "%",
    "1", "1/s", "B", "kB", "MB", "GB", "KiB", "MiB", "GiB", "Hz", "kHz", "MHz", "GHz",
)  # fmt: skip
_SPELLINGS = {
    "sec": "s", "second": "s", "seconds": "s", "msec": "ms", "millisecond": "ms",
    "milliseconds": "ms", "µs": "us", "μs": "us", "usec": "us", "microseconds": "us",
    "nanoseconds": "ns", "j": "J", "joule": "J", "joules": "J", "mj": "mJ", "uj": "uJ",
    "µj": "uJ", "μj": "uJ", "w": "W", "watt": "W", "watts": "W", "mw": "mW", "percent": "%",
    "pct": "%", "count": "1", "counts": "1", "fps": "1/s", "b": "B", "bytes": "B", "kb": "kB",
    "mb": "MB", "gb": "GB", "kib": "KiB", "mib": "MiB", "gib": "GiB",
}  # fmt: skip
_CAPITALS = {"M": "1e6", "G": "1e9", "K": "1e3", "k": "1e3", "KB": "kB"}
_SUFFIXES = ("ms", "us", "ns", "mj", "uj", "mib", "kib", "gib", "mb", "kb", "gb", "mw", "percent")
_SUFFIXES_AFTER = {  # one letter is a unit only behind a word for what it measures
    "s": {"time", "latency", "runtime"},
    "j": {"energy"},
    "w": {"power"},
}
_BRACKETS = re.compile(r"(?P<name>.+?)\s*(?:\[(?P<square>[^\]]*)\]|\((?P<round>[^)]*)\))")
_WORD = re.compile(r"[a-z]+\d*")
_NO_METRIC = re.compile(r"arch_index|index|unnamed:? \d+")


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
    frame: pd.DataFrame,
    label: str,
    *,
    units: Mapping[str, str],
    directions: Mapping[str, str],
    devices: Mapping[str, str] | str,
    ignore: Collection[str] = (),
) -> tuple[list[MetricColumn], list[str]]:
    """Find out what each column means.

    Parameters
    ----------
    frame : the columns, that of the architectures left out.
    label : what to call the file.
    units, directions, devices : given by name, as in the file or as in the table; a single device
        is that of all columns.
    ignore : columns to be left out.

    Returns
    -------
    The columns of numbers, and notes on what was taken for granted.

    Raises
    ------
    HwbenchError
        Where there is no column of numbers, a unit or direction is lacking or unknown, a given
        name is none of the file's, or two names become one.
    """
    ignored = [shown_name(name) for name in ignore]
    for name in ignored:
        if name not in frame.columns:
            raise unknown_name(f"column of {label} to be ignored", name, frame.columns)
    by_name = {} if isinstance(devices, str) else devices
    named = {shown_name(key) for key in (*units, *directions, *by_name)}
    names: dict[str, str] = {}
    header_units: dict[str, str] = {}
    notes: list[str] = []
    for column in frame:
        name, unit = split_header(column)
        if column in ignored:
            notes.append(f"column '{column}' is left out, as asked")
            continue
        meant = not named.isdisjoint((column, name))
        if not meant and not holds_metric(frame, column):
            notes.append(f"column '{column}' is left out: it holds no metric")
            continue
        names[column] = name
        if unit is not None:
            header_units[column] = unit
    _check_names(names, label)
    given_units = _by_column(units, names, "unit", label)
    given_directions = _by_column(directions, names, "direction", label)
    found_units = _find_units(names, given_units, header_units, label, notes)
    found_directions = _find_directions(names, given_directions, label, notes)
    everywhere = shown_name(devices) if isinstance(devices, str) else None
    found_devices = _by_column(by_name, names, "device", label)
    columns = [
        MetricColumn(
            source,
            name,
            found_units[source],
            found_directions[source],
            found_devices.get(source, everywhere),
        )
        for source, name in names.items()
    ]
    return columns, notes


def holds_metric(frame: pd.DataFrame, column: str) -> bool:
    """Whether a column is taken for a metric: its header states a unit, or it holds numbers."""
    if split_header(column)[1] is not None:
        return True
    return not (_NO_METRIC.fullmatch(column.lower()) or _holds_no_number(frame[column]))


def _holds_no_number(column: pd.Series) -> bool:
    """Whether a column is text, times or empty, as far as its cells tell.

    Numbers written with a comma count: a column of them is wrong, and not to be passed over.
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
        return False
    return not any(number_in(cell) is not None or has_decimal_comma(cell) for cell in column)


def split_header(column: str) -> tuple[str, str | None]:
    """A table's name for the column, and the unit its header states."""
    match = _BRACKETS.fullmatch(column)
    text, unit = column, ""
    if match is not None:
        text, unit = match["name"], (match["square"] or match["round"] or "").strip()
    name = re.sub(r"[^\w.-]+", "_", text, flags=re.ASCII).strip("_.-") or "column"
    stem, _, suffix = name.lower().rpartition("_")
    if not unit and stem:
        fitting = _SUFFIXES_AFTER.get(suffix, set())
        if suffix in _SUFFIXES or not fitting.isdisjoint(_words(stem)):
            unit = suffix
    return name, normal_unit(unit) or None


def normal_unit(unit: str) -> str:
    """A unit as tables write it; one that is not known is returned as it is, on one line."""
    text = shown_name(unit)
    if text in UNITS:
        return text
    if text in _CAPITALS:
        return _CAPITALS[text]
    # "MJ" and "MW" are known above, so that what is left means the same in any capitals, but for
    # short ones such as "Mb", which nobody can tell.
    if len(text) > 2 or text in (text.lower(), text.upper()):
        return _SPELLINGS.get(text.lower(), text)
    return text


def _check_names(names: Mapping[str, str], label: str) -> None:
    if not names:
        raise HwbenchError(f"{label}: holds no column of numbers beside the architectures")
    sources: dict[str, str] = {}
    for column, name in names.items():
        if name in ARCH_COLUMNS:
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
    given: Mapping[str, str], names: Mapping[str, str], what: str, label: str
) -> dict[str, str]:
    """What was given, by the column's name in the file."""
    columns = {**{name: column for column, name in names.items()}, **{name: name for name in names}}
    found = {}
    for key, value in given.items():
        if shown_name(key) not in columns:
            raise unknown_name(f"column of {label} with a {what}", shown_name(key), columns)
        found[columns[shown_name(key)]] = value
    return found


def _find_units(
    names: Mapping[str, str],
    given: Mapping[str, str],
    header: Mapping[str, str],
    label: str,
    notes: list[str],
) -> dict[str, str]:
    units: dict[str, str] = {}
    for column, name in names.items():
        if normal_unit(given.get(column, "")):
            units[column] = normal_unit(given[column])
        elif column in header:
            units[column] = header[column]
            notes.append(f"column '{name}' is taken to be in {units[column]}, by its header")
    lacking = [name for column, name in names.items() if column not in units]
    if lacking:
        raise HwbenchError(
            f"{label}: say the unit of {_listed(lacking)}: --unit {lacking[0]}=ms, "
            f"units={{'{lacking[0]}': 'ms'}}, or a header such as '{lacking[0]} [ms]'; "
            "1 is the unit of counts"
        )
    return units


def _find_directions(
    names: Mapping[str, str], given: Mapping[str, str], label: str, notes: list[str]
) -> dict[str, str]:
    directions: dict[str, str] = {}
    lacking = []
    for column, name in names.items():
        direction = given.get(column)
        if direction is not None:
            if direction not in DIRECTIONS:
                raise unknown_name(f"direction of column {name}", direction, DIRECTIONS)
            directions[column] = direction
            continue
        guess = guess_direction(name)
        if guess is None:
            lacking.append(name)
            continue
        directions[column] = guess
        better = "smaller" if guess == "minimize" else "larger"
        notes.append(f"column '{name}': {better} is taken to be better, by its name")
    if lacking:
        raise HwbenchError(
            f"{label}: say which way is better for {_listed(lacking)}: "
            f"--direction {lacking[0]}=minimize (or maximize)"
        )
    return directions


def _listed(names: list[str]) -> str:
    more = len(names) - 100
    return ", ".join(names[:100]) + (f" and {more} more" if more > 0 else "")


def _words(name: str) -> set[str]:
    parted = re.sub(r"([a-z\d])([A-Z])", r"\1_\2", name)  # testAccuracy
    words = {word for text in (name, parted) for word in _WORD.findall(text.lower())}
    plain = {word.rstrip("0123456789") for word in words}
    return words | plain | {word.removesuffix("s") for word in plain}


def guess_direction(name: str) -> str | None:
    """Which way is better, where the words of a column's name tell, else None."""
    words = _words(name)
    larger, smaller = words & LARGER_IS_BETTER, words & SMALLER_IS_BETTER
    if words & TURNS_ROUND or bool(larger) == bool(smaller):
        return None
    return "maximize" if larger else "minimize"
