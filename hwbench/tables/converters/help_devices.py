"""What the two halves of HELP share: a torch file a device, a list of latencies by place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.arrays import Floats
from hwbench.errors import HwbenchError
from hwbench.formats import load_torch
from hwbench.progress import Progress
from hwbench.tables.card import ColumnCard
from hwbench.tables.converters.common import listed_files

OTHERS = ("metainfo.pt", "hardware_embedding_index.pt", "help_max_corr.pt")
"""What HELP's folders hold besides, and is no device."""


def split_files(paths: Sequence[Path], first: str, benchmark: str) -> tuple[Path, list[Path]]:
    """The file that says what stands where, and the devices' files.

    Parameters
    ----------
    paths : files and folders of them.
    first : the name of the former.
    benchmark : its name, for messages.

    Raises
    ------
    HwbenchError
        Where there is not one of the former, or none of the latter.
    """
    expected = f"{first} and the devices' files, such as latency/samsung_a50.pt"
    files = listed_files(
        paths, lambda path: path.suffix == ".pt" and path.name not in OTHERS, expected=expected
    )
    of_places = [path for path in files if path.name == first]
    of_devices = [path for path in files if path.name != first]
    if len(of_places) != 1 or not of_devices:
        raise HwbenchError(
            f"{benchmark}: {len(of_places)} files of the name {first} and {len(of_devices)} others "
            f"are given; expected {expected}"
        )
    return of_places[0], of_devices


def read_devices(
    files: Sequence[Path], n_archs: int, source: str, progress: Progress
) -> tuple[pd.DataFrame, dict[str, ColumnCard]]:
    """The latencies of each device.

    Parameters
    ----------
    files : a file a device; its name is that of the device, with the batch size behind it where one
        is.
    n_archs : latencies that each holds.
    source : the folder that they were published in, for the columns' cards.
    progress : called with (files done, files in all).

    Returns
    -------
    A column "DEVICE.latency" of milliseconds a device, n_archs rows in the files' order; the
    columns' cards.

    Raises
    ------
    HwbenchError
        Where a file is not of this form, or two are of one device.
    """
    latencies: dict[str, Floats] = {}
    cards: dict[str, ColumnCard] = {}
    progress(0, len(files))
    for done, path in enumerate(files, start=1):
        device = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower().replace("_", "-"))
        name = f"{device}.latency"
        if name in cards:
            raise HwbenchError(f"{path}: a second file for the device {device}")
        latencies[name] = _read_latencies(path, n_archs)
        cards[name] = ColumnCard(
            title=f"latency on {device}",
            unit="ms",
            direction="minimize",
            device=device,
            source=f"HELP, {source}/{path.name}",
        )
        progress(done, len(files))
    return pd.DataFrame(latencies), cards


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
