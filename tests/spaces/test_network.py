"""The real networks, and the formulas held against them."""

import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.spaces import Skeleton, get_space
from hwbench.spaces.counting import count_flops, count_parameters

SKELETONS = [
    {"channels": 2, "depth": 1, "input_size": 8},
    {"channels": 3, "depth": 2, "input_size": 12, "classes": 7},
    {"channels": 5, "depth": 1, "input_size": 4, "input_channels": 1, "classes": 2},
]
MACRO_ALONE = [{"channels": 4, "depth": 3, "input_size": 7}, {"input_size": 1}]
CASES = [(name, skeleton) for name in ("nasbench201", "nasbench_macro") for skeleton in SKELETONS]
CASES += [("nasbench_macro", skeleton) for skeleton in MACRO_ALONE]
SMALL = SKELETONS[0]


@pytest.fixture(params=["nasbench201", "nasbench_macro"])
def space(request):
    return get_space(request.param)


def images(skeleton, batch=2):
    size = skeleton.input_size
    return torch.rand(batch, skeleton.input_channels, size, size)


@pytest.mark.parametrize(("name", "changes"), CASES)
def test_formulas_count_what_the_network_has(name, changes):
    space = get_space(name)
    skeleton = space.skeleton(**changes)
    shape = tuple(images(skeleton).shape[1:])
    archs = space.sample(6, seed=1)
    parameters, flops = space.parameters(archs, **changes), space.flops(archs, **changes)
    for row, arch in enumerate(archs):
        network = space.network(arch, **changes)
        assert count_parameters(network) == parameters[row]
        bias = name == "nasbench201"
        assert count_flops(network, shape, classifier_bias=bias) == flops[row]


@pytest.mark.parametrize(("name", "changes"), CASES)
def test_forward_gives_a_row_of_logits_an_image(name, changes):
    space = get_space(name)
    skeleton = space.skeleton(**changes)
    for arch in space.sample(3):
        network = space.network(arch, **changes).eval()
        assert network(images(skeleton, 3)).shape == (3, skeleton.classes)


def test_every_operation_can_stand_everywhere(space):
    for operation in range(space.n_choices[0]):
        network = space.network([operation] * space.n_positions, **SMALL)
        output = network(images(space.skeleton(**SMALL)))
        assert torch.isfinite(output).all()


def test_weights_depend_on_the_seed_alone_and_the_global_generator_stays(space):
    arch = space.sample(1)[0]
    state = torch.get_rng_state()
    first = space.network(arch, seed=1, **SMALL).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    second = space.network(arch, seed=1, **SMALL).state_dict()
    other = space.network(arch, seed=2, **SMALL).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_dead_edges_of_a_cell_pass_nothing_on():
    space = get_space("nasbench201")
    network = space.network([3, 0, 0, 0, 0, 3], **SMALL).eval()
    x = images(space.skeleton(**SMALL))
    cell = network.blocks[0]
    assert cell(torch.rand(1, 2, 8, 8)).abs().sum() == torch.relu(torch.zeros(1)).sum()
    assert torch.isfinite(network(x)).all()


def test_counting_leaves_the_network_as_it_was(space):
    network = space.network(space.sample(1)[0], **SMALL)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    count_flops(network, (3, 8, 8), classifier_bias=True)
    assert network.training
    assert not any(module._forward_hooks for module in network.modules())
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_unknown_skeleton_option_names_the_nearest(space):
    arch = space.sample(1)[0]
    calls = (space.parameters, space.flops)
    for call in (*(lambda f=f: f([arch], chanels=4) for f in calls),
                 lambda: space.network(arch, chanels=4)):  # fmt: skip
        with pytest.raises(HwbenchError, match="'chanels'; did you mean 'channels'"):
            call()


@pytest.mark.parametrize("value", [0, -4, 2.0, "4", True, None])
def test_skeleton_takes_positive_integers_only(space, value):
    with pytest.raises(HwbenchError, match=r"channels must be (above 0|a whole number), not"):
        space.skeleton(channels=value)
    with pytest.raises(HwbenchError, match=r"depth must be (above 0|a whole number), not"):
        Skeleton(channels=4, depth=value)
