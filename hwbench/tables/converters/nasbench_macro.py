"""NAS-Bench-Macro: one JSON file of three trainings of every network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.formats import load_json
from hwbench.progress import Progress, silent
from hwbench.spaces import get_space
from hwbench.tables.card import ColumnCard
from hwbench.tables.converters.common import listed_files, make_table, parse_archs
from hwbench.tables.table import Table

TRAININGS = 3
_EXPECTED = "nas-bench-macro_cifar10.json"
_KEYS = ("test_acc", "mean_acc", "std", "params", "flops")


def convert_nasbench_macro(paths: Sequence[Path], *, progress: Progress = silent) -> Table:
    """Make the table of NAS-Bench-Macro.

    Parameters
    ----------
    paths : `nas-bench-macro_cifar10.json`, or a folder that holds it.
    progress : called with (steps done, steps in all).

    Raises
    ------
    HwbenchError
        Where the file is absent, or an entry is not of the published form.
    """
    files = listed_files(paths, lambda path: path.suffix == ".json", expected=_EXPECTED)
    if len(files) != 1:
        raise HwbenchError(f"nasbench-macro: give one file, {_EXPECTED}, not {len(files)}")
    (path,) = files
    progress(0, 2)
    content = load_json(path)
    if not isinstance(content, dict) or not content:
        raise HwbenchError(f"{path}: expected an object with an entry for each architecture")
    archs = parse_archs(get_space("nasbench_macro"), list(content), path)
    rows = [_row(path, arch, entry) for arch, entry in content.items()]
    progress(1, 2)
    table = make_table("nasbench-macro", archs, pd.DataFrame(rows), _cards(), files=files)
    progress(2, 2)
    return table


def _row(path: Path, arch: str, entry: Any) -> dict[str, float]:
    place = f"{path}: entry {arch!r}"
    if not isinstance(entry, dict) or not set(_KEYS) <= entry.keys():
        raise HwbenchError(f"{place} must hold {', '.join(_KEYS)}")
    trainings = entry["test_acc"]
    if not isinstance(trainings, list) or len(trainings) != TRAININGS:
        raise HwbenchError(f"{place}: test_acc must be a list of {TRAININGS} numbers")
    values = [*trainings, *(entry[key] for key in _KEYS[1:])]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        raise HwbenchError(f"{place} holds something that is no number")
    names = [f"test_accuracy_{i}" for i in range(1, TRAININGS + 1)]
    return {
        "test_accuracy": entry["mean_acc"],
        **dict(zip(names, trainings, strict=True)),
        "test_accuracy_deviation": entry["std"],
        "parameters": entry["params"],
        "flops": entry["flops"],
    }


def _cards() -> dict[str, ColumnCard]:
    shared: dict[str, Any] = {"unit": "%", "dataset": "cifar10", "split": "test"}
    source = "NAS-Bench-Macro, 50 epochs"
    cards = {
        "test_accuracy": ColumnCard(
            title="test accuracy, mean of three trainings",
            direction="maximize",
            source=source,
            **shared,
        )
    }
    for i in range(1, TRAININGS + 1):
        cards[f"test_accuracy_{i}"] = ColumnCard(
            title=f"test accuracy of training {i}", direction="maximize", source=source, **shared
        )
    cards["test_accuracy_deviation"] = ColumnCard(
        title="standard deviation of the three test accuracies",
        direction="minimize",
        source=source,
        **shared,
    )
    for name, title in (("parameters", "parameters"), ("flops", "multiply-adds of one image")):
        cards[name] = ColumnCard(
            title=title, unit="1", direction="minimize", dataset="cifar10", source="NAS-Bench-Macro"
        )
    return cards
