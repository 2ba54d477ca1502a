"""What the pages of a Parquet file say of their sizes, each in a header before it.

The footer of a file names sizes too, but nothing compares the two: memory is given to a page as its
own header says. Headers are structs of Thrift's compact protocol.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow.parquet as pq

from hwbench.errors import HwbenchError

UNPACKED, PACKED = 2, 3  # fields of a header: bytes of the page
FIRST_HEADER_BYTES = 1 << 10
MOST_HEADER_BYTES = 1 << 24
MOST_DEPTH = 8
MOST_PAGES = 1_000_000

# Types of the compact protocol: of fields, and of what is in lists.
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS = (4, 5, 6)

ReadAt = Callable[[int, int], bytes]


def unpacked_bytes(read_at: ReadAt, column: pq.ColumnChunkMetaData) -> int:
    """The sum of what the pages of a column's chunk unpack to, as their headers say.

    Parameters
    ----------
    read_at : gives up to so many bytes of the file from an offset on.
    column : what the footer says of the chunk.

    Raises
    ------
    HwbenchError
        Where a header is damaged.
    """
    if column.num_values == 0:
        return 0  # no page is read of such a chunk, and its offsets may lead anywhere
    position = column.data_page_offset
    if column.has_dictionary_page and 0 < column.dictionary_page_offset < position:
        position = column.dictionary_page_offset
    stop = position + column.total_compressed_size
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
        header = _Header(buffer)
        try:
            sizes = header.sizes()
        except IndexError:
            if len(buffer) < n_bytes or n_bytes >= MOST_HEADER_BYTES:
                raise HwbenchError("the header of a page is cut off") from None
            n_bytes *= 16
            continue
        if min(sizes.values()) < 0 or len(sizes) < 2:
            raise HwbenchError("the header of a page is damaged")
        return sizes[UNPACKED], sizes[PACKED], header.position


class _Header:
    """Reads a struct; IndexError where it is cut off."""

    def __init__(self, buffer: bytes) -> None:
        self._buffer = buffer
        self.position = 0

    def sizes(self) -> dict[int, int]:
        """The sizes by the numbers of their fields; the largest where one stands twice."""
        found: dict[int, int] = {}

        def keep(number: int, kind: int) -> bool:
            if number not in (UNPACKED, PACKED) or kind not in _INTEGERS:
                return False
            value = self._integer()
            found[number] = max(value, found.get(number, value))
            return True

        self._struct(0, keep)
        return found

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
        raise HwbenchError("the header of a page is damaged")

    def _integer(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _skip(self, n_bytes: int) -> None:
        self.position += n_bytes
        if self.position > len(self._buffer):
            raise IndexError

    def _struct(self, depth: int, keep: Callable[[int, int], bool] | None = None) -> None:
        if depth > MOST_DEPTH:
            raise HwbenchError("the header of a page is nested too deeply")
        number = 0
        while (head := self._byte()) != 0:
            kind = head & 15
            number = number + (head >> 4) if head >> 4 else self._integer()
            if keep is None or not keep(number, kind):
                self._value(kind, depth)

    def _value(self, kind: int, depth: int) -> None:
        if kind in (_TRUE, _FALSE):
            return
        if kind in _INTEGERS:
            self._unsigned()
        elif kind == _STRUCT:
            self._struct(depth + 1)
        elif kind == _BINARY:
            self._skip(self._unsigned())
        elif kind in (_BYTE, _DOUBLE):
            self._skip(1 if kind == _BYTE else 8)
        elif kind in (_LIST, _SET):
            self._list(depth)
        else:
            raise HwbenchError("the header of a page is damaged")  # no header holds a map

    def _list(self, depth: int) -> None:
        head = self._byte()
        count = self._unsigned() if head >> 4 == 15 else head >> 4
        kind = head & 15
        for _ in range(count):
            if kind in (_TRUE, _FALSE):  # in a list, truth values take a byte
                self._skip(1)
            else:
                self._value(kind, depth + 1)
