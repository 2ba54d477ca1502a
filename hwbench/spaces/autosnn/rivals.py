"""The spiking networks made by hand that AutoSNN is held against (NA 1537-1552, Table 5.4).

As the public code of AutoSNN builds them, in its neurons and with its votes.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from hwbench.errors import HwbenchError
from hwbench.spaces.autosnn.skeleton import LayerShape, SpikingSkeleton, stem_size


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
