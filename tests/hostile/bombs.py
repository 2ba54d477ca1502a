"""Small files that ask for much: of memory, of time, of depth, of digits."""

import bz2
import gzip
import io
import json
import struct
import zipfile
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def packed(repeat, times, pack="gzip", before=b"", after=b""):
    """Bytes repeated so often, packed without ever standing in memory."""
    if pack == "gzip":
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    elif pack == "deflate":
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    else:
        packer = bz2.BZ2Compressor(9)
    piece = repeat * max(1, (1 << 20) // len(repeat))
    size = len(repeat) * times
    starts = range(0, size, len(piece))
    pieces = (before, *(piece[: size - start] for start in starts), after)
    return b"".join([*(packer.compress(each) for each in pieces), packer.flush()])


def pickle_of(repeat, times, before, after, pack="gzip"):
    return packed(repeat, times, pack, b"\x80\x04" + before, after)


# --- pickles ------------------------------------------------------------------------------------


def pickles():
    million = 1_000_000
    nones = b"(" + b"N" * 1000 + b"e"
    yield "nones", pickle_of(b"N", 300 * million, b"](", b"e.")
    yield "nones in thousands", pickle_of(nones, 300_000, b"]", b".")
    yield "nones bzip2", pickle_of(b"N", 300 * million, b"](", b"e.", "bzip2")
    yield "empty dictionaries", pickle_of(b"}", 100 * million, b"](", b"e.")
    yield "empty sets", pickle_of(b"\x8f", 30 * million, b"](", b"e.")
    yield "memo", pickle_of(b"\x94", 200 * million, b"]", b".")
    yield "pushed and popped", pickle_of(b"N0", 200 * million, b"", b"N.")
    yield "duplicates", pickle_of(b"2", 300 * million, b"](N", b"e.")
    yield "tuples in tuples", pickle_of(b"\x85", 100 * million, b"N", b".")
    yield "floats", pickle_of(b"G" + bytes(8), 100 * million, b"](", b"e.")
    yield (
        "one text",
        pickle_of(b"x", 1900 * million, b"X" + struct.pack("<I", 1900 * million), b"."),
    )
    yield (
        "one of bytes",
        pickle_of(bytes(1), 1900 * million, b"B" + struct.pack("<I", 1900 * million), b"."),
    )
    line = b"c__builtin__\nbytearray\nh\x00\x85R"
    plain = b"B" + struct.pack("<I", 30 * million) + bytes(30 * million) + b"q\x00"
    yield "copies", b"\x80\x04](" + plain + line * 2000 + b"e."
    yield "memo, not packed", b"\x80\x04]" + b"\x94" * (20 * million) + b"."
    yield "nones, not packed", b"\x80\x04](" + b"N" * (30 * million) + b"e."
    yield "dictionaries, not packed", b"\x80\x04](" + b"}" * (30 * million) + b"e."
    yield "long integers", pickle_of(b"\x8a\xff" + b"\x7f" * 255, 2 * million, b"](", b"e.")
    yield "two packings", gzip.compress(pickle_of(b"N", 300 * million, b"](", b"e."))


# --- zip archives -------------------------------------------------------------------------------


def zipped(members, method=zipfile.ZIP_DEFLATED):
    """A zip archive of (name, content)."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def zip_with(members):
    """A zip archive of (name, deflated bytes, claimed size, checksum, flags, method)."""
    body, directory = [], []
    offset = 0
    for name, content, size, checksum, flags, method in members:
        encoded = name.encode()
        common = struct.pack(
            "<HHHHHIIIHH", 20, flags, method, 0, 33, checksum, len(content), size, len(encoded), 0
        )
        local = b"PK\x03\x04" + common + encoded + content
        directory.append(
            b"PK\x01\x02"
            + struct.pack("<H", 20)
            + common
            + struct.pack("<HHHII", 0, 0, 0, 0, offset)
            + encoded
        )
        body.append(local)
        offset += len(local)
    central = b"".join(directory)
    end = b"PK\x05\x06" + struct.pack(
        "<HHHHIIH", 0, 0, len(directory), len(directory), len(central), offset, 0
    )
    return b"".join(body) + central + end


def zeros_member(name, size, before=b""):
    """A member of an archive that unpacks to zeros behind what stands `before`."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    checksum = zlib.crc32(before)
    parts = [packer.compress(before)]
    piece = bytes(1 << 20)
    left = size
    while left > 0:
        part = piece[:left]
        parts.append(packer.compress(part))
        checksum = zlib.crc32(part, checksum)
        left -= len(part)
    content = b"".join([*parts, packer.flush()])
    return name, content, size + len(before), checksum, 0, 8


def npy_header(shape, dtype="<f4"):
    """The head of a numpy file."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (64 - (11 + len(text)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def archives(names):
    """Archives of numpy arrays; `names` are those of the arrays that a reader wants."""
    first, *others = [f"{name}.npy" for name in names]
    small = io.BytesIO()
    np.save(small, np.zeros((2, 3, 4, 4), dtype=np.float32))
    rest = [(name, small.getvalue()) for name in others]
    raw = zlib.compress(small.getvalue(), 9)[2:-4]
    checksum = zlib.crc32(small.getvalue())
    size = len(small.getvalue())
    huge = 3_000_000_000
    yield "zeros", zip_with([zeros_member(first, huge, npy_header((huge // 4,)))])
    yield (
        "zeros in many",
        zip_with(
            [
                zeros_member(f"{n}.npy", huge // 8, npy_header((huge // 32,)))
                for n in (*names, *"abcd")
            ]
        ),
    )
    yield "claimed elements", zipped([(first, npy_header((10**12,)) + bytes(100)), *rest])
    yield "claimed elements, none there", zipped([(first, npy_header((400_000_000,))), *rest])
    yield "claimed bytes", zip_with([(first, raw, huge, checksum, 0, 8)])
    yield "object array", zipped([(first, npy_header((1,), "|O") + b"\x80\x04N."), *rest])
    yield "structured", zipped([(first, npy_header((10**9,), "|V0")), *rest])
    yield "long header", zipped([(first, npy_header("(" * 9000 + ")" * 9000)), *rest])
    yield "unknown method", zip_with([(first, raw, size, checksum, 0, 99)])
    yield "encrypted", zip_with([(first, raw, size, checksum, 1, 8)])
    yield "wrong checksum", zip_with([(first, raw, size, checksum ^ 1, 0, 8)])
    yield "twice", zip_with([(first, raw, size, checksum, 0, 8)] * 2)
    yield "lzma", zipped([(first, small.getvalue()), *rest], zipfile.ZIP_LZMA)
    yield "pickle", zipped([(first, b"\x80\x04N."), *rest])
    once = zip_with([(first, raw, size, checksum, 0, 8)])
    start = once.index(b"PK\x01\x02")
    entry, end = once[start:-22], once[-22:]
    many = 60_000
    yield (
        "overlapping",
        once[:start]
        + entry * many
        + end[:8]
        + struct.pack("<HHIIH", many, many, len(entry) * many, start, 0),
    )


# --- Parquet ------------------------------------------------------------------------------------


def parquet(table, **options):
    """The bytes of a Parquet file."""
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd", **options)
    return file.getvalue()


def repeated(value, rows, kind=None):
    """A column of one value."""
    indices = pa.array(np.zeros(rows, dtype=np.int32))
    return pa.DictionaryArray.from_arrays(indices, pa.array([value], kind))


def denying(content):
    """A Parquet file whose footer says that its columns unpack to a few bytes."""
    length = struct.unpack("<I", content[-8:-4])[0]
    footer = content[-8 - length : -8]
    group = pq.read_metadata(io.BytesIO(content)).row_group(0)
    sizes = [group.column(n).total_uncompressed_size for n in range(group.num_columns)]
    for size in {group.total_byte_size, *sizes}:
        if size > 1_000_000:
            number, written = 2 * size, b""  # as a number of Thrift's compact protocol
            while number > 127:
                written += bytes([number & 127 | 128])
                number >>= 7
            written += bytes([number])
            footer = footer.replace(written, b"\x88" + b"\x80" * (len(written) - 2) + b"\0")
    return content[: -8 - length] + footer + content[-8:]


def chunk(kind, content):
    """A chunk of a PNG."""
    return b"".join(
        [
            struct.pack(">I", len(content)),
            kind,
            content,
            struct.pack(">I", zlib.crc32(kind + content)),
        ]
    )


def png(width, height, *chunks):
    """A PNG of grey pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


def pictures():
    """Small files of large pictures, or of much beside them."""
    zeros = zlib.compress(bytes(300_000_000), 9)
    yield "large", png(60_000, 60_000, chunk(b"IDAT", zeros))
    yield "larger", png(2**31 - 1, 2**31 - 1, chunk(b"IDAT", zeros))
    yield "long", png(2**31 - 1, 1, chunk(b"IDAT", zeros))
    yield "texts", png(4, 4, *[chunk(b"zTXt", b"a\0\0" + zeros)] * 9, chunk(b"IDAT", zeros))
    yield "profile", png(4, 4, chunk(b"iCCP", b"a\0\0" + zeros), chunk(b"IDAT", b""))
    yield (
        "bitmap",
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60_000, 60_000, 1, 24, *[0] * 6),
    )
    yield "numbers", b"P5\n" + b"9" * 5000 + b" 1\n255\n"
    yield "pixels", b"P5\n99999 99999\n255\n" + bytes(100)


def idx():
    """IDX files that claim much."""
    head = b"\0\0\x08\x03"
    yield "claimed", head + b"\xff" * 12
    yield "claimed, packed", gzip.compress(head + b"\xff" * 12)
    sides = struct.pack(">3I", 3_000_000, 32, 32)
    yield "zeros", packed(bytes(1), 3_000_000 * 1024, before=head + sides)
    yield "more", packed(bytes(1), 3_000_000 * 1024, before=head + struct.pack(">3I", 1, 32, 32))


def tables(columns, metadata=None):
    """Tables with the given columns, by name a text or a number, and a card."""

    def made(rows, **changes):
        arrays = {name: repeated(value, rows) for name, value in {**columns, **changes}.items()}
        return pa.table(arrays).replace_schema_metadata(metadata)

    text = next(name for name, value in columns.items() if isinstance(value, str))
    yield "60 million rows", parquet(made(60_000_000))
    yield "as many rows as may be", parquet(made((1 << 26) // len(columns)))
    yield "60 million rows, no statistics", parquet(made(60_000_000), write_statistics=False)
    yield "long texts", parquet(made(20_000, **{text: "x" * 1_000_000}))
    long = parquet(made(1, **{text: "x" * 600_000_000}))
    yield "one long text", long
    yield "one long text, denied", denying(long)
    yield "many columns", parquet(
        pa.table({**{name: [value] for name, value in columns.items()},
                  **{f"c{i}": [1.0] for i in range(100_000)}}).replace_schema_metadata(metadata)
    )  # fmt: skip
    deep = pa.array([1.0])
    kind = deep.type
    for _ in range(150):
        kind = pa.struct([("x", kind)])
    value = 1.0
    for _ in range(150):
        value = {"x": value}
    nested = pa.table(
        {**{name: [value] for name, value in columns.items()}, "deep": pa.array([value], kind)}
    )
    yield "deep column", parquet(nested.replace_schema_metadata(metadata))
    yield (
        "large metadata",
        parquet(made(10).replace_schema_metadata({**(metadata or {}), "x": "y" * 50_000_000})),
    )
    one = parquet(made(10))
    for name, value in (("short", 2**31 - 1), ("negative", 2**32 - 1)):
        yield f"footer claims {name}", one[:-8] + struct.pack("<I", value) + b"PAR1"
    yield "footer of zeros", one[:4] + bytes(50_000_000) + struct.pack("<I", 50_000_000) + b"PAR1"
    hostile = bytearray(one[:-8])
    yield (
        "footer list of billions",
        bytes(hostile[:4])
        + b"\x15\x02\x19\xfc\xff\xff\xff\xff\x07"
        + struct.pack("<I", 9)
        + b"PAR1",
    )
    yield "empty", b""


# --- texts --------------------------------------------------------------------------------------


def tomls():
    yield "digits", b"a = " + b"9" * 5000
    yield "hexadecimal digits", b"title = 0x" + b"f" * 900_000
    yield "nested lists", b"a = " + b"[" * 900_000
    yield "nested tables", b"a = " + b"{a=" * 300_000
    yield "dotted key", b"a" + b".a" * 400_000 + b" = 1"
    yield "dotted quoted key", b'"a"' + b' . "a"' * 150_000 + b" = 1"
    yield "dotted header", b"[a" + b".a" * 400_000 + b"]\nb=1"
    yield "one key", b"a" * 900_000 + b" = 1"
    yield "large", b"# x\n" * 1_000_000
    yield "many keys", b"".join(b"k%d = 1\n" % i for i in range(90_000))
    yield "many headers", b"".join(b"[k%d]\n" % i for i in range(60_000))
    yield "many tables of a list", b"[[a]]\n" * 150_000
    yield "one text", b'title = "' + b"x" * 1_000_000 + b'"'
    yield "no text", b"\xff\xfea\x00=\x001\x00"
    yield "zero bytes", bytes(1000)


def jsons():
    yield "digits", b'{"a": ' + b"9" * 5000 + b"}"
    yield "digits of a float", b'{"a": ' + b"9" * 4000 + b"}"
    yield "nested lists", b'{"a": ' + b"[" * 1_000_000
    yield "nested objects", b'{"a":' * 1_000_000
    yield "closed nested lists", b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    yield "empty lists", b'{"a": [' + b"[]," * 5_500_000 + b"[]]}"
    yield "empty objects", b'{"a": [' + b'{"":0},' * 2_300_000 + b"0]}"
    yield "numbers", b'{"a": [' + b"0," * 8_000_000 + b"0]}"
    yield "twice", b'{"a": 1, "a": 2}'
    yield "utf-16", '{"a": 1}'.encode("utf-16")
    yield "no utf-8", b'{"a": "\xff"}'
    yield "packed lists", packed(b"[],", 300_000_000, before=b'{"a": [', after=b"[]]}")
    yield "large", bytes(20_000_000)
    yield "one text", b'{"a": "' + b"\xf0\x9f\x8c\x8d" + b"x" * 16_000_000 + b'"}'
    yield "backslashes", b'{"a": "' + b"\\" * 2_000_000
    yield "quotes", b'{"a": ' + b'"' * 2_000_000
    yield "a list", b"[1]"


def csvs(columns):
    header = ",".join(columns).encode()
    yield "columns", b",".join(b"c%d" % i for i in range(10_000_000)) + b"\n1\n"
    yield (
        "million columns",
        b",".join(b"c%d" % i for i in range(1_000_000)) + b"\n" + b"1," * 999_999 + b"1\n",
    )
    yield "empty columns", b"," * 20_000_000
    yield "wide row", header + b"\n" + b"," * 20_000_000 + b"\n"
    yield "long cell", header + b"\n" + b"x" * 50_000_000 + b"\n"
    yield "open quote", header + b'\n"' + b"x\n" * 20_000_000
    yield "quoted line breaks", header + b"\n" + b'"\n",' * 10_000_000
    yield "short rows", header + b"\n" + b"ab\n" * 20_000_000
    yield "blank lines", header + b"\n" * 50_000_000
    yield (
        "wide header, short rows",
        b",".join(b"c%d" % i for i in range(9_999)) + b"\n" + b"ab\n" * 1_000_000,
    )
    yield "zeros", bytes(50_000_000)
    yield "nul", header + b"\n\0\n"
    yield "no utf-8", b"\xff\xfe" + header


def torches():
    claim = b"\x80\x02(" + b"N" * 1000
    yield "nones", zip_with([(*zeros_member("a/data.pkl", 0, b"x")[:1], *_nones())])
    yield (
        "claimed elements",
        zipped([("a/data.pkl", claim + b"t."), ("a/version", b"3\n")], zipfile.ZIP_STORED),
    )
    yield (
        "zeros",
        zip_with([("a/data.pkl", *_raw(b"\x80\x02N.")), zeros_member("a/data/0", 3_000_000_000)]),
    )
    memo = b"\x80\x02]" + b"q\x00" * 10_000_000 + b"."
    yield "memo", zipped([("a/data.pkl", memo), ("a/version", b"3\n")])
    lists = b"\x80\x02](" + b"}" * 30_000_000 + b"e."
    yield "dictionaries", zipped([("a/data.pkl", lists), ("a/version", b"3\n")], zipfile.ZIP_STORED)
    yield "dictionaries, packed", zipped([("a/data.pkl", lists), ("a/version", b"3\n")])
    array = b"\x80\x02cbuiltins\nbytearray\n\x8a\x05\x00\x00\x00\x00\x01\x85R."
    yield "bytearray", zipped([("a/data.pkl", array), ("a/version", b"3\n")], zipfile.ZIP_STORED)
    digits = b"\x80\x02I" + b"9" * 5000 + b"\n."
    yield "digits", zipped([("a/data.pkl", digits), ("a/version", b"3\n")], zipfile.ZIP_STORED)
    deep = b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b"."
    yield "deep", zipped([("a/data.pkl", deep), ("a/version", b"3\n")], zipfile.ZIP_STORED)
    runs = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."
    yield "code", zipped([("a/data.pkl", runs), ("a/version", b"3\n")], zipfile.ZIP_STORED)
    yield "method", zip_with([("a/data.pkl", b"xx", 2, 0, 0, 99)])
    yield "encrypted", zip_with([("a/data.pkl", b"xx", 2, 0, 1, 8)])
    yield "empty", zipped([])


def _raw(content):
    return zlib.compress(content, 9)[2:-4], len(content), zlib.crc32(content), 0, 8


def _nones():
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    checksum, size, parts = 0, 0, []
    for piece in [b"\x80\x02](", *[b"N" * (1 << 20)] * 290, b"e."]:
        parts.append(packer.compress(piece))
        checksum = zlib.crc32(piece, checksum)
        size += len(piece)
    return b"".join([*parts, packer.flush()]), size, checksum, 0, 8


def models():
    card = json.dumps({"format": 1})
    yield (
        "card of zeros",
        zip_with([zeros_member("card.json", 250_000_000), ("model.pickle", *_raw(b"\x80\x04N."))]),
    )
    yield "card of lists", zip_with(
        [("card.json", packed(b"[],", 80_000_000, "deflate", b'{"features": [', b"[]]}"),
          14 + 240_000_000 + 4, 0, 0, 8), ("model.pickle", *_raw(b"\x80\x04N."))]
    )  # fmt: skip
    yield (
        "model of zeros",
        zip_with(
            [("card.json", *_raw(card.encode())), zeros_member("model.pickle", 4_000_000_000)]
        ),
    )
    yield (
        "method",
        zip_with([("card.json", b"xx", 2, 0, 0, 99), ("model.pickle", *_raw(b"\x80\x04N."))]),
    )
