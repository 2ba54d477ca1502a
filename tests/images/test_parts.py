from dataclasses import replace

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.images.parts import parts_of, split_images
from hwbench.images.sets import load_images


def test_parts_are_disjoint_and_complete():
    images = load_images("digits")
    data = split_images(images, 0.25, seed=3)
    assert (len(data.train), len(data.validation), len(data.test)) == (674, 224, 899)
    joined = torch.cat([data.train.images, data.validation.images]).flatten(1)
    given = torch.from_numpy(images.train_images).flatten(1)
    assert sorted(map(tuple, joined.tolist())) == sorted(map(tuple, given.tolist()))
    with pytest.raises(HwbenchError, match="leaves a part empty"):
        split_images(images, 0.0001, seed=0)


def test_black_goes_wherever_images_go():
    images = load_images("digits")
    data = split_images(images, 0.25, seed=3).to(torch.device("cpu"))
    train, test = parts_of(images)
    for part in (train, test, data.train, data.validation, data.test):
        assert torch.equal(part.black, torch.from_numpy(images.black))
        assert next(part.batches(7)).black is part.black
        assert next(part.shuffled(7)).black is part.black
        assert next(part.endless(7)).black is part.black
    unknown, _ = parts_of(replace(images, black=None))
    assert unknown.to(torch.device("cpu")).black is None
    assert next(unknown.batches(7)).black is None


def test_black_has_a_value_a_channel():
    with pytest.raises(HwbenchError, match=r"digits: black must be of shape \(1,\), a value a"):
        replace(load_images("digits"), black=np.zeros(3, dtype=np.float32))
