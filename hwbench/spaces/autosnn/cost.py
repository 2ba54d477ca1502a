"""Parameters and multiply-adds of spiking networks, by formula.

Every layer of neurons has one parameter, its time constant. Multiply-adds are those of
convolutions and linear layers in one time step; spikes being zeros and ones, a chip that waits for
them adds fewer numbers and multiplies none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from hwbench.spaces.autosnn.skeleton import (
    BLOCKS,
    VOTERS,
    LayerShape,
    Macro,
    SpikingSkeleton,
    layer_shapes,
)


class Cost(NamedTuple):
    """What a part of a network costs.

    Attributes
    ----------
    parameters : trainable ones.
    multiply_adds : of a time step.
    neurons : of its spiking layers; those of a pooling of spikes count as such.
    """

    parameters: int = 0
    multiply_adds: int = 0
    neurons: int = 0

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """The sum of parts."""
        return cls(*(sum(values) for values in zip(cls(), *parts, strict=True)))


def convolution_cost(shape: LayerShape, kernel_size: int, groups: int = 1) -> Cost:
    """Of a convolution with batch normalisation."""
    weights = kernel_size**2 * shape.in_channels * shape.out_channels // groups
    return Cost(weights + 2 * shape.out_channels, weights * shape.out_size**2)


def neurons_cost(neurons: int) -> Cost:
    """Of a layer of neurons."""
    return Cost(1, 0, neurons)


def firing_cost(shape: LayerShape, kernel_size: int, groups: int = 1) -> Cost:
    """Of a convolution with normalisation and neurons."""
    return Cost.total([convolution_cost(shape, kernel_size, groups), map_of_neurons(shape)])


def block_cost(name: str, shape: LayerShape) -> Cost:
    """Of a block, see `hwbench.spaces.autosnn.blocks.make_block`."""
    if name == "skip":  # strided, its two convolutions are as large as one together
        return firing_cost(shape, 1) if shape.changes else Cost()
    kind, kernel_size, expansion = BLOCKS[name]
    if kind == "SIB":
        return _bottleneck_cost(shape, kernel_size, expansion)
    parts = [firing_cost(shape, kernel_size), firing_cost(shape.repeat, kernel_size)]
    if kind == "SRB" and shape.changes:
        parts.append(convolution_cost(shape, 1))
    return Cost.total(parts)


def stem_cost(skeleton: SpikingSkeleton) -> Cost:
    """Of the stem; its first convolution is computed once for an image."""
    channels, size = skeleton.channels, skeleton.input_size
    parts = [firing_cost(LayerShape(skeleton.input_channels, channels, 1, size), 3)]
    for _ in range(skeleton.stem_poolings):
        size = -(-size // 2)
        parts.append(Cost(neurons=channels * size**2))
        parts.append(firing_cost(LayerShape(channels, channels, 1, size), 3))
    return Cost.total(parts)


def voting_cost(features: int, hidden: Sequence[int], skeleton: SpikingSkeleton) -> Cost:
    """Of the linear layers at the end, see `hwbench.spaces.autosnn.network.Voting`."""
    parts = []
    for width in (*hidden, VOTERS * skeleton.classes):
        parts.append(Cost(features * width + 1, features * width, width))
        features = width
    return Cost.total(parts)


def around_blocks(macro: Macro, skeleton: SpikingSkeleton) -> Cost:
    """Of all that a macro architecture has besides its blocks."""
    shapes = layer_shapes(macro, skeleton)
    parts = [stem_cost(skeleton)]
    for place, shape in zip(macro.places, shapes, strict=True):
        if not place.is_block and shape.stride > 1:
            fires = map_of_neurons(shape)
            parts.append(fires if macro.pooling == "average" else Cost(neurons=fires.neurons))
    last = shapes[-1]
    if macro.averaged:
        parts.append(neurons_cost(last.out_channels))
    features = last.out_channels * (1 if macro.averaged else last.out_size**2)
    return Cost.total([*parts, voting_cost(features, (), skeleton)])


def costs_of_blocks(
    names: Sequence[str], macro: Macro, skeleton: SpikingSkeleton
) -> list[list[Cost]]:
    """For each place of a block what each of the blocks costs there, repeats included."""
    shapes = layer_shapes(macro, skeleton)
    return [
        [
            Cost.total(
                [
                    block_cost(name, shape),
                    *[block_cost(name, shape.repeat)] * (skeleton.depth - 1),
                ]
            )
            for name in names
        ]
        for place, shape in zip(macro.places, shapes, strict=True)
        if place.is_block
    ]


def map_of_neurons(shape: LayerShape) -> Cost:
    """Of neurons, one for each entry of a layer's output."""
    return neurons_cost(shape.out_channels * shape.out_size**2)


def _bottleneck_cost(shape: LayerShape, kernel_size: int, expansion: int) -> Cost:
    hidden = shape.in_channels * expansion
    parts = [
        firing_cost(LayerShape(shape.in_channels, hidden, 1, shape.size), 1),
        firing_cost(LayerShape(hidden, hidden, shape.stride, shape.size), kernel_size, hidden),
        firing_cost(LayerShape(hidden, shape.out_channels, 1, shape.out_size), 1),
    ]
    if shape.changes and shape.stride == 1:
        parts.append(convolution_cost(shape, 1))
    return Cost.total(parts)
