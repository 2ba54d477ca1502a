"""Text files of rows: CSV of any common separator, packed or not, in UTF-8 or UTF-16."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import itertools
import lzma
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, TextIO, cast

import numpy as np
import pandas as pd
import pyarrow as pa

from hwbench.errors import HwbenchError
from hwbench.regular_files import open_regular
from hwbench.tables.own import rows as limits
from hwbench.tables.own.headers import LOOKED_AT, find_header, is_empty
from hwbench.tables.own.rows import IsArchitecture, Rows, check_claims

PACKED = (".gz", ".bz2", ".xz", ".zst", ".zstd")
_SEPARATORS = "\t;,|"
_QUOTED = re.compile(r'"[^"]*"')
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_HINT = ": one inside a number or an architecture needs quotes around it"
_SAMPLED = 50  # lines from which the separator is told
_UNPACK_ERRORS = (EOFError, lzma.LZMAError, pa.ArrowException)


def read_text(path: Path, is_architecture: IsArchitecture, header_line: int | None) -> Rows:
    """The rows of a text file.

    Raises
    ------
    HwbenchError
        Where it is no text, no proper CSV, too large, or holds no row below its names.
    """
    try:
        with open_text(path) as file:
            sample = _first_lines(path, file)
        separator = _separator(sample, is_architecture)
        with open_text(path) as file:
            return _parse(path, file, separator, is_architecture, header_line)
    except UnicodeError as error:
        reason = getattr(error, "reason", None) or str(error)
        encoding = getattr(error, "encoding", "utf-8")
        raise HwbenchError(
            f"{path}: is no {encoding.upper()} text ({reason}); save it as UTF-8"
        ) from error
    except csv.Error as error:
        raise HwbenchError(f"{path}: is no proper CSV ({error})") from error
    except _UNPACK_ERRORS as error:
        raise HwbenchError(f"{path}: cannot be unpacked ({str(error)[:100]})") from error
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror or error})") from error


def open_text(path: Path) -> TextIO:
    """A text file, its line ends as they are: only so do line numbers hold beside quoted ones.

    gzip, bzip2, xz and Zstandard are told by the name; UTF-16 by its first bytes.
    """
    file = open_bytes(path)
    try:
        start = file.peek(4)[:4] if isinstance(file, io.BufferedReader) else b""
    except BaseException:
        file.close()
        raise
    return io.TextIOWrapper(file, encoding=_encoding(start), newline="")


def _encoding(start: bytes) -> str:
    if start.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(start) == 4 and start[1::2] == b"\0\0" and start[0] and start[2]:
        return "utf-16-le"
    if len(start) == 4 and start[::2] == b"\0\0" and start[1] and start[3]:
        return "utf-16-be"
    return "utf-8-sig"


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked where its name says that it is packed."""
    file = open_regular(path, most_bytes=limits.MOST_BYTES)
    suffix = path.suffix.lower()
    if suffix not in PACKED:
        return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, file)))
    unpack: Callable[[BinaryIO, str], object]
    unpack = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}.get(  # type: ignore[assignment]
        suffix, _open_zstandard
    )
    unpacked: object = unpack(file, "rb")
    return cast(BinaryIO, io.BufferedReader(_Bounded(path, unpacked, file)))


def _open_zstandard(file: BinaryIO, _mode: str) -> pa.CompressedInputStream:
    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


class _Bounded(io.RawIOBase):
    """Unpacked bytes, no more than are read of a plain file."""

    def __init__(self, path: Path, source: object, file: BinaryIO) -> None:
        self._path = path
        self._source = source
        self._file = file
        self._left = limits.MOST_BYTES

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        try:
            self._source.close()  # type: ignore[attr-defined]
        finally:
            self._file.close()
            super().close()

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        found: bytes = self._source.read(len(view))  # type: ignore[attr-defined]
        self._left -= len(found)
        if self._left < 0:
            raise HwbenchError(
                f"{self._path}: holds more than the {limits.MOST_BYTES:,} bytes that are read"
            )
        view[: len(found)] = found
        return len(found)


# ---------------------------------------------------------------------- separators


def _first_lines(path: Path, file: TextIO) -> list[str]:
    found = []
    for _, line in text_lines(path, file):
        if line.strip() and not line.lstrip().startswith("#"):
            found.append(line.rstrip("\r\n"))
        if len(found) == _SAMPLED:
            break
    return found


def _separator(sample: list[str], is_architecture: IsArchitecture) -> str:
    """The separator that stands equally often in most lines, quoted texts left out.

    A file of bare architectures is one column, whatever these hold.
    """
    if sample and (match := _SEPARATOR_LINE.fullmatch(sample[0].strip())):
        return match[1]
    if any(is_architecture(line) for line in (sample[:1] + sample[-1:])):
        return "\t"
    lines = [_QUOTED.sub("", line) for line in sample]
    best, best_score = ",", (0, 0)
    for separator in _SEPARATORS:
        counts = Counter(line.count(separator) for line in lines)
        counts.pop(0, None)
        if counts and separator != "|":
            score = (max(counts.values()), -_SEPARATORS.index(separator))
            best, best_score = max((best_score, best), (score, separator))[::-1]
    if best_score == (0, 0):
        words = {len(line.split()) for line in lines}
        return " " if len(words) == 1 and max(words) > 1 else best
    return best


# ---------------------------------------------------------------------- rows


def _parse(
    path: Path,
    file: TextIO,
    separator: str,
    is_architecture: IsArchitecture,
    header_line: int | None,
) -> Rows:
    comments: list[str] = []
    stream = _rows_of_text(path, file, separator, comments)
    start = list(itertools.islice(stream, LOOKED_AT))
    if (
        start
        and len(start[0][1]) <= 2
        and _SEPARATOR_LINE.fullmatch(separator.join(start[0][1]).strip())
    ):
        start = start[1:]
    for _, cells in start:
        check_claims(str(path), 1, len(cells))
    header = find_header(
        start,
        str(path),
        is_architecture,
        line=header_line,
        comments=[_cells_of_comment(line, separator) for line in comments],
    )
    notes = list(header.notes)
    if comments:
        one = len(comments) == 1
        notes.append(
            f"{len(comments)} line{'' if one else 's'} that begin{'s' if one else ''} with # "
            f"{'is' if one else 'are'} passed over"
        )
    body = itertools.chain(start[header.first :], stream)
    frame, numbers, faults = _gathered(path, header.names, separator, body)
    return Rows(
        frame, numbers, str(path), faults, tuple(notes), dict(header.units), separator=separator
    )


def _gathered(
    path: Path, names: list[str], separator: str, body: Iterable[tuple[int, list[str]]]
) -> tuple[pd.DataFrame, np.ndarray, dict[int, str]]:
    rows: list[list[str]] = []
    numbers: list[int] = []
    faults: dict[int, str] = {}
    width = len(names)
    for line, row in body:
        if len(row) > width and all(is_empty(cell) for cell in row[width:]):
            row = row[:width]
        if len(row) != width:
            faults[len(rows)] = (
                f"has {len(row)} cells, the header {width} (separator {separator!r}"
                f"{_HINT if separator == ',' and len(row) > width else ''})"
            )
            if len(faults) > limits.MOST_FAULTS:
                raise HwbenchError(
                    f"{path}: more than {limits.MOST_FAULTS:,} rows have other numbers of cells "
                    f"than the header (separator {separator!r})"
                )
            row = (row + [""] * width)[:width]
        rows.append(row)
        numbers.append(line)
        check_claims(str(path), len(rows), width)
    if not rows:
        raise HwbenchError(f"{path}: needs a line of column names and rows below it")
    frame = pd.DataFrame(rows, dtype=object)
    frame.columns = pd.Index(names, dtype=object)
    return frame, np.array(numbers, dtype=np.int64), faults


def text_lines(path: Path, file: TextIO) -> Iterator[tuple[int, str]]:
    """The lines of a text file, each with its number, from 1.

    Raises
    ------
    HwbenchError
        Where there are too many, one is too long, or one holds NUL bytes.
    """
    for number in itertools.count(1):
        text = file.readline(limits.MOST_ROW_LETTERS)
        if not text:
            return
        if len(text) >= limits.MOST_ROW_LETTERS:
            raise HwbenchError(
                f"{path}: line {number} holds more than the {limits.MOST_ROW_LETTERS:,} characters "
                "that are read"
            )
        if number > limits.MOST_CELLS:
            raise HwbenchError(
                f"{path}: holds more than the {limits.MOST_CELLS:,} lines that are read"
            )
        if "\0" in text:
            raise HwbenchError(f"{path}: line {number} holds NUL bytes; it is no text")
        yield number, text


def _rows_of_text(
    path: Path, file: TextIO, separator: str, comments: list[str]
) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line on which it begins; comments are put aside."""
    first, n_letters, inside = 1, 0, False  # of the row at hand

    def lines() -> Iterator[str]:
        nonlocal n_letters, inside
        for _, text in text_lines(path, file):
            if not inside and text.lstrip().startswith("#"):
                if len(comments) < LOOKED_AT:
                    comments.append(text.strip())
                yield "\n"  # so that lines are counted
                continue
            inside = True
            n_letters += len(text)
            if n_letters >= limits.MOST_ROW_LETTERS:
                raise HwbenchError(
                    f"{path}: the row of line {first} holds more than the "
                    f"{limits.MOST_ROW_LETTERS:,} characters that are read"
                )
            yield text

    reader = csv.reader(
        lines(), delimiter=separator, strict=True, skipinitialspace=separator == " "
    )
    for row in reader:
        if any(cell.strip() for cell in row):
            yield first, row
        first, n_letters, inside = reader.line_num + 1, 0, False


def _cells_of_comment(line: str, separator: str) -> list[str]:
    text = line.lstrip("#").strip()
    cells = text.split(separator)
    return [cell.strip() for cell in (cells if len(cells) > 1 else text.split())]
