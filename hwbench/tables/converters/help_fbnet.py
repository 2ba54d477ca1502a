"""HELP's half on FBNet's space: latencies of 5,000 networks, one torch file a device."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.formats import load_torch
from hwbench.progress import Progress, silent
from hwbench.spaces import Space, get_space
from hwbench.tables.converters.common import find_duplicate, make_table
from hwbench.tables.converters.help_devices import read_devices, split_files
from hwbench.tables.table import Table

NAME = "help-fbnet"
NETWORKS = "arch.pt"
"""The file that says which networks the latencies of the others are of."""


def convert_help_fbnet(paths: Sequence[Path], *, progress: Progress = silent) -> Table:
    """Make the table of HELP's half on FBNet's space: a column a device.

    Parameters
    ----------
    paths : `arch.pt`, a list of networks, each a list of 22 indices of operations, and the devices'
        files, such as `raspi4.pt`, each a list of latencies in ms in that order; or folders of
        them. The name of a file is that of the device, with the batch size behind it where one is.
    progress : called with (files done, files in all).

    Returns
    -------
    A row a network, latencies in ms of networks for CIFAR-100, in the file's order.

    Raises
    ------
    HwbenchError
        Where there is no such file, or one is not of this form.
    """
    of_networks, of_devices = split_files(paths, NETWORKS, NAME)
    archs = _read_networks(of_networks, get_space("fbnet"))
    latencies, cards = read_devices(of_devices, len(archs), "data/fbnet/latency", progress)
    return make_table(NAME, archs, latencies, cards, files=[of_networks, *of_devices])


def _read_networks(path: Path, space: Space) -> IntArray:
    """The networks, int64 (n_archs, 22)."""
    content = load_torch(path)
    if not isinstance(content, list) or not content:
        raise HwbenchError(f"{path}: expected a list of networks, each a list of 22 indices")
    for place, row in enumerate(content):
        if not isinstance(row, list) or not all(type(index) is int for index in row):
            raise HwbenchError(f"{path}: the network at place {place} is no list of whole numbers")
    try:
        archs = space.check(content)
    except (HwbenchError, OverflowError) as error:
        raise HwbenchError(f"{path}: {error}") from error
    twice = find_duplicate(space.keys_of(archs))
    if twice is not None:
        raise HwbenchError(f"{path}: the network at place {twice} stands twice")
    return archs
