"""Reads damaged files until the time is over: whatever they hold, they are read or refused.

A program: the name of a reader, a folder of honest files (the seeds), seconds, and a number that
all draws follow from. What ends it lies in `failing` in that folder, with why in `why`.
"""

import gzip
import io
import resource
import signal
import sys
import time
import traceback
import zipfile
from pathlib import Path

import numpy as np
from readers import GIBIBYTE, READERS, mapped

from hwbench.errors import HwbenchError

SECONDS_EACH = 10  # of a processor, for one file
PIECES = [
    b"\x00", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\x80" * 9,
    b"9" * 25, b"9" * 5000, b"-1", b"1e999", b"nan", b"NaN", b"Infinity", b"null", b"true", b"0x",
    b'"', b"'", b'"""', b"\\", b"\\u0000", b"\\ud800", b"[", b"]", b"{", b"}", b"[" * 300, b"(",
    b"(" * 2000, b".", b",", b";", b"\t", b"\n", b"\r\n", b"=", b":", b"#", b"a.b.c", b"a" * 3000,
    b"\x80\x04", b"PK\x03\x04", b"PK\x01\x02", b"PAR1", b"\x1f\x8b", b"\xef\xbb\xbf", b"\xc3\x28",
    "\u2028\u202e\x1b[31m".encode(),
]  # fmt: skip


class Hang(BaseException):
    """A file took too long."""


def ring(_signal, _frame):
    raise Hang


def inner(content, draw, others):
    """Damage inside of what is packed, so that the damage is not all that is found."""
    if content[:2] == b"\x1f\x8b":
        return gzip.compress(damaged(gzip.decompress(content), draw, others), 1)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(member, archive.read(member)) for member in archive.infolist()]
    chosen = int(draw.integers(len(members)))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for place, (member, each) in enumerate(members):
            found = damaged(each, draw, []) if place == chosen else each
            archive.writestr(member, found, compress_type=member.compress_type)
    return file.getvalue()


def damaged(content, draw, others):
    """A file with some damage."""
    if content[:2] in (b"\x1f\x8b", b"PK") and draw.random() < 0.7:
        return inner(content, draw, others)
    content = bytearray(content)
    for _ in range(int(draw.integers(1, 6))):
        # Most of the damage is near an end, where formats keep what they say of themselves.
        size = len(content)
        near = int(draw.integers(min(size, 300) + 1))
        place = (int(draw.integers(size + 1)), near, size - near, near)[int(draw.integers(4))]
        length = int(draw.integers(1, 40))
        start = int(draw.integers(size + 1))
        how = int(draw.integers(8))
        if how == 0 and place < size:
            content[place] ^= 1 << int(draw.integers(8))
        elif how == 1 and place < size:
            content[place] = int(draw.integers(256))
        elif how == 2:
            content[place:place] = PIECES[int(draw.integers(len(PIECES)))]
        elif how == 3:
            piece = PIECES[int(draw.integers(len(PIECES)))]
            content[place : place + len(piece)] = piece
        elif how == 4:
            del content[place : place + length]
        elif how == 5:
            content[place:place] = content[start : start + length] * int(draw.integers(1, 4))
        elif how == 6 and others:
            other = others[int(draw.integers(len(others)))]
            content[place : place + length] = other[start : start + length]
        elif how == 7 and draw.random() < 0.3:
            del content[place:]
    return bytes(content)


def fuzz(name, folder, seconds, seed):
    """Read damaged files; True where each was read or refused in one line."""
    seeds = {path: path.read_bytes() for path in sorted(folder.glob("seed*"))}
    draw = np.random.default_rng(seed)
    read = READERS[name]
    for path in seeds:
        read(path)  # they are honest
    signal.signal(signal.SIGPROF, ring)
    most = mapped()[0] + 2 * GIBIBYTE
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    counts = {"read": 0, "refused": 0}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        chosen = list(seeds)[int(draw.integers(len(seeds)))]
        path = folder / f"failing{chosen.suffix}"
        content = damaged(seeds[chosen], draw, list(seeds.values()))
        path.write_bytes(content)
        signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)
        try:
            read(path)
            counts["read"] += 1
        except HwbenchError as error:
            if not str(error).isprintable():
                raise AssertionError(f"a message of several lines: {error!r}") from error
            counts["refused"] += 1
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        if path.with_name(f"{path.name}-folder").exists():
            for each in sorted(path.with_name(f"{path.name}-folder").rglob("*"), reverse=True):
                each.unlink() if not each.is_dir() else each.rmdir()
    return counts


def main():
    """Fuzz one reader."""
    name, folder, seconds, seed = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    try:
        counts = fuzz(name, folder, seconds, int(seed))
    except BaseException:
        (folder / "why").write_text(traceback.format_exc())
        raise
    sys.stdout.write(f"{counts}\n")


if __name__ == "__main__":
    main()
