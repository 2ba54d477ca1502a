import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.spaces.counting import count_flops, count_parameters
from hwbench.spaces.fbnet.network import ChannelShuffle
from hwbench.spaces.fbnet.skeleton import network_shape
from hwbench.spaces.fbnet.space import OPERATIONS

SPACE = get_space("fbnet")
SKIP = OPERATIONS.index("skip")
EXAMPLE = "0123456780123456780123"
SKELETONS = [
    {"channels": 4, "input_size": 16},
    {"channels": 3, "depth": 2, "input_size": 13, "input_channels": 1, "classes": 7},
    {"channels": 2, "input_size": 65},  # the smallest that is given the network for ImageNet
    {"channels": 1, "input_size": 1},
]


def test_operations_are_in_the_benchmarks_order():
    expected = "k3_e1 k3_e1_g2 k3_e3 k3_e6 k5_e1 k5_e1_g2 k5_e3 k5_e6 skip"
    assert SPACE.operations == tuple(expected.split())
    assert SPACE.n_architectures == 9**22


def test_string_is_the_22_indices():
    arch = SPACE.from_string(EXAMPLE)
    np.testing.assert_array_equal(arch, [layer % 9 for layer in range(22)])
    assert SPACE.to_string(arch) == EXAMPLE


@given(st.lists(st.integers(0, 8), min_size=22, max_size=22))
def test_strings_come_back(arch):
    assert SPACE.from_string(SPACE.to_string(arch)).tolist() == arch


@pytest.mark.parametrize(
    "text",
    ["", EXAMPLE[:-1], EXAMPLE + "0", EXAMPLE[:-1] + "9", EXAMPLE[:-1] + "²", None, [0] * 22],
)
def test_malformed_string_is_refused_with_an_example(text):
    with pytest.raises(HwbenchError, match=f"22 digits 0 .. 8, such as {EXAMPLE}") as caught:
        SPACE.from_string(text)
    assert repr(text) in str(caught.value)


def test_architectures_are_told_apart_by_strings():
    archs = SPACE.sample(10)
    assert not SPACE.indexed
    assert SPACE.keys_of(archs).tolist() == SPACE.to_strings(archs)
    for call in (
        lambda: SPACE.indices_of(archs),
        lambda: SPACE.architectures_at([0]),
        lambda: SPACE.function_classes(archs),
    ):
        with pytest.raises(HwbenchError, match=r"9\.85e\+20 architectures: .* by their strings"):
            call()
    with pytest.raises(HwbenchError, match="too many to enumerate"):
        SPACE.all_architectures()


def test_neighbours_change_one_layer():
    assert len(SPACE.neighbours(SPACE.baseline)) == 22 * 8


# What the keys of the benchmark's tables say: height, channels in and out, stride of each layer.
CIFAR = (
    [(32, 16, 16, 1), (32, 16, 24, 1)] + [(32, 24, 24, 1)] * 3
    + [(32, 24, 32, 2)] + [(16, 32, 32, 1)] * 3 + [(16, 32, 64, 2)] + [(8, 64, 64, 1)] * 3
    + [(8, 64, 112, 1)] + [(8, 112, 112, 1)] * 3 + [(8, 112, 184, 2)] + [(4, 184, 184, 1)] * 3
    + [(4, 184, 352, 1)]
)  # fmt: skip
IMAGENET = (
    [(112, 16, 16, 1), (112, 16, 24, 2)] + [(56, 24, 24, 1)] * 3
    + [(56, 24, 32, 2)] + [(28, 32, 32, 1)] * 3 + [(28, 32, 64, 2)] + [(14, 64, 64, 1)] * 3
    + [(14, 64, 112, 1)] + [(14, 112, 112, 1)] * 3 + [(14, 112, 184, 2)] + [(7, 184, 184, 1)] * 3
    + [(7, 184, 352, 1)]
)  # fmt: skip


@pytest.mark.parametrize(
    ("size", "layers", "stem", "head"),
    [(32, CIFAR, (32, 3, 16, 1), 1504), (224, IMAGENET, (224, 3, 16, 2), 1984)],
)
def test_official_networks_have_the_benchmarks_shapes(size, layers, stem, head):
    shape = network_shape(SPACE.skeleton(input_size=size))
    found = [(s.size, s.in_channels, s.out_channels, s.stride) for s in [shape.stem, *shape.layers]]
    assert found == [stem, *layers]
    assert shape.head_channels == head


def test_skips_cost_something_only_where_the_shape_changes():
    # Stem, six strided or widening 1x1 convolutions with batch normalisation, head, classifier.
    changes = [(16, 24), (24, 32), (32, 64), (64, 112), (112, 184), (184, 352)]
    expected = 27 * 16 + 32 + sum(given * made + 2 * made for given, made in changes)
    expected += 352 * 1504 + 2 * 1504 + 1504 * 100 + 100
    assert SPACE.parameters([[SKIP] * 22]) == [expected]


def test_a_block_costs_what_its_convolutions_cost():
    skips = np.full((1, 22), SKIP)
    block = skips.copy()
    block[0, 2] = OPERATIONS.index("k5_e1_g2")  # 24 channels, 32 pixels, in two groups
    convolutions = 24 * 12 + 25 * 24 + 24 * 12
    assert SPACE.parameters(block) - SPACE.parameters(skips) == convolutions + 3 * 2 * 24
    assert SPACE.flops(block) - SPACE.flops(skips) == convolutions * 32**2


@pytest.mark.parametrize("changes", SKELETONS)
def test_formulas_count_what_the_network_has(changes):
    skeleton = SPACE.skeleton(**changes)
    image = (skeleton.input_channels, skeleton.input_size, skeleton.input_size)
    every = [(np.arange(22) + shift) % 9 for shift in (0, 4)]
    archs = np.array([*every, [SKIP] * 22])
    parameters, flops = SPACE.parameters(archs, **changes), SPACE.flops(archs, **changes)
    for row, arch in enumerate(archs):
        network = SPACE.network(arch, **changes)
        assert count_parameters(network) == parameters[row]
        assert count_flops(network, image, classifier_bias=False) == flops[row]
        with torch.inference_mode():
            assert network.eval()(torch.rand(2, *image)).shape == (2, skeleton.classes)


def test_shuffle_deals_the_channels_of_each_group_out():
    x = torch.arange(6.0).reshape(1, 6, 1, 1).expand(2, 6, 3, 2)
    shuffled = ChannelShuffle(2)(x)
    assert shuffled.shape == x.shape
    assert shuffled[1, :, 2, 1].tolist() == [0, 3, 1, 4, 2, 5]


def test_groups_see_one_another():
    # Without the shuffle the first half of the output would not depend on the second of the input.
    arch = np.full(22, SKIP)
    arch[2] = OPERATIONS.index("k3_e1_g2")
    layer = SPACE.network(arch).eval().layers[2]
    x = torch.rand(1, 24, 8, 8)
    changed = x.clone()
    changed[:, 12:] += 1
    with torch.inference_mode():
        difference = (layer.body(changed) - layer.body(x)).abs().amax(dim=(0, 2, 3))
    assert (difference[:12] > 0).any()
    assert layer.shortcut
