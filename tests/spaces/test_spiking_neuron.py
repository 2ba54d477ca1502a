"""Parametric leaky integrate-and-fire neurons against the equations that are printed."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hwbench.spaces.autosnn.neuron import PLIF, counted_spikes, forget_spikes


class Step(torch.autograd.Function):
    """The Heaviside step with its surrogate, for the brute-force neuron."""

    @staticmethod
    def forward(ctx, x, slope):
        ctx.save_for_backward(x)
        ctx.slope = slope
        return (x >= 0).to(x.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient / (1 + (ctx.slope * x) ** 2), None


def brute_force(inputs, share, threshold, reset, slope, detach_reset):
    """Equations 2.7 to 2.9 step by step, differentiated by autograd."""
    potential, fired = torch.full_like(inputs[0], reset), []
    for step in inputs:
        charged = potential + share * (step - (potential - reset))
        spikes = Step.apply(charged - threshold, slope)
        held = spikes.detach() if detach_reset else spikes
        potential = charged * (1 - held) + reset * held
        fired.append(spikes)
    return torch.stack(fired)


@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(1, 6),
    tau=st.floats(1.05, 8),
    threshold=st.floats(0, 1.5),
    reset=st.sampled_from([0.0, -0.3, 0.2]),
    surrogate=st.sampled_from(["scaled", "printed"]),
    detach_reset=st.booleans(),
)
def test_spikes_and_gradients_are_those_of_the_equations(
    seed, steps, tau, threshold, reset, surrogate, detach_reset
):
    generator = torch.Generator().manual_seed(seed)
    inputs = 2 * torch.randn(steps, 3, 5, generator=generator, dtype=torch.float64)
    weights = torch.randn(steps, 3, 5, generator=generator, dtype=torch.float64)
    neurons = PLIF(threshold, tau, reset, surrogate, detach_reset=detach_reset).double()
    given_inputs, other_inputs = inputs.clone().requires_grad_(), inputs.clone().requires_grad_()
    spikes = neurons(given_inputs)
    (spikes * weights).sum().backward()
    decay = neurons.decay.detach().clone().requires_grad_()
    slope = {"scaled": math.pi, "printed": 1.0}[surrogate]
    expected = brute_force(
        other_inputs, torch.sigmoid(decay), threshold, reset, slope, detach_reset
    )
    (expected * weights).sum().backward()
    assert torch.equal(spikes, expected)
    torch.testing.assert_close(given_inputs.grad, other_inputs.grad)
    torch.testing.assert_close(neurons.decay.grad, decay.grad)
    torch.testing.assert_close(neurons.spikes, expected.detach().sum() / 3)


@given(z=st.floats(1.01, 20), tau=st.floats(1.05, 20))
def test_a_constant_input_charges_a_neuron_in_closed_form(z, tau):
    # h_t = z (1 - (1 - 1/tau)^t) without a reset; the first spike comes as soon as that is 1.
    steps = 400
    neurons = PLIF(1.0, tau).double()
    spikes = neurons(torch.full((steps, 1, 1), z, dtype=torch.float64)).flatten()
    exact = math.log(1 - 1 / z) / math.log(1 - 1 / tau)
    first = math.ceil(exact - 1e-9)
    if abs(exact - round(exact)) < 1e-9 or first > steps:  # rounding decides; or it takes too long
        first = int(spikes.argmax()) + 1 if spikes.any() else steps + 1
        assert spikes.any() or exact > steps
        assert abs(first - exact) < 1 + 1e-6 or exact > steps
    assert not spikes[: first - 1].any()
    assert first > steps or spikes[first - 1] == 1


def test_potentials_follow_the_closed_form():
    # Thresholds just below and above z (1 - (1 - 1/tau)^t) tell what h_t is.
    z, tau = 3.0, 2.5
    inputs = torch.full((6, 1, 1), z, dtype=torch.float64)
    for step in range(1, 7):
        charged = z * (1 - (1 - 1 / tau) ** step)
        below, above = (PLIF(charged + gap, tau).double()(inputs) for gap in (-1e-6, 1e-6))
        assert below[step - 1] == 1
        assert not below[: step - 1].any()
        assert not above[:step].any()


def test_a_threshold_of_zero_as_printed_fires_without_input():
    assert PLIF(threshold=0.0)(torch.zeros(8, 2, 3)).all()
    assert not PLIF(threshold=1.0)(torch.zeros(8, 2, 3)).any()


def test_two_steps_of_one_neuron_by_hand():
    # L = phi_2, z = w x: dL/dw of equations 2.11 to 2.17, with the printed surrogate.
    x1, x2, w, tau, threshold = 1.0, 0.5, 3.0, 2.0, 1.0
    inputs = (torch.tensor([[x1], [x2]], dtype=torch.float64) * w).unsqueeze(1)
    h1 = w * x1 / tau  # 1.5, fires
    h2 = w * x2 / tau  # from 0 again: 0.75
    surrogate = lambda h: 1 / (1 + (h - threshold) ** 2)  # noqa: E731
    through_reset = -h1 * surrogate(h1)  # 2.17, where phi_1 = 1
    for detach_reset in (True, False):
        weight = torch.tensor(w, dtype=torch.float64, requires_grad=True)
        neurons = PLIF(threshold, tau, surrogate="printed", detach_reset=detach_reset).double()
        spikes = neurons(inputs / w * weight)
        assert spikes.flatten().tolist() == [1.0, 0.0]
        spikes[1].sum().backward()
        of_h2 = surrogate(h2)
        of_h1 = of_h2 * (1 - 1 / tau) * (0.0 if detach_reset else through_reset)
        expected = (of_h1 * x1 + of_h2 * x2) / tau
        assert weight.grad.item() == pytest.approx(expected, rel=1e-12)


def test_tau_at_the_start():
    assert PLIF(tau=2.0).decay.item() == 0.0
    assert 1 / torch.sigmoid(PLIF(tau=5.0).decay).item() == pytest.approx(5.0)


def test_mixed_precision_charges_in_float32():
    inputs = 2 * torch.randn(8, 4, 30, generator=torch.Generator().manual_seed(0))
    rounded = inputs.bfloat16()
    assert torch.equal(PLIF()(rounded), PLIF()(rounded.float()))


def test_spikes_of_the_last_pass_are_counted():
    layers = torch.nn.Sequential(PLIF(), PLIF())
    layers(torch.full((4, 2, 3), 5.0))
    first, second = (layer.spikes.item() for layer in layers)
    assert first == 12.0  # all 3 neurons of an image, at all 4 steps
    assert counted_spikes(layers).item() == first + second
    forget_spikes(layers)
    layers[0](torch.zeros(4, 2, 3))
    assert counted_spikes(layers).item() == 0.0
