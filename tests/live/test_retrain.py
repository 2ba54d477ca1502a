import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import cross_entropy

from hwbench.devices import seeded
from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.images.reading import normalised
from hwbench.images.sets import load_images
from hwbench.live.retrain import RECIPES, NamedRecipe, RetrainRecipe, retrain
from hwbench.live.retrain_network import (
    DropPath,
    add_drop_paths,
    auxiliary_head,
    remove_drop_paths,
)
from hwbench.results.retrainings import EPOCH_COLUMNS
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
    assert found[0].test_accuracy == found[1].test_accuracy
    assert found[0].train_loss == found[1].train_loss
    network = space.network(space.sample(1, seed=0)[0], channels=4, depth=1, classes=3)
    assert found[0].parameters == sum(weight.numel() for weight in network.parameters())
    names = list(network.state_dict())
    assert list(found[0].network.state_dict()) == names
    assert add_drop_paths(network)
    head = auxiliary_head(network, 32, 3)
    network(torch.randn(2, 3, 32, 32))
    assert head().shape == (2, 3)
    network.eval()(torch.randn(2, 3, 32, 32))
    assert not head._features
    head.remove()
    network.train()(torch.randn(2, 3, 32, 32))
    assert not head._features
    remove_drop_paths(network)
    assert list(network.state_dict()) == names
    assert auxiliary_head(network, 16, 3) is None


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
    assert result.test_accuracy > 85


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
    assert found.train_loss == sum(losses) / 4
    assert found.test_accuracy == pytest.approx(100 * np.mean(predicted == images.test_labels))


@pytest.fixture
def trained(tmp_path):
    """Train a small DARTS network with a checkpoint; gives the result and the epochs seen."""
    space, images = get_space("darts"), _colour_images()
    arch = space.sample(1, seed=0)[0]

    def train(stop_at=None, checkpoint=tmp_path / "retraining.pt", **options):
        recipe = options.pop("recipe", RetrainRecipe(channels=4, depth=1, epochs=3, batch_size=24))
        seen = []

        def watched(done, _total):
            seen.append(done)
            if done == stop_at:
                raise KeyboardInterrupt

        with seeded(0, CPU, 1):
            result = retrain(
                space, arch, images, recipe, checkpoint=checkpoint, progress=watched, **options
            )
        return result, seen

    return train


def _equal(one, other):
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    without_clock = [each.epochs.drop(columns="seconds") for each in (one, other)]
    pd.testing.assert_frame_equal(*without_clock)
    assert one.test_accuracy == other.test_accuracy


def test_a_stopped_training_goes_on_where_it_was(trained):
    whole, seen = trained(checkpoint=None)
    assert seen == [0, 1, 2, 3]
    with pytest.raises(KeyboardInterrupt):
        trained(stop_at=2)
    result, seen = trained()
    assert seen == [2, 3]
    _equal(result, whole)
    assert trained()[1] == [3]  # stopped before the result was written


def test_a_checkpoint_of_another_training_or_code_is_refused(trained, tmp_path):
    trained()
    other = RetrainRecipe(channels=4, depth=1, epochs=3, batch_size=24, learning_rate=0.01)
    with pytest.raises(HwbenchError, match=r"another training \(recipe differ\).*--fresh"):
        trained(recipe=other)
    path = tmp_path / "retraining.pt"
    torch.save({**torch.load(path, weights_only=True), "code": "another"}, path)
    with pytest.raises(HwbenchError, match=r"by other code, that of hwbench .*--fresh"):
        trained()


def test_epochs_are_tested_without_changing_what_is_trained(trained):
    seen = []
    whole, _ = trained(checkpoint=None)
    tested, _ = trained(checkpoint=None, test_every_epoch=True, after_epoch=seen.append)
    assert [len(each) for each in seen] == [1, 2, 3]
    assert list(whole.epochs) == list(EPOCH_COLUMNS)[:5]
    assert list(tested.epochs) == list(EPOCH_COLUMNS)
    shared = [column for column in whole.epochs if column != "seconds"]
    pd.testing.assert_frame_equal(whole.epochs[shared], tested.epochs[shared])
    assert tested.epochs["test_accuracy"].iloc[-1] == tested.test_accuracy == whole.test_accuracy


def test_a_damaged_checkpoint_is_named(trained, tmp_path):
    path = tmp_path / "retraining.pt"
    path.write_bytes(b"no checkpoint")
    with pytest.raises(HwbenchError, match=r"retraining\.pt: is no file of weights, or is damaged"):
        trained()
    path.unlink()
    trained()
    state = torch.load(path, weights_only=True)
    torch.save({**state, "network": {}}, path)
    with pytest.raises(HwbenchError, match=r"retraining\.pt: is of another version of hwbench"):
        trained()


def test_mixed_precision_runs_on_the_cpu(trained):
    recipe = RetrainRecipe(channels=4, depth=1, epochs=1, batch_size=24, precision="bfloat16")
    mixed = trained(checkpoint=None, recipe=recipe)[0]
    plain = trained(checkpoint=None, recipe=replace(recipe, precision="float32"))[0]
    assert {weight.dtype for weight in mixed.network.parameters()} == {torch.float32}
    assert mixed.train_loss != plain.train_loss
    assert mixed.train_loss == pytest.approx(plain.train_loss, rel=0.05)


def test_published_recipes_field_by_field():
    assert RECIPES["darts"] == RetrainRecipe(
        channels=36,
        depth=6,
        epochs=600,
        batch_size=96,
        learning_rate=0.025,
        warm_up_epochs=0,
        momentum=0.9,
        nesterov=False,
        weight_decay=3e-4,
        gradient_clip=5,
        label_smoothing=0,
        drop_path=0.2,
        auxiliary_weight=0.4,
        shift=4,
        flip=True,
        cutout=16,
        precision="float32",
    )
    assert RECIPES["nasbench201"] == RetrainRecipe(
        channels=16,
        depth=5,
        epochs=200,
        batch_size=256,
        learning_rate=0.1,
        warm_up_epochs=0,
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
        gradient_clip=0,
        label_smoothing=0,
        drop_path=0,
        auxiliary_weight=0,
        shift=4,
        flip=True,
        cutout=0,
        precision="float32",
    )


def test_a_named_recipe_says_what_was_changed():
    found = NamedRecipe.of("nasbench201", epochs=12, nesterov=False)
    assert found.recipe == replace(RECIPES["nasbench201"], epochs=12, nesterov=False)
    assert found.title == "nasbench201, epochs 12, nesterov false"
    assert NamedRecipe.of().title == "darts"
    with pytest.raises(HwbenchError, match="unknown recipe 'dart'; did you mean 'darts'"):
        NamedRecipe.of("dart")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label_smoothing": 1.0}, "retraining: label_smoothing must be below 1"),
        ({"precision": "bfloat61"}, "unknown precision 'bfloat61'; did you mean 'bfloat16'"),
        ({"momentum": 0.0, "nesterov": True}, "nesterov needs a momentum above 0"),
        ({"warm_up_epochs": 600}, "fewer than the 600 epochs, not 600"),
    ],
)
def test_recipes_out_of_range_are_refused(changes, message):
    with pytest.raises(HwbenchError, match=message):
        NamedRecipe.of("darts", **changes)
