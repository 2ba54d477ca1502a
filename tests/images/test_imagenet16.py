import pickle

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.images.imagenet16 import TEST, TRAIN, read_batch, read_imagenet16_120
from hwbench.images.sets import load_images

FILES = [*TRAIN, *TEST]


def _batch(seed, images=8):
    generator = np.random.default_rng(seed)
    labels = generator.integers(1, 1001, images)
    labels[:3] = [1, 120, 121]  # the first, the last that is kept, the first that is not
    return {
        "data": generator.integers(0, 256, (images, 3 * 16 * 16), dtype=np.uint8),
        "labels": labels.tolist(),
        "mean": generator.random(768),
    }


def _write(folder, protocol):
    batches = {}
    for seed, name in enumerate(FILES):
        batches[name] = _batch(seed)
        (folder / name).write_bytes(pickle.dumps(batches[name], protocol=protocol))
    return batches


@pytest.mark.parametrize("protocol", range(6))
def test_batches_of_the_official_format_are_read(tmp_path, protocol):
    batches = _write(tmp_path, protocol)
    found = read_imagenet16_120(tmp_path, check=False)
    assert (found.channels, found.size, found.classes) == (3, 16, 120)

    def expected(names):
        images = np.concatenate([batches[name]["data"] for name in names])
        labels = np.concatenate([batches[name]["labels"] for name in names])
        return images.reshape(-1, 3, 16, 16)[labels <= 120], labels[labels <= 120] - 1

    train, labels = expected(TRAIN)
    assert found.train_labels.tolist() == labels.tolist()
    mean, deviation = train.mean(axis=(0, 2, 3)), train.std(axis=(0, 2, 3))
    scaled = (train - mean[:, None, None]) / deviation[:, None, None]
    np.testing.assert_allclose(found.train_images, scaled, atol=1e-5)
    np.testing.assert_allclose(found.black, -mean / deviation, rtol=1e-5)
    test, labels = expected(TEST)
    assert found.test_labels.tolist() == labels.tolist()
    scaled = (test - mean[:, None, None]) / deviation[:, None, None]
    np.testing.assert_allclose(found.test_images, scaled, atol=1e-5)


def test_labels_may_be_an_array_and_arrays_column_major(tmp_path):
    batch = _batch(0)
    path = tmp_path / "batch"
    for order in "<>":
        given = np.array(batch["labels"], dtype=f"{order}i4")
        path.write_bytes(pickle.dumps({"data": np.asfortranarray(batch["data"]), "labels": given}))
        images, labels = read_batch(path, 1000)
        np.testing.assert_array_equal(images.reshape(-1, 768), batch["data"])
        assert (labels + 1).tolist() == batch["labels"]


def test_files_that_are_not_the_published_ones_are_refused(tmp_path):
    with pytest.raises(HwbenchError, match="train_data_batch_1: is missing"):
        load_images("imagenet16-120", tmp_path)
    _write(tmp_path, 4)
    with pytest.raises(HwbenchError, match=r"train_data_batch_1: is not the published file \(MD5"):
        load_images("imagenet16-120", tmp_path)
    (tmp_path / "train_data_batch_7").unlink()
    with pytest.raises(HwbenchError, match="train_data_batch_7: is missing"):
        load_images("imagenet16-120", tmp_path)


class _Runs:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        import pathlib

        return pathlib.Path.touch, (pathlib.Path(self.path),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"torn", "the pickle is damaged"),
        (b"", "is damaged or was not fetched whole"),
        (pickle.dumps([1, 2]), "is no batch of ImageNet at 16x16 pixels, which has `data`"),
        (pickle.dumps({"data": np.zeros((2, 768), np.uint8)}), "has `data` and `labels`"),
        (pickle.dumps({**_batch(0), "labels": [1, [2, 3]]}), "has not one whole number"),
        (pickle.dumps({**_batch(0), "labels": 1}), "has not one whole number"),
        (pickle.dumps({**_batch(0), "data": [[1], [1, 2]]}), "images are object"),
        (pickle.dumps({**_batch(0), "labels": [1]}), "has not one whole number"),
        (pickle.dumps({**_batch(0), "labels": ["a"] * 8}), "has not one whole number"),
        (pickle.dumps({**_batch(0), "data": np.zeros((8, 768))}), "images are float64"),
        (pickle.dumps({**_batch(0), "data": np.zeros((8, 3072), np.uint8)}), r"\(8, 3072\), not"),
        (pickle.dumps({**_batch(0), "data": np.array([None] * 8)}), "images are object"),
        (pickle.dumps(_batch(0))[:-900], "is damaged"),
    ],
)
def test_other_contents_are_one_error(tmp_path, content, message):
    path = tmp_path / "batch"
    path.write_bytes(content)
    with pytest.raises(HwbenchError, match=message) as found:
        read_batch(path, 120)
    assert str(path) in str(found.value)


def test_code_in_a_file_is_not_run(tmp_path):
    path, trace = tmp_path / "batch", tmp_path / "trace"
    path.write_bytes(pickle.dumps({**_batch(0), "mean": _Runs(str(trace))}))
    with pytest.raises(HwbenchError, match="would run pathlib"):
        read_batch(path, 120)
    assert not trace.exists()
