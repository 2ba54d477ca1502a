"""Measurements and trainings of a table that go on: what their journal holds so far."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hwbench.pages.blocks import Block, Facts, Text
from hwbench.pages.plotting import Figure, base_layout, plain_numbers
from hwbench.regular_files import open_regular

MOST_BYTES = 1 << 26
MOST_SHOWN = 12


def journal_blocks(path: Path) -> list[Block]:
    """Recipe and results of a journal, in the order in which they came.

    Raises
    ------
    HwbenchError
        Where the file cannot be read.
    """
    with open_regular(path, most_bytes=MOST_BYTES) as file:
        lines = file.read().splitlines()
    recipe = _object(lines[0]).get("recipe") if lines else {}
    records = [record for line in lines[1:] if (record := _object(line))]
    blocks: list[Block] = []
    if not records:
        blocks.append(Text("Nothing has been measured yet."))
    blocks += [
        _figure(name, [_number(record.get(name)) for record in records])
        for name in _numbers(records)
    ]
    facts = {str(key): _short(value) for key, value in dict(recipe or {}).items()}
    return [*blocks, Facts("Recipe", facts)]


def _object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):  # torn by a stop
        return {}
    return found if isinstance(found, dict) else {}


def _numbers(records: list[dict[str, Any]]) -> list[str]:
    """Names of what is a number, or a list of numbers, in most records."""
    names = dict.fromkeys(name for record in records[:50] for name in record)
    kept = [
        name
        for name in names
        if name != "index"
        and 2 * sum(np.isfinite(_number(record.get(name))) for record in records) > len(records)
    ]
    return kept[:MOST_SHOWN]


def _number(value: Any) -> float:
    if isinstance(value, bool):
        return float("nan")
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list) and value and all(isinstance(each, int | float) for each in value):
        return float(np.median(value))
    return float("nan")


def _figure(name: str, values: list[float]) -> Figure:
    data = {
        "type": "scatter",
        "mode": "markers",
        "x": list(range(1, len(values) + 1)),
        "y": plain_numbers(values),
        "marker": {"color": "$c0", "size": 5},
    }
    return Figure(
        f"now-{name}",
        name.replace("_", " "),
        f"Scatter plot of {name} in the order of the results",
        [data],
        base_layout("result", name.replace("_", " ")),
        height=240,
    )


def _short(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, Mapping | list) else str(value)
    return text if len(text) <= 300 else f"{text[:297]}..."
