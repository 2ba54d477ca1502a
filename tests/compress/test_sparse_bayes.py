"""Fixed points and identities of sparse Bayesian learning."""

import math

import pytest
import torch

from hwbench.compress import sparse_bayes
from hwbench.compress.sparse_bayes import (
    THRESHOLD,
    chained,
    entropy,
    group_reweighting,
    group_variance,
    posterior_variance,
    reweighting,
    scaled_curvature,
    shrunk,
    switches,
)


@pytest.mark.parametrize(
    ("curvature", "wanted", "strength"),
    [(1.0, 1.0, 0.01), (2.0, 0.5, 0.1), (0.5, 3.0, 1.0), (1.0, 0.05, 0.01), (4.0, -0.3, 0.2)],
)
def test_one_weight_comes_to_the_fixed_point_of_sparse_bayesian_learning(
    curvature, wanted, strength
):
    h, w0 = torch.tensor([curvature], dtype=torch.float64), wanted
    scaled = scaled_curvature(h, strength)
    omega = torch.ones(1, dtype=torch.float64)
    for _ in range(20_000):
        # The minimum of h/2 (w - w0)^2 + lambda omega |w|.
        weight = math.copysign(max(0.0, abs(w0) - float(strength * omega / h)), w0)
        gamma = switches(torch.tensor([weight], dtype=torch.float64), omega)
        omega = reweighting(gamma, scaled)
    expected = max(0.0, w0**2 - strength / curvature)
    assert float(gamma) == pytest.approx(expected, abs=2e-5)


def test_the_threshold_is_where_the_entropy_is_zero():
    assert pytest.approx(0.058550, abs=1e-6) == THRESHOLD
    assert float(entropy(torch.tensor(THRESHOLD, dtype=torch.float64))) == pytest.approx(0)


def test_reweighting_is_what_is_printed():
    gamma = torch.rand(50, dtype=torch.float64) + 0.01
    h = torch.rand(50, dtype=torch.float64) * 10
    scaled = scaled_curvature(h, 0.1)
    variance = posterior_variance(gamma, scaled)
    torch.testing.assert_close(variance, 1 / (1 / gamma + scaled))
    torch.testing.assert_close(reweighting(gamma, scaled), (gamma - variance).sqrt() / gamma)


def test_loss_and_penalty_scaled_together_change_nothing():
    h = torch.rand(5)
    torch.testing.assert_close(scaled_curvature(3 * h, 0.3), scaled_curvature(h, 0.1))


def test_negative_curvatures_are_refused():
    with pytest.raises(ValueError, match="must not be negative"):
        scaled_curvature(torch.tensor([0.1, -1e-9]), 0.1)


def test_what_has_no_influence_goes():
    omega, weight = torch.ones(1), torch.tensor([0.7])
    for _ in range(5):
        gamma = switches(weight, omega)
        omega = reweighting(gamma, scaled_curvature(torch.zeros(1), 0.01))
        assert torch.isfinite(gamma).all()
        assert float(omega) > 0
        weight = weight * 0.1  # weight decay moves what no loss holds
    assert float(gamma) < float("inf")


def test_chained_switches_are_on_where_both_are():
    own = torch.tensor([0.5, 2.0, 1.0, 1.0])
    before = torch.tensor([0.5, float("inf"), 0.0, 3.0])
    found = chained(before, own)
    assert found.tolist() == pytest.approx([0.25, 2.0, 0.0, 0.75])
    assert (found <= own).all()
    assert (found <= before).all()
    # A gate that is always on changes nothing (YANG eq. 3-6 becomes eq. 3-5).
    torch.testing.assert_close(chained(torch.full((4,), float("inf")), own), own)


def test_a_group_of_one_is_a_weight():
    gamma, h = torch.rand(7) + 0.1, torch.rand(7)
    torch.testing.assert_close(group_reweighting(gamma, h[:, None]), reweighting(gamma, h))
    weights, omega = torch.randn(7), torch.rand(7) + 0.1
    torch.testing.assert_close(group_variance(weights[:, None], omega), switches(weights, omega))


def test_groups_come_to_the_fixed_point_on_a_diagonal_quadratic():
    # gamma minimises sum_i w0_i^2 / (gamma + lambda/h) + log(gamma + lambda/h) for equal h.
    w0 = torch.tensor([[0.8, -0.5, 0.3], [0.05, 0.02, -0.04]], dtype=torch.float64)
    curvature, strength = 2.0, 0.02
    scaled = scaled_curvature(torch.full_like(w0, curvature), strength)
    omega = torch.ones(2, dtype=torch.float64)
    for _ in range(20_000):
        weights = shrunk(w0, strength * omega / curvature)
        gamma = group_variance(weights, omega)
        omega = group_reweighting(gamma, scaled)
    expected = (w0.square().mean(dim=1) - strength / curvature).clamp_min(0)
    torch.testing.assert_close(gamma, expected, atol=2e-5, rtol=1e-3)


def test_shrunk_groups_are_the_minimum():
    weights = torch.randn(6, 4, dtype=torch.float64)
    amount = torch.linspace(0, 3, 6, dtype=torch.float64)
    found = shrunk(weights, amount)

    def objective(v):
        return (v - weights).square().sum() / 2 + (amount * v.norm(dim=1)).sum()

    least = objective(found)
    for _ in range(200):
        assert objective(found + 0.05 * torch.randn_like(found)) >= least
    assert torch.equal(found[0], weights[0])
    assert not found[-1].any()


def test_no_penalty_removes_nothing():
    weights = torch.randn(3, 2)
    assert torch.equal(shrunk(weights, torch.zeros(3)), weights)
    assert sparse_bayes.FLOOR > 0
