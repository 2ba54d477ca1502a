"""HELP: latencies of NAS-Bench-201 cells on ten devices, one torch file a device."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.formats import load_torch
from hwbench.progress import Progress, silent
from hwbench.spaces import get_space
from hwbench.tables.card import ColumnCard
from hwbench.tables.converters.common import listed_files, make_table, parse_archs
from hwbench.tables.table import Table

PLACES = "str_arch2idx.pt"
"""The file that says at which place of the others a cell stands."""

_EXPECTED = f"{PLACES} and the devices' files, such as samsung_a50.pt"


def convert_help_nasbench201(paths: Sequence[Path], *, progress: Progress = silent) -> Table:
    """Make the table of HELP's half on NAS-Bench-201: a column a device.

    Parameters
    ----------
    paths : `str_arch2idx.pt`, a dictionary from a cell's string to its place, and the devices'
        files, such as `samsung_a50.pt`, each a list of latencies in ms by place; or folders of
        them. The name of a file is that of the device, with the batch size behind it where one is.
    progress : called with (files done, files in all).

    Returns
    -------
    A row a cell, latencies in ms.

    Raises
    ------
    HwbenchError
        Where there is no such file, or one is not of this form.
    """
    files = listed_files(paths, lambda path: path.suffix == ".pt", expected=_EXPECTED)
    of_places = [path for path in files if path.name == PLACES]
    of_devices = [path for path in files if path.name != PLACES]
    if len(of_places) != 1 or not of_devices:
        raise HwbenchError(
            f"help-nasbench201: {len(of_places)} files of the name {PLACES} and "
            f"{len(of_devices)} others are given; expected {_EXPECTED}"
        )
    archs, places = _read_places(of_places[0])
    latencies: dict[str, Floats] = {}
    cards: dict[str, ColumnCard] = {}
    progress(0, len(of_devices))
    for done, path in enumerate(of_devices, start=1):
        device = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower().replace("_", "-"))
        name = f"{device}.latency"
        if name in cards:
            raise HwbenchError(f"{path}: a second file for the device {device}")
        latencies[name] = _read_latencies(path, len(places))[places]
        cards[name] = ColumnCard(
            title=f"latency on {device}",
            unit="ms",
            direction="minimize",
            device=device,
            source=f"HELP, data/nasbench201/latency/{path.name}",
        )
        progress(done, len(of_devices))
    return make_table("help-nasbench201", archs, pd.DataFrame(latencies), cards, files=files)


def _read_places(path: Path) -> tuple[IntArray, IntArray]:
    """Cells, int64 (n_archs, n_positions), and the place of each, a permutation (n_archs,)."""
    content = load_torch(path)
    if not isinstance(content, dict) or not content:
        raise HwbenchError(f"{path}: expected a dictionary from cells' strings to places")
    for string, place in content.items():
        if not isinstance(string, str) or isinstance(place, bool) or not isinstance(place, int):
            raise HwbenchError(f"{path}: {string!r}: {place!r} is no string with a place")
    places = np.array([min(max(each, -1), len(content)) for each in content.values()])
    if not np.array_equal(np.sort(places), np.arange(len(content))):
        raise HwbenchError(f"{path}: the places of {len(content)} cells are not 0 to their number")
    return parse_archs(get_space("nasbench201"), list(content), path), places


def _read_latencies(path: Path, n_archs: int) -> Floats:
    """Latencies in ms by place, float64 (n_archs,)."""
    content = load_torch(path)
    if not isinstance(content, list) or len(content) != n_archs:
        held = f"{len(content)} in a list" if isinstance(content, list) else type(content).__name__
        raise HwbenchError(f"{path}: expected {n_archs} latencies in a list, found {held}")
    return np.array([_latency(path, place, value) for place, value in enumerate(content)])


def _latency(path: Path, place: int, value: Any) -> float:
    number = isinstance(value, int | float | np.floating | np.integer)
    if isinstance(value, bool) or not number or not 0 < value < np.inf:
        raise HwbenchError(f"{path}: the latency at place {place} is no time: {str(value)[:40]!r}")
    return float(value)
