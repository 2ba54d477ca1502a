"""Supernets of ExtCells, and what is derived from them."""

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.supernets.export import export_network, load_network
from hwbench.live.supernets.supernet import make_supernet
from hwbench.spaces import get_space

SPACE, DARTS = get_space("ext_cell"), get_space("darts")


def made(operations=None, space="ext_cell"):
    skeleton = {"channels": 4, "depth": 1, "input_channels": 1, "input_size": 8, "classes": 3}
    return make_supernet(space, operations=operations, **skeleton).eval()


def test_a_darts_cell_passes_it_as_it_passes_the_supernet_of_darts():
    operations = [name for name in SPACE.operations if name != "none"]
    supernet, darts = made(operations), made(operations, "darts")
    darts.load_state_dict(supernet.state_dict())
    images, archs = torch.randn(2, 1, 8, 8), DARTS.sample(5, seed=0)
    for arch, pair in zip(archs, SPACE.of_darts(archs), strict=True):
        expected = darts(images, darts.mixture_of(arch))
        assert torch.equal(supernet(images, supernet.mixture_of(pair)), expected)
        assert supernet.choices_of(pair) == darts.choices_of(arch)


def test_choices_and_architectures_are_inverse():
    supernet = made()
    for arch in SPACE.sample(10, seed=1):
        np.testing.assert_array_equal(supernet.architecture_of(supernet.choices_of(arch)), arch)
    drawn = supernet.sample(40, np.random.default_rng(0))
    assert set(drawn.sum(axis=1).tolist()) <= set(range(10, 17))
    assert supernet.holds(drawn).all()
    assert supernet.holds_everything


def test_what_starts_from_nothing_is_not_computed():
    supernet = made()
    text = "normal: 1->3 skip_connect, 2->5 sep_conv_3x3; reduction: 0->2 sep_conv_3x3"
    arch = SPACE.from_string(text)
    without = SPACE.from_string(text.replace(", 2->5 sep_conv_3x3", ""))
    images = torch.randn(2, 1, 8, 8)
    expected = supernet(images, supernet.mixture_of(without))
    assert torch.equal(supernet(images, supernet.mixture_of(arch)), expected)
    assert supernet.same_passes([arch, without]).tolist() == [0, 0]


def test_finalised_network_has_equal_outputs(tmp_path):
    supernet, images = made(), torch.randn(2, 1, 8, 8)
    for arch in SPACE.sample(6, seed=2):
        network = supernet.finalised(arch)
        expected = supernet(images, supernet.mixture_of(arch))
        torch.testing.assert_close(network(images), expected)
        again = load_network(export_network(network, tmp_path / str(hash(arch.tobytes()))))
        assert torch.equal(again(images), network(images))


def test_the_strongest_of_each_edge_are_derived():
    supernet = made("s2")
    strengths = torch.tensor([[0.9, 0.1]] * 14 + [[0.2, 0.6]] * 14)
    arch = supernet.derive(strengths)
    assert arch.sum() == 28
    names = [edge.operation for edge in SPACE.edges_of(arch)]
    assert names == ["skip_connect"] * 14 + ["sep_conv_3x3"] * 14
    assert supernet.derive(strengths, threshold=0.85).sum() == 14
    assert not supernet.holds(SPACE.sample(5, seed=3)).any()
    assert not supernet.holds_everything


def test_noise_is_trained_and_never_derived():
    supernet = made("s4")
    strengths = torch.tensor([[0.1, 0.9]] * 28)
    names = {edge.operation for edge in SPACE.edges_of(supernet.derive(strengths))}
    assert names == {"sep_conv_3x3"}
    with pytest.raises(HwbenchError, match="no architecture has noise at normal 0->2"):
        supernet.architecture_of([[1], *[[0]] * 27])


def test_no_cost_is_expected_of_it():
    with pytest.raises(HwbenchError, match="cost: of the space ext_cell no source says"):
        made().expected_encoding()
