"""The controller is a distribution, and its steps are those of automatic differentiation."""

import numpy as np
import pytest
import torch

from hwbench.search.strategies.controller import Controller

ALL = np.stack(np.meshgrid([0, 1], [0, 1, 2], [0], indexing="ij"), -1).reshape(-1, 3)


def torch_log_probabilities(controller, parameters, archs):
    """What the controller computes, in torch's own words; parameters by name."""
    units = controller.hidden_units
    cell = torch.nn.LSTMCell(units, units).double()
    # torch has the gates in the order input, forget, update, output, and weights transposed.
    order = np.r_[: 2 * units, 3 * units : 4 * units, 2 * units : 3 * units]
    weights = {
        "weight_ih": parameters["input_weights"].T[order],
        "weight_hh": parameters["state_weights"].T[order],
        "bias_ih": parameters["gate_bias"][order],
        "bias_hh": torch.zeros(4 * units, dtype=torch.float64),
    }
    values, state = parameters["start"].expand(len(archs), -1), None
    logs, entropies = 0.0, 0.0
    for position in range(controller.n_positions):
        arguments = (values,) if state is None else (values, state)
        state = torch.func.functional_call(cell, weights, arguments)
        logits = state[0] @ parameters["output_weights"] + parameters["output_bias"]
        possible = torch.from_numpy(np.isfinite(controller._mask[position]))
        log = torch.log_softmax(logits[:, possible], dim=1)
        logs = logs + log[np.arange(len(archs)), archs[:, position]]
        entropies = entropies - (log.exp() * log).sum(dim=1)
        values = parameters["chosen"][archs[:, position] + position * controller.most]
    return logs, entropies


def test_a_step_is_torch_with_adam():
    controller = Controller(np.array([4, 2, 5]), 7, learning_rate=0.02, seed=1, dtype=np.float64)
    named = {
        name: torch.from_numpy(part.copy()).requires_grad_()
        for name, part in controller.views(controller.parameters).items()
    }
    optimizer = torch.optim.Adam(named.values(), lr=0.02)
    generator = np.random.default_rng(0)
    for _ in range(5):
        archs = controller.sample(6, generator)
        advantages = generator.normal(size=6)
        expected = torch_log_probabilities(controller, named, archs)
        for found, each in zip(controller.log_probabilities(archs), expected, strict=True):
            np.testing.assert_allclose(found, each.detach().numpy(), rtol=1e-9)
        log, entropy = expected
        optimizer.zero_grad()
        (-(torch.from_numpy(advantages) * log + 0.3 * entropy).mean()).backward()
        gradient = controller.views(controller.gradient(archs, advantages, 0.3))
        for name, part in named.items():
            np.testing.assert_allclose(-gradient[name], part.grad.numpy(), atol=1e-12)
        optimizer.step()
        controller.step(archs, advantages, 0.3)
        for name, part in controller.views(controller.parameters).items():
            np.testing.assert_allclose(part, named[name].detach().numpy(), atol=1e-9)


def test_probabilities_sum_to_one():
    controller = Controller(np.array([2, 3, 1]), hidden_units=8)
    log, entropy = controller.log_probabilities(ALL)
    assert float(np.exp(log).sum()) == pytest.approx(1, abs=1e-5)
    assert (entropy > 0).all()


def test_samples_follow_the_probabilities():
    controller = Controller(np.array([2, 3, 1]), hidden_units=8)
    controller.views(controller.parameters)["output_bias"][:] = [1.0, -0.5, 0.3]
    drawn = controller.sample(20_000, np.random.default_rng(0))
    shares = [(drawn == arch).all(axis=1).mean() for arch in ALL]
    np.testing.assert_allclose(shares, np.exp(controller.log_probabilities(ALL)[0]), atol=0.015)


def test_a_step_makes_what_was_rewarded_more_likely():
    controller = Controller(np.full(6, 5), hidden_units=16)
    archs = np.array([[0, 1, 2, 3, 4, 0], [4, 3, 2, 1, 0, 0]])
    before = controller.log_probabilities(archs)[0]
    controller.step(archs, np.array([1.0, -1.0]), entropy_weight=0.0)
    after = controller.log_probabilities(archs)[0]
    assert after[0] - after[1] > before[0] - before[1]
