"""Morphisms of networks that were written: to a folder, with what the optimiser knows, and back."""

import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.morphed import morph_saved
from hwbench.live.morphisms.catalogue import layers_of, morph_layer
from hwbench.live.optimiser_state import give_states, states_of
from hwbench.live.retrained import export_retrained, load_retrained
from hwbench.spaces import get_space

SKELETON = {"channels": 4, "depth": 1, "input_channels": 1, "input_size": 8, "classes": 3}
LAYER = "cells.0.operations.0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A network of two stages on its first edge, and momentum of a few steps."""
    space = get_space("pr_darts")
    arch = space.from_string("PR-DARTS DL1")
    network = space.network(arch, **SKELETON)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        optimizer.zero_grad()
        network(torch.randn(8, 1, 8, 8, generator=generator)).square().mean().backward()
        optimizer.step()
    path = tmp_path_factory.mktemp("trained")
    export_retrained(
        network,
        path / "network",
        space=space,
        architecture=space.to_string(arch),
        skeleton=SKELETON,
        training={"images": "none"},
        optimiser=states_of(optimizer, network),
    )
    return path


def test_a_network_is_changed_twice_and_read_back(folder, tmp_path):
    grown = morph_saved(
        folder, tmp_path / "a", morphism="grow_kernel", layer=f"{LAYER}.1", arguments={"size": 7}
    )
    assert grown.training == grown.evaluation == 0
    assert grown.parameters_after == grown.parameters_before + 4 * (49 - 25)
    wider = morph_saved(
        tmp_path / "a", tmp_path / "b", morphism="widen", layer=f"{LAYER}.2", arguments={"width": 6}
    )
    assert max(wider.training, wider.evaluation) < 1e-6
    before, after = load_retrained(folder), load_retrained(tmp_path / "b")
    images = torch.randn(4, 1, 8, 8)
    torch.testing.assert_close(after.network(images), before.network(images))
    assert [step["name"] for step in after.tree.morphisms] == ["grow_kernel", "widen"]
    assert after.architecture == before.architecture
    # What the optimiser knows has gone along, to where the weights are now.
    old, new = before.optimiser, after.optimiser
    assert set(old) == set(new)
    name = f"{LAYER}.1.weight"
    momentum = new[name]["momentum_buffer"]
    assert torch.equal(momentum[:, :, 1:-1, 1:-1], old[name]["momentum_buffer"])
    assert momentum.shape == after.network.get_parameter(name).shape
    optimizer = torch.optim.SGD(after.network.parameters(), lr=0.01, momentum=0.9)
    give_states(optimizer, after.network, new)
    after.network(images).square().mean().backward()
    optimizer.step()
    with pytest.raises(HwbenchError, match="is there already"):
        morph_saved(
            folder, tmp_path / "a", morphism="widen", layer=f"{LAYER}.2", arguments={"width": 6}
        )


@pytest.mark.parametrize(
    ("morphism", "layer", "arguments", "preserved"),
    [
        ("add_bias", "2", {}, 1e-6),
        ("add_scale", "3", {}, 1e-6),
        ("dilate", "1", {"dilation": 2}, None),
        ("insert", "3", {"activation": "interpolated"}, 1e-3),
        ("insert", "7", {}, None),
        ("net2deeper", "4", {"kernel_size": 3}, 1e-3),  # behind the second stage's ReLU
        ("net2wider", "2", {"width": 7}, 1e-5),
        ("shrink_kernel", "1", {"size": 3}, None),
        ("widen", "2", {"width": 7}, 1e-6),
    ],
)
def test_every_morphism_is_written_and_read_back(
    folder, tmp_path, morphism, layer, arguments, preserved
):
    change = morph_saved(
        folder, tmp_path, morphism=morphism, layer=f"{LAYER}.{layer}", arguments=arguments
    )
    if preserved is None:
        assert change.evaluation > 1e-3
    else:
        assert max(change.evaluation, change.training) < preserved
    read = load_retrained(tmp_path)
    assert sum(each.numel() for each in read.network.parameters()) == change.parameters_after


def test_layers_are_listed_and_what_is_wrong_is_said(folder):
    network = load_retrained(folder).network
    names = dict(layers_of(network))
    assert f"{LAYER}.1" in names
    assert "stem.0" in names
    images = torch.randn(4, 1, 8, 8)
    for layer, morphism, arguments, message in [
        ("stem.9", "widen", {"width": 8}, "unknown layer 'stem.9'; did you mean 'stem.1'"),
        ("stem.0", "wide", {"width": 8}, "did you mean 'widen'"),
        ("stem.0", "widen", {}, "the argument 'width' is missing"),
        ("stem.0", "widen", {"size": 8}, "unknown argument 'size'"),
        ("stem.0", "widen", {"width": 16}, "no convolution or linear layer of the same sequence"),
    ]:
        with pytest.raises(HwbenchError, match=message):
            morph_layer(network, layer, morphism, arguments, images)


def test_descriptions_of_others_are_hostile(folder, tmp_path):
    morph_saved(
        folder, tmp_path / "a", morphism="grow_kernel", layer=f"{LAYER}.1", arguments={"size": 7}
    )
    path = tmp_path / "a" / "network" / "network.toml"
    text = path.read_text()
    for old, new, message in [
        ("{there = 0}", "{there = 99}", "names no layer"),
        ('layer = "conv2d"', 'layer = "conv3d"', "unknown layer 'conv3d'; did you mean 'conv2d'"),
        (", bias = false", "", "a conv2d has bias, dilation"),
        (f'"{LAYER}"', '"cells.0.none"', "the network has no part cells.0.none"),
        (f'"{LAYER}"', '"cells"', "cells is no sequence of layers"),
        ("kernel_size = [7, 7]", 'kernel_size = "7"', "a conv2d cannot be made"),
        ("kernel_size = [7, 7]", "kernel_size = [9, 9]", "the weights of another network"),
    ]:
        assert old in text
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(HwbenchError, match=message):
            load_retrained(tmp_path / "a")
