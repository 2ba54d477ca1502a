"""What a Parquet file says of its sizes: in its footer, and in a header before each page.

Both are structs of Thrift's compact protocol. Nothing compares the two: memory is given to a page
as its own header says, and pyarrow ends the process where it is asked for a part of a damaged
footer. So both are read here, as far as they name sizes, before pyarrow reads anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hwbench.errors import HwbenchError

FIRST_HEADER_BYTES = 1 << 10
MOST_HEADER_BYTES = 1 << 24
MOST_DEPTH = 16
MOST_PAGES = 1_000_000

# Types of the compact protocol: of fields, and of what is in lists.
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_INTEGERS = (4, 5, 6)

# Fields that are looked at, by their numbers: integers, lists of structs, structs.
_INTEGER = None
_COLUMN = {5: _INTEGER, 6: _INTEGER, 7: _INTEGER, 9: _INTEGER, 11: _INTEGER}
_ROW_GROUP = {1: [{3: _COLUMN}], 2: _INTEGER, 3: _INTEGER}
_FOOTER = {3: _INTEGER, 4: [_ROW_GROUP]}
_HEADER = {2: _INTEGER, 3: _INTEGER}

ReadAt = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Chunk:
    """A column of a row group.

    Attributes
    ----------
    n_values : that it has.
    unpacked, packed : bytes of its pages.
    start : offset of the first page.
    """

    n_values: int
    unpacked: int
    packed: int
    start: int


@dataclass(frozen=True)
class RowGroup:
    """Rows that stand together.

    Attributes
    ----------
    n_rows, unpacked : that it has, and bytes of its pages.
    chunks : one a column, in their order.
    """

    n_rows: int
    unpacked: int
    chunks: tuple[Chunk, ...]


def row_groups(footer: bytes) -> list[RowGroup]:
    """What a footer says of the row groups.

    Raises
    ------
    HwbenchError
        Where the footer is damaged.
    """
    try:
        found = _Compact(footer).struct(_FOOTER)
        return [_row_group(each) for each in found.get(4, [])]
    except (IndexError, KeyError) as error:
        raise HwbenchError("the footer is damaged") from error


def _row_group(found: Mapping[int, Any]) -> RowGroup:
    chunks = []
    for column in (each[3] for each in found[1]):
        start = column[9]
        if 0 < column.get(11, 0) < start:  # a dictionary stands before
            start = column[11]
        chunks.append(Chunk(column[5], column[6], column[7], start))
    return RowGroup(found[3], found[2], tuple(chunks))


def unpacked_bytes(read_at: ReadAt, chunk: Chunk) -> int:
    """The sum of what the pages of a chunk unpack to, as their headers say.

    Parameters
    ----------
    read_at : gives up to so many bytes of the file from an offset on.
    chunk : what the footer says of it.

    Raises
    ------
    HwbenchError
        Where a header is damaged.
    """
    if chunk.n_values == 0:
        return 0  # no page is read of such a chunk, and its offsets may lead anywhere
    position, stop = chunk.start, chunk.start + chunk.packed
    total = 0
    for _ in range(MOST_PAGES):
        if position >= stop:
            return total
        unpacked, packed, length = _page(read_at, position)
        total += unpacked
        position += length + packed
    raise HwbenchError(f"a column of more than {MOST_PAGES:,} pages")


def _page(read_at: ReadAt, position: int) -> tuple[int, int, int]:
    """Unpacked and packed bytes of a page, and those of its header."""
    n_bytes = FIRST_HEADER_BYTES
    while True:
        buffer = read_at(n_bytes, position)
        header = _Compact(buffer)
        try:
            found = header.struct(_HEADER)
            return found[2], found[3], header.position
        except KeyError:
            raise HwbenchError("the header of a page is damaged") from None
        except IndexError:
            if len(buffer) < n_bytes or n_bytes >= MOST_HEADER_BYTES:
                raise HwbenchError("the header of a page is cut off") from None
        n_bytes *= 16


class _Compact:
    """Reads structs; IndexError where they are cut off.

    Attributes
    ----------
    position : the next byte's place.
    """

    def __init__(self, buffer: bytes) -> None:
        self._buffer = buffer
        self.position = 0

    def struct(self, wanted: Mapping[int, Any], depth: int = 0) -> dict[int, Any]:
        """The wanted fields by their numbers; each is a number from 0, a list or a dictionary."""
        if depth > MOST_DEPTH:
            raise HwbenchError("what the file says of itself is nested too deeply")
        found: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != 0:
            kind = head & 15
            number = number + (head >> 4) if head >> 4 else self._integer()
            if number not in wanted:
                self._pass(kind, depth)
            elif number in found:
                raise _damaged()
            else:
                found[number] = self._wanted(kind, wanted[number], depth)
        return found

    def _wanted(self, kind: int, shape: Any, depth: int) -> Any:
        if shape is _INTEGER and kind in _INTEGERS:
            value = self._integer()
            if value < 0:
                raise _damaged()
            return value
        if isinstance(shape, dict) and kind == _STRUCT:
            return self.struct(shape, depth + 1)
        if isinstance(shape, list) and kind == _LIST:
            count, inner = self._list_head()
            return [self._wanted(inner, shape[0], depth) for _ in range(count)]
        raise _damaged()

    def _byte(self) -> int:
        value = self._buffer[self.position]
        self.position += 1
        return value

    def _unsigned(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise _damaged()

    def _integer(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _skip(self, n_bytes: int) -> None:
        self.position += n_bytes
        if self.position > len(self._buffer):
            raise IndexError

    def _list_head(self) -> tuple[int, int]:
        """How many are in a list, and of which type."""
        head = self._byte()
        return self._unsigned() if head >> 4 == 15 else head >> 4, head & 15

    def _pass(self, kind: int, depth: int) -> None:
        """Pass over a value."""
        if depth > MOST_DEPTH:
            raise HwbenchError("what the file says of itself is nested too deeply")
        if kind in (_TRUE, _FALSE):
            return
        if kind in _INTEGERS:
            self._unsigned()
        elif kind == _STRUCT:
            self.struct({}, depth + 1)
        elif kind == _BINARY:
            self._skip(self._unsigned())
        elif kind in (_BYTE, _DOUBLE):
            self._skip(1 if kind == _BYTE else 8)
        elif kind in (_LIST, _SET):
            self._pass_list(depth)
        else:
            raise _damaged()  # Parquet has no maps

    def _pass_list(self, depth: int) -> None:
        count, kind = self._list_head()
        if kind in (_TRUE, _FALSE, _BYTE):  # in a list, truth values take a byte
            self._skip(count)
            return
        for _ in range(count):
            self._pass(kind, depth + 1)


def _damaged() -> HwbenchError:
    return HwbenchError("what the file says of itself is damaged")
