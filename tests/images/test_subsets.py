import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet
from hwbench.images.sets import load_images
from hwbench.images.subsets import SUBSETS, RandomSubset, Subset, take_subset


def _image_set(labels):
    labels = np.array(labels, dtype=np.int64)
    pixels = np.arange(len(labels) * 2 * 4, dtype=np.float32).reshape(-1, 2, 2, 2)
    black = np.array([-1, -2], dtype=np.float32)
    return ImageSet("mine", "mine", pixels, labels, pixels[:2], labels[:2], 5, black=black)


def _most_even_counts(available, total):
    """How many of each class, sorted: one each in turn while there are any."""
    counts = [0] * len(available)
    while sum(counts) < total:
        least = min(n for n, most in zip(counts, available, strict=True) if n < most)
        place = next(
            i
            for i, (n, most) in enumerate(zip(counts, available, strict=True))
            if n < most and n == least
        )
        counts[place] += 1
    return sorted(counts)


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=60),
    st.integers(0, 2**31),
    st.data(),
    st.booleans(),
)
def test_random_images_are_different_and_classes_as_even_as_can_be(labels, seed, data, balanced):
    images = _image_set(labels)
    total = data.draw(st.integers(1, len(labels)))
    subset = RandomSubset(images=total, balanced=balanced)
    rows = subset.choose(images, np.random.default_rng(seed))
    assert rows.dtype == np.int64
    assert rows.shape == (total,)
    assert len(set(rows.tolist())) == total
    assert set(rows.tolist()) <= set(range(len(labels)))
    again = subset.choose(images, np.random.default_rng(seed))
    np.testing.assert_array_equal(again, rows)
    if balanced:
        available = np.unique(labels, return_counts=True)[1].tolist()
        found = [int((images.train_labels[rows] == label).sum()) for label in set(labels)]
        assert sorted(found) == _most_even_counts(available, total)


@pytest.mark.parametrize("balanced", [True, False])
def test_every_image_of_equal_classes_is_as_likely(balanced):
    images = _image_set(np.repeat(range(5), 4))
    generator = np.random.default_rng(0)
    subset = RandomSubset(images=7, balanced=balanced)
    often = np.zeros(20)
    for _ in range(3000):
        often[subset.choose(images, generator)] += 1
    np.testing.assert_allclose(often / 3000, 7 / 20, atol=0.045)  # five deviations


def test_which_classes_give_one_more_does_not_depend_on_their_sizes():
    images = _image_set([0] * 200 + [1] * 4)
    generator = np.random.default_rng(0)
    subset = RandomSubset(images=3)
    of_large = [
        int((images.train_labels[subset.choose(images, generator)] == 0).sum()) for _ in range(800)
    ]
    assert set(of_large) == {1, 2}
    assert 0.4 < np.mean(np.array(of_large) == 2) < 0.6


def test_a_subset_keeps_all_else(unchanged):
    images = load_images("digits")
    rows = unchanged(SUBSETS.load("random")(images=100).choose(images, np.random.default_rng(3)))
    few = take_subset(images, rows)
    np.testing.assert_array_equal(few.train_images, images.train_images[rows])
    assert np.bincount(few.train_labels).tolist() == [10] * 10
    for name in ("name", "classes", "test_images", "test_labels", "black"):
        assert getattr(few, name) is getattr(images, name)
    assert few.title.endswith(", 100 of its 898 training images")
    assert len(take_subset(images, np.arange(898)[::-1]).train_labels) == 898


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], r"at least one, not \(0,\)"),
        ([[0, 1]], r"of shape \(n,\)"),
        (3, r"not \(\)"),
        ([0.0, 1.0], "whole numbers"),
        ([True, False], "whole numbers"),
        ([0, 4], r"row 4 is none of the 4 training images, 0 \.\. 3"),
        ([-1], "row -1 is none"),
        ([2, 0, 2], "row 2 is taken twice"),
    ],
)
def test_rows_that_are_none_are_refused(rows, message):
    with pytest.raises(HwbenchError, match=message):
        take_subset(_image_set([0, 1, 2, 3]), rows)


def test_arguments_are_checked():
    with pytest.raises(HwbenchError, match="subset RandomSubset: images must be above 0, not 0"):
        RandomSubset(images=0)
    with pytest.raises(HwbenchError, match="balanced must be true or false"):
        RandomSubset(images=1, balanced="often")
    with pytest.raises(HwbenchError, match="did you mean 'balanced'"):
        RandomSubset(images=1, balance=True)
    few = _image_set([0, 1])
    with pytest.raises(HwbenchError, match="images = 3 is more than the 2 that mine has") as found:
        RandomSubset(images=3).choose(few, np.random.default_rng(0))
    assert "\n" not in str(found.value)


def test_subsets_of_ones_own_are_found_by_their_path(tmp_path, monkeypatch):
    (tmp_path / "my_subsets.py").write_text(
        "import numpy as np\n"
        "from pydantic import PositiveInt\n"
        "from hwbench.images.subsets import Subset\n"
        "class First(Subset):\n"
        "    def __init__(self, *, images: PositiveInt) -> None:\n        self.images = images\n"
        "    def choose(self, images, generator):\n        return np.arange(self.images)\n"
        "class Other:\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    first = SUBSETS.load("my_subsets:First")
    assert issubclass(first, Subset)
    assert first(images=2).choose(_image_set([0, 1, 2]), None).tolist() == [0, 1]
    with pytest.raises(HwbenchError, match="subset First: images must be a whole number"):
        first(images="some")
    with pytest.raises(HwbenchError, match=r"is no subclass of hwbench\.images\.subsets\.Subset"):
        SUBSETS.load("my_subsets:Other")
    with pytest.raises(HwbenchError, match="did you mean 'random'"):
        SUBSETS.load("randon")


def test_images_of_ones_own_reader_go_by_what_they_are(tmp_path, monkeypatch):
    (tmp_path / "my_turned_images.py").write_text(
        "from dataclasses import replace\n"
        "from hwbench.images.sets import load_images\n"
        "def turned(folder):\n"
        "    digits = load_images('digits')\n"
        "    return replace(digits, train_labels=digits.train_labels[::-1].copy())\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    digits, turned = load_images("digits"), load_images("my_turned_images:turned")
    assert turned.sha256 != digits.sha256
    assert turned.sha256 == load_images("my_turned_images:turned").sha256


def test_no_torch_is_imported():
    code = "import sys, hwbench.images.subsets; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
