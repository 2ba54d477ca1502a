import io
import tarfile

import numpy as np
import pytest
import scipy.io

from hwbench.errors import HwbenchError
from hwbench.images.files import CIFAR, read_cifar, read_svhn
from hwbench.images.sets import load_images


def _archive(folder, name, images, labels):
    archive, _, train, test, label_bytes, _ = CIFAR[name]
    with tarfile.open(folder / archive, "w:gz") as members:
        for place, member in enumerate([*train, *test]):
            before = np.repeat(labels[place][:, None], label_bytes, 1)
            pixels = images[place].reshape(-1, 3072)
            records = np.concatenate([before, pixels], axis=1).astype(np.uint8)
            if label_bytes == 2:
                records[:, 0] = 99  # the coarse label, which is not used
            info = tarfile.TarInfo(member)
            info.size = records.nbytes
            members.addfile(info, io.BytesIO(records.tobytes()))


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_is_read_from_its_binary_version(tmp_path, name):
    generator = np.random.default_rng(0)
    n_files = len(CIFAR[name][2]) + 1
    images = generator.integers(0, 256, (n_files, 4, 3, 32, 32))
    labels = generator.integers(0, 10, (n_files, 4))
    _archive(tmp_path, name, images, labels)
    found = read_cifar(name, tmp_path, check=False)
    train = images[:-1].reshape(-1, 3, 32, 32)
    mean, deviation = (
        statistic(train, axis=(0, 2, 3))[:, None, None] for statistic in (np.mean, np.std)
    )
    np.testing.assert_allclose(found.train_images, (train - mean) / deviation, atol=1e-4)
    np.testing.assert_allclose(found.test_images, (images[-1] - mean) / deviation, atol=1e-4)
    np.testing.assert_allclose(found.black, -(mean / deviation).ravel(), rtol=1e-5)
    assert found.train_labels.tolist() == labels[:-1].ravel().tolist()
    assert found.test_labels.tolist() == labels[-1].tolist()
    assert (found.channels, found.size, found.classes) == (3, 32, CIFAR[name][5])
    with pytest.raises(HwbenchError, match="is not the published file"):
        load_images(name, tmp_path)
    (tmp_path / CIFAR[name][0]).write_bytes(b"torn")
    with pytest.raises(HwbenchError, match="is damaged"):
        read_cifar(name, tmp_path, check=False)


def test_missing_files_are_named(tmp_path, hwbench_home):
    with pytest.raises(HwbenchError, match=r"images/cifar-10-binary.tar.gz: is missing"):
        load_images("cifar10")
    with pytest.raises(HwbenchError, match=r"train_32x32.mat: is missing"):
        load_images("svhn", tmp_path)
    with pytest.raises(HwbenchError, match="did you mean 'cifar10'"):
        load_images("cifar-10")


def test_svhn_is_read_from_matlab_files(tmp_path):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (32, 32, 3, 6), dtype=np.uint8)
    labels = np.array([[1], [10], [9], [2], [10], [5]], dtype=np.uint8)
    for name in ("train_32x32.mat", "test_32x32.mat"):
        scipy.io.savemat(tmp_path / name, {"X": images, "y": labels})
    found = read_svhn(tmp_path, check=False)
    assert found.train_labels.tolist() == [1, 0, 9, 2, 0, 5]
    assert found.train_images.shape == (6, 3, 32, 32)
    channel = images[:, :, 1, 3].astype(float)
    scale = images[:, :, 1].astype(float)
    np.testing.assert_allclose(
        found.train_images[3, 1], (channel - scale.mean()) / scale.std(), atol=1e-4
    )


def _npz(path, **changes):
    generator = np.random.default_rng(0)
    arrays = {
        "train_images": generator.random((6, 8, 8)),
        "train_labels": np.arange(6) % 3,
        "test_images": generator.random((4, 8, 8)),
        "test_labels": np.arange(4) % 3,
    } | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return str(path)


def test_images_of_ones_own(tmp_path):
    found = load_images(_npz(tmp_path / "mine.npz"))
    assert (found.name, found.channels, found.size, found.classes) == ("mine", 1, 8, 3)
    assert float(found.train_images.mean()) == pytest.approx(0, abs=1e-5)
    assert float(found.train_images.std()) == pytest.approx(1, abs=1e-5)
    raw = np.load(tmp_path / "mine.npz")["train_images"]
    assert found.black.dtype == np.float32
    assert found.black.tolist() == pytest.approx([-raw.mean() / raw.std()], rel=1e-5)


def test_what_black_is_of_the_digits():
    images = load_images("digits")
    assert images.black.dtype == np.float32
    assert images.black.tolist() == [images.train_images.min()]  # which are black somewhere


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_labels": None}, "lacks the array test_labels"),
        ({"train_labels": np.arange(5)}, "6 train images and 5 labels"),
        ({"train_labels": np.full(6, -1)}, "integers from 0"),
        ({"train_labels": np.full(6, 0.5)}, "integers from 0"),
        ({"test_images": np.zeros((4, 8, 9))}, "of shape"),
        ({"test_images": np.zeros((4, 9, 9))}, "differ in shape"),
        ({"train_images": np.full((6, 8, 8), np.nan)}, "finite numbers"),
        ({"test_labels": np.full(4, 10**9)}, "below 100,000"),
        ({"train_images": np.array([None] * 6)}, "no array of numbers"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, changes, message):
    with pytest.raises(HwbenchError, match=message):
        load_images(_npz(tmp_path / "mine.npz", **changes))
    with pytest.raises(HwbenchError, match=r"none\.npz"):
        load_images(str(tmp_path / "none.npz"))


def test_a_reader_of_one_s_own_is_named_by_its_path(tmp_path, monkeypatch, hwbench_home):
    (tmp_path / "my_images.py").write_text(
        "from hwbench.images.npz_file import read_npz\n"
        "def read(folder):\n    return read_npz(folder / 'mine.npz')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    _npz(tmp_path / "mine.npz")
    assert load_images("my_images:read", tmp_path).name == "mine"
    with pytest.raises(HwbenchError, match=r"images/mine\.npz"):
        load_images("my_images:read")
    with pytest.raises(HwbenchError, match="image set my_images:raed: my_images has no 'raed'"):
        load_images("my_images:raed")
