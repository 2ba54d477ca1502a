"""Selection of the k strongest candidates of both cells."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.selections.top_k import TopK
from hwbench.live.supernets.supernet import make_supernet
from hwbench.spaces import get_space
from hwbench.testing.live_example import example_config

SPACE = get_space("ext_cell")


@pytest.fixture(scope="module")
def supernet():
    return make_supernet("ext_cell", channels=4, depth=1, input_channels=1, input_size=8, classes=3)


def selected(supernet, strengths, **arguments):
    strategy = SimpleNamespace(strengths=lambda: strengths)
    search = SimpleNamespace(supernet=supernet, strategy=strategy)
    return TopK(**arguments).select(search, None)


@pytest.mark.parametrize("k", [1, 10, 14, 50, 196])
def test_so_many_of_the_strongest_survive(supernet, k):
    torch.manual_seed(k)
    strengths = torch.rand(28, 7)
    arch = selected(supernet, strengths, k=k)
    assert arch.sum() == k
    values = strengths.flatten().numpy()
    on = arch.astype(bool)
    assert values[on].min() >= values[~on].max(initial=-1.0)


def test_of_equal_ones_the_earlier_survive(supernet):
    arch = selected(supernet, torch.full((28, 7), 0.5), k=9)
    np.testing.assert_array_equal(np.flatnonzero(arch), np.arange(9))


@pytest.mark.parametrize("k", [8, 10, 16])
def test_every_node_keeps_its_strongest(supernet, k):
    torch.manual_seed(k)
    # The reduction cell's nodes are all stronger, and its last the strongest.
    strengths = (
        torch.rand(28, 7) * torch.cat([torch.full((14,), 0.1), torch.linspace(1, 2, 14)])[:, None]
    )
    arch = selected(supernet, strengths, k=k, every_node=True)
    assert arch.sum() == k
    _, nodes = SPACE.effective(arch[None])
    assert nodes.all()
    _, without = SPACE.effective(selected(supernet, strengths, k=k)[None])
    assert not without.all()
    units = torch.tensor(
        [
            max(
                strengths[other].max()
                for other, each in enumerate(supernet.positions)
                if each.node == position.node
            )
            for position in supernet.positions
        ]
    )
    scaled = (strengths / units[:, None]).flatten().numpy()
    assert int((scaled == 1).sum()) == 8
    assert (arch[scaled == 1] == 1).all()
    assert scaled[arch == 1].min() >= scaled[arch == 0].max()


def config_with(**selection):
    nodes = {
        "data": {"subset": {"name": "random", "images": 64}},
        "space": {"name": "ext_cell", "channels": 4, "depth": 1, "operations": "s4"},
        "trainer": {"name": "bilevel", "epochs": 1, "batch_size": 32},
        "selection": {"name": "top_k", **selection},
    }
    return example_config(**nodes, ranking={"architectures": 2})


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        # Of the two candidates of an edge in S4 one is noise, which no architecture holds.
        ({"k": 30}, "k = 30 is more than the 28 candidates .* may hold; use k = 28 or less"),
        ({"k": 3, "every_node": True}, "of the 8 nodes, for which k = 3 is too small; use k = 8"),
    ],
)
def test_what_cannot_be_selected_is_refused_before_the_training(selection, message):
    with pytest.raises(HwbenchError, match=message):
        config_with(**selection)
    config_with(k=28)
    config_with(k=8, every_node=True)


def test_it_says_what_it_does():
    assert TopK(k=14).title() == "The 14 strongest candidates"
    assert TopK(k=14, every_node=True).title() == "The 14 strongest candidates, one a node"
