"""What each morphism preserves, in training and in evaluation mode, and what it does not."""

import copy

import pytest
import torch
from torch import nn

from hwbench.errors import HwbenchError
from hwbench.live.morphisms.activation import InterpolatedReLU, PTanH
from hwbench.live.morphisms.depth import add_bias, add_scale, insert, net2deeper
from hwbench.live.morphisms.kernel import dilate, grow_kernel, shrink_kernel
from hwbench.live.morphisms.layers import Morphed
from hwbench.live.morphisms.stages import inherit_stages
from hwbench.live.morphisms.width import net2wider, widen
from hwbench.live.origins import carry_state
from hwbench.spaces.darts.network import separable_convolutions
from hwbench.spaces.darts.separable import LIMITS, SeparableConvolutions, reachable, transformed

CHANNELS = 6


def _trained(network, images):
    """With batch normalisation that has seen images, and weights that are nobody's first ones."""
    torch.manual_seed(1)
    for parameter in network.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    for _ in range(30):
        network(images + 0.1 * torch.randn_like(images))
    return network


def _plain(images):
    torch.manual_seed(0)
    return _trained(
        nn.Sequential(
            nn.Conv2d(3, 5, 3, padding=1),
            nn.BatchNorm2d(5),
            nn.ReLU(),
            nn.Conv2d(5, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(8 * 16, 12),
            nn.ReLU(),
            nn.Linear(12, 4),
        ),
        images,
    )


def _images(n=32):
    return torch.randn(n, 3, 8, 8, generator=torch.Generator().manual_seed(3))


def _difference(before, after, images, *, training):
    """Greatest difference of outputs over the greatest output."""
    outputs = []
    for network in (before, after):
        network = copy.deepcopy(network).train(training)
        with torch.no_grad():
            outputs.append(network(images))
    one, other = outputs
    return float((one - other).abs().max() / one.abs().max())


EXACT = [
    ("grow_kernel", lambda net: grow_kernel(net, 0, size=7)),
    ("grow_kernel", lambda net: grow_kernel(net, 3, size=5)),
    ("widen", lambda net: widen(net, 0, width=9)),
    ("widen before a flattening", lambda net: widen(net, 3, width=11)),
    ("widen a linear layer", lambda net: widen(net, 8, width=13)),
    ("add_bias", lambda net: add_bias(net, 1)),
    ("add_scale", lambda net: add_scale(net, 9)),
    ("insert behind ReLU", lambda net: insert(net, 2, normalised=False, separable=False)),
    ("insert ptanh", lambda net: insert(net, 4, activation="ptanh", normalised=False)),
    (
        "insert interpolated",
        lambda net: insert(net, 4, activation="interpolated", normalised=False),
    ),
]


@pytest.mark.parametrize(("morphism", "change"), EXACT, ids=[name for name, _ in EXACT])
def test_what_is_exact(morphism, change):
    images = _images()
    network = _plain(images)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    made = change(network).network
    for training in (False, True):
        assert _difference(network, made, images, training=training) < 2e-7, morphism
    assert sum(p.numel() for p in made.parameters()) > sum(p.numel() for p in network.parameters())
    after = network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_stages_of_a_separable_convolution_grow_and_widen_to_the_last_bit():
    images, _, parents = _stages()
    for parent, transformation in [
        ((3, 1, (1,)), "grow_kernel"),
        ((3, 1, (1, 1)), "grow_kernel"),
        ((3, 2, (2, 1)), "grow_kernel"),
        ((3, 1, (1, 1)), "widen"),
        ((5, 1, (2, 1, 1)), "widen"),
    ]:
        before = parents(SeparableConvolutions(*parent))
        made = _child(before, SeparableConvolutions(*parent), transformation)
        for training in (False, True):
            found = _difference(before, made, images, training=training)
            assert found < 1e-6, (parent, transformation, training)


def test_what_is_no_morphism_changes_the_function():
    images, _, parents = _stages()
    for parent, transformation in [
        ((3, 1, (1,)), "dilate"),
        ((5, 1, (1,)), "shrink_kernel"),
        ((3, 2, (1,)), "contract"),
        ((3, 1, (1,)), "insert"),  # its ReLU cuts what normalisation has made negative
    ]:
        before = parents(SeparableConvolutions(*parent))
        made = _child(before, SeparableConvolutions(*parent), transformation)
        for training in (False, True):
            found = _difference(before, made, images, training=training)
            assert 0.2 < found < 3, (parent, transformation, training)


def test_kernels_of_one_are_dilated_for_nothing():
    images = _images()
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    made = dilate(network, 0, dilation=2).network
    assert _difference(network, made, images, training=True) == 0
    larger = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1))
    made = dilate(larger, 0, dilation=2).network
    assert _difference(larger, made, images, training=False) > 0.2
    assert made(images).shape == larger(images).shape
    smaller = shrink_kernel(larger, 0, size=1).network
    torch.testing.assert_close(smaller[0].weight[:, :, 0, 0], larger[0].weight[:, :, 1, 1])
    again = grow_kernel(smaller, 0, size=3).network
    assert _difference(smaller, again, images, training=False) < 2e-7


def test_an_inserted_stage_keeps_what_it_is_given_as_far_as_its_activation_and_epsilon_do():
    images, _, parents = _stages()
    before = parents(SeparableConvolutions(3, 1, (1,)))
    last = len(before) - 1
    found = {
        (activation, training): _difference(
            before,
            insert(before, last, activation=activation).network.eval(),
            images,
            training=training,
        )
        for activation in ("relu", "interpolated", "ptanh")
        for training in (False, True)
    }
    for training in (False, True):
        assert found["relu", training] > 0.2
        assert 0 < found["interpolated", training] < 1e-3
        assert 0 < found["ptanh", training] < 1e-3
    assert found["interpolated", False] < 2e-5


def test_between_stages_a_relu_is_given_what_a_relu_takes_anyway():
    images, _, parents = _stages()
    before = parents(SeparableConvolutions(3, 1, (1, 1)))
    made = insert(before, 3, normalised=False).network
    for training in (False, True):
        assert _difference(before, made, images, training=training) == 0


def test_wider_networks_of_copies_compute_the_same():
    images = _images()
    network = _plain(images)
    for place, width in ((0, 8), (3, 13), (8, 20)):
        made = net2wider(network, place, width=width, seed=2).network
        for training in (False, True):
            assert _difference(network, made, images, training=training) < 2e-6
        assert sum(1 for _ in made) == len(network)
    with pytest.raises(HwbenchError, match="width 2 is below the 5 outputs it has"):
        net2wider(network, 0, width=2)


def test_deeper_networks_compute_the_same():
    images = _images()
    network = _plain(images)
    made = net2deeper(network, 2, images=images).network
    assert _difference(network, made, images, training=True) < 2e-6
    assert _difference(network, made, _images(16) + 1, training=False) < 2e-5
    linear = net2deeper(network, 9).network
    assert len(linear) == len(network) + 2
    for training in (False, True):
        assert _difference(network, linear, images, training=training) < 2e-7
    with pytest.raises(HwbenchError, match="images are needed"):
        net2deeper(network, 2)
    with pytest.raises(HwbenchError, match="a ReLU is at 2, 5, 9"):
        net2deeper(network, 1)


def test_interpolated_activations_begin_as_the_identity_and_become_the_activation():
    x = torch.linspace(-3, 3, 50)
    assert torch.equal(PTanH()(x), x)
    torch.testing.assert_close(PTanH(1.0)(x), torch.tanh(x))
    torch.testing.assert_close(PTanH(0.25)(x), 0.75 * x + 0.25 * torch.tanh(x))
    torch.testing.assert_close(InterpolatedReLU(1.0)(x), torch.relu(x))
    left = PTanH(-0.2)
    assert torch.equal(left(x), x)  # as with 0
    left(x).pow(2).sum().backward()
    assert left.share.grad.abs() > 0  # it can come back


def test_a_child_shares_the_weights_of_its_parent():
    torch.manual_seed(0)
    limits = LIMITS["unrestricted"]
    for parent in reachable(limits, 2):
        for name in ("grow_kernel", "shrink_kernel", "dilate", "insert", "widen"):
            child = transformed(parent, name, limits)
            if child is None:
                continue
            old = separable_convolutions(parent, CHANNELS, 1)
            new = separable_convolutions(child, CHANNELS, 1)
            origins = inherit_stages(new, old)
            for parameter, origin in origins.items():
                carried = origin.carried(origin.tensor.detach(), parameter.shape)
                known = torch.ones(parameter.shape, dtype=torch.bool)
                if origin.places is not None:
                    known = (origin.places >= 0).view(parameter.shape)
                assert torch.equal(parameter.detach()[known], carried[known])
            assert len(origins) == sum(1 for _ in old.parameters())
            assert new(torch.randn(2, CHANNELS, 8, 8)).shape == (2, CHANNELS, 8, 8)


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_the_optimiser_keeps_what_it_has_learned_of_what_stays(kind):
    images = _images()
    network = _plain(images)
    make = (
        (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9))
        if kind == "sgd"
        else (lambda p: torch.optim.Adam(p, lr=0.01))
    )
    before = make(network.parameters())
    for _ in range(3):
        before.zero_grad()
        network(images).square().mean().backward()
        before.step()
    made = widen(grow_kernel(network, 0, size=5).network, 3, width=10)
    grown = grow_kernel(network, 0, size=5)
    after = make(grown.network.parameters())
    carry_state(before, after, grown.origins)
    name = "momentum_buffer" if kind == "sgd" else "exp_avg"
    old, new = before.state[network[0].weight], after.state[grown.network[0].weight]
    assert torch.equal(new[name][:, :, 1:-1, 1:-1], old[name])
    assert new[name].abs().sum() == pytest.approx(float(old[name].abs().sum()), rel=1e-5)
    assert new[name][:, :, 0].abs().max() == 0
    assert torch.equal(after.state[network[3].weight][name], before.state[network[3].weight][name])
    assert isinstance(made, Morphed)
    wider = widen(network, 3, width=10)
    after = make(wider.network.parameters())
    carry_state(before, after, wider.origins)
    for layer in (3, 4, 8):  # filters, normalisation, and what reads them
        old = before.state[network[layer].weight][name]
        new = after.state[wider.network[layer].weight][name]
        kept = tuple(map(slice, old.shape))
        assert torch.equal(new[kept], old)
        assert new.abs().sum() == pytest.approx(float(old.abs().sum()), rel=1e-5)


def test_what_cannot_be_changed_is_said():
    network = nn.Sequential(
        nn.Conv2d(3, 4, (3, 1)), nn.LayerNorm(4), nn.Conv2d(4, 4, 3, padding=1, groups=2)
    )
    with pytest.raises(HwbenchError, match=r"kernels \(3, 1\)"):
        grow_kernel(network, 0, size=5)
    with pytest.raises(HwbenchError, match="LayerNorm at place 1"):
        widen(network, 0, width=6)
    with pytest.raises(HwbenchError, match="a LayerNorm is at place 1; a Conv2d is at 0, 2"):
        grow_kernel(network, 1, size=5)
    with pytest.raises(HwbenchError, match="no layer is at place 7"):
        grow_kernel(network, 7, size=5)
    with pytest.raises(HwbenchError, match="size 4 must be odd"):
        grow_kernel(network, 2, size=4)
    with pytest.raises(HwbenchError, match="no convolution or linear layer of the same sequence"):
        widen(nn.Sequential(nn.Conv2d(3, 4, 3)), 0, width=6)
    with pytest.raises(HwbenchError, match="reads its channels in groups"):
        widen(nn.Sequential(nn.Conv2d(3, 4, 3), network[2]), 0, width=6)
    with pytest.raises(HwbenchError, match="how many channels"):
        insert(nn.Sequential(nn.ReLU()), 0)
    with pytest.raises(HwbenchError, match="did you mean 'relu'"):
        insert(nn.Sequential(nn.Conv2d(3, 4, 3)), 0, activation="rel")


def _stages():
    images = torch.randn(64, CHANNELS, 8, 8, generator=torch.Generator().manual_seed(5))

    def parents(convolutions):
        torch.manual_seed(4)
        return _trained(separable_convolutions(convolutions, CHANNELS, 1), images)

    return images, CHANNELS, parents


def _child(before, parent, transformation):
    convolutions = transformed(parent, transformation, LIMITS["unrestricted"])
    made = separable_convolutions(convolutions, CHANNELS, 1)
    inherit_stages(made, before)
    return made
