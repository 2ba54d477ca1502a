"""Opening the files of others: regular ones alone, of a bounded size, whatever stands at a path.

A pipe waits for someone who writes, a device has no end. Whatever reads a file opens it here, or,
where a library opens by name, asks here first.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from hwbench.errors import HwbenchError

# A pipe is opened at once, and found to be none. Not all systems have these flags.
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))


def open_regular(path: Path, *, most_bytes: int | None = None) -> BinaryIO:
    """Open a file for reading, in binary.

    Parameters
    ----------
    path : the file.
    most_bytes : the largest size; any by default.

    Raises
    ------
    HwbenchError
        Where there is no such file, it is no regular one or too large, or it cannot be opened.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError as error:
        raise HwbenchError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if _is_special(path):
            raise HwbenchError(f"{path}: cannot be read, it is no regular file") from error
        reason = getattr(error, "strerror", None) or error
        raise HwbenchError(f"{path}: cannot be read ({reason})") from error
    about = os.fstat(descriptor)
    reason = ""
    if not stat.S_ISREG(about.st_mode):
        reason = "cannot be read, it is no regular file"
    elif most_bytes is not None and about.st_size > most_bytes:
        reason = f"{about.st_size:,} bytes are more than the {most_bytes:,} that are read"
    if reason:
        os.close(descriptor)
        raise HwbenchError(f"{path}: {reason}")
    return os.fdopen(descriptor, "rb")


def check_regular(path: Path, *, most_bytes: int | None = None) -> None:
    """See that a library may open a file by its name; parameters and errors as `open_regular`."""
    open_regular(path, most_bytes=most_bytes).close()


def read_regular(path: Path, *, most_bytes: int) -> bytes:
    """All bytes of a file; parameters and errors as `open_regular`."""
    with open_regular(path, most_bytes=most_bytes) as file:
        try:
            return file.read()
        except OSError as error:
            raise HwbenchError(f"{path}: cannot be read ({error.strerror})") from error


def _is_special(path: Path) -> bool:
    """Whether what cannot be opened is there, and neither a file nor a folder: a socket."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
