"""The records of NAS-Bench-101: `nasbench_full.tfrecord` and `nasbench_only108.tfrecord`.

A record is a JSON list: module hash, epochs, adjacency matrix as digits, operations separated by
commas, and the base64 of a `ModelMetrics` message (google-research/nasbench, model_metrics.proto).
"""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.formats.messages import shown
from hwbench.formats.tfrecord import (
    FIXED64,
    LENGTH_DELIMITED,
    VARINT,
    Field,
    parse_protobuf,
    read_tfrecord,
)

MAX_VERTICES = 64
MAX_RECORD_BYTES = 1 << 20  # a true one has some 700
_HASH = re.compile(r"[0-9a-f]{32}")
_DOUBLE = struct.Struct("<d")


class Evaluation(NamedTuple):
    """What was measured at one checkpoint of a training; NaN where the message leaves it out.

    Attributes
    ----------
    current_epoch : epochs trained.
    training_time : seconds of training so far, evaluation not included.
    train_accuracy : fraction right of 10,000 fixed training images.
    validation_accuracy : fraction right of the 10,000 validation images.
    test_accuracy : fraction right of the 10,000 test images.
    checkpoint_path : where the checkpoint was stored; empty without one.
    """

    current_epoch: float
    training_time: float
    train_accuracy: float
    validation_accuracy: float
    test_accuracy: float
    checkpoint_path: str


class ModelMetrics(NamedTuple):
    """One training of one architecture.

    Attributes
    ----------
    evaluations : in the order of the message: at the start, half-way and at the end.
    trainable_parameters : their number; None where the message leaves it out.
    total_time : seconds of training and evaluation; NaN where the message leaves it out.
    """

    evaluations: tuple[Evaluation, ...]
    trainable_parameters: int | None
    total_time: float


class Record(NamedTuple):
    """One record of a NAS-Bench-101 file.

    Attributes
    ----------
    module_hash : 32 hexadecimal digits, the same for isomorphic cells.
    epochs : the budget of the training: 4, 12, 36 or 108.
    adjacency : int8 of shape (n_vertices, n_vertices), 1 where row -> column is an edge.
    operations : the name of each vertex's operation, "input" first and "output" last.
    metrics : the training's metrics.
    """

    module_hash: str
    epochs: int
    adjacency: NDArray[np.int8]
    operations: tuple[str, ...]
    metrics: ModelMetrics


def _double(field: Field) -> float:
    if field.wire_type != FIXED64 or not isinstance(field.value, bytes):
        raise HwbenchError(f"field {field.number} of the metrics is no number of 8 bytes")
    return float(_DOUBLE.unpack(field.value)[0])


def _int32(field: Field) -> int:
    if field.wire_type != VARINT or not isinstance(field.value, int):
        raise HwbenchError(f"field {field.number} of the metrics is no integer")
    value = field.value & 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def _content(field: Field) -> bytes:
    if field.wire_type != LENGTH_DELIMITED or not isinstance(field.value, bytes):
        raise HwbenchError(f"field {field.number} of the metrics is no text or message")
    return field.value


def _evaluation(message: bytes) -> Evaluation:
    numbers = [math.nan] * 5
    checkpoint = ""
    for field in parse_protobuf(message):
        if field.number <= 5:
            numbers[field.number - 1] = _double(field)
        elif field.number == 6:
            checkpoint = _content(field).decode("utf-8", "replace")
    return Evaluation._make([*numbers, checkpoint])


def parse_model_metrics(message: bytes) -> ModelMetrics:
    """Read a serialised `ModelMetrics` message; fields that it does not know are passed over.

    Raises
    ------
    HwbenchError
        Where the message is cut off or a field is of another type than it should be.
    """
    evaluations: list[Evaluation] = []
    parameters: int | None = None
    total_time = math.nan
    for field in parse_protobuf(message):
        if field.number == 1:
            evaluations.append(_evaluation(_content(field)))
        elif field.number == 2:
            parameters = _int32(field)
        elif field.number == 3:
            total_time = _double(field)
    return ModelMetrics(tuple(evaluations), parameters, total_time)


def _adjacency(digits: Any) -> NDArray[np.int8]:
    if not isinstance(digits, str) or not digits or set(digits) - {"0", "1"}:
        raise HwbenchError("the adjacency matrix is not made of the digits 0 and 1")
    size = math.isqrt(len(digits))
    if size * size != len(digits) or size > MAX_VERTICES:
        raise HwbenchError(f"{len(digits):,} digits are no adjacency matrix")
    matrix = np.frombuffer(digits.encode("ascii"), dtype=np.int8) - np.int8(ord("0"))
    return matrix.reshape(size, size)


def _record(data: bytes) -> Record:
    content = json.loads(data)
    if not isinstance(content, list) or len(content) != 5:
        raise HwbenchError("is no list of five values")
    module_hash, epochs, digits, operations, metrics = content
    if not isinstance(module_hash, str) or _HASH.fullmatch(module_hash) is None:
        raise HwbenchError("the module hash is not 32 hexadecimal digits")
    if type(epochs) is not int or not 0 < epochs < 10**6:
        raise HwbenchError("the number of epochs is not a positive integer")
    adjacency = _adjacency(digits)
    names = tuple(operations.split(",")) if isinstance(operations, str) else ()
    if len(names) != len(adjacency):
        raise HwbenchError(f"{len(names):,} operations for {len(adjacency)} vertices")
    if not isinstance(metrics, str):
        raise HwbenchError("the metrics are no text")
    raw = base64.b64decode(metrics, validate=False)  # the files break the text into lines
    return Record(module_hash, epochs, adjacency, names, parse_model_metrics(raw))


def read_nasbench101(path: Path) -> Iterator[Record]:
    """Read the trainings of a NAS-Bench-101 file one after the other.

    Parameters
    ----------
    path : `nasbench_full.tfrecord` or `nasbench_only108.tfrecord`.

    Yields
    ------
    One `Record` for each training.

    Raises
    ------
    HwbenchError
        Where the file or a record is damaged; names the record (from 0).
    """
    for number, data in enumerate(read_tfrecord(path, max_record_bytes=MAX_RECORD_BYTES)):
        try:
            record = _record(data)
        except (ValueError, RecursionError) as error:  # of JSON, base64 and our own
            raise HwbenchError(f"{path}: record {number:,}: {shown(str(error), 200)}") from error
        yield record
