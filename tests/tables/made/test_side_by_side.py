"""Latency of networks beside one another."""

import numpy as np
import pytest
import torch
from torch import nn

from hwbench.errors import HwbenchError
from hwbench.tables.made.recipe import MeasureRecipe
from hwbench.tables.made.side_by_side import measure_beside

SEEN = []


class _Counting(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, images):
        SEEN.append((self.name, tuple(images.shape)))
        return images


def test_each_is_visited_once_a_round_in_a_new_order():
    SEEN.clear()
    networks = {name: _Counting(name) for name in "abcd"}
    recipe = MeasureRecipe(rounds=6, warmup=1, repeats=2, batch_size=3)
    told = []
    found = measure_beside(networks, (1, 4, 4), recipe, progress=lambda *each: told.append(each))
    assert found.shape == (6, 4)
    assert (found > 0).all()
    assert told[0] == (0, 24)
    assert told[-1] == (24, 24)
    names = [name for name, _ in SEEN]
    assert {shape for _, shape in SEEN} == {(3, 1, 4, 4)}
    rounds = [names[start : start + 12] for start in range(0, 72, 12)]
    assert all(sorted(each) == sorted("abcd" * 3) for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1


def test_a_network_of_a_hundredth_of_the_work_is_faster():
    def network(width):
        return nn.Sequential(nn.Linear(2000, width), nn.Linear(width, 2000))

    recipe = MeasureRecipe(rounds=5, repeats=3)
    networks = {"large": network(2000), "small": network(20)}
    found = measure_beside(networks, (1, 4, 2000), recipe)
    assert np.median(found[:, 1] / found[:, 0]) < 0.5
    assert next(networks["large"].parameters()).dtype == torch.float32


def test_no_network_is_refused():
    with pytest.raises(HwbenchError, match="no network is given"):
        measure_beside({}, (1, 4, 4), MeasureRecipe())
