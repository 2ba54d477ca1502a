"""Trainings of NAS-Bench-101 come back as they were written."""

import base64
import json
import math

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.formats import parse_model_metrics, read_nasbench101
from hwbench.formats.nasbench101_proto import Evaluation

EVALUATIONS = [
    (0.0, 0.0, 0.1, 0.0999, 0.1001, ""),
    (54.0, 500.25, 0.9, 0.85, 0.84, "/a/model.ckpt-1"),
    (108.0, 1000.5, 0.99, 0.93, 0.925, "ä"),
]
ADJACENCY = np.triu(np.ones((4, 4), dtype=np.int8), 1)
OPERATIONS = ("input", "conv3x3-bn-relu", "maxpool3x3", "output")
HASH = "0123456789abcdef" * 2


def records(writers, n_records=3):
    metrics = writers.model_metrics(EVALUATIONS, 8_555_530, 1234.5)
    return [(HASH, 108 + i, ADJACENCY, OPERATIONS, metrics) for i in range(n_records)]


def test_trainings_come_back(writers, file):
    found = list(read_nasbench101(file(writers.nasbench101(records(writers)))))
    assert [record.epochs for record in found] == [108, 109, 110]
    for record in found:
        assert record.module_hash == HASH
        assert record.operations == OPERATIONS
        assert record.adjacency.dtype == np.int8
        np.testing.assert_array_equal(record.adjacency, ADJACENCY)
        assert record.metrics.evaluations == tuple(Evaluation(*part) for part in EVALUATIONS)
        assert record.metrics.trainable_parameters == 8_555_530
        assert record.metrics.total_time == 1234.5


def test_a_message_byte_by_byte():
    """Fields by the numbers of model_metrics.proto, encoded by hand."""
    inner = b"\x09" + b"\x00\x00\x00\x00\x00\x00\x5b\x40" + b"\x29" + b"\x00" * 6 + b"\xe8\x3f"
    metrics = parse_model_metrics(b"\x0a\x12" + inner + b"\x10\x96\x01")
    evaluation = metrics.evaluations[0]
    assert (evaluation.current_epoch, evaluation.test_accuracy) == (108.0, 0.75)
    assert math.isnan(evaluation.training_time)
    assert metrics.trainable_parameters == 150
    assert math.isnan(metrics.total_time)


def test_what_is_left_out_and_what_is_not_known(writers):
    empty = parse_model_metrics(b"")
    assert empty.evaluations == ()
    assert empty.trainable_parameters is None
    assert math.isnan(empty.total_time)
    assert parse_model_metrics(writers.varint_field(2, 2**64 - 5)).trainable_parameters == -5
    assert parse_model_metrics(writers.bytes_field(99, b"new"))[:2] == ((), None)


@pytest.mark.parametrize(
    "message",
    [
        b"\x08\x01",  # evaluations that are a number
        b"\x12\x01a",  # parameters that are text
        b"\x18\x01",  # a time that is an integer
        b"\x0a\x02\x08\x01",  # an epoch that is an integer
        b"\x0a\x02\x30\x01",  # a path that is an integer
        b"\x0a\x05\x09",  # a message cut off
    ],
)
def test_fields_of_another_type_are_refused(refusal, message):
    refusal(parse_model_metrics, message)


def changed(**changes):
    return lambda content: [changes.get(f"n{i}", part) for i, part in enumerate(content)]


@pytest.mark.parametrize(
    "change",
    [
        changed(n0="xyz"), changed(n0=3), changed(n0="g" * 32), changed(n1="108"), changed(n1=0),
        changed(n1=1.5), changed(n1=True), changed(n2="01"), changed(n2=""), changed(n2="012" * 3),
        changed(n2=["0"]), changed(n2="0" * 10**4), changed(n2="\u0660" * 16), changed(n3="input"),
        changed(n3=None), changed(n4="é"), changed(n4=7), changed(n4="AAAA"), changed(n4="A"),
        lambda content: content[:4], lambda content: {"a": 1}, lambda content: 5,
    ],
)  # fmt: skip
def test_damaged_records_name_themselves(writers, file, change):
    good = json.dumps(
        [HASH, 108, "0110001100010000", ",".join(OPERATIONS),
         base64.b64encode(writers.model_metrics(EVALUATIONS, 1, 2.0)).decode()]
    ).encode()  # fmt: skip
    bad = json.dumps(change(json.loads(good))).encode()
    reader = read_nasbench101(file(writers.tfrecord([good, bad]), "nasbench.tfrecord"))
    next(reader)
    with pytest.raises(HwbenchError, match=r"nasbench\.tfrecord: record 1: "):
        next(reader)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b"9" * 10_000, b"[1,"])
def test_records_that_are_no_json(writers, file, content):
    with pytest.raises(HwbenchError, match="record 0"):
        list(read_nasbench101(file(writers.tfrecord([content]))))
