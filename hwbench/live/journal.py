"""How far a selection is that changes the supernet, so that a stop costs no more than a round."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwbench.errors import HwbenchError
from hwbench.tensor_files import read_tensors, write_tensors


class Journal:
    """A file that is written after each round and read by the session that goes on.

    Parameters
    ----------
    path : of the file; None keeps nothing.
    key : of what the selection is and of the code that it runs by; what was written under another
        key is not gone on with, the selection begins again.
    """

    def __init__(self, path: Path | None, key: str = "") -> None:
        self.path = path
        self.key = key

    def read(self) -> dict[str, Any] | None:
        """What was written last, None where nothing was."""
        if self.path is None or not self.path.exists():
            return None
        try:
            state = read_tensors(self.path)
        except HwbenchError:  # cut off by a power failure
            return None
        return state if state.get("key") == self.key else None

    def write(self, state: Mapping[str, Any]) -> None:
        """Keep tensors, numbers, texts and containers of them."""
        if self.path is not None:
            write_tensors(self.path, {**state, "key": self.key})

    def remove(self) -> None:
        """Remove the file: the selection has ended."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


NO_JOURNAL = Journal(None)
