"""The real networks that AutoSNN is held against."""

from __future__ import annotations

from torch import nn

from hwbench.spaces.autosnn.blocks import (
    AveragePooling,
    MaxPooling,
    firing_convolution,
    make_block,
)
from hwbench.spaces.autosnn.network import SpikingNetwork
from hwbench.spaces.autosnn.rivals import Layer, Rival, rival_shapes
from hwbench.spaces.autosnn.skeleton import LayerShape, SpikingSkeleton


def rival_network(rival: Rival, skeleton: SpikingSkeleton) -> SpikingNetwork:
    """The network of a description, with sizes, neurons and loss of a skeleton."""
    shapes = rival_shapes(rival, skeleton)
    layers = [_made(*pair, skeleton) for pair in zip(rival.layers, shapes, strict=True)]
    features = shapes[-1].out_channels * shapes[-1].out_size ** 2
    hidden = [width * skeleton.channels for width in rival.hidden]
    return SpikingNetwork(layers, features, skeleton, hidden)


def _made(layer: Layer, shape: LayerShape, skeleton: SpikingSkeleton) -> nn.Module:
    if layer.kind == "convolution":
        return firing_convolution(shape, 3, skeleton)
    if layer.kind == "residual":
        return make_block("SRB_k3", shape, skeleton)
    return MaxPooling() if layer.kind == "max" else AveragePooling(skeleton)
