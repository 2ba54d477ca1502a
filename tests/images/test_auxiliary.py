"""The auxiliary network, what it says of images, and the subsets that it chooses."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import torch

from hwbench.devices import choose_device
from hwbench.errors import HwbenchError
from hwbench.images import auxiliary as auxiliary_module
from hwbench.images.auxiliary import AuxiliaryRecipe, Scores, auxiliary_scores
from hwbench.images.proxy_subsets import (
    Choice,
    EntropySubset,
    ForgettingSubset,
    KCenterSubset,
)
from hwbench.images.residual import ResNet
from hwbench.images.sets import load_images
from hwbench.images.subsets import take_subset
from hwbench.live.run import run_live
from hwbench.live.search import make_search
from hwbench.testing.live_example import example_config

QUICK = {"epochs": 3, "channels": 4, "blocks": 1, "batch_size": 32, "shift": 1, "flip": False}


@pytest.fixture
def images(hwbench_home):
    whole = load_images("digits")
    return take_subset(whole, np.arange(300))


def test_resnet_20_is_as_large_as_published():
    network = ResNet(3, 10)
    # He et al. 2016, Table 6: 0.27 M; its layers one by one.
    convolutions = 432 + 6 * 2304 + 4608 + 5 * 9216 + 18432 + 5 * 36864
    scales = 2 * (16 * 7 + 32 * 6 + 64 * 6)
    assert sum(each.numel() for each in network.parameters()) == convolutions + scales + 650
    assert len([m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]) + 1 == 20
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    assert network.features(torch.randn(2, 3, 16, 16)).shape == (2, 64)


def test_a_skip_fills_new_channels_with_zeros():
    block = ResNet(1, 2, channels=4, blocks=1).body[4]
    for parameter in block.body.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.rand(1, 4, 6, 6)
    out = block(x)
    assert torch.equal(out[:, 2:6], x[:, :, ::2, ::2])
    assert not out[:, :2].any()
    assert not out[:, 6:].any()


def test_it_learns_once_and_is_read_afterwards(images, monkeypatch):
    recipe = AuxiliaryRecipe(**{**QUICK, "epochs": 8})
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = auxiliary_scores(images, recipe)
    assert torch.equal(torch.get_rng_state(), before)
    assert first.test_accuracy > 50
    assert first.entropies.shape == first.forgotten.shape == (300,)
    assert first.features.shape == (300, 16)
    assert 0 <= first.entropies.min() < first.entropies.max() <= np.log(10)
    assert 0 <= first.forgotten.min() < first.forgotten.max() < 8

    def trains(*_):
        raise AssertionError("it is trained again")

    with monkeypatch.context() as patch:
        patch.setattr(auxiliary_module, "_trained", trains)
        again = auxiliary_scores(images, recipe)
        with pytest.raises(AssertionError):
            auxiliary_scores(images, AuxiliaryRecipe(**{**QUICK, "seed": 1}))
        with pytest.raises(AssertionError):
            auxiliary_scores(take_subset(images, np.arange(200)), recipe)
    np.testing.assert_array_equal(again.entropies, first.entropies)
    np.testing.assert_array_equal(again.features, first.features)
    (path,) = auxiliary_module.home().glob("auxiliary/*.npz")
    path.unlink()
    anew = auxiliary_scores(images, recipe)
    np.testing.assert_array_equal(anew.entropies, first.entropies)
    np.testing.assert_array_equal(anew.forgotten, first.forgotten)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(HwbenchError, match="is damaged; remove it"):
        auxiliary_scores(images, recipe)


def test_forgetting_is_from_right_to_wrong():
    memory = auxiliary_module._Memory(torch.zeros(3, dtype=torch.int64))
    rows = torch.arange(3)
    right, wrong = [1.0, 0.0], [0.0, 1.0]
    for seen in (
        [right, wrong, right],
        [wrong, wrong, right],
        [wrong, right, right],
        [right, wrong, right],
        [wrong, wrong, right],
    ):
        memory.take(rows, torch.tensor(seen))
    assert memory.forgotten.tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    "make",
    [
        *(
            lambda choice=choice: EntropySubset(images=40, choice=choice, auxiliary=QUICK)
            for choice in ("p1", "p2", "p3", "lowest", "highest", "both_ends", "lowest_and_random")
        ),
        lambda: ForgettingSubset(images=40, auxiliary=QUICK),
        lambda: KCenterSubset(images=40, auxiliary=QUICK),
    ],
)
def test_subsets_are_different_rows_and_functions_of_the_seed(make, images):
    one, other = (make().choose(images, np.random.default_rng(0)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert one.dtype == np.int64
    assert len(np.unique(one)) == 40
    with pytest.raises(HwbenchError, match="images = 40 is more than the 30 that digits has"):
        make().choose(take_subset(images, np.arange(30)), np.random.default_rng(0))


def test_what_they_choose(images):
    scores = auxiliary_scores(images, AuxiliaryRecipe(**QUICK))
    generator = np.random.default_rng(0)
    low = EntropySubset(images=40, choice="lowest", auxiliary=QUICK).choose(images, generator)
    high = EntropySubset(images=40, choice="highest", auxiliary=QUICK).choose(images, generator)
    assert scores.entropies[low].max() < np.median(scores.entropies) < scores.entropies[high].min()
    forgotten = ForgettingSubset(images=40, auxiliary=QUICK).choose(images, generator)
    others = np.setdiff1d(np.arange(300), forgotten)
    assert scores.forgotten[forgotten].min() >= scores.forgotten[others].max()


def test_other_images_have_scores_of_their_own(images, hwbench_home):
    recipe = AuxiliaryRecipe(**{**QUICK, "epochs": 1})
    whole = load_images("digits")
    order = np.argsort(images.train_labels, kind="stable")
    others = {
        "the first": images,
        "the next": take_subset(whole, np.arange(300, 600)),
        "sorted": replace(  # as a reader of one's own may do
            images,
            train_images=images.train_images[order],
            train_labels=images.train_labels[order],
        ),
        "labels": replace(images, train_labels=images.train_labels[::-1].copy()),
        "black": replace(images, black=np.array([3], dtype=np.float32)),
    }
    assert len({each.sha256 for each in others.values()}) == 1
    found = [auxiliary_scores(each, recipe).features for each in others.values()]
    assert len({each.tobytes() for each in found}) == len(others)
    assert len([*auxiliary_module.home().glob("auxiliary/*.npz")]) == len(others)
    again = auxiliary_scores(replace(images, name="another", title="name"), recipe)
    np.testing.assert_array_equal(again.features, found[0])


def test_of_images_that_are_equally_often_forgotten_any_are_taken(images):
    def scores(n_forgotten):
        forgotten = np.zeros(300, dtype=np.int64)
        forgotten[:n_forgotten] = 2
        return Scores(np.zeros(300), forgotten, np.zeros((300, 1), dtype=np.float32), 0.0)

    by_class = replace(images, train_labels=np.sort(images.train_labels))
    subset = ForgettingSubset(images=100, auxiliary=QUICK)
    seen = []
    for seed in range(3):
        rows = subset.rows(by_class, scores(20), np.random.default_rng(seed))
        assert set(range(20)) <= set(rows.tolist())
        assert len(np.unique(by_class.train_labels[rows])) == 10  # no class is left out
        seen.append(frozenset(rows.tolist()))
    assert len(set(seen)) == 3


def test_bins_are_as_wide_as_published_for_the_set():
    subset = EntropySubset(images=3)
    bases = ("cifar10", "cifar100", "imagenet16-120", "svhn", "digits")
    assert [subset.width_of(base) for base in bases] == [0.5, 0.25, 0.25, 0.2, 0.5]
    assert EntropySubset(images=3, bin_width=0.3).width_of("svhn") == 0.3


def test_the_width_of_bins_follows_the_base_of_the_set(images):
    entropies = 10 ** np.random.default_rng(0).uniform(-4, 0, 300)
    scores = Scores(entropies, np.zeros(300, dtype=np.int64), np.zeros((300, 1)), 0.0)

    def rows(base, **arguments):
        subset = EntropySubset(images=60, **arguments)
        return subset.rows(replace(images, base=base), scores, np.random.default_rng(1)).tolist()

    assert rows("svhn") == rows("digits", bin_width=0.2) != rows("cifar10")
    assert rows("svhn", bin_width=0.5) == rows("cifar10") == rows("digits")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low_share": 0.5}, 'low_share = 0.5 has no effect with choice = "p1"; leave it out, or'),
        ({"low_share": 0.0, "choice": "lowest"}, r'use choice = "both_ends" or choice = "lowest_a'),
        ({"bin_width": 0.2, "choice": "highest"}, r'bin_width = 0.2 .* or use choice = "p1" or'),
    ],
)
def test_arguments_without_effect_are_refused(arguments, message):
    with pytest.raises(HwbenchError, match=message):
        EntropySubset(images=3, **arguments)


@pytest.mark.parametrize("choice", get_args(Choice))
def test_defaults_may_be_written_out(choice):
    EntropySubset(images=3, choice=choice, low_share=0.9, bin_width=0.5)


def test_wrong_arguments_are_named():
    with pytest.raises(HwbenchError, match=r"auxiliary: .*'epoch'; did you mean 'epochs'"):
        EntropySubset(images=3, auxiliary={"epoch": 3})
    with pytest.raises(HwbenchError, match="choice"):
        EntropySubset(images=3, choice="p4")


def test_the_network_is_trained_where_the_search_computes(hwbench_home, monkeypatch):
    subset = {"name": "entropy", "images": 200, "auxiliary": QUICK}
    config = example_config()
    config = config.model_copy(update={"data": config.data.model_copy(update={"subset": subset})})
    asked = []

    def noted(name):
        asked.append(name)
        return choose_device(name)

    monkeypatch.setattr("hwbench.images.auxiliary.choose_device", noted)
    make_search(config, torch.device("cpu"))
    assert set(asked) == {"cpu"}  # also where there is a GPU
    with pytest.raises(HwbenchError, match="device 'meta' cannot be used"):
        make_search(config, torch.device("meta"))


def test_a_search_on_proxy_data(hwbench_home, tmp_path):
    subset = {"name": "entropy", "images": 200, "auxiliary": QUICK}
    config = example_config()
    data = config.data.model_copy(update={"subset": subset})
    result = run_live(config.model_copy(update={"data": data}), tmp_path)
    assert result["architecture"]
    taken = pd.read_parquet(tmp_path / "subset.parquet")
    assert list(taken) == ["row", "label", "place", "entropy", "forgotten"]
    assert taken["row"].is_monotonic_increasing
    whole = load_images("digits")
    np.testing.assert_array_equal(taken["label"], whole.train_labels[taken["row"]])
    scores = auxiliary_scores(whole, AuxiliaryRecipe(**QUICK))
    np.testing.assert_array_equal(taken["entropy"], scores.entropies[taken["row"]])
