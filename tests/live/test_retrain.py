import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
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
from hwbench.progress import silent
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


def test_a_training_is_the_loop_written_out():
    space, images = get_space("nasbench201"), load_images("digits")
    arch = space.sample(1, seed=5)[0]
    recipe = RetrainRecipe(
        channels=4, depth=1, epochs=2, batch_size=200, shift=1, flip=True, cutout=2
    )
    with seeded(0, CPU, 1):
        found = retrain(space, arch, images, recipe, seed=3)
    network = space.network(
        arch, seed=3, channels=4, depth=1, input_channels=1, input_size=8, classes=10
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.025, momentum=0.9, weight_decay=3e-4, foreach=True
    )
    augmentation = Augmentation(shift=1, flip=True, cutout=2)
    given, labels = torch.from_numpy(images.train_images), torch.from_numpy(images.train_labels)
    black = torch.from_numpy(images.black)
    with seeded(0, CPU, 1):
        for epoch in range(2):
            order = torch.randperm(len(labels))
            losses = []
            for step in range(4):
                share = (epoch * 4 + step) / 8
                optimizer.param_groups[0]["lr"] = 0.025 * 0.5 * (1.0 + math.cos(math.pi * share))
                rows = order[200 * step : 200 * (step + 1)]
                optimizer.zero_grad()
                loss = cross_entropy(network(augmentation(given[rows], black)), labels[rows])
                losses.append(loss.item())
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
                optimizer.step()
        with torch.no_grad():
            predicted = network.eval()(torch.from_numpy(images.test_images)).argmax(dim=1).numpy()
    assert found["train_loss"] == sum(losses) / 4
    assert found["test_accuracy"] == pytest.approx(100 * np.mean(predicted == images.test_labels))


def test_a_stopped_training_goes_on_where_it_was(tmp_path):
    space, images = get_space("darts"), _colour_images()
    arch = space.sample(1, seed=0)[0]
    recipe = RetrainRecipe(channels=4, depth=1, epochs=3, batch_size=24)
    path = tmp_path / "retraining.pt"

    def trained(recipe=recipe, progress=silent):
        seen = []

        def watched(done, total):
            seen.append(done)
            progress(done, total)

        with seeded(0, CPU, 1):
            return retrain(space, arch, images, recipe, checkpoint=path, progress=watched), seen

    def stop_at(place):
        def stop(done, _total):
            if done == place:
                raise KeyboardInterrupt

        return stop

    whole, seen = trained()
    assert seen == [0, 1, 2, 3]
    path.unlink()
    with pytest.raises(KeyboardInterrupt):
        trained(progress=stop_at(2))
    result, seen = trained()
    assert seen == [2, 3]
    assert result == whole
    assert trained()[1] == [3]  # stopped before the result was written
    with pytest.raises(KeyboardInterrupt):  # another training begins at its start
        trained(replace(recipe, learning_rate=0.01), progress=stop_at(0))


def test_other_images_of_the_same_name_are_refused(tmp_path):
    space, images = get_space("nasbench201"), load_images("digits")
    recipe = RetrainRecipe(channels=2, depth=1, epochs=1, batch_size=400, cutout=0)

    def trained(images):
        arch, path = space.sample(1, seed=0)[0], tmp_path / "retraining.pt"
        with seeded(0, CPU, 1):
            return retrain(space, arch, images, recipe, checkpoint=path)

    first = trained(images)
    with pytest.raises(HwbenchError, match="was trained so far on other images of the name digits"):
        trained(replace(images, sha256="0" * 64))
    assert trained(images) == first


def test_a_damaged_checkpoint_is_named(tmp_path):
    space = get_space("nasbench201")
    path = tmp_path / "retraining.pt"
    recipe = RetrainRecipe(channels=2, depth=1, epochs=1, batch_size=400, cutout=0)

    def trained():
        with seeded(0, CPU, 1):
            retrain(
                space, space.sample(1, seed=0)[0], load_images("digits"), recipe, checkpoint=path
            )

    path.write_bytes(b"no checkpoint")
    with pytest.raises(HwbenchError, match=r"retraining\.pt: is no file of weights, or is damaged"):
        trained()
    path.unlink()
    trained()
    state = torch.load(path, weights_only=True)
    torch.save({**state, "network": {}}, path)
    with pytest.raises(HwbenchError, match=r"retraining\.pt: is of another version of hwbench"):
        trained()
