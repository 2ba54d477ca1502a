"""Plain data comes out of a pickle as `pickle.load` gives it."""

import bz2
import gzip
import pickle
from collections import Counter, OrderedDict, defaultdict, deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.formats import StandIn, load_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

ATOMS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=400)
    | st.complex_numbers()
)  # fmt: skip
KEYS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text() | st.binary(),
    lambda part: st.tuples(part, part) | st.frozensets(part, max_size=3),
    max_leaves=4,
)
VALUES = st.recursive(
    ATOMS,
    lambda part: st.lists(part, max_size=4) | st.dictionaries(KEYS, part, max_size=4)
    | st.tuples(part) | st.tuples(part, part, part, part) | st.lists(part, max_size=3).map(deque)
    | st.dictionaries(KEYS, part, max_size=3).map(OrderedDict)
    | st.sets(KEYS, max_size=3) | st.just(bytearray(b"abc")) | st.just(slice(1, None)),
    max_leaves=12,
)  # fmt: skip


def same(found, wanted):
    """Equality that knows NaN, types and arrays."""
    assert type(found) is type(wanted)
    if isinstance(wanted, np.ndarray):
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        if wanted.dtype == object:
            same(found.ravel().tolist(), wanted.ravel().tolist())
        else:
            np.testing.assert_array_equal(found, wanted)
    elif isinstance(wanted, dict):
        assert list(found) == list(wanted)
        for key in wanted:
            same(found[key], wanted[key])
    elif isinstance(wanted, list | tuple | deque):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            same(one, other)
    elif isinstance(wanted, float | complex | np.floating):
        np.testing.assert_equal(found, wanted)
    else:
        assert found == wanted


@given(VALUES, st.sampled_from(PROTOCOLS))
def test_values_come_back(value, protocol):
    same(load_pickle(pickle.dumps(value, protocol)), value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_kind_of_plain_data_comes_back(protocol):
    default = defaultdict(list, a=[1])
    state = OrderedDict(weight=1)
    state._metadata = {"": {"version": 1}}
    values = [
        state, default, Counter("abca"), deque([1, 2], 5), range(3, 9, 2), {1, (2, "x")},
        frozenset("ab"), 2**64 - 1, -(2**62), 2**500, 255, 256, 65536, -1, "ä" * 300, "x" * 70_000,
        b"\xff" * 300, b"\x00" * 70_000, bytearray(b"q" * 9), list(range(2500)), (), [], {}, set(),
        {i: i / 7 for i in range(2500)}, [float(i) for i in range(2500)], list, OrderedDict, 1e300,
        {f"x-valid@{i}": i / 3 for i in range(1200)}, True, False, None, "\n'\\", [1.5] * 7,
    ]  # fmt: skip
    found = load_pickle(pickle.dumps(values, protocol))
    same(found, values)
    assert found[0]._metadata == state._metadata
    assert found[1].default_factory is list
    assert found[3].maxlen == 5


ARRAYS = [
    np.arange(6.0).reshape(2, 3), np.arange(6, dtype=">i4").reshape(2, 3).T, np.zeros((0, 3)),
    np.array(5), np.array([True, False]), np.array(["a", "bcd"]), np.array([b"a", b"bc"]),
    np.array(["a", None, 2.5], dtype=object), np.arange(4, dtype=np.float16), np.array([1 + 2j]),
    np.asfortranarray(np.arange(12, dtype=np.uint8).reshape(3, 4)), np.arange(10)[::2],
    np.array([[[1]]], dtype=object), np.arange(300, dtype="<u2"), np.array([">"], dtype=">U1"),
]  # fmt: skip
SCALARS = [
    np.float64(1.5), np.float32(2.5), np.int8(-3), np.bool_(True), np.str_("ab"), np.bytes_(b"a"),
    np.complex64(1j), np.uint64(2**63), np.float64("nan"), np.str_(""),
]  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("old", [False, True])
def test_numpy_arrays_and_scalars_come_back(protocol, old):
    content = pickle.dumps([*ARRAYS, *SCALARS], protocol)
    if old:  # as numpy 1 wrote it
        if protocol >= 4:
            content = _renamed(content)
        else:
            content = content.replace(b"numpy._core", b"numpy.core")
    found = load_pickle(content)
    same(found, pickle.loads(pickle.dumps([*ARRAYS, *SCALARS], protocol)))  # noqa: S301
    for array in found[: len(ARRAYS)]:
        array[...] = array  # may be written to


def _renamed(content):
    for part in (b"multiarray", b"numeric"):
        new, old = b"numpy._core." + part, b"numpy.core." + part
        content = content.replace(bytes([len(new)]) + new, bytes([len(old)]) + old)
    position = content.index(b"\x95") + 1  # one frame, now of another length
    rest = len(content) - position - 8
    return content[:position] + rest.to_bytes(8, "little") + content[position + 8 :]


def test_writing_to_an_array_leaves_the_bytes_it_came_from_alone():
    raw = b"12345678"
    content = pickle.dumps([raw, np.frombuffer(raw, "f8")], 2)
    found = load_pickle(content)
    found[1][...] = 0
    assert found[0] == raw


def test_shared_parts_stay_shared():
    part = [1]
    found = load_pickle(pickle.dumps({"a": part, "b": (part, part)}))
    assert found["a"] is found["b"][0] is found["b"][1]


def test_pickles_of_python_2():
    text = b"(dp0\nS'ab\\xe9\\n'\np1\n(lp2\nI1\naI01\naL7L\naF0.5\nas."
    assert load_pickle(text) == {"abé\n": [1, True, 7, 0.5]}
    assert load_pickle(b"\x80\x02U\x02\xe9x.") == "éx"
    assert load_pickle(b"\x80\x02T\x02\x00\x00\x00ab.") == "ab"
    array = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x01\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U\x08\x00\x00\x00\x00\x00\x00\xf8?tb."
    )
    np.testing.assert_array_equal(load_pickle(array), [1.5])
    assert load_pickle(b"c__builtin__\nxrange\n(I0\nI3\nI1\ntR.") == range(3)
    assert load_pickle(b"(I1\nI2\n1I5\n0I6\n2\x86.") == (6, 6)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_packed_files_are_told_by_their_first_bytes(file, pack):
    value = {"key": [1.5] * 100_000, "text": "x" * 3_000_000}
    path = file(pack(pickle.dumps(value)), "wrong.name")
    assert load_pickle(path) == value
    assert load_pickle(path.read_bytes()) == value


def test_bytes_after_the_end_are_not_looked_at():
    assert load_pickle(pickle.dumps([1]) + b"anything") == [1]


def test_values_across_the_borders_of_chunks():
    for shift in range(40):
        value = [
            "x" * ((1 << 20) - 60 + shift),
            1.5,
            "next",
            2.5,
            b"y" * 300,
            3.5,
            70_000,
            [4.5] * 9,
        ]
        for protocol in (2, 4):
            assert load_pickle(pickle.dumps(value, protocol)) == value


def test_stand_ins_record_and_run_nothing(writers, tmp_path):
    mark = tmp_path / "mark"
    value = [
        writers.Call("posix", "system", f"touch {mark}"),
        writers.Call("package.module", "Kind", 1, "two", state={"x": [3]}),
        writers.Global("package", "other"),
    ]
    for protocol in PROTOCOLS:
        system, made, name = load_pickle(writers.pickled(value, protocol), stand_ins=True)
        assert not mark.exists()
        assert isinstance(system, StandIn)
        assert (system.name, system.args) == ("posix.system", (f"touch {mark}",))
        assert (made.kind.module, made.kind.qualname) == ("package.module", "Kind")
        assert (made.args, made.kwargs, made.state) == ((1, "two"), {}, {"x": [3]})
        assert name.name == "package.other"
        assert "posix.system" in repr(system)


def test_stand_ins_record_arguments_by_name_items_and_pairs():
    made = b"cpackage\nKind\n(K\x01t}\x8c\x01aK\x02s\x92"
    content = b"\x80\x04" + made + b"(K\x03K\x04e(\x8c\x01kK\x05u(K\x06\x90."
    made = load_pickle(content, stand_ins=True)
    assert (made.args, made.kwargs) == ((1,), {"a": 2})
    assert (made.items, made.pairs) == ([3, 4, 6], [("k", 5)])


def test_real_files_come_out_as_pickle_gives_them(shared_data):
    paths = [
        *shared_data.glob("raw/zheng-ningxin/**/*.pkl"),
        *shared_data.glob("raw/blyucs/**/nb201_cifar100_val_test_v1_0.pickle"),
    ]
    if len(paths) < 2:
        pytest.skip("the published files are not all there")
    for path in paths:
        with path.open("rb") as opened:
            wanted = pickle.load(opened)  # noqa: S301 - a file whose bytes are pinned
        found = load_pickle(path)
        assert len(found) > 15_000
        same(found, wanted)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(HwbenchError, match=r"nothing\.pkl: no such file"):
        load_pickle(tmp_path / "nothing.pkl")
    with pytest.raises(HwbenchError, match="cannot be read"):
        load_pickle(tmp_path)
