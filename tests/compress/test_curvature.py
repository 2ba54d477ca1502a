"""Curvatures against autograd's Hessians and Jacobians."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from hwbench.compress.curvature import (
    CROSS_ENTROPY,
    RELU,
    TANH,
    diagonal_recursion,
    layer_curvatures,
    recursive_hessians,
    scalar_curvatures,
)

DOUBLE = torch.float64


def _network(*sizes):
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(after, before, generator=generator, dtype=DOUBLE) / before**0.5
        for before, after in pairwise(sizes)
    ]


def _loss(weights, given, activation, of_outputs):
    for place, weight in enumerate(weights):
        given = weight @ given
        if place + 1 < len(weights):
            given = activation[0](given)
    return of_outputs(given)


def _hessian(weights, place, given, activation, of_outputs):
    def of_one(weight):
        return _loss(
            [*weights[:place], weight, *weights[place + 1 :]], given, activation, of_outputs
        )

    size = weights[place].numel()
    return torch.autograd.functional.hessian(of_one, weights[place]).reshape(size, size)


TARGET = torch.tensor([0.3, -0.2, 0.5], dtype=DOUBLE)
LOSSES = {
    "cross_entropy": (
        lambda h: cross_entropy(h[None], torch.tensor([1])),
        lambda h: torch.softmax(h, 0) - torch.tensor([0.0, 1.0, 0.0], dtype=DOUBLE),
        CROSS_ENTROPY["hessian"],
    ),
    "squared": (
        lambda h: 0.5 * (h - TARGET).square().sum(),
        lambda h: h - TARGET,
        lambda h: torch.eye(len(h), dtype=DOUBLE),
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", [TANH, RELU], ids=["tanh", "relu"])
def test_the_recursion_is_the_hessian(loss, activation):
    weights = _network(4, 5, 4, 3)
    given = torch.randn(4, generator=torch.Generator().manual_seed(1), dtype=DOUBLE)
    of_outputs, gradient, hessian = LOSSES[loss]
    found = recursive_hessians(weights, given, activation, gradient, hessian)
    for place in range(3):
        expected = _hessian(weights, place, given, activation, of_outputs)
        torch.testing.assert_close(found[place], expected, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize(("loss", "exact"), [("cross_entropy", 1), ("squared", 2)])
def test_the_recursion_of_diagonals_is_exact_for_the_last_layers(loss, exact):
    weights = _network(4, 5, 4, 3)
    given = torch.randn(4, generator=torch.Generator().manual_seed(1), dtype=DOUBLE)
    of_outputs, gradient, hessian = LOSSES[loss]
    found = diagonal_recursion(weights, given, TANH, gradient, hessian)
    for place in range(3):
        whole = _hessian(weights, place, given, TANH, of_outputs)
        same = torch.allclose(found[place].flatten(), torch.diagonal(whole), atol=1e-12)
        assert same == (place >= 3 - exact), place


def _gauss_newton(network, images):
    """By the Jacobian of each image, weight by weight."""
    weights = {
        layer: layer.weight
        for layer in network.modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    }
    found = {layer: torch.zeros_like(weight) for layer, weight in weights.items()}
    for image in images:
        logits = network(image[None])[0]
        p = torch.softmax(logits, 0).detach()
        rows = [
            torch.autograd.grad(logit, list(weights.values()), retain_graph=True)
            for logit in logits
        ]
        for place, layer in enumerate(weights):
            slopes = torch.stack([row[place] for row in rows])
            share = p.view(-1, *[1] * (slopes.dim() - 1))
            mean = (share * slopes).sum(0)
            found[layer] += (share * (slopes - mean).square()).sum(0)
    return {layer: each / len(images) for layer, each in found.items()}


NETWORKS = {
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(2 * 25, 6), nn.Tanh(), nn.Linear(6, 3)),
    "conv": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, stride=2),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, groups=2, padding=2, dilation=2, bias=False),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_curvatures_of_layers_are_those_of_the_jacobians(name):
    torch.manual_seed(0)
    network = NETWORKS[name]().to(DOUBLE).eval()
    images = torch.randn(5, 2, 5, 5, dtype=DOUBLE)
    expected = _gauss_newton(network, images)
    found = layer_curvatures(network, images)
    assert list(found) == list(expected)
    for layer, values in expected.items():
        torch.testing.assert_close(found[layer], values)
        assert (found[layer] >= 0).all()


def test_drawn_labels_are_right_on_average():
    torch.manual_seed(0)
    network = NETWORKS["conv"]().to(DOUBLE).eval()
    images = torch.randn(5, 2, 5, 5, dtype=DOUBLE)
    exact = layer_curvatures(network, images)
    generator = torch.Generator().manual_seed(1)
    drawn = layer_curvatures(network, images, draws=2000, generator=generator)
    for layer, values in exact.items():
        assert float((drawn[layer] - values).norm() / values.norm()) < 0.05


def test_of_a_linear_model_it_is_the_hessian():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 3, bias=False)).to(DOUBLE).eval()
    given, labels = torch.randn(6, 4, dtype=DOUBLE), torch.arange(6) % 3
    weight = network[0].weight.detach()
    hessian = torch.autograd.functional.hessian(
        lambda w: cross_entropy(given @ w.T, labels), weight
    ).reshape(12, 12)
    torch.testing.assert_close(
        layer_curvatures(network, given)[network[0]].flatten(), torch.diagonal(hessian)
    )


def test_a_layer_that_is_passed_twice_is_refused():
    layer = nn.Linear(3, 3)
    with pytest.raises(ValueError, match="passed more than once"):
        layer_curvatures(nn.Sequential(layer, layer), torch.randn(2, 3))


def test_curvatures_by_scalars_are_those_of_the_jacobian():
    torch.manual_seed(0)
    parts = torch.randn(4, 10, 3, dtype=DOUBLE)

    def logits_of(scalars):
        return torch.tanh(torch.einsum("snc,s->nc", parts, scalars.flatten()))

    scalars = torch.tensor([[0.5, -0.2], [1.0, 0.1]], dtype=DOUBLE)
    p = torch.softmax(logits_of(scalars), 1)
    jacobian = torch.autograd.functional.jacobian(logits_of, scalars).flatten(2)
    mean = (p[..., None] * jacobian).sum(1, keepdim=True)
    expected = (p[..., None] * (jacobian - mean).square()).sum(1).mean(0).view(2, 2)
    found = scalar_curvatures(logits_of, scalars)
    torch.testing.assert_close(found, expected, rtol=2e-3, atol=1e-6)
    assert (found >= 0).all()


def test_an_operation_of_no_influence_has_no_curvature():
    def logits_of(scalars):
        return torch.stack([scalars[0] * torch.ones(4), torch.zeros(4)], dim=1)

    assert scalar_curvatures(logits_of, torch.tensor([1.0, 1.0]))[1] == 0
