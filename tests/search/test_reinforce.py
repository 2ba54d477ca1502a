"""The controller is a distribution, and its rewards are those of YANG eq. 2-6 to 2-8."""

import numpy as np
import pytest
import torch

from hwbench.search import Objective, make_strategy
from hwbench.search.controller import Controller


def test_probabilities_sum_to_one():
    controller = Controller(np.array([2, 3, 1]), hidden_units=8)
    archs = np.stack(np.meshgrid([0, 1], [0, 1, 2], [0], indexing="ij"), -1).reshape(-1, 3)
    log, entropy = controller.log_probabilities(torch.from_numpy(archs))
    assert float(log.detach().exp().sum()) == pytest.approx(1, abs=1e-5)
    assert (entropy > 0).all()


def test_samples_follow_the_probabilities():
    controller = Controller(np.array([2, 3]), hidden_units=8)
    with torch.no_grad():
        controller.head.bias.copy_(torch.tensor([1.0, -0.5, 0.3]))
    drawn = controller.sample(20_000, np.random.default_rng(0))
    archs = np.stack(np.meshgrid([0, 1], [0, 1, 2], indexing="ij"), -1).reshape(-1, 2)
    log, _ = controller.log_probabilities(torch.from_numpy(archs))
    shares = [(drawn == arch).all(axis=1).mean() for arch in archs]
    np.testing.assert_allclose(shares, log.exp().detach().numpy(), atol=0.015)


def reward(objectives, values, **parameters):
    """Rewards after a start whose accuracies span 0 .. 100 and latencies 0 .. 10."""
    strategy = make_strategy(
        "reinforce", space="nasbench201", objectives=objectives, n_initial=2, **parameters
    )
    start = np.array([[0.0, 10.0], [100.0, 0.0]])[:, : len(objectives)]
    strategy.tell(strategy.ask(2), start)
    archs = strategy.ask(len(values))
    strategy.tell(archs, np.array(values)[:, : len(objectives)])
    return strategy._rewards(np.arange(2, 2 + len(values)))


ACCURACY, LATENCY = Objective("accuracy", "maximize"), Objective("latency")
VALUES = [[80.0, 5.0], [60.0, 2.0]]


def test_rewards():
    np.testing.assert_allclose(reward([ACCURACY], VALUES), [0.8, 0.6])
    mixed = reward([ACCURACY, LATENCY], VALUES, mixing=0.7)  # eq. 2-6, up to a constant
    np.testing.assert_allclose(mixed, [0.7 * 0.8 + 0.3 * 0.5, 0.7 * 0.6 + 0.3 * 0.8])
    limited = Objective("latency", limit=3.0, optimised=False)  # eq. 2-7
    np.testing.assert_allclose(reward([ACCURACY, limited], VALUES), [0, 0.6])
    at_least = Objective("accuracy", "maximize", limit=70.0, optimised=False)  # eq. 2-8
    np.testing.assert_allclose(reward([at_least, LATENCY], VALUES), [0.5, 0])


def test_a_step_makes_what_was_rewarded_more_likely():
    controller = Controller(np.full(6, 5), hidden_units=16)
    optimizer = torch.optim.Adam(controller.parameters(), lr=0.01)
    archs = np.array([[0, 1, 2, 3, 4, 0], [4, 3, 2, 1, 0, 0]])
    before = controller.log_probabilities(torch.from_numpy(archs))[0].detach()
    controller.step(archs, np.array([1.0, -1.0]), optimizer, entropy_weight=0.0)
    after = controller.log_probabilities(torch.from_numpy(archs))[0].detach()
    assert after[0] - after[1] > before[0] - before[1]
