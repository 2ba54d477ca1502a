"""TFRecord files and protocol-buffer messages, without TensorFlow.

A record is its length (8 bytes), a checksum of the length (4), the data, a checksum of the data
(4), all little-endian; a checksum is a CRC-32C, rotated and shifted ("masked").
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import google_crc32c

from hwbench.errors import HwbenchError
from hwbench.formats.streams import open_file

MAX_RECORD_BYTES = 1 << 26
_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_MASK = 0xA282EAD8
_MAX_FIELD = (1 << 29) - 1

VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5


def masked_crc32c(data: bytes) -> int:
    """The checksum of a TFRecord file: CRC-32C of `data`, rotated right by 15 bits and shifted."""
    checksum = int(google_crc32c.value(data))
    return ((checksum >> 15 | checksum << 17) + _MASK) & 0xFFFFFFFF


def read_tfrecord(path: Path, *, max_record_bytes: int = MAX_RECORD_BYTES) -> Iterator[bytes]:
    """Read the records of a TFRecord file one after the other.

    Parameters
    ----------
    path : the file, not compressed.
    max_record_bytes : the largest length of one record.

    Yields
    ------
    The data of each record.

    Raises
    ------
    HwbenchError
        Where the file cannot be read; a checksum is wrong; a record claims more than
        `max_record_bytes` or than the file holds. Names the record (from 0) and its first byte.
    """
    with open_file(path) as (file, size):
        offset = number = 0
        while offset < size:
            where = f"{path}: record {number:,} at byte {offset:,}"
            header = _read(file, min(_HEADER.size, size - offset), where)
            if len(header) < _HEADER.size:
                raise HwbenchError(f"{where}: the file ends too early; fetch it again")
            length, checksum = _HEADER.unpack(header)
            if masked_crc32c(header[:8]) != checksum:
                raise HwbenchError(
                    f"{where}: the checksum of the length is wrong; "
                    "this is no TFRecord file, or it is damaged"
                )
            if length > max_record_bytes:
                raise HwbenchError(
                    f"{where}: claims {length:,} bytes, more than the {max_record_bytes:,} allowed"
                )
            after = offset + _HEADER.size + length + _CHECKSUM.size
            if after > size:
                raise HwbenchError(
                    f"{where}: claims {length:,} bytes, more than the file holds; fetch it again"
                )
            content = _read(file, length + _CHECKSUM.size, where)
            data = content[:length]
            if masked_crc32c(data) != _CHECKSUM.unpack(content[length:])[0]:
                raise HwbenchError(f"{where}: the checksum of the data is wrong; fetch it again")
            yield data
            offset, number = after, number + 1


def _read(file: BinaryIO, n_bytes: int, where: str) -> bytes:
    try:
        content = file.read(n_bytes)
    except OSError as error:
        raise HwbenchError(f"{where}: cannot be read ({error.strerror})") from error
    if len(content) < n_bytes:
        raise HwbenchError(f"{where}: the file became shorter while it was read")
    return content


class Field(NamedTuple):
    """One field of a protocol-buffer message.

    Attributes
    ----------
    number : the field's number, from 1.
    wire_type : `VARINT`, `FIXED64`, `LENGTH_DELIMITED` or `FIXED32`.
    value : the unsigned integer of a varint; else the field's bytes.
    """

    number: int
    wire_type: int
    value: int | bytes


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """An unsigned integer of at most 64 bits, and the position after it."""
    value = 0
    for count in range(10):
        if position + count >= len(message):
            raise HwbenchError(f"byte {position:,} of the message: a number is cut off")
        byte = message[position + count]
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, position + count + 1
    raise HwbenchError(f"byte {position:,} of the message: a number of more than 64 bits")


def parse_protobuf(message: bytes) -> list[Field]:
    """Cut a protocol-buffer message into its fields, in the order of the message.

    Parameters
    ----------
    message : a serialised message; what its fields mean, the caller knows.

    Raises
    ------
    HwbenchError
        Where a field is cut off, claims more bytes than there are, has a number out of range or a
        wire type that is not known (groups are not).
    """
    fields = []
    position = 0
    while position < len(message):
        start = position
        tag, position = _varint(message, position)
        number, wire_type = tag >> 3, tag & 7
        if not 1 <= number <= _MAX_FIELD:
            raise HwbenchError(f"byte {start:,} of the message: field {number:,} is out of range")
        if wire_type == VARINT:
            value, position = _varint(message, position)
            fields.append(Field(number, wire_type, value))
            continue
        if wire_type == LENGTH_DELIMITED:
            length, position = _varint(message, position)
        elif wire_type in (FIXED64, FIXED32):
            length = 8 if wire_type == FIXED64 else 4
        else:
            raise HwbenchError(f"byte {start:,} of the message: wire type {wire_type} is not known")
        if length > len(message) - position:
            raise HwbenchError(
                f"byte {start:,} of the message: field {number:,} claims {length:,} bytes, "
                "more than there are"
            )
        fields.append(Field(number, wire_type, message[position : position + length]))
        position += length
    return fields
