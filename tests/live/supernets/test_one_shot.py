"""Supernets of NAS-Bench-1Shot1."""

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.supernets.export import export_network, load_network
from hwbench.live.supernets.mixture import Choice, Mixture
from hwbench.live.supernets.supernet import NetworkOptions, make_supernet
from hwbench.spaces import get_space
from hwbench.spaces.nasbench101.network import Cell
from hwbench.testing.live_example import example_config

SPACES = ["nasbench1shot1_1", "nasbench1shot1_2", "nasbench1shot1_3"]


def made(space, **options):
    skeleton = {"channels": 6, "depth": 1, "input_channels": 1, "input_size": 8, "classes": 3}
    return make_supernet(space, options=NetworkOptions(**options), **skeleton)


def tokens_of(space, arch):
    return [token.split(":") for token in space.to_string(arch).split("|")]


@pytest.mark.parametrize("name", SPACES)
def test_a_single_path_is_the_cell_of_the_benchmark(name):
    """Where all vertices lead somewhere, and the output joins no input of the cell."""
    supernet, space = made(name, affine=True).eval(), get_space(name)
    cell = supernet.blocks[0]
    x = torch.randn(2, 6, 8, 8)
    archs = space.sample(200, seed=1)
    last = np.array([not tokens_of(space, arch)[-1][1].startswith("0") for arch in archs])
    wanted = archs[last & space.live_vertices(archs).all(axis=1)]
    assert len(wanted) > 5
    for arch in wanted:
        tokens = tokens_of(space, arch)
        size = len(tokens) + 1
        adjacency = np.zeros((size, size), dtype=np.uint8)
        for vertex, (_, digits) in enumerate(tokens, start=1):
            adjacency[[int(digit) for digit in digits], vertex] = 1
        names = [operation for operation, _ in tokens[:-1]]
        reference = Cell(adjacency, names, 6, 6).eval()
        for vertex, projection in reference.projections.items():
            projection.load_state_dict(cell.projections[vertex].state_dict())
        for place, operation in enumerate(names):
            own = cell.operations[place].candidates[operation]
            reference.operations[place].load_state_dict(own.state_dict())
        torch.testing.assert_close(cell(x, supernet.mixture_of(arch)), reference(x))


def test_an_input_that_the_output_joins_is_one_of_its_parts():
    supernet, space = made("nasbench1shot1_1").eval(), get_space("nasbench1shot1_1")
    text = "conv1x1-bn-relu:0|maxpool3x3:01|maxpool3x3:01|maxpool3x3:01|output:01"
    mixture = supernet.mixture_of(space.from_string(text))
    cell, x = supernet.blocks[0], torch.randn(2, 6, 8, 8)
    first = cell.operations[0].candidates["conv1x1-bn-relu"](cell.projections["1"](x))
    expected = torch.cat([cell.projections["5"](x), first], dim=1)
    assert torch.equal(cell(x, mixture), expected)


@pytest.mark.parametrize("name", SPACES)
def test_one_hot_weights_are_a_single_path(name):
    supernet, space = made(name).eval(), get_space(name)
    images = torch.randn(2, 1, 8, 8)
    for arch in space.sample(5, seed=2):
        weights = torch.zeros(space.n_positions, max(supernet.sizes))
        weights[range(space.n_positions), arch.tolist()] = 1.0
        torch.testing.assert_close(
            supernet(images, Mixture.weighted(weights, supernet.sizes)),
            supernet(images, supernet.mixture_of(arch)),
        )


def test_a_vertex_counts_as_the_sets_that_hold_it():
    choice = next(iter(made("nasbench1shot1_2").blocks[0].inputs.values()))
    weights = torch.tensor([0.2, 0.8])
    assert choice.names == ("0", "1")
    assert choice.shares(Choice((0, 1), weights)) == {0: weights[0], 1: weights[1]}
    third = made("nasbench1shot1_1").blocks[0].inputs["3"]
    assert third.names == ("01", "02", "12")
    weights = torch.tensor([0.5, 0.3, 0.2])
    found = third.shares(Choice((0, 1, 2), weights))
    assert [float(found[vertex]) for vertex in range(3)] == pytest.approx([0.8, 0.7, 0.5])
    placed = third.shares(Choice((0, 1, 2), weights), place=1)
    assert {v: round(float(share), 6) for v, share in placed.items()} == {1: 0.5, 2: 0.5}
    assert third.shares(Choice((2,))) == {1: 1.0, 2: 1.0}


def test_gradients_reach_every_candidate():
    supernet, space = made("nasbench1shot1_3"), get_space("nasbench1shot1_3")
    weights = torch.full((space.n_positions, max(supernet.sizes)), 0.1, requires_grad=True)
    supernet(torch.randn(4, 1, 8, 8), Mixture.weighted(weights, supernet.sizes)).sum().backward()
    for row, size in zip(weights.grad, supernet.sizes, strict=True):
        assert (row[:size] != 0).all()
        assert (row[size:] == 0).all()


def test_finalised_network_has_equal_outputs(tmp_path):
    supernet, space = made("nasbench1shot1_2").eval(), get_space("nasbench1shot1_2")
    images = torch.randn(2, 1, 8, 8)
    for arch in space.sample(4, seed=3):
        network = supernet.finalised(arch)
        expected = supernet(images, supernet.mixture_of(arch))
        torch.testing.assert_close(network(images), expected)
        again = load_network(export_network(network, tmp_path / space.to_string(arch)[:30]))
        torch.testing.assert_close(again(images), expected)


@pytest.mark.parametrize("name", SPACES)
def test_vertices_that_lead_nowhere_are_not_computed(name):
    supernet, space = made(name).eval(), get_space(name)
    images = torch.randn(2, 1, 8, 8)
    archs = space.sample(300, seed=4)
    live = space.live_vertices(archs)
    assert live[:, -1].all()
    arch = archs[(~live).any(axis=1)][0]
    dead = [place for place, alive in enumerate(space.live_vertices(arch[None])[0]) if not alive]
    before = supernet(images, supernet.mixture_of(arch))
    for place in dead:
        for module in supernet.blocks[0].operations[place].modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.constant_(module.weight, float("nan"))
    assert torch.equal(supernet(images, supernet.mixture_of(arch)), before)
    other = arch.copy()
    other[space.positions.index(f"vertex{dead[0] + 1}")] = (
        arch[space.positions.index(f"vertex{dead[0] + 1}")] + 1
    ) % 3
    assert supernet.same_passes([arch, other]).tolist() == [0, 0]


def test_live_vertices_are_those_of_paths():
    space = get_space("nasbench1shot1_3")
    for arch in space.sample(100, seed=5):
        reached, live = {6}, space.live_vertices(arch[None])[0]
        tokens = tokens_of(space, arch)
        for vertex in range(6, 0, -1):
            if vertex in reached:
                reached |= {int(digit) for digit in tokens[vertex - 1][1]}
        assert live.tolist() == [vertex in reached for vertex in range(1, 7)]


def test_weights_are_split_by_the_inputs_of_their_vertex():
    supernet, space = made("nasbench1shot1_1").eval(), get_space("nasbench1shot1_1")
    images, archs = torch.randn(2, 1, 8, 8), space.sample(4, seed=6)
    before = [supernet(images, supernet.mixture_of(arch)) for arch in archs]
    sets = sum(operation.weight_sets() for operation in supernet.blocks[0].operations)
    supernet.restructure(supernet.split_structure())
    after = sum(operation.weight_sets() for operation in supernet.blocks[0].operations)
    assert (sets, after) == (8, 2 + 2 + 2 * 3 + 2 * 6)
    for arch, output in zip(archs, before, strict=True):
        torch.testing.assert_close(supernet(images, supernet.mixture_of(arch)), output)


def test_channels_that_cannot_be_shared_out_are_refused():
    with pytest.raises(HwbenchError, match=r"nasbench1shot1_2: .* multiple of 3, .*channels = 9"):
        make_supernet("nasbench1shot1_2", channels=8, depth=1, classes=3)
    with pytest.raises(HwbenchError, match="not 128; use channels = 129"):
        make_supernet("nasbench1shot1_2", classes=3)


@pytest.mark.parametrize("channels", [3, 4, 5])
def test_all_that_is_wrong_with_channels_is_said_at_once_when_a_config_is_read(channels):
    space = {"name": "nasbench1shot1_1", "channels": channels, "depth": 1}
    with pytest.raises(HwbenchError) as found:
        example_config(space=space)
    assert str(found.value) == (
        "example: supernet of nasbench1shot1_1: channels must be a multiple of 2, the vertices "
        "that the output joins, and at least 5, the most that may share them in a cell, not "
        f"{channels}; use channels = 6"
    )
