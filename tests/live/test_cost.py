from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.live.cost import make_cost
from hwbench.live.strategies.darts import DARTS
from hwbench.live.supernets.darts import EDGES
from hwbench.live.supernets.structure import Structure
from hwbench.live.supernets.supernet import make_supernet
from hwbench.live.trainers.bilevel import Bilevel
from hwbench.predictors import make_predictor
from hwbench.predictors.neighbourhood import neighbourhood
from hwbench.spaces import get_space
from hwbench.spaces.darts.space import OPERATIONS
from hwbench.tables import Table, load_table

TARGET = "nb201-digits:latency"


def _probabilities(supernet, arch):
    shares = torch.zeros(6, max(supernet.sizes))
    for position, index in enumerate(supernet.choices_of(arch)):
        shares[position, index] = 1.0
    return shares


def test_lookup_table_is_the_zoos_and_its_expectation_is_exact(cells):
    supernet = cells("no-zero")
    cost = make_cost(supernet, TARGET, "lookup_table", samples=2, weight=1.0, seed=0)
    table = load_table("nb201-digits")
    space = table.space
    model = make_predictor("lookup_table", space=space)
    measured = neighbourhood(space)
    model.fit(measured, table.column("latency")[space.indices_of(measured)])
    archs = supernet.sample(4, np.random.default_rng(0))
    shares = torch.stack([_probabilities(supernet, arch) for arch in archs])
    single = [cost.expected(each).item() for each in shares]
    np.testing.assert_allclose(single, model.predict(archs), rtol=1e-5)
    assert cost.expected(shares.mean(dim=0)).item() == pytest.approx(np.mean(single), rel=1e-5)


@pytest.mark.parametrize("predictor", ["ridge", "mlp_small"])
def test_cost_has_a_gradient_towards_the_candidates(cells, predictor):
    supernet = cells()
    cost = make_cost(supernet, TARGET, predictor, samples=60, weight=0.5, seed=0)
    shares = torch.full((6, 5), 0.2, requires_grad=True)
    value = cost(shares)
    value.backward()
    assert 0.2 < value.item() < 1.0  # half of about the mean metric
    # A 3x3 convolution is slower than nothing, wherever it stands.
    assert bool((shares.grad[:, 3] > shares.grad[:, 0]).all())


def test_costs_that_cannot_be_had_are_named(cells):
    with pytest.raises(HwbenchError, match="is not differentiable"):
        make_cost(cells(), TARGET, "random_forest", samples=30, weight=1.0, seed=0)
    darts = make_supernet("darts", channels=4, depth=1, input_size=8)
    with pytest.raises(HwbenchError, match="not darts"):
        make_cost(darts, TARGET, "ridge", samples=30, weight=1.0, seed=0)


def test_a_metric_to_be_maximised_costs_the_less_the_larger_it_is(cells, unit_tables):
    supernet = cells()
    costs = [
        make_cost(supernet, f"percent:{column}", "ridge", samples=100, weight=0.5, seed=0)
        for column in ("throughput", "slowness")
    ]
    shares = torch.full((6, 5), 0.2, requires_grad=True)
    for cost in costs:
        value = cost(shares)
        assert -1.0 < value.item() < -0.2  # half of about minus the mean metric
        (gradient,) = torch.autograd.grad(value, shares)
        # A 3x3 convolution is slower than nothing, wherever it stands.
        assert bool((gradient[:, 3] > gradient[:, 0]).all())


# ---------------------------------------------------------------------- DARTS cells


def _darts(operations=None):
    return make_supernet("darts", operations=operations, channels=4, depth=1, input_size=8)


@pytest.fixture
def darts_table(hwbench_home, make_table):
    """A table of drawn architectures and of the neighbourhood that a lookup table is made of."""
    space = get_space("darts")
    archs = np.concatenate([neighbourhood(space), space.sample(300, seed=1)])
    like = make_table(n_archs=2, columns=["latency"])
    card = like.card.model_copy(update={"name": "cells", "space": "darts"})
    latency = space.flops(archs) / 1e8
    table = Table.from_archs(archs, pd.DataFrame({"latency": latency}), card)
    table.save(hwbench_home / "tables" / "cells.parquet")
    return table


def _certain(supernet, arch):
    shares = torch.zeros(len(supernet.positions), max(supernet.sizes))
    for position, index in enumerate(supernet.choices_of(arch)):
        none = supernet.candidate_index(position, "none")
        shares[position, none if index is None else index] = 1.0
    return shares


@pytest.mark.parametrize("predictor", ["lookup_table", "ridge", "mlp_small"])
def test_a_certain_cell_costs_what_its_architecture_does(darts_table, predictor):
    supernet = _darts()
    cost = make_cost(supernet, "cells:latency", predictor, samples=100, weight=1.0, seed=0)
    space = supernet.space
    for arch in space.sample(5, seed=7):
        shares = _certain(supernet, arch)
        features = torch.from_numpy(space.encode(arch[None, :], "onehot"))
        torch.testing.assert_close(cost.encoding(shares), features[0])
        assert cost.expected(shares).item() == pytest.approx(
            cost.predictor(features).item(), rel=1e-5
        )


@pytest.mark.parametrize("operations", [None, "s2", "s4"])
def test_expected_encoding_of_cells_is_the_mean_over_what_is_drawn(operations):
    supernet = _darts(operations)
    sizes, space = supernet.sizes, supernet.space
    generator = np.random.default_rng(3)
    shares = np.zeros((28, max(sizes)))
    for row, size in zip(shares, sizes, strict=True):
        row[:size] = generator.dirichlet(np.ones(size))
    found = supernet.expected_encoding()(torch.from_numpy(shares))
    assert found.shape == (space.encode(space.sample(1, seed=0), "onehot").shape[1],)
    expected = []
    for cell in range(2):
        for node in range(4):
            edges = [14 * cell + EDGES.index((source, node + 2)) for source in range(node + 2)]
            held = [
                {
                    name: shares[edge, index]
                    for index, name in enumerate(supernet.positions[edge].operations)
                    if name not in ("none", "noise")
                }
                for edge in edges
            ]
            pairs, first, second = [], np.zeros(7), np.zeros(7)
            for low, high in combinations(range(node + 2), 2):
                pairs.append(sum(held[low].values()) * sum(held[high].values()))
                for a, share in held[low].items():
                    for b, other in held[high].items():
                        first[OPERATIONS.index(a)] += share * other
                        second[OPERATIONS.index(b)] += share * other
            total = sum(pairs)
            expected += [np.array(pairs) / total] if len(pairs) > 1 else []
            expected += [first / total, second / total]
    np.testing.assert_allclose(found.numpy(), np.concatenate(expected), rtol=1e-9)


def test_cost_of_cells_has_a_gradient_towards_cheap_operations(darts_table):
    supernet = _darts()
    cost = make_cost(supernet, "cells:latency", "ridge", samples=300, weight=0.5, seed=0)
    shares = torch.full((28, 8), 0.125, requires_grad=True)
    cost(shares).backward()
    names = supernet.positions[0].operations
    dear, cheap = names.index("sep_conv_5x5"), names.index("skip_connect")
    assert bool((shares.grad[:, dear] > shares.grad[:, cheap]).all())


def test_cells_that_no_architecture_can_have_are_named():
    with pytest.raises(HwbenchError, match=r"normal 0->2 .* has no candidate"):
        _darts(["none", "noise"]).expected_encoding()


def test_a_cost_follows_the_candidates(cells, data):
    supernet, strategy = cells(), DARTS()
    trainer = Bilevel(epochs=2, batch_size=8)
    strategy.attach(supernet)
    cost = make_cost(supernet, TARGET, "lookup_table", samples=2, weight=1.0, seed=0)
    trainer.start(supernet, strategy, cost)
    trainer.train_epoch(0, data, Augmentation())
    archs = [[3] * 6, [0, 3, 0, 3, 0, 3]]
    before = [cost.expected(_probabilities(supernet, arch)).item() for arch in archs]
    trainer.become(Structure((("nor_conv_3x3", "none"),) * 6))
    trainer.train_epoch(1, data, Augmentation())
    after = [cost.expected(_probabilities(supernet, arch)).item() for arch in archs]
    assert after == pytest.approx(before, rel=1e-5)
