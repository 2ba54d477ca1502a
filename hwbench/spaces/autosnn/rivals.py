"""The spiking networks made by hand that AutoSNN is held against (NA 1537-1552, Table 5.4).

As the public code of AutoSNN builds them, in its neurons and with its votes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.spaces.autosnn.cost import (
    Cost,
    block_cost,
    firing_cost,
    map_of_neurons,
    stem_cost,
    voting_cost,
)
from hwbench.spaces.autosnn.measured import SPIKING
from hwbench.spaces.autosnn.skeleton import LayerShape, SpikingSkeleton, stem_size
from hwbench.spaces.base import Skeleton, Space

if TYPE_CHECKING:
    import torch


class Layer(NamedTuple):
    """A layer of a network made by hand.

    Attributes
    ----------
    kind : a 3x3 "convolution" with neurons, a "residual" block SRB_k3, or a pooling by the "max" or
        the "average", the latter with neurons.
    multiple : of its output channels, times those of the stem; 0 for a pooling, which keeps them.
    stride : of a residual block.
    """

    kind: Literal["convolution", "residual", "max", "average"]
    multiple: int = 0
    stride: int = 1


class Rival(NamedTuple):
    """A network made by hand, behind a stem of a 3x3 convolution.

    Attributes
    ----------
    layers : between stem and linear layers.
    hidden : neurons of the linear layers before the votes, times the stem's channels.
    """

    layers: tuple[Layer, ...]
    hidden: tuple[int, ...]


_MAX, _AVERAGE = Layer("max"), Layer("average")

_SAME = Layer("convolution", 1)

RIVALS = {
    "CIFARNet-Wu": Rival(
        (
            *(Layer("convolution", 2), _AVERAGE),
            *(Layer("convolution", 4), _AVERAGE),
            *(Layer("convolution", 8), Layer("convolution", 4)),
        ),
        hidden=(8, 4),
    ),
    "CIFARNet-Fang": Rival((*[_SAME] * 2, _MAX, *[_SAME] * 3, _MAX), hidden=(8,)),
    "ResNet11-Lee": Rival(
        (
            _AVERAGE,
            *(Layer("residual", 2), Layer("residual", 4, 2)),
            *(Layer("residual", 8), Layer("residual", 8, 2)),
        ),
        hidden=(16,),
    ),
    "ResNet19-Zheng": Rival(
        (
            *[Layer("residual", 1)] * 3,
            *(Layer("residual", 2, 2), *[Layer("residual", 2)] * 2),
            *(Layer("residual", 4, 2), Layer("residual", 4)),
            _AVERAGE,
        ),
        hidden=(2,),
    ),
}
"""By the names of Table 5.4."""


class SpikingRivals(Space):
    """Four spiking networks made by hand; a string is a network's name, such as "ResNet19-Zheng".

    A space of one position, so that whatever trains, measures or retrains architectures does the
    same with these. Votes, FLOPs and measurements are those of `hwbench.spaces.autosnn`.
    """

    name = "spiking_rivals"
    title = "Spiking networks made by hand"
    choices = (tuple(RIVALS),)
    positions = ("network",)
    measured = SPIKING
    default_skeleton = SpikingSkeleton(channels=16, depth=1)

    def to_string(self, arch: ArrayLike) -> str:
        return self.choices[0][int(self.check(np.asarray(arch)[None, :])[0, 0])]

    def from_string(self, text: str) -> IntArray:
        name = text.strip() if isinstance(text, str) else str(text)
        if name not in RIVALS or not isinstance(text, str):
            raise unknown_name("network", name, RIVALS, where=f"architecture {text!r}")
        return np.array([self.choices[0].index(name)], dtype=np.int64)

    # ------------------------------------------------------------------ cost and network

    def _parameter_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        return 0, [[cost.parameters for cost in _costs(skeleton)]]

    def _flop_cost(self, skeleton: Skeleton) -> tuple[int, list[list[int]]]:
        return 0, [[cost.multiply_adds for cost in _costs(skeleton)]]

    def _build_network(self, arch: IntArray, skeleton: Skeleton) -> torch.nn.Module:
        from hwbench.spaces.autosnn.rival_network import rival_network

        return rival_network(RIVALS[self.choices[0][arch[0]]], SpikingSkeleton.of(skeleton))


def rival_shapes(rival: Rival, skeleton: SpikingSkeleton) -> list[LayerShape]:
    """The shapes of a network's layers.

    Raises
    ------
    HwbenchError
        Where layers are to be repeated, or some poolings to be left out.
    """
    if (skeleton.depth, skeleton.halvings) != (1, SpikingSkeleton.halvings):
        raise HwbenchError(
            "spiking_rivals: networks made by hand have depth 1 and all of their poolings; leave "
            "depth and halvings out"
        )
    shapes = []
    channels, size = skeleton.channels, stem_size(skeleton)
    for layer in rival.layers:
        stride = layer.stride if layer.multiple else 2
        out_channels = layer.multiple * skeleton.channels if layer.multiple else channels
        shape = LayerShape(channels, out_channels, stride, size)
        shapes.append(shape)
        channels, size = shape.out_channels, shape.out_size
    return shapes


def _costs(skeleton: Skeleton) -> list[Cost]:
    """Of each network."""
    spiking = SpikingSkeleton.of(skeleton)
    return [_cost(rival, spiking) for rival in RIVALS.values()]


def _cost(rival: Rival, skeleton: SpikingSkeleton) -> Cost:
    shapes = rival_shapes(rival, skeleton)
    parts = [stem_cost(skeleton)]
    parts += [_layer_cost(*pair) for pair in zip(rival.layers, shapes, strict=True)]
    features = shapes[-1].out_channels * shapes[-1].out_size ** 2
    hidden = [width * skeleton.channels for width in rival.hidden]
    return Cost.total([*parts, voting_cost(features, hidden, skeleton)])


def _layer_cost(layer: Layer, shape: LayerShape) -> Cost:
    if layer.kind == "convolution":
        return firing_cost(shape, 3)
    if layer.kind == "residual":
        return block_cost("SRB_k3", shape)
    fires = map_of_neurons(shape)
    return fires if layer.kind == "average" else Cost(neurons=fires.neurons)
