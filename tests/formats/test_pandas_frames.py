"""Data frames come out of pickles without pandas' unpickling."""

import gzip
import pickle

import numpy as np
import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.formats import frame_from_pickle

FRAMES = {
    "mixed": pd.DataFrame({"a": [1, 2], "b": [1.5, 2], "c": ["x", None], "d": [3, 4]}),
    "labelled": pd.DataFrame({"a": [1.0, np.nan]}, index=pd.Index(["r", "s"], name="row")),
    "numbered": pd.DataFrame(np.arange(6).reshape(3, 2), index=[5, 3, 9]),
    "repeated names": pd.DataFrame([[1, 2.5], [3, 4.5]], columns=["a", "a"]),
    "no rows": pd.DataFrame({"a": np.zeros(0), "b": np.zeros(0, dtype=int)}),
    "no columns": pd.DataFrame(index=range(3)),
    "booleans": pd.DataFrame({"a": [True, False], "b": np.array([1, 2], dtype="i1")}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_frames_come_back(frame, protocol):
    found = frame_from_pickle(gzip.compress(pickle.dumps(frame, protocol)))
    pd.testing.assert_frame_equal(found, frame)


def block_manager(writers, layout, values):
    """A frame of two columns and three rows as older pandas pickled it."""
    call, name = writers.Call, writers.Global
    new_index = ("pandas.core.indexes.base", "_new_Index")
    names = call(*new_index, name("pandas.core.indexes.base", "Index"),
                 {"data": np.array(["n", "acc"], dtype=object), "name": None})  # fmt: skip
    rows = call(*new_index, name("pandas.core.indexes.range", "RangeIndex"),
                {"name": None, "start": 0, "stop": 3, "step": 1})  # fmt: skip
    manager = ("pandas.core.internals.managers", "BlockManager")
    if layout == "0.14.1":
        blocks = [
            {"values": part, "mgr_locs": place}
            for part, place in zip(values, (slice(0, 1, 1), np.array([1])), strict=True)
        ]
        extra = {layout: {"axes": [names, rows], "blocks": blocks}}
        made = call(*manager, state=([names, rows], [], [], extra))
        return call("pandas.core.frame", "DataFrame", state={"_data": made, "_typ": "dataframe"})
    maker = name("pandas.core.internals.blocks", "new_block")
    partial = call("functools", "partial", maker, state=(maker, (), {"ndim": 2}, None))

    class Block:
        def __init__(self, *args):
            self.args = args

        def __reduce__(self):
            return Made(partial), self.args

    class Made:
        def __init__(self, made):
            self.made = made

        def __call__(self):
            raise AssertionError

        def __reduce__(self):
            return self.made.__reduce__()

    blocks = tuple(Block(part, slice(i, i + 1, 1)) for i, part in enumerate(values))
    made = call(*manager, blocks, [names, rows])
    return call("pandas.core.frame", "DataFrame", state={"_mgr": made, "_typ": "dataframe"})


VALUES = (np.array([[1, 2, 3]]), np.array([[0.5, 0.25, 0.75]]))


@pytest.mark.parametrize("layout", ["0.14.1", "1.3"])
def test_layouts_of_older_pandas(writers, layout):
    content = writers.pickled(block_manager(writers, layout, VALUES))
    wanted = pd.DataFrame({"n": [1, 2, 3], "acc": [0.5, 0.25, 0.75]})
    pd.testing.assert_frame_equal(frame_from_pickle(content), wanted)


@pytest.mark.parametrize(
    "values",
    [
        (VALUES[0], VALUES[1][:, :2]),  # a row too few
        (VALUES[0], np.zeros((2, 3))),  # a column too many
        (VALUES[0], np.zeros(3)),
        (VALUES[0], [1, 2, 3]),
        (VALUES[0], None),
    ],
)
@pytest.mark.parametrize("layout", ["0.14.1", "1.3"])
def test_blocks_that_do_not_fit_are_refused(writers, refusal, layout, values):
    refusal(frame_from_pickle, writers.pickled(block_manager(writers, layout, values)))


def test_a_huge_index_does_not_fill_the_memory(writers, refusal):
    content = pickle.dumps(pd.DataFrame({"a": [1.5]}), 4)
    claim = content.replace(b"\x8c\x04stop\x94K\x01", b"\x8c\x04stop\x94J\xff\xff\xff\x7f")
    assert claim != content
    start = claim.index(b"\x95") + 1  # the frame is longer now
    claim = claim[:start] + (len(claim) - start - 8).to_bytes(8, "little") + claim[start + 8 :]
    assert "rows instead of 2,147,483,647" in refusal(frame_from_pickle, claim, limit=8_000_000)


@pytest.mark.parametrize(
    "value",
    [
        [1, 2],
        pd.Series([1, 2]),
        pd.DataFrame({"a": pd.Categorical(["x", "y"])}),
        pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}),
        pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([(1, 2)])),
    ],
    ids=["list", "series", "categories", "dates", "levels"],
)
def test_other_things_are_refused_by_name(value, file):
    path = file(pickle.dumps(value), "x.pkl")
    with pytest.raises(HwbenchError, match=r"x\.pkl"):
        frame_from_pickle(path)


def test_real_frames_of_old_pandas(shared_data):
    folder = next(shared_data.glob("raw/NiccoloCavagnero/FreeREA/*/cached_metrics"), None)
    if folder is None:
        pytest.skip("the published files are not there")
    accuracies = frame_from_pickle(folder / "nasbench101/cifar10/accuracies.pkl.gz")
    assert list(accuracies.columns) == ["index", "accuracy"]
    assert accuracies.shape == (423_624, 2)
    np.testing.assert_array_equal(accuracies["index"], np.arange(423_624))
    assert accuracies["accuracy"].dtype == np.float64
    assert 0 <= accuracies["accuracy"].min() < accuracies["accuracy"].max() < 1
    parameters = frame_from_pickle(folder / "nasbench101/cifar10/params.pkl.gz")
    assert list(parameters.columns) == ["index", "params", "time=[s]", "time_pure=[s]"]
    table = pd.read_parquet(shared_data / "nb101.parquet", columns=["params"])["params"]
    assert len(table) == len(parameters)
    np.testing.assert_allclose(parameters["params"], table / 1e6, rtol=0.01)
