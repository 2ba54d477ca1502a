"""Files of torch come out as plain data and arrays, in both formats, and hostile ones do not."""

import io
import pickle
import struct
import warnings
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.formats import TensorShape, load_torch, stream_torch

FORMATS = ["legacy_torch", "zip_torch"]
HUGE = 10 * 2**30


def tensors(writers):
    return {
        "weight": writers.Tensor(np.arange(6, dtype=np.float32).reshape(2, 3)),
        "bias": writers.Tensor(np.arange(3, dtype=np.int64), parameter=True),
        "flag": writers.Tensor(np.array([True, False])),
        "scalar": writers.Tensor(np.array(2.5)),
        "nothing": writers.Tensor(np.zeros((0, 4), dtype=np.uint8)),
        "half": writers.Tensor(np.array([1.5], dtype=np.float16)),
        "brain": writers.Tensor(np.array([0x3FC0, 0xC000], np.uint16), storage="BFloat16Storage"),
    }


WANTED = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "bias": np.arange(3, dtype=np.int64),
    "flag": np.array([True, False]),
    "scalar": np.array(2.5),
    "nothing": np.zeros((0, 4), dtype=np.uint8),
    "half": np.array([1.5], dtype=np.float16),
    "brain": np.array([1.5, -2.0], dtype=np.float32),
}


@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_tensors_become_arrays(writers, file, layout, protocol):
    value = {"model": OrderedDict(tensors(writers)), "epoch": 3, "name": "ä", "np": np.arange(3.0)}
    path = file(getattr(writers, layout)(value, protocol))
    found = load_torch(path)
    assert (found["epoch"], found["name"]) == (3, "ä")
    np.testing.assert_array_equal(found["np"], np.arange(3.0))
    assert type(found["model"]) is OrderedDict
    assert list(found["model"]) == list(WANTED)
    for name, wanted in WANTED.items():
        array = found["model"][name]
        assert (array.dtype, array.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_array_equal(array, wanted)
        array[...] = 0


@pytest.mark.parametrize("layout", FORMATS)
def test_entries_come_one_by_one(writers, file, layout):
    inner = {i: {"acc": [i / 7] * 9, "state": None, "name": "x"} for i in range(1200)}
    inner[5]["state"] = tensors(writers)
    value = {"before": ["a"], "arch2infos": inner, "after": {1, 2}}
    found = {}
    rest = stream_torch(
        file(getattr(writers, layout)(value)),
        where=("arch2infos",),
        on_item=lambda path, key, item: found.update({key: item}),
    )
    shapes = found[5].pop("state")
    assert shapes["weight"] == TensorShape((2, 3), "float32")
    assert shapes["brain"] == TensorShape((2,), "bfloat16")
    assert found.pop(5) == {"acc": [5 / 7] * 9, "name": "x"}
    inner.pop(5)
    assert found == inner
    assert rest == {"before": ["a"], "arch2infos": {}, "after": {1, 2}}


def test_files_of_torch_itself(tmp_path):
    torch = pytest.importorskip("torch")
    base = torch.arange(12, dtype=torch.float32)
    value = {
        "base": base,
        "view": base[2:10:2],
        "turned": base.reshape(3, 4).t(),
        "state": torch.nn.Linear(2, 3).state_dict(),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "bfloat16": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
        "empty": torch.zeros(0, 3),
        "complex": torch.tensor([1 + 2j]),
        "size": torch.Size([1, 2]),
        "plain": [1, "two", 3.0, (None, True)],
    }
    for legacy in (True, False):
        path = tmp_path / f"{legacy}.pth"
        torch.save(value, path, _use_new_zipfile_serialization=not legacy)
        found = load_torch(path)
        for name in ("base", "view", "turned", "empty", "complex"):
            np.testing.assert_array_equal(found[name], value[name].numpy())
        np.testing.assert_array_equal(found["bfloat16"], np.array([1.5, -2.0], np.float32))
        np.testing.assert_array_equal(found["parameter"], np.ones(2, np.float32))
        for name, tensor in value["state"].items():
            np.testing.assert_array_equal(found["state"][name], tensor.numpy())
        assert np.shares_memory(found["base"], found["view"])
        assert (found["size"], found["plain"]) == ((1, 2), value["plain"])
        streamed = {}
        stream_torch(
            path, where=(), on_item=lambda _, key, item, to=streamed: to.update({key: item})
        )
        assert streamed["turned"] == TensorShape((4, 3), "float32")


def test_a_real_file(shared_data):
    path = next(shared_data.glob("raw/HayeonLee/HELP/*/data/nasbench201/str_arch2idx.pt"), None)
    if path is None:
        pytest.skip("the published file is not there")
    found = load_torch(path)
    assert sorted(found.values()) == list(range(15_625))
    with zipfile.ZipFile(path) as archive:
        assert found == pickle.loads(archive.read("archive/data.pkl"))  # noqa: S301 - pinned bytes
    streamed = {}
    assert stream_torch(path, where=(), on_item=lambda _, k, v: streamed.update({k: v})) == {}
    assert streamed == found


def refused(writers, refusal, file, value, **options):
    for layout in FORMATS:
        path = file(getattr(writers, layout)(value), "x.pth")
        assert "x.pth" in refusal(load_torch, path, limit=8_000_000, **options)


def tensor_of(writers, n_items, offset=0, size=(2,), stride=(1,), storage=None, key="0"):
    """A tensor that describes its storage freely."""

    class Place:
        pass

    class Pickler(writers.Pickler):
        def persistent_id(self, obj):
            if isinstance(obj, Place):
                self.storages[key] = np.zeros(2, np.float32)
                return storage or ("storage", writers.Global("torch", "FloatStorage"), key, "cpu",
                                   n_items)  # fmt: skip
            return super().persistent_id(obj)

    call = writers.Call("torch._utils", "_rebuild_tensor_v2", Place(), offset, size, stride, False,
                        None)  # fmt: skip
    return call, Pickler


@pytest.mark.parametrize("layout", FORMATS)
@pytest.mark.parametrize(
    "options",
    [
        {"n_items": HUGE},
        {"n_items": 2**63 - 1},
        {"n_items": -1},
        {"n_items": 1},
        {"n_items": 3},
        {"n_items": 2, "size": (3,)},
        {"n_items": 2, "offset": 1},
        {"n_items": 2, "offset": -1},
        {"n_items": 2, "stride": (2,)},
        {"n_items": 2, "stride": (-1,)},
        {"n_items": 2, "size": (2**40,), "stride": (0,)},
        {"n_items": 2, "size": (2**62, 4), "stride": (0, 0)},
        {"n_items": 2, "size": (2, 1)},
        {"n_items": 2, "size": (1,) * 40, "stride": (1,) * 40},
        {"n_items": 2, "size": [2]},
        {"n_items": 2, "storage": ("storage", "FloatStorage", "0", "cpu", 2)},
        {"n_items": 2, "storage": ("module", None, None, None)},
        {"n_items": 2, "storage": "0"},
        {"n_items": 2, "key": "../../etc/passwd"},
    ],
)
def test_tensors_hold_what_they_claim(writers, refusal, file, monkeypatch, layout, options):
    value, pickler = tensor_of(writers, **options)
    monkeypatch.setattr(writers, "Pickler", pickler)
    path = file(getattr(writers, layout)(value), "x.pth")
    if "etc" in options.get("key", "") and layout == "legacy_torch":
        assert load_torch(path).shape == (2,)  # the key of a storage is no path
        return
    refusal(load_torch, path, limit=8_000_000)


def test_nothing_runs(writers, refusal, file):
    call, name = writers.Call, writers.Global
    for value in (
        call("posix", "system", "touch MARK"),
        call("torch", "load", "x"),
        call("torch.storage", "_load_from_bytes", b"abc"),
        call("torch.jit", "load", "x"),
        call("torch._utils", "_rebuild_sparse_tensor", 1, 2),
        call("torch", "FloatStorage", 10**12),
        [name("torch", "FloatStorage")],
        [name("torch._utils", "_rebuild_tensor_v2")],
    ):
        refused(writers, refusal, file, value)


def test_a_bare_storage_is_refused(writers, refusal, file, monkeypatch):
    call, pickler = tensor_of(writers, 2)
    monkeypatch.setattr(writers, "Pickler", pickler)
    refused(writers, refusal, file, [call.args[0]])


def test_archives_that_are_no_torch_files(writers, refusal, file):
    value = {"a": 1}
    for members in (
        [("../evil", b"x")],
        [("/evil", b"x")],
        [("archive/../../evil", b"x")],
        [("archive/code/a.py", b"x"), ("archive/constants.pkl", b"x")],
        [("other/data.pkl", b"x")],
    ):
        path = file(writers.zip_torch(value, members=members), "x.pt")
        assert "x.pt" in refusal(load_torch, path)
    assert "no PyTorch file" in refusal(load_torch, file(writers.zip_torch(value, folder="a/b")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of the repeated name
        twice = writers.zip_torch(value, members=[("archive/data.pkl", b"N.")])
    refusal(load_torch, file(twice))
    for content in (b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"hello", bytes(257) + b"ustar"):
        refusal(load_torch, file(content))


def test_zip_bombs_are_refused_before_unpacking(writers, refusal, file):
    bomb = writers.zip_torch({"t": "x" * 30_000_000}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    path = file(bomb)
    message = refusal(load_torch, path, max_bytes=1_000_000, limit=8_000_000)
    assert "more than the 1,000,000 allowed" in message
    assert "too many for a file of its size" in refusal(load_torch, path, limit=8_000_000)
    path.write_bytes(writers.zip_torch({"t": "x" * 30_000_000}))
    assert load_torch(path) == {"t": "x" * 30_000_000}


def directory_entry(content, name):
    """Where the central directory describes a member."""
    place = -1
    while True:
        place = content.index(b"PK\x01\x02", place + 1)
        if content[place + 46 :].startswith(name):
            return place


@pytest.mark.parametrize("name", [b"archive/data.pkl", b"archive/data/0"])
def test_sizes_in_the_directory_are_not_believed(writers, refusal, file, name):
    content = writers.zip_torch({"x": writers.Tensor(np.arange(9.0))})
    for packed, unpacked in ((0xFFFFFFF0, 0xFFFFFFF0), (None, 0xFFFFFFF0), (None, 3), (1, 1)):
        changed = bytearray(content)
        place = directory_entry(content, name)
        if packed is not None:
            changed[place + 20 : place + 24] = struct.pack("<I", packed)
        changed[place + 24 : place + 28] = struct.pack("<I", unpacked)
        refusal(load_torch, file(bytes(changed)), limit=8_000_000, max_bytes=2**40)


def test_checksums_are_compared(writers, refusal, file):
    content = bytearray(writers.zip_torch({"x": writers.Tensor(np.arange(9.0)), "n": "name"}))
    for found in (content.index(b"name"), content.index(np.arange(9.0).tobytes()) + 15):
        changed = content.copy()
        changed[found] ^= 1
        assert "CRC" in refusal(load_torch, file(bytes(changed)))


def test_storages_after_a_legacy_object_must_be_its_own(writers, refusal, file):
    content = writers.legacy_torch({"x": writers.Tensor(np.arange(9.0))})
    data = struct.pack("<q", 9) + np.arange(9.0).tobytes()
    assert content.endswith(data)
    head = content[: -len(data)]
    for tail in (
        struct.pack("<q", 8) + np.arange(8.0).tobytes(),
        struct.pack("<q", HUGE),
        struct.pack("<q", -1),
        data[:-1],
        b"",
    ):
        refusal(load_torch, file(head + tail), limit=8_000_000)
    assert pickle.dumps(["0"], 2) in head
    for keys in ([], ["1"], ["0", "0"], "0", [0], [["0"]], None):
        changed = head.replace(pickle.dumps(["0"], 2), pickle.dumps(keys, 2))
        refusal(load_torch, file(changed + data), limit=8_000_000)


def test_every_truncation_is_refused(writers, file):
    value = {"t": tensors(writers), "x": [1.5] * 20}
    for layout in FORMATS:
        content = getattr(writers, layout)(value)
        for cut in range(0, len(content), 7):
            with pytest.raises(HwbenchError):
                load_torch(file(content[:cut]))


def test_a_pickle_is_no_torch_file(file):
    stream = io.BytesIO()
    pickle.dump({"a": 1}, stream)
    with pytest.raises(HwbenchError, match="no PyTorch file"):
        load_torch(file(stream.getvalue()))
