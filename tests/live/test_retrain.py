import numpy as np
import pytest
import torch

from hwbench.images.reading import normalised
from hwbench.images.sets import load_images
from hwbench.live.retrain import (
    DropPath,
    RetrainRecipe,
    _add_auxiliary_head,
    _add_drop_paths,
    retrain,
)
from hwbench.live.search import seeded
from hwbench.spaces import get_space

CPU = torch.device("cpu")


def _colour_images():
    generator = np.random.default_rng(0)
    images = generator.random((24, 3, 32, 32))
    labels = np.arange(24) % 3
    return normalised("random", "random", (images, labels), (images[:6], labels[:6]), 3)


def test_dropped_paths_keep_the_mean_and_are_whole_images():
    path = DropPath(torch.nn.Identity())
    path.probability = 0.25
    output = path(torch.ones(4000, 1, 2, 2))
    assert set(np.unique(output).tolist()) == {0.0, np.float32(1 / 0.75)}
    assert bool((output.flatten(1).std(dim=1) == 0).all())
    assert output.mean().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(path.eval()(torch.ones(2, 1, 2, 2)), torch.ones(2, 1, 2, 2))


def test_a_darts_architecture_trains_with_drop_path_and_auxiliary_head():
    space = get_space("darts")
    recipe = RetrainRecipe(channels=4, depth=1, epochs=1, batch_size=12)
    found = []
    for _ in range(2):
        with seeded(0, CPU, 1):
            found.append(retrain(space, space.sample(1, seed=0)[0], _colour_images(), recipe))
    assert found[0] == found[1]
    network = space.network(space.sample(1, seed=0)[0], channels=4, depth=1, classes=3)
    assert found[0]["parameters"] == sum(weight.numel() for weight in network.parameters())
    paths = _add_drop_paths(network)
    head, features = _add_auxiliary_head(network, _colour_images(), recipe)
    network(torch.randn(2, 3, 32, 32))
    assert paths
    assert head(features.pop()).shape == (2, 3)
    network.eval()(torch.randn(2, 3, 32, 32))
    assert not features


def test_a_cell_learns_digits():
    space = get_space("nasbench201")
    arch = space.from_string(
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
        "|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    )
    recipe = RetrainRecipe(
        channels=8,
        depth=1,
        epochs=3,
        batch_size=32,
        learning_rate=0.1,
        shift=0,
        flip=False,
        cutout=0,
    )
    with seeded(0, CPU, 1):
        result = retrain(space, arch, load_images("digits"), recipe)
    assert result["test_accuracy"] > 85
