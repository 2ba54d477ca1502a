"""Measurements and trainings of a table that go on: what their journal holds so far."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hwbench.pages.blocks import Block, Cell, Column, DataTable, Facts, Notice, Row, Text
from hwbench.pages.plotting import Figure, base_layout, plain_numbers
from hwbench.regular_files import open_regular

MOST_BYTES = 1 << 26
MOST_SHOWN = 12
MOST_FAILURES = 200

WORDS = {"ms": "time (ms)", "mj": "energy (mJ)", "accuracy": "accuracy (%)"}
"""What numbers of a result are, by their name in journals; others are called by that."""

PLACES = ("round", "row", "batch_size", "index", "seed")
"""What tells results apart, and is no result."""


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
    # What failed may have been tried again: the last result of a place counts.
    found = {_place(record): record for line in lines[1:] if (record := _object(line))}
    records = list(found.values())
    blocks: list[Block] = []
    if not records:
        blocks.append(Text("No result has come yet."))
    blocks += _failures([record for record in records if "failure" in record], len(records))
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


def _place(record: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(record.get(name)) for name in PLACES)


def _failures(failed: list[dict[str, Any]], total: int) -> list[Block]:
    """How many results failed, and each with its reason."""
    if not failed:
        return []
    names = [name for name in PLACES[:-2] if any(name in each for each in failed)]
    shown = failed[-MOST_FAILURES:]
    rows = tuple(
        Row(
            _short(each["failure"]),
            tuple(Cell(str(each.get(name, "")), _number(each.get(name))) for name in names),
        )
        for each in shown
    )
    columns = (
        Column("reason", "reason", numeric=False),
        *(Column(name.replace("_", " "), name) for name in names),
    )
    note = f"The last {len(shown):,}." if len(shown) < len(failed) else ""
    return [
        Notice(f"{len(failed):,} of {total:,} results failed."),
        DataTable("failures", "What failed, and why", columns, rows, note=note),
    ]


def _numbers(records: list[dict[str, Any]]) -> list[str]:
    """Names of what is a number, or a list of numbers, in most records."""
    records = [record for record in records if "failure" not in record]
    names = dict.fromkeys(name for record in records[:50] for name in record)
    kept = [
        name
        for name in names
        if name not in PLACES
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
    title = WORDS.get(name, name.replace("_", " "))
    data = {
        "type": "scatter",
        "mode": "markers",
        "x": list(range(1, len(values) + 1)),
        "y": plain_numbers(values),
        "marker": {"color": "$c0", "size": 5},
    }
    return Figure(
        f"now-{name}",
        title,
        f"Scatter plot of {title} in the order of the results",
        [data],
        base_layout("result", title),
        height=240,
    )


def _short(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, Mapping | list) else str(value)
    return text if len(text) <= 300 else f"{text[:297]}..."
