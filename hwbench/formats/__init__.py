"""Readers of the file formats that public benchmarks come in; every file counts as hostile.

Nothing that a file says is ever run: pickles are interpreted by a machine of our own, whose names
lead to builders of plain data only, and neither TensorFlow nor PyTorch takes part. No length that a
file claims is believed before the bytes are seen to be there; sizes, depth of nesting, repetition
and the cost of hashing are bounded, so that time and memory stay in proportion to the file. What
does not fit ends in one `HwbenchError` that names the file and the place, and in nothing else.
"""

from __future__ import annotations

from hwbench.formats.json_files import load_json
from hwbench.formats.nasbench101_proto import (
    Evaluation,
    ModelMetrics,
    Record,
    parse_model_metrics,
    read_nasbench101,
)
from hwbench.formats.pandas_frames import frame_from_pickle
from hwbench.formats.pickle_entries import ANY
from hwbench.formats.pickles import load_pickle, stream_pickle
from hwbench.formats.stand_ins import StandIn, StandInType
from hwbench.formats.tfrecord import Field, parse_protobuf, read_tfrecord
from hwbench.formats.torch_files import load_torch, stream_torch
from hwbench.formats.torch_tensors import TensorShape

__all__ = [
    "ANY",
    "Evaluation",
    "Field",
    "ModelMetrics",
    "Record",
    "StandIn",
    "StandInType",
    "TensorShape",
    "frame_from_pickle",
    "load_json",
    "load_pickle",
    "load_torch",
    "parse_model_metrics",
    "parse_protobuf",
    "read_nasbench101",
    "read_tfrecord",
    "stream_pickle",
    "stream_torch",
]
