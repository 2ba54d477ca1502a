"""Supernets of TreeCell-A."""

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.supernets.export import export_network, load_network
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import NetworkOptions, make_supernet
from hwbench.spaces import get_space

SPACE = get_space("tree_cell_6")
SKELETON = {"channels": 8, "alpha": 12, "input_size": 8, "classes": 3, "depth": 2}


def made(operations="all", **options):
    chosen = NetworkOptions(**{"affine": True, **options})
    return make_supernet("tree_cell_6", operations=operations, options=chosen, **SKELETON)


@pytest.mark.parametrize("operations", ["all", "no-zero"])
def test_a_finalised_network_is_the_supernet_and_has_the_sizes_of_the_space(tmp_path, operations):
    supernet = made(operations).eval()
    images = torch.randn(2, 3, 8, 8)
    archs = supernet.sample(3, np.random.default_rng(0))
    archs[0, :9] = 0  # a block without paths
    archs[1] = 0
    for number, arch in enumerate(archs):
        network = supernet.finalised(arch)
        expected = supernet(images, supernet.mixture_of(arch))
        torch.testing.assert_close(network(images), expected)
        counted = sum(each.numel() for each in network.parameters())
        assert counted == SPACE.parameters([arch], **SKELETON)[0]
        again = load_network(export_network(network, tmp_path / str(number)))
        torch.testing.assert_close(again(images), expected)


def test_the_network_of_the_space_has_the_finalised_ones_weights():
    supernet = made("no-zero").eval()
    arch = supernet.sample(1, np.random.default_rng(1))[0]
    images = torch.randn(2, 3, 8, 8)
    own = supernet.finalised(arch).state_dict()
    network = SPACE.network(arch, **SKELETON).eval()
    plain = {
        ".".join(
            part
            for place, part in enumerate(parts)
            if part != "candidates" and parts[place - 1] != "candidates"
        ): value
        for name, value in own.items()
        for parts in [name.split(".")]
    }
    network.load_state_dict(plain)
    torch.testing.assert_close(network(images), supernet(images, supernet.mixture_of(arch)))


def test_scalars_weigh_paths():
    supernet = made("no-zero").eval()
    images = torch.randn(2, 3, 8, 8)
    for arch in supernet.sample(3, np.random.default_rng(2)):
        arch[:9] = 1
        weights = torch.from_numpy(arch).float()[:, None].requires_grad_()
        mixed = supernet(images, Mixture.weighted(weights, supernet.sizes))
        torch.testing.assert_close(mixed[0].shape, torch.Size([3]))
        mixed.square().sum().backward()
        assert (weights.grad[:9] != 0).all()
        # Where all paths of each block are there, or some of all: zeros leave them out.
        if SPACE.paths(arch[None, :])[0].any(axis=1).all():
            torch.testing.assert_close(mixed, supernet(images, supernet.mixture_of(arch)))


def test_architectures_may_leave_out_what_has_no_none():
    supernet = made("no-zero")
    archs = supernet.sample(20, np.random.default_rng(0))
    assert supernet.holds_everything
    assert supernet.holds(archs).all()
    assert 0.4 < archs.mean() < 0.6
    some = made([["none"]] * 9 + [list(each[1:]) for each in SPACE.choices[9:]])
    assert not some.holds_everything
    assert not some.sample(20, np.random.default_rng(0))[:, :9].any()
    assert not some.holds(np.ones((1, SPACE.n_positions), dtype=np.int64)).any()
    with pytest.raises(HwbenchError, match="too many architectures to enumerate"):
        supernet.architectures()


def test_the_strongest_paths_are_derived():
    supernet = made("no-zero")
    strengths = torch.linspace(0, 1, SPACE.n_positions)[:, None]
    arch = supernet.derive(strengths, threshold=0.5)
    assert arch.tolist() == [0] * (SPACE.n_positions // 2) + [1] * (SPACE.n_positions // 2)


def test_what_it_cannot_be_is_refused():
    for options in ({"partial_channels": 2}, {"node_normalisation": True}):
        with pytest.raises(HwbenchError, match="neither partial channels nor node normalisation"):
            made(**options)
