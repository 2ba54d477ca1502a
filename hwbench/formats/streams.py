"""Files as bounded streams of bytes: plain, gzip or bzip2, never more than a limit."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from hwbench.errors import HwbenchError
from hwbench.formats.messages import shown
from hwbench.regular_files import open_regular

CHUNK = 1 << 20
PACKED_FLOOR = 1 << 24  # a packed file may always hold so many bytes,
PACKED_RATIO = 32  # and so many for each of its own: the published ones hold up to four
PADDING = 9  # a byte code and its longest operand of fixed size
GZIP_MAGIC = b"\x1f\x8b"
BZIP2_MAGIC = b"BZh"


def unpacked_limit(packed: int) -> int:
    """The most bytes that are unpacked of a file with so many bytes."""
    return PACKED_FLOOR + PACKED_RATIO * packed


class Readable(Protocol):
    """What a stream is fed from."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""
        ...


class ByteStream:
    """Bytes read in chunks, with a cap on their sum.

    A parser that is in a hurry works on `buffer` itself, below `safe`, and stores where it stopped
    in `position`; any other uses `take` and `take_line`.

    Parameters
    ----------
    raw : where the bytes come from.
    name : the file's name, for messages.
    max_bytes : the largest sum of bytes.
    size : how many bytes there are, where that is certain (a plain file, not a claim in a header).
    packed : how many bytes the file has of which these are unpacked, if any.

    Attributes
    ----------
    buffer : the chunk at hand; after the last byte of the stream it holds `PADDING` zeros.
    position : the next byte's place in `buffer`.
    end : the number of true bytes in `buffer`.
    safe : below this place, a byte code and its operand of fixed size lie whole in `buffer`.
    """

    def __init__(
        self,
        raw: Readable,
        name: str,
        *,
        max_bytes: int,
        size: int | None = None,
        packed: int | None = None,
    ) -> None:
        self.name = name
        self.buffer = b""
        self.position = self.end = self.safe = 0
        self._raw = raw
        self._allowed = max_bytes
        self._max_bytes = max_bytes if packed is None else min(max_bytes, unpacked_limit(packed))
        self._size = size
        self._start = 0  # the offset of buffer[0] in the stream
        self._exhausted = False
        if size is not None and size > max_bytes:
            raise self._too_large()

    def _too_large(self) -> HwbenchError:
        if self._max_bytes < self._allowed:
            return HwbenchError(
                f"{self.name}: holds more than {self._max_bytes:,} bytes once unpacked, too many "
                "for a file of its size"
            )
        return HwbenchError(
            f"{self.name}: holds more than {self._max_bytes:,} bytes once unpacked; "
            "raise max_bytes if a file of this size is expected"
        )

    def tell(self) -> int:
        """The offset of the next byte in the (unpacked) stream."""
        return self._start + self.position

    def error(self, problem: str) -> HwbenchError:
        """Build the error for a problem at the next byte."""
        return HwbenchError(f"{self.name}: byte {self.tell():,}: {problem}")

    def truncated(self) -> HwbenchError:
        """Build the error for a stream that ends too early."""
        return self.error("the file ends too early; it is damaged or was not fetched whole")

    def _read(self, n_bytes: int) -> bytes:
        try:
            return self._raw.read(n_bytes)
        except Exception as error:  # each library that unpacks has errors of its own
            raise self.error(f"cannot be unpacked ({shown(str(error))})") from error

    def refill(self) -> bool:
        """Drop what was read and get one more chunk; False where there is none."""
        if self._exhausted:
            return False
        chunk = self._read(CHUNK)
        self.buffer = self.buffer[self.position : self.end] + chunk
        self._start += self.position
        self.position = 0
        self.end = len(self.buffer)
        if self._start + self.end > self._max_bytes:
            raise self._too_large()
        if not chunk:
            self._exhausted = True
            self.buffer += bytes(PADDING)
            self.safe = self.end
        else:
            self.safe = max(0, self.end - PADDING)
        return bool(chunk)

    def check_claim(self, n_bytes: int) -> None:
        """Refuse a length that the rest of the stream cannot hold.

        Raises
        ------
        HwbenchError
            Where fewer than `n_bytes` bytes can follow.
        """
        limit = self._max_bytes if self._size is None else min(self._size, self._max_bytes)
        if not 0 <= n_bytes <= limit - self.tell():
            raise self.error(
                f"claims {n_bytes:,} bytes, more than the file can hold; it is damaged"
            )

    def take(self, n_bytes: int) -> bytes:
        """Return exactly the next `n_bytes` bytes.

        Raises
        ------
        HwbenchError
            Where the stream holds fewer; nothing is allocated for a false claim.
        """
        stop = self.position + n_bytes
        if n_bytes >= 0 and stop <= self.end:
            found = self.buffer[self.position : stop]
            self.position = stop
            return found
        self.check_claim(n_bytes)
        pieces = []
        while True:
            stop = min(self.end, self.position + n_bytes)
            pieces.append(self.buffer[self.position : stop])
            n_bytes -= stop - self.position
            self.position = stop
            if n_bytes == 0:
                return b"".join(pieces)
            if not self.refill():
                raise self.truncated()

    def take_line(self, limit: int) -> bytes:
        """Return the bytes before the next newline, which is passed over.

        Raises
        ------
        HwbenchError
            Where the line is longer than `limit` or the stream ends first.
        """
        while True:
            stop = self.buffer.find(b"\n", self.position, self.end)
            if (self.end if stop < 0 else stop) - self.position > limit:
                raise self.error(f"a line of more than {limit:,} bytes; the file is damaged")
            if stop >= 0:
                line = self.buffer[self.position : stop]
                self.position = stop + 1
                return line
            if not self.refill():
                raise self.truncated()

    def take_all(self) -> bytes:
        """Return all that is left."""
        pieces = [self.take(self.end - self.position)]
        while self.refill():
            pieces.append(self.take(self.end))
        return b"".join(pieces)

    def drain(self) -> None:
        """Read a packed file to its end, where it holds the checksum of what was read.

        Raises
        ------
        HwbenchError
            Where the checksum is wrong.
        """
        while self._size is None and self.refill():
            self.position = self.end


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file for reading and tell its size in bytes; errors as `open_regular`."""
    with open_regular(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        yield file, size


@contextlib.contextmanager
def open_stream(source: Path | bytes, *, max_bytes: int) -> Iterator[ByteStream]:
    """Open a file, or bytes at hand, as a stream; gzip and bzip2 are known by their first bytes.

    Raises
    ------
    HwbenchError
        Where the file cannot be read or holds more than `max_bytes` once unpacked.
    """
    with contextlib.ExitStack() as stack:
        if isinstance(source, bytes):
            name, size = "the bytes given", len(source)
            file: BinaryIO = io.BytesIO(source)
        else:
            name = str(source)
            file, size = stack.enter_context(open_file(source))
        magic = file.read(3)
        file.seek(0)
        if magic.startswith(GZIP_MAGIC):
            packed: Readable = stack.enter_context(gzip.GzipFile(fileobj=file, mode="rb"))
        elif magic.startswith(BZIP2_MAGIC):
            packed = stack.enter_context(bz2.BZ2File(file, "rb"))
        else:
            yield ByteStream(file, name, max_bytes=max_bytes, size=size)
            return
        yield ByteStream(packed, name, max_bytes=max_bytes, packed=size)
