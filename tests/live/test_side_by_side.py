"""Architectures trained by one recipe and measured, in one table."""

import numpy as np
import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet
from hwbench.images.sets import load_images
from hwbench.live import side_by_side
from hwbench.live.retrain import NamedRecipe
from hwbench.live.side_by_side import agreement_of, compare
from hwbench.results.names import COMPARISON, LATENCY_JOURNAL
from hwbench.spaces import get_space
from hwbench.tables import Table
from hwbench.tables.made.recipe import MeasureRecipe

SPACE = get_space("published_networks")
NAMES = ["ASAP", "MobileNet-V2", "FairNAS-C"]
RECIPE = NamedRecipe.of(
    "darts", channels=4, depth=1, epochs=1, batch_size=64, cutout=0, flip=False, drop_path=0.0
)
MEASURING = MeasureRecipe(rounds=2, repeats=2, warmup=0)


@pytest.fixture(scope="module")
def images():
    """A few of the digits."""
    digits = load_images("digits")
    few = {name: getattr(digits, name)[:96] for name in ("train_images", "train_labels")}
    few |= {name: getattr(digits, name)[:64] for name in ("test_images", "test_labels")}
    return ImageSet(**{**vars(digits), **few})


def test_one_table_has_accuracies_latencies_and_what_is_free(tmp_path, images, monkeypatch):
    found = compare(tmp_path, SPACE, NAMES, images, RECIPE, measuring=MEASURING, seeds=[0, 1])
    frame = found.table.frame
    assert sorted(frame["arch"]) == sorted(NAMES)
    seeds = frame[["test_accuracy_seed0", "test_accuracy_seed1"]]
    np.testing.assert_allclose(frame["test_accuracy"], seeds.mean(axis=1))
    assert frame["test_accuracy"].is_monotonic_decreasing
    sizes = {"channels": 4, "depth": 1, "input_size": 8, "input_channels": 1}
    archs = SPACE.from_strings(frame["arch"])
    assert frame["parameters"].tolist() == SPACE.parameters(archs, **sizes).tolist()
    assert frame["flops"].tolist() == SPACE.flops(archs, **sizes).tolist()
    assert (frame["latency_min"] > 0).all()
    assert (frame["latency_min"] <= frame["latency"]).all()
    card = Table.read(tmp_path / COMPARISON).card
    assert (card.columns["test_accuracy"].split, card.columns["test_accuracy"].seeds) == (
        "test",
        (0, 1),
    )
    assert [recipe["command"] for recipe in card.recipes] == ["measure", "compare"]
    # Nothing is measured or trained again, and another seed is added to what is there.
    before = (tmp_path / LATENCY_JOURNAL).read_bytes()
    monkeypatch.setattr("hwbench.live.retrainings.retrain", None)
    again = compare(tmp_path, SPACE, NAMES, images, RECIPE, measuring=MEASURING, seeds=[0, 1])
    assert again.table.frame.equals(frame)
    assert (tmp_path / LATENCY_JOURNAL).read_bytes() == before


def test_a_stopped_comparison_goes_on_as_if_it_had_not(tmp_path, images, monkeypatch):
    trained = side_by_side.retrain_archs

    def stopped(folder, space, archs, *others, **options):
        trained(folder, space, archs[:1], *others, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(side_by_side, "retrain_archs", stopped)
    with pytest.raises(KeyboardInterrupt):
        compare(tmp_path, SPACE, NAMES[:2], images, RECIPE, measuring=MEASURING)
    journal = (tmp_path / LATENCY_JOURNAL).read_bytes()
    assert not (tmp_path / COMPARISON).exists()
    monkeypatch.undo()
    found = compare(tmp_path, SPACE, NAMES[:2], images, RECIPE, measuring=MEASURING)
    assert (tmp_path / LATENCY_JOURNAL).read_bytes() == journal
    whole = trained(tmp_path / "whole", SPACE, NAMES[:2], images, RECIPE)
    expected = {each.architecture: each.test_accuracy for each in whole}
    frame = found.table.frame
    assert dict(zip(frame["arch"], frame["test_accuracy"], strict=True)) == expected


def test_agreement_is_of_what_is_free_with_what_is_not():
    frame = pd.DataFrame(
        {
            "test_accuracy": [1.0, 2.0, 3.0],
            "latency": [3.0, 2.0, 1.0],
            "parameters": [1, 2, 3],
            "flops": [5, 5, 5],
        }
    )
    assert agreement_of(frame) == {
        "parameters with test_accuracy": 1.0,
        "flops with test_accuracy": None,
        "latency with test_accuracy": -1.0,
        "parameters with latency": -1.0,
        "flops with latency": None,
    }
    assert "flops with latency" not in agreement_of(frame.drop(columns="flops"))


def test_large_spaces_need_names(tmp_path, images):
    with pytest.raises(HwbenchError, match=r"8\.71e\+11 architectures; name those to compare"):
        compare(tmp_path, get_space("shufflenasnet"), [], images, RECIPE)
    with pytest.raises(HwbenchError, match="did you mean 'ASAP'"):
        compare(tmp_path, SPACE, ["ASAB"], images, RECIPE)
