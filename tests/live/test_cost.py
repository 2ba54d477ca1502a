import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.cost import make_cost
from hwbench.live.supernet import make_supernet
from hwbench.predictors import make_predictor
from hwbench.predictors.lookup_table import neighbourhood
from hwbench.tables import load_table

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
