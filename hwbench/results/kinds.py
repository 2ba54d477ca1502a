"""Of what kind a run folder is: the file that each kind begins with, and no folder has two."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hwbench.errors import HwbenchError
from hwbench.results.names import COMPRESS, CONFIG, SCENARIO, SWEEP

KINDS = {
    SCENARIO: "the results of a scenario",
    CONFIG: "a live search",
    SWEEP: "a sweep of live searches",
    COMPRESS: "a comparison of compressed networks",
}
"""What a folder is of, by the file that says so."""


def refuse_other_kind(folder: Path, own: str) -> None:
    """See that a folder is of no other kind, whose results would no longer be seen in it.

    Parameters
    ----------
    folder : that is to be written.
    own : the key in `KINDS` of what is to be in it.

    Raises
    ------
    HwbenchError
        Where it is of another kind.
    """
    for name, what in KINDS.items():
        if name != own and (folder / name).exists():
            raise HwbenchError(f"{folder}: holds {what}; choose another folder with -o")


@contextmanager
def taken_back(path: Path, *, new: bool) -> Iterator[None]:
    """In which what is refused leaves no claim on a folder: the corrected run may begin there.

    Parameters
    ----------
    path : of the file that claims the folder.
    new : whether it was written just now.
    """
    try:
        yield
    except HwbenchError:
        if new:
            path.unlink(missing_ok=True)
        raise
