"""Tiny supernets and images."""

import numpy as np
import pytest
import torch

from hwbench.images.parts import Part, SearchData
from hwbench.live.supernets.supernet import NetworkOptions, make_supernet


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture
def cells():
    """A maker of NAS-Bench-201 supernets for 8x8 images of one channel."""

    def make(operations=None, **options):
        return make_supernet(
            "nasbench201",
            operations=operations,
            options=NetworkOptions(**options),
            channels=4,
            depth=1,
            input_channels=1,
            input_size=8,
            classes=3,
        )

    return make


@pytest.fixture
def data():
    """24 + 16 + 16 random images of three classes."""
    generator = np.random.default_rng(0)

    def part(size):
        images = generator.standard_normal((size, 1, 8, 8)).astype(np.float32)
        return Part(torch.from_numpy(images), torch.arange(size) % 3)

    return SearchData(part(24), part(16), part(16))
