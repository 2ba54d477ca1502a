"""Writers of the formats that hwbench only reads: valid files for tests to read and to damage.

Under pytest's importlib mode test modules cannot import each other; the fixture `writers` of the
conftest beside this file gives this module.
"""

import base64
import io
import json
import pickle
import struct
import zipfile

import numpy as np

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
STORAGES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}

# --- pickles with names that need not exist -----------------------------------------------------


class Global:
    """A name in a pickle; nothing of that name is imported when it is written."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __call__(self):
        raise AssertionError("only to be pickled")


class Call:
    """An object that pickles as the call of a name, with a state if one is given."""

    def __init__(self, module, name, *args, state=None):
        self.function, self.args, self.state = Global(module, name), args, state

    def __reduce__(self):
        return (self.function, self.args, self.state)


class Tensor:
    """What pickles as a torch tensor of an array's values; bfloat16 is given as uint16."""

    def __init__(self, array, *, storage=None, parameter=False):
        self.array = np.asarray(array)
        self.storage = storage or STORAGES[self.array.dtype.name]
        self.parameter = parameter


class Pickler(pickle._Pickler):
    """The standard library's pickler, for the classes above."""

    def __init__(self, file, protocol):
        super().__init__(file, protocol)
        self.storages = {}

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Global):
            self.write(f"c{obj.module}\n{obj.name}\n".encode())
        else:
            super().save(obj, save_persistent_id)

    def reducer_override(self, obj):
        if not isinstance(obj, Tensor):
            return NotImplemented
        array = np.array(obj.array, order="C")
        strides = tuple(step // array.itemsize for step in array.strides)
        place = _Storage(obj.storage, array)
        plain = Call("torch._utils", "_rebuild_tensor_v2", place, 0, array.shape, strides, False,
                     Call("collections", "OrderedDict"))  # fmt: skip
        if not obj.parameter:
            return plain.__reduce__()[:2]
        return Global("torch._utils", "_rebuild_parameter"), (plain, True, {})

    def persistent_id(self, obj):
        if not isinstance(obj, _Storage):
            return None
        key = str(len(self.storages))
        self.storages[key] = obj.array
        return ("storage", Global("torch", obj.kind), key, "cpu", obj.array.size)


class _Storage:
    def __init__(self, kind, array):
        self.kind, self.array = kind, array


def pickled(value, protocol=4):
    """Pickle a value that may hold the classes above."""
    return _pickled(value, protocol)[0]


def _pickled(value, protocol):
    file = io.BytesIO()
    pickler = Pickler(file, protocol)
    pickler.dump(value)
    return file.getvalue(), pickler.storages


# --- torch --------------------------------------------------------------------------------------


def legacy_torch(value, protocol=2):
    """Write the format of torch before 1.6."""
    content, storages = _pickled(value, protocol)
    machine = {
        "protocol_version": 1001,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    head = [pickle.dumps(part, protocol) for part in (MAGIC_NUMBER, 1001, machine)]
    keys = sorted(storages)
    tail = [struct.pack("<q", storages[key].size) + storages[key].tobytes() for key in keys]
    return b"".join([*head, content, pickle.dumps(keys, protocol), *tail])


def zip_torch(value, protocol=2, *, compression=zipfile.ZIP_STORED, members=(), folder="archive"):
    """Write the format of torch since 1.6, with further `members` (name, content) if given."""
    content, storages = _pickled(value, protocol)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr(f"{folder}/data.pkl", content)
        archive.writestr(f"{folder}/byteorder", "little")
        for key, array in storages.items():
            archive.writestr(f"{folder}/data/{key}", array.tobytes())
        archive.writestr(f"{folder}/version", "3\n")
        for name, extra in members:
            archive.writestr(name, extra)
    return file.getvalue()


# --- TFRecord and protocol buffers --------------------------------------------------------------


def _crc32c_table():
    table = []
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
        table.append(rest)
    return table


_TABLE = _crc32c_table()


def masked_crc32c(data):
    """The masked checksum, bit by bit from its definition."""
    rest = 0xFFFFFFFF
    for byte in data:
        rest = _TABLE[(rest ^ byte) & 0xFF] ^ rest >> 8
    checksum = rest ^ 0xFFFFFFFF
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


def tfrecord(records):
    """Write records with valid checksums."""
    parts = []
    for data in records:
        length = struct.pack("<Q", len(data))
        parts += [length, struct.pack("<I", masked_crc32c(length))]
        parts += [data, struct.pack("<I", masked_crc32c(data))]
    return b"".join(parts)


def varint(value):
    """An unsigned integer, seven bits a byte."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def varint_field(number, value):
    return varint(number << 3) + varint(value)


def double_field(number, value):
    return varint(number << 3 | 1) + struct.pack("<d", value)


def bytes_field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def model_metrics(evaluations, parameters, total_time):
    """A ModelMetrics message; an evaluation is (epoch, time, train, validation, test, path)."""
    message = b""
    for *numbers, path in evaluations:
        inner = b"".join(double_field(i, number) for i, number in enumerate(numbers, 1))
        message += bytes_field(1, inner + bytes_field(6, path.encode()))
    return message + varint_field(2, parameters % (1 << 64)) + double_field(3, total_time)


def nasbench101(records):
    """Write trainings: (module hash, epochs, adjacency, operations, ModelMetrics message)."""
    return tfrecord(
        json.dumps(
            [
                module_hash,
                epochs,
                "".join(str(int(bit)) for bit in np.ravel(adjacency)),
                ",".join(operations),
                base64.encodebytes(metrics).decode(),
            ]
        ).encode()
        for module_hash, epochs, adjacency, operations, metrics in records
    )
