"""Where a command writes: the options that say so, and a look at the place before the work."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from hwbench.errors import HwbenchError

FILE, FOLDER = "FILE", "FOLDER"
KINDS = (FILE, FOLDER)
"""What the help calls what is written."""
HTML = (".html", ".htm")
FRAME = (".csv", ".parquet")
"""How names of pages, and of files of rows, end."""


def output_file(help_text: str, *, suffixes: Sequence[str] = (), name: str | None = None) -> Any:
    """The option `-o` of a command that writes one file.

    Parameters
    ----------
    help_text : what is written, and what is by default.
    suffixes : what its name must end in one of; anything where there is none.
    name : of the option where it is no `-o`, as the file is one beside the result.
    """

    def check(context: typer.Context, path: Path | None) -> Path | None:
        return path if path is None or context.resilient_parsing else usable_file(path, suffixes)

    names = ("--output", "-o") if name is None else (name,)
    return typer.Option(*names, metavar=FILE, callback=check, help=help_text)


def output_folder(help_text: str) -> Any:
    """The option `-o` of a command that writes a folder."""
    return typer.Option("--output", "-o", metavar=FOLDER, callback=checked_folder, help=help_text)


def checked_folder(context: typer.Context, path: Path | None) -> Path | None:
    """The callback of any option that names a folder to write into."""
    return path if path is None or context.resilient_parsing else usable_folder(path)


def usable_file(path: Path, suffixes: Sequence[str] = ()) -> Path:
    """The path, where a file can be written there.

    Raises
    ------
    HwbenchError
        Where it is a folder or a device, its name ends otherwise, or nothing can be written there.
    """
    if suffixes and path.suffix not in suffixes:
        raise HwbenchError(f"{path}: the name must end in {' or '.join(suffixes)}")
    mode = _mode(path)
    if mode is not None and stat.S_ISDIR(mode):
        name = f"{path.resolve().name or 'out'}{suffixes[0] if suffixes else ''}"
        raise HwbenchError(f"{path}: is a folder; name a file, such as -o {path / name}")
    if mode is not None and not stat.S_ISREG(mode):
        raise HwbenchError(f"{path}: is no regular file; name another one with -o")
    _try_to_write(path, path.parent)
    return path


def usable_folder(path: Path) -> Path:
    """The path, where a folder is or can be made that can be written to.

    Raises
    ------
    HwbenchError
        Where it is a file, or nothing can be written there.
    """
    mode = _mode(path)
    if mode is not None and not stat.S_ISDIR(mode):
        raise HwbenchError(f"{path}: is a file; name a folder with -o")
    _try_to_write(path, path)
    return path


def _mode(path: Path) -> int | None:
    """The kind of what a path leads to; None where there is nothing."""
    try:
        str(path).encode("utf-8")
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be written ({error.strerror})") from error
    except ValueError as error:
        raise HwbenchError(
            f"{path}: is no name in UTF-8 that a file can have; choose another one"
        ) from error


def _try_to_write(path: Path, folder: Path) -> None:
    """Make a file, and remove it, in the nearest folder above that is there."""
    for place in (folder, *folder.parents):
        mode = _mode(place)
        if mode is None:
            continue
        if not stat.S_ISDIR(mode):
            raise HwbenchError(f"{path}: cannot be written ({place} is a file, no folder)")
        try:
            with tempfile.TemporaryFile(dir=place):
                return
        except OSError as error:
            raise HwbenchError(f"{path}: cannot be written ({error.strerror})") from error
