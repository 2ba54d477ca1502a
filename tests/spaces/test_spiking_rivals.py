"""Spiking networks made by hand are as large as printed."""

import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.testing import check_space

SPACE = get_space("spiking_rivals")


def test_the_space_keeps_its_promises():
    check_space("spiking_rivals", samples=4)
    check_space("spiking_rivals", samples=4, time_steps=2, stem_poolings=1)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("CIFARNet-Wu", {16: 0.71, 32: 2.83, 64: 11.28, 128: 45.05}),
        ("CIFARNet-Fang", {16: 0.16, 32: 0.60, 64: 2.34, 128: 9.23, 256: 36.72}),
        ("ResNet11-Lee", {16: 1.17, 32: 4.60, 64: 18.30}),
        ("ResNet19-Zheng", {16: 0.23, 32: 0.93, 64: 3.68, 128: 14.69}),
    ],
)
def test_parameters_are_those_that_are_printed(name, printed):
    # NA Table 5.4, in millions. Of ResNet11-Lee 1.17 is printed where 1.1648 are counted.
    arch = [SPACE.from_string(name)]
    counts = {c: SPACE.parameters(arch, channels=c)[0] / 1e6 for c in printed}
    assert counts == pytest.approx(printed, abs=0.0053)


@pytest.mark.parametrize("arch", SPACE.all_architectures(), ids=SPACE.choices[0])
def test_networks_vote_and_learn(arch):
    network = SPACE.network(arch, channels=2, input_size=16, time_steps=3, threshold=0.1)
    images = 2 * torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    votes = network(images)
    network.loss(votes, torch.arange(4)).backward()
    assert votes.shape == (4, 10)
    assert network.measurements()["spikes"] > 0
    assert all(weight.grad is not None for weight in network.parameters())


def test_what_they_have_not_is_refused():
    with pytest.raises(HwbenchError, match="leave depth and halvings out"):
        SPACE.network([0], depth=2)
    with pytest.raises(HwbenchError, match="did you mean 'ResNet19-Zheng'"):
        SPACE.from_string("ResNet19-Zeng")
