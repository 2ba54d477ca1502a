"""HELP's half on NAS-Bench-201: latencies of all of its cells, one torch file a device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.formats import load_torch
from hwbench.progress import Progress, silent
from hwbench.spaces import get_space
from hwbench.tables.converters.common import make_table, parse_archs
from hwbench.tables.converters.help_devices import read_devices, split_files
from hwbench.tables.table import Table

NAME = "help-nasbench201"
PLACES = "str_arch2idx.pt"
"""The file that says at which place of the others a cell stands."""


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
    of_places, of_devices = split_files(paths, PLACES, NAME)
    archs, places = _read_places(of_places)
    latencies, cards = read_devices(of_devices, len(places), "data/nasbench201/latency", progress)
    by_cell = latencies.iloc[places].reset_index(drop=True)
    return make_table(NAME, archs, by_cell, cards, files=[of_places, *of_devices])


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
