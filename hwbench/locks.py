"""One writer at a time of what a command writes: a run folder, or a file that grows."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from hwbench.errors import HwbenchError, one_line
from hwbench.files import flocked
from hwbench.regular_files import open_regular

LOCK = ".lock"
ATTEMPTS = 100
_MOST_TOLD = 2000


@dataclass(frozen=True)
class Claim:
    """What this process alone writes now.

    Attributes
    ----------
    target : the folder or file.
    path : of the file that is locked in its place.
    file : that file, open.
    """

    target: Path
    path: Path
    file: IO[bytes] = field(repr=False)

    @property
    def stands(self) -> bool:
        """Whether what was claimed is still where it was."""
        try:
            there = self.path.stat()
        except OSError:
            return False
        own = os.fstat(self.file.fileno())
        return (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)

    def check(self) -> None:
        """See that what is written still goes where it went before.

        Raises
        ------
        HwbenchError
            Where the folder was removed, renamed or replaced meanwhile.
        """
        if not self.stands:
            raise HwbenchError(
                f"{self.target}: was removed or replaced while it was written; what had been "
                "written there is gone with it, run the command again"
            )


_claims: ContextVar[dict[Path, Claim]] = ContextVar("claims")
"""What the calls that this one is inside of have claimed, by resolved path."""


@contextlib.contextmanager
def only_writer(target: Path, *, folder: bool = True) -> Iterator[Claim]:
    """Keep all others, other threads of this process included, from writing a folder or a file.

    What is called inside may claim the same again.

    Parameters
    ----------
    target : the folder, made if missing and removed again if nothing comes of it, or the file.
    folder : whether it is a folder.

    Raises
    ------
    HwbenchError
        Where another process or thread writes it (the message says which), or it cannot be written.
    """
    claims = _claims.get({})
    resolved = target.resolve()
    if resolved in claims:
        yield claims[resolved]
        return
    path = target / LOCK if folder else target.parent / f".{target.name}{LOCK}"
    made = _make_folders(path.parent)
    try:
        claim = _claim(target, path)
    except BaseException:
        _remove_empty(made)
        raise
    token = _claims.set({**claims, resolved: claim})
    try:
        yield claim
    finally:
        _claims.reset(token)
        with claim.file:  # which is closed, and so unlocked, once its name is gone
            if claim.stands:
                with contextlib.suppress(OSError):
                    path.unlink()
        _remove_empty(made)


def _claim(target: Path, path: Path) -> Claim:
    """Lock a file that is still there once it is locked: who has it removes it before he leaves."""
    for _ in range(ATTEMPTS):
        try:
            file = path.open("a+b", buffering=0)
        except OSError as error:
            raise HwbenchError(f"{target}: cannot be written ({error.strerror})") from error
        if not flocked(file):
            told = _holder(file)
            file.close()
            raise HwbenchError(f"{target}: another process is writing it{told}; wait for it")
        claim = Claim(target, path, file)
        if claim.stands:
            _tell_holder(file)
            return claim
        file.close()
    raise HwbenchError(f"{target}: another process is writing it; wait for it")


def _tell_holder(file: IO[bytes]) -> None:
    command = one_line(" ".join([Path(sys.argv[0]).name, *sys.argv[1:]]), 200)
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    with contextlib.suppress(OSError):  # on a full disk the lock holds all the same
        file.truncate(0)
        told = {"process": os.getpid(), "since": now, "command": command}
        file.write(json.dumps(told).encode())


@dataclass(frozen=True)
class Holder:
    """A process of this machine that writes a folder or file now.

    Attributes
    ----------
    process : its number.
    command : its command line, as it told it.
    """

    process: int
    command: str


def holder_of(path: Path) -> Holder | None:
    """Who holds a lock now, without asking for it, which could keep somebody else from it.

    Parameters
    ----------
    path : the file that is locked, such as `LOCK` in a folder.

    Returns
    -------
    None where nobody does: a process that was killed leaves its file, and what a file says counts
    only where the process that it names has that very file open.
    """
    try:
        with open_regular(path, most_bytes=_MOST_TOLD) as file:
            told = json.loads(file.read())
        process, command = int(told["process"]), f"{told['command']:.200}"
    except (HwbenchError, OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return Holder(process, command) if _has_open(process, path) else None


def is_locked(path: Path) -> bool:
    """Whether a process of this machine has locked a file, as the system's list of locks says.

    False on systems that have no such list.
    """
    try:
        about = path.stat()
        held = Path("/proc/locks").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    place = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}:{about.st_ino}"
    return any(place in line.split() for line in held.splitlines())


def _has_open(process: int, path: Path) -> bool:
    import psutil

    try:
        opened = psutil.Process(process).open_files()
    except (psutil.Error, OSError, ValueError, OverflowError):
        return False
    return str(path.resolve()) in {each.path for each in opened}


def _holder(file: IO[bytes]) -> str:
    """Who has a lock, in words; "" where that cannot be read."""
    try:
        file.seek(0)
        told: dict[str, Any] = json.loads(file.read(_MOST_TOLD))
        return (
            f" (process {int(told['process'])} since {told['since']:.25}: {told['command']:.200})"
        )
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder; those made, the innermost first."""
    try:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HwbenchError(f"{folder}: cannot be written ({error.strerror})") from error
    return missing


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
