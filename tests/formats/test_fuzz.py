"""Whatever bytes a file holds, a reader returns or raises HwbenchError, and nothing else."""

import bz2
import gzip
import json
import pickle
from collections import OrderedDict, defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.formats import (
    ANY,
    frame_from_pickle,
    load_json,
    load_pickle,
    load_torch,
    parse_model_metrics,
    parse_protobuf,
    read_nasbench101,
    read_tfrecord,
    stream_pickle,
    stream_torch,
)

LIMITS = {"max_bytes": 1 << 22, "max_objects": 1 << 20}


def ignore(path, key, value):
    """Take an entry, and walk it as any receiver might."""
    repr(value)
    hash(key)


def walk(value):
    assert len(repr(value)) >= 0


READERS = {
    "load_pickle": lambda path: walk(load_pickle(path, **LIMITS)),
    "stand_ins": lambda path: walk(load_pickle(path, stand_ins=True, **LIMITS)),
    "stream_pickle": lambda path: walk(
        stream_pickle(path, where=("a",), on_item=ignore, stand_ins=True, **LIMITS)
    ),
    "stream_any": lambda path: walk(stream_pickle(path, where=(ANY,), on_item=ignore, **LIMITS)),
    "frame": lambda path: walk(frame_from_pickle(path, **LIMITS)),
    "load_torch": lambda path: walk(load_torch(path, **LIMITS)),
    "stream_torch": lambda path: walk(stream_torch(path, where=("a",), on_item=ignore, **LIMITS)),
    "tfrecord": lambda path: list(read_tfrecord(path)),
    "nasbench101": lambda path: list(read_nasbench101(path)),
    "protobuf": lambda path: parse_protobuf(path.read_bytes()),
    "model_metrics": lambda path: parse_model_metrics(path.read_bytes()),
    "json": lambda path: walk(load_json(path, max_bytes=1 << 22)),
}


def harmless(reader, path):
    """Read; all but an error of one line is a failure."""
    try:
        reader(path)
    except HwbenchError as error:
        message = str(error)
    else:
        return
    assert message.isprintable()
    assert len(message) < 800


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "x"


@pytest.fixture(scope="module")
def valid(writers):
    """Valid files to damage, as lists by kind."""
    value = {
        "a": {i: {"x": [i / 3] * 9, "y": {0: 0.5}, ("k", i): np.float64(i)} for i in range(20)},
        "array": np.arange(6, dtype=">f4").reshape(2, 3),
        "objects": np.array(["a", None], dtype=object),
        "rest": [
            OrderedDict(a=1),
            defaultdict(list, a=[1]),
            {1, 2},
            frozenset("ab"),
            2**70,
            "ä",
            b"b",
        ],
        "curve": {f"x-valid@{i}": i / 7 for i in range(12)},
    }
    again = value["curve"].copy()
    value["again"] = [again, {i: i / 3 for i in range(12)}, bytearray(b"x"), slice(1), 1 + 2j]
    pickles = [pickle.dumps(value, protocol) for protocol in range(6)]
    pickles.append(pickle.dumps({"a": value["a"], "b": value["curve"]}, 2))
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [0.5, 1.5]})
    pickles += [pickle.dumps(frame, protocol) for protocol in (2, 4)]
    tensors = {"a": {"t": writers.Tensor(np.arange(3.0))}, "s": OrderedDict(), "u": value["curve"]}
    metrics = writers.model_metrics([(1.0, 2.0, 0.5, 0.5, 0.5, "p")] * 3, 5, 6.0)
    record = ("0" * 32, 108, np.eye(2, dtype=int), ("input", "output"), metrics)
    torch = [writers.legacy_torch(tensors), writers.zip_torch(tensors)]
    text = json.dumps({"a": [1, {"b": None, "c": [1.5e3, "x\u00e4\n"]}], "d": True}, indent=1)
    return {
        "pickle": [*pickles, gzip.compress(pickles[4]), bz2.compress(pickles[2])],
        "torch": torch,
        "tfrecord": [writers.tfrecord([b"a", b""]), writers.nasbench101([record])],
        "message": [metrics],
        "json": [text.encode(), gzip.compress(text.encode())],
    }


KINDS = {
    "load_pickle": "pickle",
    "stand_ins": "pickle",
    "stream_pickle": "pickle",
    "stream_any": "pickle",
    "frame": "pickle",
    "load_torch": "torch",
    "stream_torch": "torch",
    "tfrecord": "tfrecord",
    "nasbench101": "tfrecord",
    "protobuf": "message",
    "model_metrics": "message",
    "json": "json",
}
FUZZ = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
# Byte codes of pickle, brackets and lengths: damage that goes on to mean something.
PIECES = st.binary(min_size=1, max_size=4) | st.sampled_from(
    [bytes([code]) for code in b"(.012FIJKLMNPQRSTUVXabcdeghijlopqrstu}])"]
    + [bytes([code]) for code in range(0x80, 0x99)]
    + [b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"{", b"[", b'"', b"\\", b"R", b"h\x00", b"h\x01"]
)


@pytest.mark.parametrize("name", READERS)
def test_random_bytes(name, path):
    @FUZZ
    @given(st.binary(max_size=200) | st.lists(PIECES, max_size=60).map(b"".join))
    def run(content):
        for head in (b"", b"\x80\x04", b"\x1f\x8b\x08\x00", b"BZh9", b"PK\x03\x04"):
            path.write_bytes(head + content)
            harmless(READERS[name], path)

    run()


@pytest.mark.parametrize("name", READERS)
def test_damaged_files(name, path, valid):
    originals = valid[KINDS[name]]

    @FUZZ
    @given(st.data())
    def run(data):
        content = bytearray(data.draw(st.sampled_from(originals)))
        for _ in range(data.draw(st.integers(1, 6))):
            place = data.draw(st.integers(0, len(content)))
            how = data.draw(st.sampled_from(["flip", "insert", "replace", "cut", "move", "end"]))
            if how == "flip" and place < len(content):
                content[place] ^= 1 << data.draw(st.integers(0, 7))
            elif how == "insert":
                content[place:place] = data.draw(PIECES)
            elif how == "replace":
                piece = data.draw(PIECES)
                content[place : place + len(piece)] = piece
            elif how == "cut":
                del content[place : place + data.draw(st.integers(1, 30))]
            elif how == "move":
                start = data.draw(st.integers(0, len(content)))
                content[place:place] = content[start : start + data.draw(st.integers(1, 60))]
            elif how == "end":
                del content[max(place, len(content) // 2) :]
        path.write_bytes(bytes(content))
        harmless(READERS[name], path)

    run()


def test_valid_files_are_read(path, valid):
    """The files that are damaged above were worth damaging."""
    for name, kind in KINDS.items():
        n_read = 0
        for content in valid[kind]:
            path.write_bytes(content)
            try:
                READERS[name](path)
                n_read += 1
            except HwbenchError:
                continue
        assert n_read >= 1, name
