"""What a method of compression says: how groups are penalised, and which units matter least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from hwbench.compress.groups import Family, Weights, weights_of
from hwbench.compress.units import Dimension, Units
from hwbench.images.parts import Part


@dataclass(frozen=True)
class Network:
    """A network that is being compressed, as a method sees it.

    Attributes
    ----------
    module : from images to logits; in the mode that the method gives it.
    units : of it.
    families : the groups of weights that are penalised.
    images : training images, on its device.
    curvature_images, curvature_draws : see `hwbench.compress.recipe.CompressRecipe`.
    """

    module: nn.Module
    units: Units
    families: Sequence[Family]
    images: Part
    curvature_images: int = 512
    curvature_draws: int | None = 1

    @property
    def weights(self) -> Weights:
        """Of all layers, by name."""
        return weights_of(self.module)


class Method:
    """Which units are left out.

    In each loop `penalties` is asked first, then the network is trained with what it said, then
    `scores` is asked, units are left out, and `keep` is told. Draws are torch's default ones.

    Parameters
    ----------
    strength : lambda, beside the mean loss; None for the method's own.
    """

    penalised: ClassVar[bool] = False
    """Whether `penalties` gives any: such a method needs no budget."""

    def __init__(self, strength: float | None = None) -> None:
        self.strength = strength
        self.state: dict[str, Tensor] = {}

    def penalties(self, network: Network) -> list[Tensor] | None:
        """Lambda times omega of each group, (groups,) for each family; None for no penalty."""
        del network
        return None

    def scores(self, network: Network) -> list[Tensor]:
        """How much each unit is needed, (units,) for each dimension; comparable between all."""
        raise NotImplementedError

    def keep(self, network: Network, kept: Sequence[Tensor]) -> None:
        """Follow the network to the units that are kept.

        Parameters
        ----------
        network : as it was before.
        kept : of each dimension, int64.
        """
        for family in network.families:
            if family.name in self.state:
                own = self.state[family.name]
                units = network.units.sizes[family.place]  # a shape has several groups a channel
                left = own.view(units, -1)[kept[family.place].to(own.device)]
                self.state[family.name] = left.flatten()

    def state_dict(self) -> dict[str, Tensor]:
        """What has to be kept to go on."""
        return dict(self.state)

    def load_state_dict(self, state: dict[str, Tensor]) -> Self:
        """Go on from a state that `state_dict` gave."""
        self.state = dict(state)
        return self


def unit_weights(dimension: Dimension, weights: Weights) -> Tensor:
    """The weights that lead to each unit, of inputs those that lead away, (units, weights)."""
    kind: Literal["input", "output"] = "input" if dimension.is_input else "output"
    parts = tuple(dimension.role(kind))
    return Family(kind, 0, parts).matrix(weights)


def relative(scores: Tensor) -> Tensor:
    """Scores over their mean: of layers whose weights have other scales, comparable."""
    return scores / scores.mean().clamp_min(torch.finfo(scores.dtype).tiny)
