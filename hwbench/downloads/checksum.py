"""Whether a copy of a public file is the file that the catalogue means."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hwbench.downloads.source_file import SourceFile
from hwbench.errors import HwbenchError
from hwbench.files import write_text

CHUNK_BYTES = 1 << 20


class Digest:
    """The checksum of a file's bytes as they come.

    Parameters
    ----------
    kind : "sha256", "git_blob_sha1" or "md5".
    length : of the whole file in bytes; git's checksum begins with it.
    """

    def __init__(self, kind: str, length: int) -> None:
        if kind == "sha256":
            self._hash = hashlib.sha256()
        elif kind == "md5":
            self._hash = hashlib.md5(usedforsecurity=False)
        else:
            self._hash = hashlib.sha1(f"blob {length}\0".encode(), usedforsecurity=False)

    def update(self, data: bytes) -> None:
        """Add the next bytes."""
        self._hash.update(data)

    def update_from(self, path: Path) -> None:
        """Add all bytes of a file."""
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                self._hash.update(chunk)

    def hexdigest(self) -> str:
        """The checksum so far in hexadecimal digits."""
        return self._hash.hexdigest()


def file_fault(path: Path, file: SourceFile) -> str | None:
    """What is wrong with a copy of a file, or None where length and checksum are right.

    Where the catalogue knows no checksum, the one recorded at the download is held against the
    copy, if there is one.

    Parameters
    ----------
    path : of the copy.
    file : what the catalogue says of it.

    Raises
    ------
    HwbenchError
        Where the copy is there but cannot be read.
    """
    try:
        length = path.stat().st_size
        if file.bytes not in (None, length):
            return f"has {length} bytes, expected {file.bytes}"
        expected = file.checksum or _recorded(path)
        if expected is None:
            return None
        digest = Digest(file.checksum_kind, length)
        digest.update_from(path)
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist"
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror})") from error
    found = digest.hexdigest()
    if found == expected:
        return None
    return f"has {file.checksum_kind} {found}, expected {expected} ({length} bytes)"


def record_sha256(path: Path, sha256: str) -> None:
    """Keep the checksum of a download beside it, in the form that `sha256sum --check` reads."""
    write_text(_record_of(path), f"{sha256}  {path.name}\n")


def _recorded(path: Path) -> str | None:
    try:
        return _record_of(path).read_text(encoding="utf-8").split()[0]
    except (FileNotFoundError, IndexError):
        return None


def _record_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
