import zipfile

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.formats import archives
from hwbench.formats.archives import load_npz

ARRAYS = {
    "a": np.arange(6, dtype=">i4").reshape(2, 3),
    "b": np.asfortranarray(np.ones((3, 2))),
    "none": np.empty((0, 4), np.float32),
    "text": np.array(["x", "yz"]),
    "alone": np.array(3.5),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_is_read_is_what_was_saved(tmp_path, save):
    save(tmp_path / "it.npz", **ARRAYS)
    found = load_npz(tmp_path / "it.npz")
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype.newbyteorder("=")
        assert found[name].shape == array.shape
        assert found[name].flags.writeable
    assert load_npz(tmp_path / "it.npz", ["b", "c"]).keys() == {"b"}


def test_no_more_is_read_than_may_be(tmp_path, monkeypatch):
    np.savez(tmp_path / "it.npz", a=np.zeros(100))
    monkeypatch.setattr(archives, "MOST_BYTES", 100)
    with pytest.raises(HwbenchError, match="more than the 100 that are read"):
        load_npz(tmp_path / "it.npz")


def test_every_truncation_is_refused(tmp_path):
    path = tmp_path / "it.npz"
    np.savez(path, a=np.arange(4))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(HwbenchError):
            load_npz(path)


def test_a_member_that_is_no_array_is_named(tmp_path):
    path = tmp_path / "it.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"\x80\x04N.")
    with pytest.raises(HwbenchError, match="damaged or no"):
        load_npz(path)
