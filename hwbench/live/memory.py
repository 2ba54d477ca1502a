"""What architectures came to with the weights of a trained supernet, kept in the run folder.

Rankings and selections of one supernet ask for the same architectures; each is evaluated once, and
what was stopped goes on with the architecture it stopped at.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.results.frames import read_frame, write_frame

if TYPE_CHECKING:
    from torch import nn

EVERY = 10.0
"""Seconds between two writings of what has been found."""

_KEY, _NAME, _PART = "key", "architecture", "part"


class Memory:
    """A Parquet file of evaluations, for one supernet, data and calibration.

    Parameters
    ----------
    path : of the file.
    key : of what the evaluations depend on, see `memory_key`; a file of another key is replaced.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.key = key
        self._rows: dict[tuple[str, str], Mapping[str, float]] = {}
        self._changed = False
        self._written = time.monotonic()
        self._load()

    def read(self, architecture: str, part: str) -> Mapping[str, float] | None:
        """What an architecture came to, None where it is not known.

        Parameters
        ----------
        architecture : what tells its pass from others, see `Supernet.passes_of`.
        part : of the images.
        """
        return self._rows.get((architecture, part))

    def keep(self, architecture: str, part: str, found: Mapping[str, float]) -> None:
        """Keep what an architecture came to; now and then all of it is written."""
        self._rows[architecture, part] = found
        self._changed = True
        if time.monotonic() - self._written > EVERY:
            self.write()

    def write(self) -> None:
        """Write what is new, if anything is."""
        if not self._changed:
            return
        rows = [
            {_KEY: self.key, _NAME: name, _PART: part, **found}
            for (name, part), found in self._rows.items()
        ]
        write_frame(self.path, pd.DataFrame(rows))
        self._changed = False
        self._written = time.monotonic()

    def _load(self) -> None:
        if not self.path.exists():
            return
        try:
            frame = read_frame(self.path, {})
        except HwbenchError:  # cut off by a power failure: it is found again
            return
        if (
            frame is None
            or not {_KEY, _NAME, _PART} <= set(frame)
            or set(frame[_KEY]) != {self.key}
        ):
            return
        names, parts = frame[_NAME], frame[_PART]
        numbers = frame.drop(columns=[_KEY, _NAME, _PART]).to_dict("records")
        for name, part, found in zip(names, parts, numbers, strict=True):
            self._rows[str(name), str(part)] = {str(each): float(v) for each, v in found.items()}


def memory_key(network: nn.Module, *others: Any) -> str:
    """A hash of a network's weights and buffers, and of what else evaluations depend on.

    Parameters
    ----------
    network : the supernet.
    *others : whose `repr` says all of them, such as a seed and a calibration.
    """
    digest = hashlib.sha256(repr(others).encode())
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]
