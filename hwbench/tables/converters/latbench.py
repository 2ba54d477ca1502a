"""LatBench: latencies of NAS-Bench-201 cells, one pickle a device (CHOE 739-745)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.formats import load_pickle
from hwbench.progress import Progress, silent
from hwbench.spaces import get_space
from hwbench.tables.card import ColumnCard
from hwbench.tables.converters.common import listed_files, make_table
from hwbench.tables.table import Table

_FILES = (".pkl", ".pickle")
_EXPECTED = "the devices' pickles, such as desktop-cpu-core-i7-7820x-fp32.pkl"


def convert_latbench(paths: Sequence[Path], *, progress: Progress = silent) -> Table:
    """Make the table of LatBench: a column a device.

    Parameters
    ----------
    paths : the devices' pickles, such as `desktop-cpu-core-i7-7820x-fp32.pkl`, or folders of them.
        Each is a dictionary from the six operation indices of a cell to its latency in seconds;
        the name of the file is that of the device.
    progress : called with (files done, files in all).

    Returns
    -------
    A row a cell that any of the files holds, latencies in ms; a device's missing cells are missing.

    Raises
    ------
    HwbenchError
        Where there is no such file, or one is not of this form.
    """
    files = listed_files(paths, lambda path: path.suffix in _FILES, expected=_EXPECTED)
    space = get_space("nasbench201")
    latencies: dict[str, pd.Series] = {}
    cards: dict[str, ColumnCard] = {}
    progress(0, len(files))
    for done, path in enumerate(files, start=1):
        device = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower())
        name = f"{device}.latency"
        if name in cards:
            raise HwbenchError(f"{path}: a second file for the device {device}")
        archs, seconds = _read(path)
        latencies[name] = pd.Series(seconds * 1000, index=space.indices_of(archs))
        cards[name] = ColumnCard(
            title=f"latency on {device}",
            unit="ms",
            direction="minimize",
            dataset="cifar10",
            device=device,
            source=f"LatBench, {path.name}, seconds times 1000",
        )
        progress(done, len(files))
    metrics = pd.DataFrame(latencies).sort_index()
    archs = space.architectures_at(metrics.index.to_numpy())
    return make_table("latbench", archs, metrics, cards, files=files)


def _read(path: Path) -> tuple[IntArray, np.ndarray]:
    content = load_pickle(path)
    if not isinstance(content, dict) or not content:
        raise HwbenchError(f"{path}: expected a dictionary from operation indices to seconds")
    space = get_space("nasbench201")
    seconds = np.array([_latency(path, key, value) for key, value in content.items()])
    for key in content:
        if not isinstance(key, tuple) or len(key) != space.n_positions:
            raise HwbenchError(f"{path}: key {key!r} must be {space.n_positions} operation indices")
        if not all(isinstance(each, int | np.integer) for each in key):
            raise HwbenchError(f"{path}: key {key!r}: operation indices must be integers")
    try:
        return space.check(np.array(list(content))), seconds
    except HwbenchError as error:
        raise HwbenchError(f"{path}: {error}") from error


def _latency(path: Path, key: Any, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
        raise HwbenchError(f"{path}: the latency of {key!r} is no number: {value!r}")
    return float(value)
