"""Which files may be read: those of run folders that lie, with all they hold, in `--runs`."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from hwbench.errors import HwbenchError

MOST_ENTRIES = 50_000
"""Files that a folder may hold before it is taken for something else than a run."""

MOST_NAME = 500


class OutsideError(HwbenchError):
    """A name, or a link, that leads out of the folder of runs."""


def inside(runs: Path, name: str) -> Path:
    """What goes by a name in the folder of runs.

    Parameters
    ----------
    runs : the folder of runs.
    name : of a file or folder there, with slashes; "." is the folder itself.

    Raises
    ------
    OutsideError
        Where it leads elsewhere: by "..", as an absolute path, or by a link.
    HwbenchError
        Where there is no such thing.
    """
    parts = PurePosixPath(name).parts
    strange = not name or len(name) > MOST_NAME or "\0" in name or "\\" in name
    if strange or ".." in parts or PurePosixPath(name).is_absolute():
        raise OutsideError(f"{name}: is no name of a run in {runs}")
    path = runs / name
    try:
        there = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise HwbenchError(f"{name}: no such run in {runs}") from error
    if not there.is_relative_to(runs.resolve()):
        raise OutsideError(f"{name}: leads out of {runs}")
    return path


def check_contained(folder: Path, runs: Path) -> None:
    """See that nothing in a run folder leads out of the folder of runs.

    Raises
    ------
    OutsideError
        Naming the link that does.
    HwbenchError
        Where the folder holds more than a run does.
    """
    root = runs.resolve()
    seen = 0
    for place, folders, files in os.walk(folder):
        seen += len(folders) + len(files)
        if seen > MOST_ENTRIES:
            raise HwbenchError(f"{folder.name}: more than {MOST_ENTRIES:,} files are no run")
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise OutsideError(
                    f"{folder.name}: {path.relative_to(folder)} is a link that leads out of {runs}"
                )
