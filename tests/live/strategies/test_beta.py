"""BtNAS, and the rivals whose candidates do not compete either."""

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from scipy.special import betainc

from hwbench.errors import HwbenchError
from hwbench.live.strategies.beta import BtNAS, divergence_from_uniform
from hwbench.live.strategies.darts import DARTSELU
from hwbench.live.strategies.sampled import GumbelSigmoid

PARAMETERS = [(1.7, 1.7), (1.05, 3.0), (4.0, 1.2), (20.0, 9.0)]


def attached(strategy, cells):
    return strategy.attach(cells(operations="no-zero"))


def moved(strategy, spread=1.0):
    with torch.no_grad():
        for parameter in strategy.parameters():
            parameter.copy_(spread * torch.randn(parameter.shape))
    return strategy


@pytest.mark.parametrize(("first", "second"), PARAMETERS)
def test_divergence_is_that_of_the_densities(first, second):
    given = torch.tensor([first], dtype=torch.float64), torch.tensor([second], dtype=torch.float64)
    density = stats.beta(first, second)
    expected, _ = integrate.quad(lambda x: density.pdf(x) * density.logpdf(x), 0, 1)
    assert float(divergence_from_uniform(*given)) == pytest.approx(expected, abs=1e-9)
    assert float(divergence_from_uniform(*given)) == pytest.approx(-density.entropy(), abs=1e-12)


def test_divergence_of_the_uniform_distribution_is_zero():
    one = torch.ones(1, dtype=torch.float64)
    assert float(divergence_from_uniform(one, one)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("first", "second"), PARAMETERS)
def test_gradients_of_draws_are_those_of_the_distribution_function(first, second):
    # NA eq. 4.6, the derivatives of the distribution function by finite differences.
    torch.manual_seed(0)
    given = [
        torch.full((200,), value, dtype=torch.float64, requires_grad=True)
        for value in (first, second)
    ]
    drawn = torch.distributions.Beta(*given).rsample()
    drawn.sum().backward()
    x, step = drawn.detach().numpy(), 1e-6
    density = stats.beta(first, second).pdf(x)
    by_first = (betainc(first + step, second, x) - betainc(first - step, second, x)) / (2 * step)
    by_second = (betainc(first, second + step, x) - betainc(first, second - step, x)) / (2 * step)
    for parameter, slope in zip(given, (by_first, by_second), strict=True):
        np.testing.assert_allclose(parameter.grad.numpy(), -slope / density, rtol=2e-3, atol=1e-6)


def test_strengths_are_means_of_what_is_drawn(cells):
    strategy = moved(attached(BtNAS(), cells))
    drawn = [
        torch.stack([choice.weights for choice in strategy.mixture().choices]).detach()
        for _ in range(4000)
    ]
    assert all(((each > 0) & (each < 1)).all() for each in drawn[:50])
    found = torch.stack(drawn).mean(dim=0)
    torch.testing.assert_close(found, strategy.strengths().detach(), atol=0.02, rtol=0)
    first, second = strategy.concentrations()
    assert (first > 1).all()
    assert (second > 1).all()


def test_it_begins_at_a_half_and_is_drawn_to_it(cells):
    strategy = attached(BtNAS(divergence_weight=0.01), cells)
    assert (strategy.strengths() - 0.5).abs().max() < 0.01
    moved(strategy, 2.0)
    optimizer = torch.optim.Adam(strategy.parameters(), lr=0.1)
    before = float(strategy.penalty().detach())
    for _ in range(300):
        optimizer.zero_grad()
        strategy.penalty().backward()
        optimizer.step()
    assert float(strategy.penalty().detach()) < 0.1 * before
    first, second = strategy.concentrations()
    assert first.max() < 1.2
    assert second.max() < 1.2


def test_the_penalty_is_a_sum_over_candidates(cells):
    strategy = moved(attached(BtNAS(divergence_weight=0.5), cells))
    expected = 0.5 * divergence_from_uniform(*strategy.concentrations()).sum()
    torch.testing.assert_close(strategy.penalty(), expected)


def test_both_tables_are_followed(cells):
    supernet = cells(operations="no-zero")
    strategy = moved(BtNAS().attach(supernet))
    before = {name: getattr(strategy, name).detach().clone() for name in ("alpha", "beta")}
    fewer = supernet.structure
    operations = (fewer.operations[0][1:], *fewer.operations[1:])
    origins = strategy.follow(type(fewer)(operations, fewer.copies))
    assert len(origins) == 2
    for name, old in before.items():
        assert torch.equal(getattr(strategy, name)[0, :3], old[0, 1:])
        assert torch.equal(getattr(strategy, name)[1:], old[1:])
    assert strategy.strengths()[0, 3] == 0


def test_elu_is_above_zero_and_without_bound(cells):
    strategy = attached(DARTSELU(), cells)
    with torch.no_grad():
        strategy.alpha.copy_(torch.linspace(-5, 5, strategy.alpha.numel()).view_as(strategy.alpha))
    alpha, strengths = strategy.alpha.detach(), strategy.strengths().detach()
    expected = torch.where(alpha > 0, alpha + 1, alpha.exp())
    torch.testing.assert_close(strengths, expected)


def test_gates_open_as_often_as_their_logit_says(cells):
    strategy = moved(attached(GumbelSigmoid(), cells))
    strategy.before_epoch(0, 10)
    drawn = torch.stack([strategy.draw().detach() for _ in range(4000)])
    assert set(drawn.round(decimals=5).unique().tolist()) == {0.0, 1.0}
    expected = torch.sigmoid(strategy.alpha.detach())
    torch.testing.assert_close(drawn.mean(dim=0), expected, atol=0.03, rtol=0)
    strategy.draw().sum().backward()
    assert (strategy.alpha.grad > 0).all()
    torch.testing.assert_close(strategy.strengths().sum(dim=1), torch.ones(6))


@pytest.mark.parametrize("strategy", [BtNAS, DARTSELU, GumbelSigmoid])
def test_nothing_is_learned_about_zero(cells, strategy):
    with pytest.raises(HwbenchError, match="learns nothing about 'none'"):
        strategy().attach(cells())
