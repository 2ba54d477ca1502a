"""Supernets of ShuffleNASNet."""

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.ranking import Evaluator
from hwbench.live.supernets.export import export_network, load_network
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import NetworkOptions, make_supernet
from hwbench.spaces import get_space
from hwbench.spaces.shufflenasnet.cells import OPERATIONS

SPACE = get_space("shufflenasnet")
SKELETON = {"channels": 8, "depth": 1, "input_channels": 1, "input_size": 8, "classes": 3}


def made(operations=None, *, skeleton=(), **options):
    return make_supernet(
        "shufflenasnet",
        operations=operations,
        options=NetworkOptions(**{"affine": True, **options}),
        **{**SKELETON, **dict(skeleton)},
    )


VARIANTS = [
    {"batch_normalisation": True},
    {"batch_normalisation": False},
    {"bypass": "separable_convolutions"},
    {"bypass": "cell", "batch_normalisation": False},
    {"bypass": "cell", "merge": "concatenation"},
]


def paths(supernet, arch):
    """The supernet's names of an architecture's weights by those of its network."""
    sources, operations = SPACE.blocks(arch[None, :])
    names = {}
    for number, cell in enumerate(supernet.cells):
        kind = 0 if cell.splits else 1
        for block in range(5):
            halves = kind == 1 and sources[0, kind, block] == 0
            name = OPERATIONS[operations[0, kind, block]]
            where = "halving" if halves else "keeping"
            for path in ("", "past."):
                own = f"cells.{number}.{path}{where}.{block + 1}.candidates.{name}."
                names[f"cells.{number}.{path}operations.{block}."] = own
    return names


def merged_weights(weights, cell, unused):
    """What joins an architecture's unused blocks in a network: each block's part side by side."""
    parts = [weights[f"{cell}merge.convolutions.{block}.weight"] for block in unused]
    norm = {
        f"{cell}merge.2.{name.rpartition('.')[2]}": value
        for name, value in weights.items()
        if name.startswith(f"{cell}merge.norm.0.")
    }
    return {f"{cell}merge.1.weight": torch.cat(parts, dim=1), **norm}


@pytest.mark.parametrize("skeleton", VARIANTS, ids=lambda each: "-".join(map(str, each.values())))
def test_a_single_path_is_the_network_of_the_space(skeleton):
    skeleton = {"depth": 2, **skeleton}
    supernet = made(skeleton=skeleton).eval()
    images, weights = torch.randn(2, 1, 8, 8), supernet.state_dict()
    for arch in SPACE.sample(8, seed=1):
        network = SPACE.network(arch, **{**SKELETON, **skeleton}).eval()
        names = paths(supernet, arch)
        wanted = {}
        sources, _ = SPACE.blocks(arch[None, :])
        for name in network.state_dict():
            if "merge." in name:
                cell = name.partition("merge.")[0]
                kind = 0 if supernet.cells[int(cell.split(".")[1])].splits else 1
                unused = [block for block in range(1, 6) if block not in sources[0, kind]]
                wanted |= merged_weights(weights, cell, unused)
                continue
            own = next((each for each in names if name.startswith(each)), None)
            wanted[name] = weights[name if own is None else names[own] + name[len(own) :]]
        network.load_state_dict(wanted)
        torch.testing.assert_close(supernet(images, supernet.mixture_of(arch)), network(images))


@pytest.mark.parametrize("skeleton", [{}, {"bypass": "cell", "merge": "concatenation"}])
def test_one_hot_weights_are_a_single_path(skeleton):
    supernet = made(skeleton=skeleton).eval()
    images = torch.randn(2, 1, 8, 8)
    for arch in SPACE.sample(5, seed=2):
        weights = torch.zeros(SPACE.n_positions, max(supernet.sizes))
        weights[range(SPACE.n_positions), arch.tolist()] = 1.0
        torch.testing.assert_close(
            supernet(images, Mixture.weighted(weights, supernet.sizes)),
            supernet(images, supernet.mixture_of(arch)),
        )


@pytest.mark.parametrize("skeleton", [{}, {"bypass": "cell", "merge": "concatenation"}])
def test_gradients_reach_every_candidate(skeleton):
    supernet = made(affine=False, skeleton=skeleton)
    weights = torch.full((SPACE.n_positions, max(supernet.sizes)), 0.1, requires_grad=True)
    images = torch.randn(4, 1, 8, 8)
    supernet(images, Mixture.weighted(weights, supernet.sizes)).square().sum().backward()
    for row, size in zip(weights.grad, supernet.sizes, strict=True):
        assert (row[:size] != 0).all()
        assert (row[size:] == 0).all()


def test_only_the_weights_on_the_path_are_trained():
    supernet = made()
    arch = SPACE.sample(1, seed=3)[0]
    supernet(torch.randn(4, 1, 8, 8), supernet.mixture_of(arch)).sum().backward()
    trained = {name for name, each in supernet.named_parameters() if each.grad is not None}
    shared = {name for name in trained if "candidates" not in name}
    taken = tuple(paths(supernet, arch).values())
    assert trained - shared
    assert all(name.startswith(taken) for name in trained - shared)
    assert {name for name, _ in supernet.named_parameters() if "candidates" not in name} == shared


@pytest.mark.parametrize("skeleton", [{}, *VARIANTS[2:]], ids=str)
def test_the_finalised_network_has_equal_outputs_and_the_sizes_of_the_space(tmp_path, skeleton):
    supernet = made(skeleton=skeleton).eval()
    images = torch.randn(2, 1, 8, 8)
    for number, arch in enumerate(SPACE.sample(4, seed=3)):
        network = supernet.finalised(arch)
        expected = supernet(images, supernet.mixture_of(arch))
        torch.testing.assert_close(network(images), expected)
        counted = sum(each.numel() for each in network.parameters())
        assert counted == SPACE.parameters([arch], **{**SKELETON, **skeleton})[0]
        again = load_network(export_network(network, tmp_path / str(number)))
        torch.testing.assert_close(again(images), expected)


def test_weights_are_split_by_the_source_of_their_block():
    supernet = made().eval()
    images, archs = torch.randn(2, 1, 8, 8), SPACE.sample(4, seed=6)
    before = [supernet(images, supernet.mixture_of(arch)) for arch in archs]
    supernet.restructure(supernet.split_structure())
    for arch, output in zip(archs, before, strict=True):
        assert torch.equal(supernet(images, supernet.mixture_of(arch)), output)
    keeping = supernet.cells[0].keeping
    # Three of six operations have weights, with a set for each source.
    assert [keeping[str(block)].weight_sets() for block in (1, 2, 5)] == [3, 6, 15]


def test_a_supernet_of_some_candidates_samples_those():
    space = SPACE
    names = [
        list(each[-1:]) if position.endswith("input") else ["conv_1x1", "identity"]
        for position, each in zip(space.positions, space.choices, strict=True)
    ]
    supernet = made(names)
    archs = supernet.sample(50, np.random.default_rng(0))
    assert len(archs) > 40
    assert supernet.holds(archs).all()
    assert not supernet.holds_everything
    assert not supernet.holds(space.sample(20, seed=0)).any()
    sources, _ = space.blocks(archs)
    assert (sources == np.arange(5)).all()
    with pytest.raises(HwbenchError, match="too many architectures to enumerate"):
        supernet.architectures()


def test_what_it_cannot_be_is_refused():
    for options in ({"partial_channels": 2}, {"node_normalisation": True}):
        with pytest.raises(HwbenchError, match="half of the channels goes past a cell already"):
            made(**options)


def test_networks_without_normalisation_are_evaluated(data):
    supernet = made(skeleton={"batch_normalisation": False})
    archs = supernet.sample(3, np.random.default_rng(0))
    found = Evaluator(supernet, data).evaluate(archs)
    assert found["loss"].between(0, 100).all()
