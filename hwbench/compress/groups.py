"""Groups of weights that are shrunk together (YANG 709-742), and the arithmetic of each group.

- `output`: all weights that lead to a unit: a row of a fully connected layer, a filter of a
  convolution; of channels that are added up the filters of all layers that make them.
- `input`: all weights that lead away from a unit: a column, or a channel over all filters.
- `shape`: of a convolution the weights of one channel at one place of the kernel, over all filters.

A unit is not needed where one of its first two groups is zero, or all shapes of its channel are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from hwbench.compress.units import Part, Units, layers_of

Kind = Literal["output", "input", "shape"]
KINDS: tuple[Kind, ...] = ("output", "input", "shape")

Weights = Mapping[str, Tensor]
"""By layer the weight, or what has its shape."""


@dataclass(frozen=True, eq=False)
class Family:
    """Groups of one kind, in one dimension or, for shapes, one layer.

    Attributes
    ----------
    kind : see above.
    place : number of the dimension; of shapes too, that of the channels they belong to.
    parts : what of which layers; a group for each of their units.
    layer : the convolution of shapes, "" for the others.
    """

    kind: Kind
    place: int
    parts: tuple[Part, ...]
    layer: str = ""

    @property
    def name(self) -> str:
        """Of this family in its network."""
        return f"{self.kind}:{self.layer or self.place}"

    def matrix(self, weights: Weights) -> Tensor:
        """The weights of each group, (groups, weights of a group)."""
        return torch.cat([self._rows(part, weights[part.layer]) for part in self.parts], dim=1)

    def norms(self, weights: Weights) -> Tensor:
        """Length of each group's weights, (groups,)."""
        squares = [self._sums(part, weights[part.layer].square()) for part in self.parts]
        return torch.stack(squares).sum(dim=0).sqrt()

    def scale_(self, weights: Weights, factors: Tensor) -> None:
        """Multiply all weights of each group, in place, by a number a group."""
        for part in self.parts:
            weight = weights[part.layer]
            if self.kind == "shape":
                weight.view(len(weight), -1).mul_(factors)
                continue
            each = torch.ones(weight.shape[part.axis], device=weight.device, dtype=weight.dtype)
            places = part.places.to(weight.device)
            each[places.flatten()] = factors.repeat_interleave(places.shape[1])
            weight.mul_(each.view(-1, *[1] * (weight.dim() - 1 - part.axis)))

    def _sums(self, part: Part, values: Tensor) -> Tensor:
        if self.kind == "shape":
            return values.sum(dim=0).flatten()
        others = [axis for axis in range(values.dim()) if axis != part.axis]
        return values.sum(dim=others)[part.places.to(values.device)].sum(dim=1)

    def _rows(self, part: Part, weight: Tensor) -> Tensor:
        if self.kind == "shape":
            return weight.reshape(len(weight), -1).T
        across = weight.movedim(part.axis, 0).flatten(1)
        places = part.places.to(weight.device)
        return across[places.flatten()].reshape(len(places), -1)


def families(network: nn.Module, units: Units, kinds: Sequence[Kind]) -> list[Family]:
    """All families of some kinds in a network.

    Parameters
    ----------
    network, units : of it.
    kinds : of `KINDS`.
    """
    layers = layers_of(network)
    found: list[Family] = []
    for place, dimension in enumerate(units.dimensions):
        for kind in ("output", "input"):
            parts = tuple(dimension.role(kind))
            if kind in kinds and parts:
                found.append(Family(kind, place, parts))
        for part in dimension.role("input"):
            layer = layers[part.layer]
            if "shape" in kinds and isinstance(layer, nn.Conv2d) and _takes_all(layer, part):
                found.append(Family("shape", place, (part,), part.layer))
    return found


def _takes_all(layer: nn.Conv2d, part: Part) -> bool:
    """Whether a convolution takes all its channels from one dimension, one a unit, in order."""
    return (
        bool((part.places.flatten() == torch.arange(layer.in_channels)).all())
        if (part.places.numel() == layer.in_channels)
        else False
    )


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """The weights of all layers, without gradients, by name."""
    return {name: layer.weight.detach() for name, layer in layers_of(network).items()}


def needless(units: Units, own: Sequence[Family], weights: Weights) -> list[Tensor]:
    """Which units have a group of zeros, (units,) bool for each dimension."""
    found = [torch.zeros(dimension.size, dtype=torch.bool) for dimension in units.dimensions]
    shapes: dict[int, list[Tensor]] = {}
    for family in own:
        zero = (family.norms(weights) == 0).cpu()
        if family.kind == "shape":
            of_channel = zero.view(units.dimensions[family.place].size, -1).all(dim=1)
            shapes.setdefault(family.place, []).append(of_channel)
        else:
            found[family.place] |= zero
    for place, channels in shapes.items():
        takers = len(units.dimensions[place].role("input"))
        if len(channels) == takers:  # nobody else takes them
            found[place] |= torch.stack(channels).all(dim=0)
    return found
