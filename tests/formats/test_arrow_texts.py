"""Texts of pandas 3 are read from the bytes that Arrow keeps them in, and damage is one line."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.formats.arrow_texts import holds_texts, texts_of
from hwbench.formats.pandas_frames import frame_from_pickle
from hwbench.formats.stand_ins import StandIn, StandInType


def stand_in(name, *args, state=None):
    module, _, qualname = name.rpartition(".")
    made = StandIn(StandInType(module, qualname), args)
    made.state = state
    return made


def as_pickled(array, **changes):
    """What the pickle of an Arrow array comes to; `changes` of what it says."""
    alias, buffers = str(array.type), array.buffers()
    said = {
        "alias": alias,
        "length": len(array),
        "first": array.offset,
        "buffers": [None if each is None else bytearray(each) for each in buffers],
        **changes,
    }
    parts = [
        None if each is None else stand_in("pyarrow.lib.py_buffer", each)
        for each in said["buffers"]
    ]
    kind = stand_in("pyarrow.lib.type_for_alias", said["alias"])
    content = (kind, said["length"], 0, said["first"], parts, [], None)
    kept = stand_in("pyarrow.lib._restore_array", content)
    return stand_in("pandas.arrays.ArrowStringArray", state={"_pa_array": kept})


@given(
    st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))),
    st.sampled_from([pa.string(), pa.large_string()]),
    st.integers(0, 3),
)
def test_every_text_is_read(texts, kind, first):
    array = pa.array(texts, kind)[first:]
    value = as_pickled(array)
    assert holds_texts(value)
    assert texts_of(value).tolist() == texts[first:]


ARRAY = pa.array(["one", None, "three"], pa.large_string())
BITS, STARTS, CONTENT = (bytearray(each) for each in ARRAY.buffers())


@pytest.mark.parametrize(
    "changes",
    [
        {"alias": "binary_view"},
        {"length": 400},
        {"length": "3"},
        {"first": -1},
        {"first": 7},
        {"buffers": [BITS, STARTS]},
        {"buffers": [BITS[:0], STARTS, CONTENT]},
        {"buffers": [BITS, STARTS[:16], CONTENT]},
        {"buffers": [BITS, STARTS, CONTENT[:4]]},
        {"buffers": [BITS, None, CONTENT]},
        {"buffers": [BITS, np.array([0, 9, 3, 8], "<i8").tobytes(), CONTENT]},
        {"buffers": [BITS, STARTS, b"\xff" * 8]},
    ],
)
def test_damage_is_one_line(changes):
    with pytest.raises(HwbenchError, match="texts of the data frame are damaged"):
        texts_of(as_pickled(ARRAY, **changes))


def test_another_layout_is_refused():
    with pytest.raises(HwbenchError, match="in a way that is not known"):
        texts_of(stand_in("pandas.arrays.ArrowStringArray", state=None))


def test_a_frame_of_this_pandas_is_read(tmp_path):
    frame = pd.DataFrame(
        {"arch": pd.array(["é", "b", None], "string[pyarrow]"), "ms": [1.0, 2.0, 3.0]},
        index=["x", "y", "z"],
    )
    frame.to_pickle(tmp_path / "frame.pkl")
    found = frame_from_pickle(tmp_path / "frame.pkl")
    assert found["arch"].tolist()[:2] == ["é", "b"]
    assert pd.isna(found["arch"].iloc[2])
    assert found["ms"].tolist() == [1.0, 2.0, 3.0]
    assert list(found.index) == ["x", "y", "z"]
