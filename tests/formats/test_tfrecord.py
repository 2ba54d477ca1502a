"""TFRecord frames, checksums and protocol-buffer fields, with places in every error."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.formats import Field, parse_protobuf, read_tfrecord
from hwbench.formats.tfrecord import (
    FIXED32,
    FIXED64,
    LENGTH_DELIMITED,
    VARINT,
    masked_crc32c,
)


def test_the_checksum_is_the_published_one(writers):
    """RFC 3720, B.4: the CRC-32C of 32 zeros, 32 ones and of 0..31."""
    for data, checksum in (
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
    ):
        masked = ((checksum >> 15 | checksum << 17) + 0xA282EAD8) % 2**32
        assert masked_crc32c(data) == writers.masked_crc32c(data) == masked


@given(records=st.lists(st.binary(max_size=100), max_size=6))
def test_records_come_back(writers, tmp_path_factory, records):
    path = tmp_path_factory.getbasetemp() / "records"
    path.write_bytes(writers.tfrecord(records))
    assert list(read_tfrecord(path)) == records


RECORDS = [b"first", b"", b"third record"]
STARTS = [0, 21, 37]


def read(path, **options):
    return list(read_tfrecord(path, **options))


def test_every_changed_bit_is_found(writers, file):
    content = writers.tfrecord(RECORDS)
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        path = file(bytes(changed), "x.tfrecord")
        number = sum(place >= start for start in STARTS) - 1
        with pytest.raises(HwbenchError, match="checksum") as caught:
            read(path)
        assert f"x.tfrecord: record {number} at byte {STARTS[number]}:" in str(caught.value)


def test_every_truncation_is_found(writers, file):
    content = writers.tfrecord(RECORDS)
    for cut in range(len(content)):
        path = file(content[:cut])
        if cut in STARTS:
            assert read(path) == RECORDS[: STARTS.index(cut)]
        else:
            with pytest.raises(HwbenchError, match="fetch it again"):
                read(path)


@pytest.mark.parametrize("length", [10 * 2**30, 2**64 - 1, 2**63, 2**26 + 1, 2**20])
def test_claims_are_refused_before_allocating(writers, file, refusal, length):
    header = struct.pack("<Q", length)
    path = file(header + struct.pack("<I", writers.masked_crc32c(header)) + b"abc")
    message = refusal(read, path, limit=1_000_000)
    assert f"claims {length:,} bytes" in message
    assert "record 0 at byte 0" in message


def test_records_come_before_the_damage_behind_them(writers, file):
    reader = read_tfrecord(file(writers.tfrecord([b"a"]) + b"damaged"))
    assert next(reader) == b"a"
    with pytest.raises(HwbenchError, match="record 1 at byte 17"):
        next(reader)


def test_a_larger_limit_can_be_asked_for(writers, file):
    path = file(writers.tfrecord([b"x" * 50]))
    assert read(path, max_record_bytes=50) == [b"x" * 50]
    with pytest.raises(HwbenchError, match="more than the 49 allowed"):
        read(path, max_record_bytes=49)


NUMBERS = st.integers(1, 2**29 - 1)
FIELDS = (
    st.tuples(NUMBERS, st.just(VARINT), st.integers(0, 2**64 - 1))
    | st.tuples(NUMBERS, st.just(FIXED64), st.binary(min_size=8, max_size=8))
    | st.tuples(NUMBERS, st.just(FIXED32), st.binary(min_size=4, max_size=4))
    | st.tuples(NUMBERS, st.just(LENGTH_DELIMITED), st.binary(max_size=300))
)


@given(fields=st.lists(FIELDS, max_size=6))
def test_fields_come_back(writers, fields):
    message = b""
    for number, wire_type, value in fields:
        message += writers.varint(number << 3 | wire_type)
        if wire_type == VARINT:
            message += writers.varint(value)
        else:
            message += (
                writers.varint(len(value)) if wire_type == LENGTH_DELIMITED else b""
            ) + value
    assert parse_protobuf(message) == [Field(*field) for field in fields]


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (b"\x08", "cut off"),
        (b"\x08\x80", "cut off"),
        (b"\x08" + b"\xff" * 10, "64 bits"),
        (b"\x08" + b"\xff" * 9 + b"\x02", "64 bits"),
        (b"\x08" + b"\x80" * 1000, "64 bits"),
        (b"\x09abc", "claims 8 bytes"),
        (b"\x0dabc", "claims 4 bytes"),
        (b"\x0a\x05abcd", "claims 5 bytes"),
        (b"\x0a\x80\x80\x80\x80\x28a", "claims 10,737,418,240 bytes"),
        (b"\x0a" + b"\xff" * 9 + b"\x01", "claims"),
        (b"\x00\x00", "field 0 is out of range"),
        (b"\x0b", "wire type 3"),
        (b"\x0c", "wire type 4"),
        (b"\x0e", "wire type 6"),
        (b"\x0f", "wire type 7"),
        (b"\xf8\xff\xff\xff\xff\x01\x00", "out of range"),
    ],
)
def test_damaged_messages(refusal, message, problem):
    assert problem in refusal(parse_protobuf, message, limit=1_000_000)
