"""What the columns of one's own file mean: names, units and directions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from hwbench.errors import HwbenchError, unknown_name

DIRECTIONS = ("minimize", "maximize")
LARGER_IS_BETTER = ("acc", "top1", "top5", "map", "iou", "auc", "f1", "psnr", "ssim", "fps",
                    "throughput", "score", "reward")  # fmt: skip
SMALLER_IS_BETTER = ("latency", "time", "energy", "power", "memory", "size", "param", "flop", "mac",
                     "loss", "error", "cost", "edp", "bytes", "cycles")  # fmt: skip
UNITS = {  # as people write them, and as tables do
    "ms": "ms", "s": "s", "sec": "s", "seconds": "s", "us": "us", "µs": "us", "ns": "ns",
    "mj": "mJ", "j": "J", "uj": "uJ", "w": "W", "mw": "mW", "%": "%", "percent": "%", "pct": "%",
    "mib": "MiB", "mb": "MB", "kb": "kB", "kib": "KiB", "gb": "GB", "gib": "GiB", "b": "B",
    "bytes": "B", "1": "1", "count": "1", "fps": "1/s", "m": "1e6", "g": "1e9",
}  # fmt: skip
_SUFFIXES = ("ms", "us", "ns", "mj", "uj", "mib", "mb", "kb", "gb", "percent", "mw")
_BRACKETS = re.compile(r"(?P<name>.+?)\s*[\[(](?P<unit>[^\])]+)[\])]")
_IGNORED = ("", "arch_index", "index", "unnamed: 0")


@dataclass(frozen=True)
class MetricColumn:
    """One column of numbers.

    Attributes
    ----------
    source : its name in the file.
    name : its name in the table.
    unit : of its numbers.
    direction : which way is better.
    """

    source: str
    name: str
    unit: str
    direction: str


def describe_columns(
    frame: pd.DataFrame, units: Mapping[str, str], directions: Mapping[str, str], label: str
) -> tuple[list[MetricColumn], list[str]]:
    """Find out what each column means.

    Parameters
    ----------
    frame : the columns, that of the architectures left out.
    units, directions : given by name, as in the file or as in the table.
    label : what to call the file.

    Returns
    -------
    The columns of numbers, and notes on what was taken for granted.

    Raises
    ------
    HwbenchError
        Where there is no column of numbers, a unit or direction is lacking or unknown, a given
        name is none of the file's, or two names become one.
    """
    names: dict[str, str] = {}
    header_units: dict[str, str] = {}
    notes: list[str] = []
    for column in frame:
        if column.lower() in _IGNORED or _holds_text_alone(frame[column], column, units):
            notes.append(f"column '{column}' is left out: it holds no metric")
            continue
        name, unit = _split_header(column)
        if name in names.values():
            raise HwbenchError(f"{label}: two columns would be called '{name}'; rename one")
        names[column] = name
        if unit is not None:
            header_units[column] = unit
    if not names:
        raise HwbenchError(f"{label}: holds no column of numbers beside the architectures")
    valid = {*names, *names.values()}
    for what, given in (("unit", units), ("direction", directions)):
        for key in given:
            if key not in valid:
                raise unknown_name(f"column of {label} with a {what}", key, valid)
    found_units = _find_units(names, units, header_units, label, notes)
    found_directions = _find_directions(names, directions, label, notes)
    columns = [
        MetricColumn(source, name, found_units[source], found_directions[source])
        for source, name in names.items()
    ]
    return columns, notes


def _holds_text_alone(column: pd.Series, name: str, units: Mapping[str, str]) -> bool:
    if name in units or column.dtype.kind in "iuf":
        return False
    return bool(pd.to_numeric(column, errors="coerce").isna().all())


def _split_header(column: str) -> tuple[str, str | None]:
    """A table's name for the column, and the unit its header states."""
    match = _BRACKETS.fullmatch(column)
    text, unit = (match["name"], match["unit"].strip()) if match else (column, None)
    name = re.sub(r"[^\w.-]+", "_", text, flags=re.ASCII).strip("_.-") or "column"
    suffix = name.lower().rpartition("_")[2]
    if unit is None and suffix in _SUFFIXES and suffix != name.lower():
        unit = suffix
    return name, None if unit is None else UNITS.get(unit.lower(), unit)


def _find_units(
    names: Mapping[str, str],
    given: Mapping[str, str],
    header: Mapping[str, str],
    label: str,
    notes: list[str],
) -> dict[str, str]:
    units: dict[str, str] = {}
    for column, name in names.items():
        unit = given.get(column, given.get(name))
        if unit is not None:
            units[column] = UNITS.get(unit.lower(), unit)
        elif column in header:
            units[column] = header[column]
            notes.append(f"column '{name}' is taken to be in {units[column]}, by its header")
    lacking = [name for column, name in names.items() if column not in units]
    if lacking:
        raise HwbenchError(
            f"{label}: say the unit of {', '.join(lacking[:12])}"
            f"{' ...' if len(lacking) > 12 else ''}: --unit {lacking[0]}=ms, "
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
        direction = given.get(column, given.get(name))
        if direction is not None:
            if direction not in DIRECTIONS:
                raise unknown_name(f"direction of column {name}", direction, DIRECTIONS)
            directions[column] = direction
            continue
        guess = _guess_direction(name)
        if guess is None:
            lacking.append(name)
            continue
        directions[column] = guess
        better = "smaller" if guess == "minimize" else "larger"
        notes.append(f"column '{name}': {better} is taken to be better, by its name")
    if lacking:
        raise HwbenchError(
            f"{label}: say which way is better for {', '.join(lacking[:12])}: "
            f"--direction {lacking[0]}=minimize (or maximize)"
        )
    return directions


def _guess_direction(name: str) -> str | None:
    folded = name.lower()
    larger = any(word in folded for word in LARGER_IS_BETTER)
    smaller = any(word in folded for word in SMALLER_IS_BETTER)
    if larger == smaller:
        return None
    return "maximize" if larger else "minimize"
