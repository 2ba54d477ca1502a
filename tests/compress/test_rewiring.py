"""Units of networks of every kind, their FLOPs, and the smaller networks without some of them."""

import pytest
import torch
from torch import nn

from hwbench.compress.flops import Cost, count_flops
from hwbench.compress.networks import ResNet18, lenet_5, lenet_300_100
from hwbench.compress.rewiring import TOLERANCE, checked_rewiring, silence
from hwbench.compress.units import find_units, layers_of
from hwbench.errors import HwbenchError
from hwbench.images.residual import ResNet
from hwbench.spaces.counting import count_flops as count_multiplications
from hwbench.spaces.counting import count_parameters


class Joined(nn.Module):
    """Depthwise convolutions, a sigmoid, and two branches put side by side."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 12, 3, padding=1)
        self.depthwise = nn.Conv2d(12, 12, 3, padding=1, groups=12)
        self.second = nn.Conv2d(12, 8, 1)
        self.beside = nn.Conv2d(3, 6, 1)
        self.norm = nn.BatchNorm2d(14)
        self.classifier = nn.Linear(14, 10)

    def forward(self, images):
        one = self.second(torch.sigmoid(self.depthwise(self.first(images))))
        both = torch.cat([one, self.beside(images)], dim=1)
        return self.classifier(torch.relu(self.norm(both)).mean((2, 3)))


class Normalised(nn.Module):
    """A normalisation over all neurons of a layer, which none of them can leave."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(64, 20)
        self.norm = nn.LayerNorm(20)
        self.second = nn.Linear(20, 30)
        self.third = nn.Linear(30, 10)

    def forward(self, images):
        return self.third(torch.tanh(self.second(self.norm(self.first(images.flatten(1))))))


NETWORKS = {
    "fully connected": (lambda: lenet_300_100(1, 8), (1, 8, 8)),
    "convolutions": (lenet_5, (1, 28, 28)),
    "residual": (lambda: ResNet18(width=6), (3, 16, 16)),
    "filled-up skips": (lambda: ResNet(3, 10, channels=6, blocks=1), (3, 16, 16)),
    "joined": (Joined, (3, 8, 8)),
    "normalised": (Normalised, (1, 8, 8)),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    """A network with any statistics and offsets, and images for it."""
    torch.manual_seed(0)
    make, shape = NETWORKS[request.param]
    made = make()
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight)
            nn.init.normal_(layer.bias)
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.5, 2.0)
    return made.eval(), torch.randn(3, *shape)


def _some(units, share):
    return [
        torch.randperm(size)[: max(1, round(share * size))].sort().values for size in units.sizes
    ]


def test_a_smaller_network_has_the_outputs_of_the_one_with_zeros(network):
    made, images = network
    before = made(images)
    for share in (0.6, 0.5):  # twice: what was cut is cut again
        units = find_units(made, images)
        kept = _some(units, share)
        cost = Cost(made, units, images)
        small, difference = checked_rewiring(made, units, kept, images)
        assert difference < 1e-12 < TOLERANCE
        assert torch.allclose(small(images), made(images), atol=1e-4)
        assert find_units(small, images).sizes == tuple(map(len, kept))
        names = [dimension.name for dimension in units.dimensions]
        assert [each.name for each in find_units(small, images).dimensions] == names
        assert cost.flops(list(map(len, kept))) == count_flops(small, images) < cost.flops()
        made = small
    assert not torch.allclose(before, made(images), atol=1e-2)


def test_zeros_are_where_units_were(network):
    made, images = network
    units = find_units(made, images)
    kept = _some(units, 0.5)
    silence(made, units, kept)
    for dimension, own in zip(units.dimensions, kept, strict=True):
        gone = sorted(set(range(dimension.size)) - set(own.tolist()))
        for part in dimension.parts:
            weight = made.get_submodule(part.layer).weight
            places = part.places[gone].flatten()
            assert not weight.index_select(part.axis, places).any()
    assert any(each.weight.any() for each in layers_of(made).values())


def test_channels_that_are_added_are_one_unit():
    units = find_units(ResNet18(width=4), torch.zeros(1, 3, 16, 16))
    stem = units.dimensions[0]
    assert [part.layer for part in stem.role("output")] == [
        "stem.0",
        "stages.1.convolution2",
        "stages.0.convolution2",
    ]
    assert len(units.dimensions) == 12
    assert not units.left_whole


def test_what_cannot_be_told_apart_is_left_whole():
    units = find_units(Normalised(), torch.zeros(1, 1, 8, 8))
    assert units.left_whole == {"first": "a LayerNorm goes with it"}
    filled = find_units(ResNet(3, 10, channels=4, blocks=1), torch.zeros(1, 3, 16, 16))
    assert list(filled.left_whole) == ["body.0"]


def test_published_sizes_are_exact():
    images = torch.zeros(1, 1, 28, 28)
    assert count_parameters(lenet_300_100()) == 266_610
    assert count_parameters(lenet_5()) == 431_080
    assert count_parameters(ResNet18()) == 11_173_962
    assert count_flops(lenet_300_100(), images) == 532_400
    small, units = lenet_300_100(), find_units(lenet_300_100(), images)
    assert Cost(small, units, images).flops([465, 37, 90]) == 2 * (465 * 37 + 37 * 90 + 90 * 10)


@pytest.mark.parametrize("name", ["convolutions", "residual", "joined"])
def test_flops_are_twice_the_multiplications(name):
    make, shape = NETWORKS[name]
    made = make()
    known = count_multiplications(made, shape, classifier_bias=False)
    assert count_flops(made, torch.zeros(1, *shape)) == 2 * known


class Mixing(nn.Module):
    """A softmax over channels: the rest of them feels it where one is missing."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(64, 20)
        self.second = nn.Linear(20, 10)

    def forward(self, images):
        return self.second(torch.softmax(self.first(images.flatten(1)), dim=1))


def test_what_mixes_channels_is_refused_and_not_made_wrong():
    made, images = Mixing(), torch.randn(3, 1, 8, 8)
    units = find_units(made, images)
    with pytest.raises(HwbenchError, match="something in it mixes channels"):
        checked_rewiring(made, units, _some(units, 0.5), images)


def test_networks_that_cannot_be_made_smaller_say_so():
    with pytest.raises(HwbenchError, match="nothing of the network can be left out"):
        find_units(nn.Sequential(nn.Conv2d(1, 10, 8), nn.Flatten()), torch.zeros(1, 1, 8, 8))
    with pytest.raises(HwbenchError, match="cannot be traced"):
        find_units(lenet_5(1, 28), torch.zeros(1, 3, 28, 28))
