"""The space of spiking networks made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import IntArray
from hwbench.errors import unknown_name
from hwbench.spaces.autosnn.cost import (
    Cost,
    block_cost,
    firing_cost,
    map_of_neurons,
    stem_cost,
    voting_cost,
)
from hwbench.spaces.autosnn.measured import SPIKING
from hwbench.spaces.autosnn.rivals import RIVALS, Layer, Rival, rival_shapes
from hwbench.spaces.autosnn.skeleton import LayerShape, SpikingSkeleton
from hwbench.spaces.base import Skeleton, Space

if TYPE_CHECKING:
    import torch


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
    takes_events = True
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
