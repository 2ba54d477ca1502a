"""What a download keeps on disk while it is under way: its bytes, where they are from, a lock."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.toml import FrozenModel


class Origin(FrozenModel):
    """Where a partial file is from.

    Attributes
    ----------
    url : its address.
    validator : by which the server knows the same content again: a strong ETag or a date.
    length : of the whole file, if the server said so.
    """

    url: str = ""
    validator: str | None = None
    length: int | None = None


class Partial:
    """What has arrived of a file, in `<target>.part`, and a note of where it is from.

    Parameters
    ----------
    target : where the file is to be.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")

    def size(self) -> int:
        """Number of bytes that have arrived."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def origin(self) -> Origin:
        """Where they are from; without a note, from nowhere."""
        try:
            return Origin.model_validate_json(self._note.read_bytes())
        except (OSError, ValueError):
            return Origin()

    def begin(self, origin: Origin) -> None:
        """Drop what has arrived, and make ready for another origin."""
        self.path.unlink(missing_ok=True)  # first: bytes must never stand under another's note
        write_text(self._note, origin.model_dump_json())
        self.path.touch()

    def discard(self) -> None:
        """Drop what has arrived."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def move_to(self, target: Path) -> None:
        """Give the bytes another name in one step."""
        self.path.replace(target)
        self._note.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(target: Path) -> Iterator[None]:
    """Let one process after the other work on a file, where the system can.

    Raises
    ------
    HwbenchError
        Where the folder cannot be made or written.
    """
    path = target.with_name(f".{target.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = _lock(path)
    except OSError as error:
        raise HwbenchError(f"{target}: cannot be written ({error.strerror})") from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # while it is held: who waits for it sees that it is gone
        os.close(handle)


def _lock(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        except (ImportError, OSError):
            return handle  # no locks here: the checksum still finds what two processes mix up
        try:
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except FileNotFoundError:
            pass
        os.close(handle)  # its holder removed it while this process waited
