"""HW-NAS-Bench: ten hardware metrics of all NAS-Bench-201 cells, and its FBNet half.

The cells' half is read from the authors' pickle or from a re-export of three CSV files, and joined
with the accuracies of NAS-Bench-201 where their files are given too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.formats import load_pickle
from hwbench.progress import Progress, silent
from hwbench.spaces import get_space
from hwbench.spaces.edge_cell import EDGES
from hwbench.spaces.nasbench201.codes import from_naslib
from hwbench.tables.card import ColumnCard
from hwbench.tables.converters.common import (
    find_duplicate,
    listed_files,
    make_table,
    parse_archs,
    read_csv,
)
from hwbench.tables.converters.nasbench201 import DATASETS, is_accuracy_file, read_accuracies
from hwbench.tables.table import Table

# Unit and title of each metric. The published study minimises all of them.
METRICS = {
    "edgegpu_latency": ("ms", "latency on an edge GPU, Jetson TX2"),
    "edgegpu_energy": ("mJ", "energy on an edge GPU, Jetson TX2"),
    "raspi4_latency": ("ms", "latency on a Raspberry Pi 4"),
    "edgetpu_latency": ("ms", "latency on an Edge TPU"),
    "pixel3_latency": ("ms", "latency on a Pixel 3"),
    "eyeriss_latency": ("ms", "latency on the accelerator Eyeriss, estimated"),
    "eyeriss_energy": ("mJ", "energy on the accelerator Eyeriss, estimated"),
    "eyeriss_arithmetic_intensity": (
        "ops/byte",
        "arithmetic intensity on the accelerator Eyeriss, estimated; minimised in studies",
    ),
    "fpga_latency": ("ms", "latency on an FPGA, estimated"),
    "fpga_energy": ("mJ", "energy on an FPGA, estimated"),
}
NOT_MEASURED = -1.0  # stands in the files for cells that a device could not run
CLASSES = {"cifar10": (32, 10), "cifar100": (32, 100), "ImageNet16-120": (16, 120)}

PICKLES = (".pickle", ".pkl")
_CSV = re.compile(r"hw_(cifar10|cifar100|ImageNet16-120)\.csv")
_EXPECTED = "HW-NAS-Bench-v1_0.pickle, hw_DATASET.csv, or files of NAS-Bench-201 for the accuracies"


def convert_hw_nas_bench(paths: Sequence[Path], *, progress: Progress = silent) -> Table:
    """Make the table of HW-NAS-Bench's NAS-Bench-201 half.

    Parameters
    ----------
    paths : `HW-NAS-Bench-v1_0.pickle`, or `hw_cifar10.csv`, `hw_cifar100.csv` and
        `hw_ImageNet16-120.csv`, or folders of them; with files of NAS-Bench-201 in any format that
        `convert_nasbench201` reads, their accuracies are joined.
    progress : called with (steps done, steps in all).

    Returns
    -------
    Columns such as `cifar100.edgegpu_energy` and `cifar100.test_accuracy`, and parameters and
    FLOPs of each dataset's network by formula. Cells that a metric lacks are missing.

    Raises
    ------
    HwbenchError
        Where no file holds hardware metrics, or one is not of the published form.
    """
    files = listed_files(paths, _is_known, expected=_EXPECTED)
    accuracy_files = [file for file in files if is_accuracy_file(file)]
    hardware_files = [file for file in files if file not in accuracy_files]
    if not hardware_files:
        raise HwbenchError(f"hw-nas-bench: no file holds hardware metrics; expected {_EXPECTED}")
    steps = len(hardware_files) + 2
    progress(0, steps)
    parts: list[pd.DataFrame] = []
    for done, path in enumerate(hardware_files, start=1):
        parts += _read_hardware(path)
        progress(done, steps)
    frame = pd.concat(parts, axis=1).sort_index()
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise HwbenchError(f"hw-nas-bench: two of the files hold the metric {twice[0]}")
    cards = {name: _card(name) for name in frame}
    note = "Without accuracies: no file of NAS-Bench-201 was given."
    if accuracy_files:
        accuracies, accuracy_cards = read_accuracies(accuracy_files)
        frame = frame.join(accuracies, how="left")
        cards.update(accuracy_cards)
        note = "Accuracies are those of NAS-Bench-201."
    progress(steps - 1, steps)
    space = get_space("nasbench201")
    archs = space.architectures_at(frame.index.to_numpy())
    counts, count_cards = _counts(archs)
    frame = pd.concat([frame, counts.set_index(frame.index)], axis=1)
    columns = {**cards, **count_cards}
    ordered = {
        name: columns[name] for dataset in DATASETS for name in columns if _of(name, dataset)
    }
    table = make_table("hw-nas-bench", archs, frame, ordered, files=files, note=note)
    progress(steps, steps)
    return table


def _is_known(path: Path) -> bool:
    return bool(_CSV.fullmatch(path.name)) or path.suffix in PICKLES or is_accuracy_file(path)


def _of(column: str, dataset: str) -> bool:
    return column.startswith(f"{dataset}.")


def _read_hardware(path: Path) -> list[pd.DataFrame]:
    """Frames of metrics indexed by places in the space's order."""
    match = _CSV.fullmatch(path.name)
    return [_read_reexport(path, match[1])] if match else _read_pickle(path)


# ---------------------------------------------------------------------- the re-export


def _read_reexport(path: Path, dataset: str) -> pd.DataFrame:
    frame = read_csv(path, {"net": "text", **dict.fromkeys(METRICS, "number")})
    space = get_space("nasbench201")
    archs = _naslib_archs(path, frame.pop("net").tolist())
    indices = space.indices_of(archs)
    row = find_duplicate(indices)
    if row is not None:
        raise HwbenchError(f"{path}: row {row}: {space.to_string(archs[row])} stands twice")
    frame = frame.apply(lambda column: measured(path, column.name, column.to_numpy()))
    return frame.add_prefix(f"{dataset}.").set_index(indices)


def _naslib_archs(path: Path, texts: list[str]) -> IntArray:
    rows = []
    for number, text in enumerate(texts):
        try:
            row = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            row = None
        valid = isinstance(row, tuple) and len(row) == len(EDGES)
        if not valid or not all(type(op) is int and 0 <= op <= 4 for op in row):
            raise HwbenchError(
                f"{path}: row {number}: net {text!r} must be {len(EDGES)} numbers 0 .. 4"
            )
        rows.append(row)
    return from_naslib(rows)


# ---------------------------------------------------------------------- the authors' pickle


def load_half(path: Path, half: str) -> Mapping[Any, Any]:
    """One half of the authors' pickle, "nasbench201" or "fbnet".

    Raises
    ------
    HwbenchError
        Where the file is no such pickle.
    """
    content = load_pickle(path)
    if not isinstance(content, dict) or not isinstance(content.get(half), dict):
        raise HwbenchError(f"{path}: expected a dictionary with the key '{half}'")
    found: dict[Any, Any] = content[half]
    return found


def _read_pickle(path: Path) -> list[pd.DataFrame]:
    half = load_half(path, "nasbench201")
    frames = []
    for dataset in DATASETS:
        metrics = half.get(dataset)
        if not isinstance(metrics, dict) or not {"config", *METRICS} <= metrics.keys():
            wanted = ", ".join(["config", *METRICS])
            raise HwbenchError(f"{path}: nasbench201, {dataset} must hold {wanted}")
        try:
            strings = [config["arch_str"] for config in metrics["config"]]
        except (TypeError, KeyError) as error:
            raise HwbenchError(
                f"{path}: every config of {dataset} must hold an arch_str"
            ) from error
        space = get_space("nasbench201")
        indices = space.indices_of(parse_archs(space, strings, path))
        columns = {
            f"{dataset}.{metric}": _values(path, f"{dataset} {metric}", metrics[metric])
            for metric in METRICS
        }
        for name, values in columns.items():
            if len(values) != len(indices):
                raise HwbenchError(
                    f"{path}: {name} has {len(values)} values for {len(indices)} architectures"
                )
        frames.append(pd.DataFrame(columns, index=indices))
    return frames


def _values(path: Path, what: str, values: Any) -> NDArray[np.float64]:
    try:
        numbers = np.array([np.nan if value is None else float(value) for value in values])
    except (TypeError, ValueError) as error:
        raise HwbenchError(f"{path}: {what} holds something that is no number") from error
    return measured(path, what, numbers)


def measured(path: Path, what: Any, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers with the mark of what was not measured taken for missing.

    Raises
    ------
    HwbenchError
        Where a number is neither positive nor that mark.
    """
    values = np.where(numbers == NOT_MEASURED, np.nan, numbers)
    wrong = np.flatnonzero((values <= 0) | np.isinf(values))
    if len(wrong):
        row = int(wrong[0])
        raise HwbenchError(f"{path}: row {row}: {what} is {values[row]}, which no metric can be")
    return values


# ---------------------------------------------------------------------- columns


def _card(column: str) -> ColumnCard:
    dataset, _, metric = column.partition(".")
    unit, title = METRICS[metric]
    return ColumnCard(
        title=title,
        unit=unit,
        direction="minimize",
        dataset=dataset,
        device=metric.partition("_")[0],
        source="HW-NAS-Bench v1.0; missing where the file holds -1, not measured",
    )


def _counts(archs: IntArray) -> tuple[pd.DataFrame, dict[str, ColumnCard]]:
    space = get_space("nasbench201")
    values: dict[str, IntArray] = {}
    cards: dict[str, ColumnCard] = {}
    for dataset, (size, classes) in CLASSES.items():
        skeleton = {"input_size": size, "classes": classes}
        for name, title, count in (
            ("parameters", "trainable parameters", space.parameters),
            ("flops", "multiply-adds of one image", space.flops),
        ):
            values[f"{dataset}.{name}"] = count(archs, **skeleton)
            cards[f"{dataset}.{name}"] = ColumnCard(
                title=title,
                unit="1",
                direction="minimize",
                dataset=dataset,
                source=f"formula, {classes} classes, images of {size}x{size} pixels",
            )
    return pd.DataFrame(values), cards
