import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.images.parts import split_images
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
