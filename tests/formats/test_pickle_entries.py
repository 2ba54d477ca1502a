"""Entries of a dictionary come one by one, equal to those of the whole, and are forgotten."""

import bz2
import gc
import gzip
import pickle
import tracemalloc
import weakref
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.formats import ANY, load_pickle, stream_pickle
from hwbench.formats.pickle_entries import LAG

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def entries_of(content, where, **options):
    """The entries in the order they came, and the rest."""
    found = []
    rest = stream_pickle(
        content, where=where, on_item=lambda *entry: found.append(entry), **options
    )
    return found, rest


def curves(index, n_epochs=12):
    """An entry in the shape of NAS-Bench-201."""
    rng = np.random.default_rng(index)
    names = [f"x-valid@{epoch}" for epoch in range(n_epochs)]
    result = {
        "train_acc1es": dict(enumerate(rng.random(n_epochs).tolist())),
        "train_times": OrderedDict(enumerate(rng.random(n_epochs).tolist())),
        "eval_acc1es": dict(zip(names, rng.random(n_epochs).tolist(), strict=True)),
        "eval_losses": dict(zip(names, rng.random(n_epochs).tolist(), strict=True)),
        "net_state_dict": None,
        "params": rng.random(1)[0],
        "latency": [0.25],
        "done": np.bool_(True),
    }
    return OrderedDict(full={"arch_index": index, "all_results": {("cifar10", 777): result}})


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("n_entries", [0, 1, 2, LAG, 999, 1000, 1001, 1002, 2001])
def test_entries_are_those_of_the_whole(protocol, n_entries):
    inner = {index: curves(index, 2) for index in range(min(n_entries, 60))}
    inner |= {index: {"full": [float(index)], "t": ("a", 1)} for index in range(60, n_entries)}
    before = {"meta": ["a", "b"], "empty": {}}
    after = {"indexes": set(range(3)), "more": {"arch2infos": {"x": 1}}}
    for kind in (dict, OrderedDict):
        value = {**before, "arch2infos": kind(inner), **after}
        content = pickle.dumps(value, protocol)
        found, rest = entries_of(content, ("arch2infos",))
        assert found == [(("arch2infos",), key, item) for key, item in inner.items()]
        assert rest == {**value, "arch2infos": {}}
        assert type(rest["arch2infos"]) is kind


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_any_key_and_deep_places(protocol):
    spaces = {
        space: {f"{space}-{i}": {"task": {"loss": [0.5, i]}} for i in range(40)}
        for space in ("macro", "micro")
    }
    value = {"tasks": ["a"], "data": spaces, "info": {"deep": {"er": {i: [i] for i in range(30)}}}}
    content = pickle.dumps(value, protocol)
    found, rest = entries_of(content, ("data", ANY))
    assert found == [
        (("data", space), key, item) for space in spaces for key, item in spaces[space].items()
    ]
    assert rest == {**value, "data": {"macro": {}, "micro": {}}}
    found, rest = entries_of(content, ("info", "deep", "er"))
    assert found == [(("info", "deep", "er"), i, [i]) for i in range(30)]
    assert rest["data"] == spaces
    found, rest = entries_of(content, ())
    assert found == [((), key, item) for key, item in value.items()]
    assert rest == {}


NESTED = st.recursive(
    st.none() | st.floats(allow_nan=False) | st.integers() | st.sampled_from(["a", "b", "text"]),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from("abcd"), part)
    | st.tuples(part, part) | st.dictionaries(st.integers(0, 9), part).map(OrderedDict),
    max_leaves=20,
)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from("uvwxyz"), NESTED, max_size=4),
    st.dictionaries(
        st.integers(-(2**63), 2**63) | st.text() | st.tuples(st.text(), st.integers(0, 999)), NESTED
    ),
    st.dictionaries(st.sampled_from("UVWXYZ"), NESTED, max_size=4),
    st.sampled_from(PROTOCOLS),
)
def test_any_neighbours_and_any_entries(before, inner, after, protocol):
    content = pickle.dumps({**before, "inner": inner, **after}, protocol)
    found, rest = entries_of(content, ("inner",))
    assert [entry[1:] for entry in found] == list(inner.items())
    assert rest == {**before, "inner": {}, **after}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_files(file, pack):
    inner = {index: curves(index) for index in range(100)}
    found, _ = entries_of(file(pack(pickle.dumps({"inner": inner}))), ("inner",))
    assert [entry[2] for entry in found] == list(inner.values())


def test_texts_tuples_and_types_are_shared_between_entries():
    name, pair, dtype = "".join(["shared ", "name"]), ("cifar10", 777), np.dtype("f8")
    once = [np.bool_(True), np.bool_(False), b"", b"x", frozenset(), ()]
    outside = ["kept", "as it is"]
    inner = {
        index: {"name": name, pair: np.float64(index), "dtype": dtype, "list": [name], "o": outside}
        | {"once": list(once)}
        for index in range(200)
    }
    for protocol in PROTOCOLS:
        content = pickle.dumps({"outside": outside, "inner": inner, "again": name}, protocol)
        found, rest = entries_of(content, ("inner",))
        assert {entry[1]: entry[2] for entry in found} == inner
        assert found[0][2]["o"] is found[-1][2]["o"] is rest["outside"]
        assert rest["again"] == name


def test_a_list_shared_between_distant_entries_is_refused(file):
    shared = [1, 2]
    inner = {index: {"x": [index], "y": 1} for index in range(100)}
    inner[0]["x"] = inner[99]["x"] = shared
    path = file(pickle.dumps({"inner": inner}, 2))
    with pytest.raises(HwbenchError, match="cannot be read entry by entry"):
        entries_of(path, ("inner",))
    assert load_pickle(path)["inner"] == inner


def test_entries_are_forgotten_while_the_file_is_read():

    n_alive = 0
    most_alive = 0

    def gone():
        nonlocal n_alive
        n_alive -= 1

    def on_item(path, key, value):
        nonlocal n_alive, most_alive
        n_alive += 1
        most_alive = max(most_alive, n_alive)
        weakref.finalize(value["array"], gone)

    inner = {i: {"array": np.full(100, float(i)), "text": f"entry {i}"} for i in range(3000)}
    stream_pickle(pickle.dumps({"inner": inner}, 2), where=("inner",), on_item=on_item)
    assert n_alive == 0
    assert 0 < most_alive < LAG


def peak_of_streaming(n_entries):
    content = pickle.dumps({"inner": {i: curves(i, 30) for i in range(n_entries)}}, 2)
    gc.collect()
    tracemalloc.start()
    stream_pickle(content, where=("inner",), on_item=lambda path, key, value: None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_number_of_entries(monkeypatch):
    monkeypatch.setattr("hwbench.formats.streams.CHUNK", 1 << 14)
    few, many = peak_of_streaming(100), peak_of_streaming(800)
    assert many < 2 * few


def test_errors_of_the_receiver_pass_unchanged():
    for raised in (OSError("disk full"), KeyError("x"), HwbenchError("row 3"), RecursionError()):

        def on_item(path, key, value, raised=raised):
            raise raised

        for inner in ({1: [2], 2: [3]}, {i: {"a": [i]} for i in range(100)}):
            content = pickle.dumps({"inner": inner})
            with pytest.raises(type(raised)) as caught:
                stream_pickle(content, where=("inner",), on_item=on_item)
            assert caught.value is raised


def test_paths_that_lead_nowhere():
    content = pickle.dumps({"arch2infos": {1: [2]}, "list": [3]})
    with pytest.raises(HwbenchError, match="did you mean 'arch2infos'"):
        entries_of(content, ("arch2info",))
    with pytest.raises(HwbenchError) as caught:
        entries_of(pickle.dumps({"arch2infos\x1b[2J": {}, "x" * 10_000: 1}), ("arch2infos",))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400
    with pytest.raises(HwbenchError, match="is of type list, not a dictionary"):
        entries_of(content, ("list",))
    with pytest.raises(HwbenchError, match="is of type list, not a dictionary"):
        entries_of(pickle.dumps([1]), ())


def test_an_entry_that_is_not_plain_is_refused(writers):
    bad = {i: {"x": [i]} for i in range(30)}
    loop = []
    loop.append(loop)
    for value in (loop, writers.Call("posix", "system", "touch MARK"), [[[]]] * 3 + [(loop,)]):
        with pytest.raises(HwbenchError):
            entries_of(writers.pickled({"inner": {**bad, "evil": value}}, 2), ("inner",))


def test_entries_moved_elsewhere_later_are_refused():
    # {} "inner" {} , entries given to it, then taken off the stack and stored under another name
    content = b"\x80\x02}U\x05inner}(K\x01]u\x94000U\x05other}U\x05inner}ss."
    with pytest.raises(HwbenchError):
        entries_of(content, ("inner",))


def test_every_truncation_is_refused():
    for protocol in (0, 2, 4):
        content = pickle.dumps({"inner": {i: curves(i, 9) for i in range(3)}, "x": 1}, protocol)
        for cut in range(0, len(content), 3):
            with pytest.raises(HwbenchError):
                entries_of(content[:cut], ("inner",))
