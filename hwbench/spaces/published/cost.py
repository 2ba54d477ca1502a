"""Parameters and multiply-adds of published networks."""

from __future__ import annotations

from hwbench.spaces.base import Skeleton
from hwbench.spaces.darts.cost import conv_cost, operation_cost
from hwbench.spaces.darts.skeleton import STEM_MULTIPLIER
from hwbench.spaces.published.networks import CellPair, MobileChain
from hwbench.spaces.published.shapes import BottleneckShape, chain_shape, pair_shapes

Costs = list[tuple[int, int]]
"""Of parts of a network: parameters, and multiply-adds of convolutions and of the classifier."""


def network_cost(network: CellPair | MobileChain, skeleton: Skeleton) -> tuple[int, int]:
    """Parameters, and multiply-adds without the classifier's bias."""
    if isinstance(network, CellPair):
        parts, features = _pair_costs(network, skeleton)
    else:
        parts, features = _chain_costs(network, skeleton)
    weights = features * skeleton.classes
    parameters, multiply_adds = (sum(values) for values in zip(*parts, strict=True))
    return parameters + weights + skeleton.classes, multiply_adds + weights


def _pair_costs(pair: CellPair, skeleton: Skeleton) -> tuple[Costs, int]:
    stem = STEM_MULTIPLIER * skeleton.channels
    parts = [conv_cost(skeleton.input_channels, stem, skeleton.input_size, taps=9)]
    shapes = pair_shapes(pair, skeleton)
    for shape in shapes:
        cell = pair.reduction if shape.reduction else pair.normal
        given = [shape.channels_before_last, shape.channels_last]
        given += [shape.channels] if pair.projects_twice else []
        parts += [conv_cost(each, shape.channels, shape.size) for each in given]
        for name, source, _ in cell.items:
            strided = shape.reduction and source < 2
            parts.append(operation_cost(name, shape.channels, shape.out_size, strided=strided))
    return parts, shapes[-1].out_channels


def _chain_costs(chain: MobileChain, skeleton: Skeleton) -> tuple[Costs, int]:
    found = chain_shape(chain, skeleton)
    last = found.layers[-1]
    size = found.layers[0].size
    parts = [conv_cost(skeleton.input_channels, found.stem_channels, size, taps=9)]
    for layer in found.layers:
        parts += _bottleneck_costs(layer)
    parts.append(conv_cost(last.out_channels, found.head_channels, last.out_size))
    return parts, found.head_channels


def _bottleneck_costs(layer: BottleneckShape) -> Costs:
    expansion = [conv_cost(layer.in_channels, layer.hidden_channels, layer.size)]
    return [
        *(expansion if layer.expands else []),
        conv_cost(1, layer.hidden_channels, layer.out_size, taps=layer.kernel_size**2),
        conv_cost(layer.hidden_channels, layer.out_channels, layer.out_size),
    ]
