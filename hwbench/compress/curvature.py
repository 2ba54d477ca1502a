"""Diagonals of second derivatives of a loss by a network's weights, or by a few scalars.

Those of Gauss and Newton, J^T (diag p - p p^T) J with the Jacobian J of the logits, are never
negative, which sparse Bayesian learning needs; for a network that is linear in its weights they are
the Hessian itself. Beside them stand the recursions of YANG 538-599 through fully connected layers:
the exact one (eq. 4-7, 4-8) and that of diagonals alone (eq. 4-9, 4-10), which is exact for the
last layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import unfold

STEP = 1e-2
"""Of central differences, relative to 1 plus the scalar."""

Layers = nn.Linear | nn.Conv2d


# ---------------------------------------------------------------------- scalars


def scalar_curvatures(logits_of: Callable[[Tensor], Tensor], scalars: Tensor) -> Tensor:
    """Gauss-Newton diagonal of the mean cross-entropy by a few scalars.

    The Jacobian is taken by central differences, two passes a scalar: any operation will do.

    Parameters
    ----------
    logits_of : from scalars of their shape to logits (images, classes), always of the same images.
    scalars : where the derivatives are taken.

    Returns
    -------
    Not negative, of the shape of `scalars`.
    """
    flat = scalars.detach().flatten()
    found = torch.empty_like(flat)
    with torch.no_grad():
        probabilities = torch.softmax(logits_of(scalars.detach()), dim=1)
        for place in range(len(flat)):
            step = STEP * (1.0 + float(flat[place].abs()))
            sides = []
            for shift in (step, -step):
                moved = flat.clone()
                moved[place] += shift
                sides.append(logits_of(moved.view_as(scalars)))
            slope = (sides[0] - sides[1]) / (2.0 * step)
            found[place] = _output_curvature(probabilities, slope).mean()
    return found.view_as(scalars)


def _output_curvature(probabilities: Tensor, slope: Tensor) -> Tensor:
    """v^T (diag p - p p^T) v of each image, as the variance of v under p: never negative."""
    mean = (probabilities * slope).sum(dim=1, keepdim=True)
    return (probabilities * (slope - mean).square()).sum(dim=1)


# ---------------------------------------------------------------------- weights of layers


def layer_curvatures(
    network: nn.Module,
    images: Tensor,
    *,
    draws: int | None = None,
    generator: torch.Generator | None = None,
) -> dict[nn.Module, Tensor]:
    """Gauss-Newton diagonals of the mean cross-entropy by the weights of all layers.

    Of fully connected layers and of convolutions, whose gradients are added up over all positions
    before they are squared (YANG eq. 4-13 takes the mean, which is as many times too small as there
    are positions).

    Parameters
    ----------
    network : in evaluation mode, from images to logits; a layer must be passed once.
    images : float32 (images, channels, height, width), or what the network takes.
    draws : labels drawn from the network's own probabilities for each image, whose mean is right on
        average; None for all classes, which is exact and takes a pass backwards for each.
    generator : of the draws.

    Returns
    -------
    By layer a tensor of the shape of its weight.
    """
    with _kept(network) as kept:
        logits = network(images)
        columns = list(_columns(logits.detach(), draws, generator))
        layers = [layer for layer in kept if kept[layer].output.requires_grad]
        outputs = [kept[layer].output for layer in layers]
        found = {layer: torch.zeros_like(layer.weight) for layer in layers}
        for number, column in enumerate(columns):
            gradients = torch.autograd.grad(
                logits, outputs, column, retain_graph=number + 1 < len(columns), allow_unused=True
            )
            for layer, gradient in zip(layers, gradients, strict=True):
                if gradient is not None:
                    found[layer] += _squares(layer, kept[layer].given, gradient)
    return {layer: each / len(images) for layer, each in found.items()}


def _columns(
    logits: Tensor, draws: int | None, generator: torch.Generator | None
) -> Iterator[Tensor]:
    """Columns whose outer products add up to diag p - p p^T, of each image, or do on average."""
    probabilities = torch.softmax(logits, dim=1)
    classes = logits.shape[1]
    if draws is None:
        for place in range(classes):
            own = torch.zeros_like(probabilities)
            own[:, place] = 1.0
            yield probabilities[:, place : place + 1].sqrt() * (own - probabilities)
        return
    for _ in range(draws):
        drawn = torch.multinomial(probabilities, 1, generator=generator)
        own = torch.zeros_like(probabilities).scatter_(1, drawn, 1.0)
        yield (own - probabilities) / draws**0.5


@dataclass(frozen=True)
class _Pass:
    """What a layer was given and what it gave."""

    given: Tensor
    output: Tensor


@contextmanager
def _kept(network: nn.Module) -> Iterator[dict[Layers, _Pass]]:
    kept: dict[Layers, _Pass] = {}

    def keep(layer: Layers, given: tuple[Any, ...], output: Tensor) -> None:
        if layer in kept:
            raise ValueError(f"{layer}: is passed more than once")
        kept[layer] = _Pass(given[0].detach(), output)

    hooks = [
        layer.register_forward_hook(keep)
        for layer in network.modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()


def _squares(layer: Layers, given: Tensor, gradient: Tensor) -> Tensor:
    """Squares of the gradients by the weights, each image's alone, added up over the images."""
    if isinstance(layer, nn.Linear):
        return gradient.square().flatten(0, -2).T @ given.square().flatten(0, -2)
    groups = layer.groups
    found = torch.zeros_like(layer.weight)
    out = layer.out_channels // groups
    patches = unfold(
        given,
        layer.kernel_size,
        dilation=layer.dilation,
        padding=_padding(layer),
        stride=layer.stride,
    )
    patches = patches.view(len(patches), groups, -1, patches.shape[-1])
    slopes = gradient.flatten(2).view(len(gradient), groups, out, -1)
    for group in range(groups):
        own = torch.einsum("nop,nkp->nok", slopes[:, group], patches[:, group])
        squares = own.square().sum(dim=0)
        found[group * out : (group + 1) * out] = squares.view(out, *layer.weight.shape[1:])
    return found


def _padding(layer: nn.Conv2d) -> tuple[int, ...]:
    if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        raise ValueError(f"{layer}: only numbers of zeros as padding are known")
    return tuple(layer.padding)


# ---------------------------------------------------------------------- recursions of YANG


Derivatives = tuple[
    Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]
]
"""An activation with its first and its second derivative, all elementwise."""

TANH: Derivatives = (
    torch.tanh,
    lambda h: 1.0 - torch.tanh(h).square(),
    lambda h: -2.0 * torch.tanh(h) * (1.0 - torch.tanh(h).square()),
)
RELU: Derivatives = (torch.relu, lambda h: (h > 0).to(h.dtype), torch.zeros_like)


def recursive_hessians(
    weights: Sequence[Tensor],
    given: Tensor,
    activation: Derivatives,
    output_gradient: Callable[[Tensor], Tensor],
    output_hessian: Callable[[Tensor], Tensor],
) -> list[Tensor]:
    """Exact Hessians of a loss by the weights of each fully connected layer (eq. 4-7, 4-8).

    Parameters
    ----------
    weights : of each layer, (outputs, inputs), without offsets; the activation stands between them.
    given : of one example, (inputs,).
    activation : see `Derivatives`.
    output_gradient, output_hessian : of the loss by the last layer's outputs.

    Returns
    -------
    For each layer (outputs * inputs, outputs * inputs), a weight's row before its column.
    """
    before, after = _forward(weights, given, activation)
    gradient, hessian = output_gradient(before[-1]), output_hessian(before[-1])
    found: list[Tensor] = []
    for layer in reversed(range(len(weights))):
        inputs = after[layer]
        found.append(torch.kron(hessian, torch.outer(inputs, inputs)))
        if layer:
            weight = weights[layer]
            towards = weight.T @ gradient
            slope, bend = (each(before[layer - 1]) for each in activation[1:])
            hessian = slope[:, None] * (weight.T @ hessian @ weight) * slope[None, :]
            hessian = hessian + torch.diag(bend * towards)
            gradient = slope * towards
    return found[::-1]


def diagonal_recursion(
    weights: Sequence[Tensor],
    given: Tensor,
    activation: Derivatives,
    output_gradient: Callable[[Tensor], Tensor],
    output_hessian: Callable[[Tensor], Tensor],
) -> list[Tensor]:
    """Diagonals of the Hessians where only diagonals are handed on (eq. 4-9, 4-10).

    Exact for the last layer, and for the last two where the loss's Hessian by the outputs is
    diagonal. The printed sigma'(H_i) of eq. 4-10 is read as sigma'(h_i).

    Parameters
    ----------
    weights, given, activation, output_gradient, output_hessian : as of `recursive_hessians`.

    Returns
    -------
    For each layer (outputs, inputs).
    """
    before, after = _forward(weights, given, activation)
    gradient = output_gradient(before[-1])
    diagonal = torch.diagonal(output_hessian(before[-1]))
    found: list[Tensor] = []
    for layer in reversed(range(len(weights))):
        found.append(torch.outer(diagonal, after[layer].square()))
        if layer:
            weight = weights[layer]
            towards = weight.T @ gradient
            slope, bend = (each(before[layer - 1]) for each in activation[1:])
            diagonal = slope.square() * (weight.square().T @ diagonal) + bend * towards
            gradient = slope * towards
    return found[::-1]


def _forward(
    weights: Sequence[Tensor], given: Tensor, activation: Derivatives
) -> tuple[list[Tensor], list[Tensor]]:
    """Outputs of all layers before the activation, and their inputs."""
    before: list[Tensor] = []
    after = [given]
    for weight in weights:
        before.append(weight @ after[-1])
        after.append(activation[0](before[-1]))
    return before, after[:-1]


CROSS_ENTROPY: Mapping[str, Callable[[Tensor], Tensor]] = {
    "hessian": lambda logits: (
        torch.diag(torch.softmax(logits, 0))
        - torch.outer(torch.softmax(logits, 0), torch.softmax(logits, 0))
    )
}
"""What the loss gives whatever the label is: its Hessian by the logits."""
