import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.supernets.darts import EDGES
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import NetworkOptions, make_supernet
from hwbench.spaces import get_space
from hwbench.spaces.darts.space import OPERATIONS


def _supernet(operations=None, **options):
    return make_supernet(
        "darts",
        operations=operations,
        options=NetworkOptions(**options),
        channels=4,
        depth=1,
        input_channels=1,
        input_size=8,
        classes=3,
    )


def test_a_cell_has_14_edges_and_the_search_space_28_positions():
    supernet = _supernet()
    assert len(EDGES) == 14
    assert supernet.sizes == (8,) * 28


def test_the_two_strongest_edges_of_each_node_are_derived_without_none():
    supernet = _supernet()
    generator = np.random.default_rng(0)
    strengths = generator.random((28, 8))
    strengths[:, 0] = 9.0  # none is the strongest everywhere, and never chosen
    inputs, operations = supernet.space.edges(supernet.derive(torch.from_numpy(strengths))[None])
    for cell in range(2):
        for node in range(4):
            rows = [cell * 14 + EDGES.index((source, node + 2)) for source in range(node + 2)]
            best = strengths[rows, 1:].max(axis=1)
            expected = np.sort(np.argsort(-best)[:2])
            assert inputs[0, cell, node].tolist() == expected.tolist()
            chosen = [int(strengths[rows[source], 1:].argmax()) for source in expected]
            assert operations[0, cell, node].tolist() == chosen


def test_paths_of_architectures_come_back_from_their_strengths():
    supernet = _supernet()
    for arch in get_space("darts").sample(5, seed=0):
        strengths = torch.zeros(28, 8)
        for position, index in enumerate(supernet.choices_of(arch)):
            if index is not None:
                strengths[position, index] = 1.0
        assert supernet.derive(strengths).tolist() == arch.tolist()


def test_finalised_network_computes_the_path():
    supernet = _supernet().eval()
    arch = get_space("darts").sample(1, seed=3)[0]
    images = torch.randn(2, 1, 8, 8)
    network = supernet.finalised(arch)
    assert torch.equal(network(images), supernet(images, supernet.mixture_of(arch)))
    assert sum(network.sizes) == 16


@pytest.mark.parametrize("subset", ["all", "s1", "s2", "s3", "s4"])
def test_restrictions_run_and_derive_allowed_operations(subset):
    supernet = _supernet(subset)
    weights = torch.rand(28, max(supernet.sizes))
    output = supernet(torch.randn(2, 1, 8, 8), Mixture.weighted(weights, supernet.sizes))
    assert output.shape == (2, 3)
    choices = supernet.choices_of(supernet.derive(weights))
    held = [
        position.operations[index]
        for indices, position in zip(choices, supernet.positions, strict=True)
        for index in indices
    ]
    assert len(held) == 16
    assert set(held) <= set(OPERATIONS)  # neither none nor noise
    assert set(supernet.sizes) == {"all": {8}, "s3": {3}}.get(subset, {2})


def test_partial_channels_and_node_normalisation_fit_strided_edges():
    supernet = _supernet(partial_channels=2, node_normalisation=True)
    mixture = Mixture.weighted(torch.rand(28, 8), supernet.sizes, torch.rand(28))
    assert supernet(torch.randn(2, 1, 8, 8), mixture).shape == (2, 3)


def test_a_position_without_an_operation_to_hold_is_named():
    supernet = _supernet(["none"])
    with pytest.raises(HwbenchError, match=r"normal 0->2 has no candidate"):
        supernet.derive(torch.rand(28, 1))
