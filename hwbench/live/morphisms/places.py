"""Finding one's way in a plain network: a layer, what reads it, and putting others in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from torch import nn

from hwbench.errors import HwbenchError
from hwbench.live.morphisms.activation import Interpolated
from hwbench.live.morphisms.layers import is_depthwise
from hwbench.live.morphisms.scale import Bias, Scale

Layer = TypeVar("Layer", bound=nn.Module)

POINTWISE: tuple[type[nn.Module], ...] = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.GELU,
    nn.SiLU,
    nn.Hardswish,
    nn.Sigmoid,
    nn.Tanh,
    nn.Identity,
    Interpolated,
    nn.Dropout,
    nn.Dropout2d,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
)
"""Layers that know nothing of channels: what they do to one they do to each."""

NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d)


def layer_at(network: nn.Sequential, place: int, kind: type[Layer], who: str) -> Layer:
    """The layer at a place, which has to be of a kind.

    Raises
    ------
    HwbenchError
        Where it is not; the message says where there are some.
    """
    layer = network[place] if 0 <= place < len(network) else None
    if isinstance(layer, kind):
        return layer
    others = [str(at) for at, each in enumerate(network) if isinstance(each, kind)]
    what = "no layer" if layer is None else f"a {type(layer).__name__}"
    raise HwbenchError(
        f"morphism {who}: {what} is at place {place}; a {kind.__name__} is at "
        f"{', '.join(others) or 'none'}"
    )


def replaced(network: nn.Sequential, layers: Mapping[int, nn.Module]) -> nn.Sequential:
    """The network with other layers at some places."""
    made = nn.Sequential(*(layers.get(at, layer) for at, layer in enumerate(network)))
    return _as_before(made, network)


def inserted(network: nn.Sequential, place: int, layers: Sequence[nn.Module]) -> nn.Sequential:
    """The network with layers before the one that is at a place now."""
    there = list(network)
    made = nn.Sequential(*there[:place], *layers, *there[place:])
    for layer in layers:
        layer.train(network.training)
    return _as_before(made, network)


def _as_before(made: nn.Sequential, network: nn.Sequential) -> nn.Sequential:
    made.training = network.training  # of itself alone: its layers are as they were
    return made


def readers(network: nn.Sequential, place: int, who: str) -> tuple[list[int], int, int]:
    """What stands between a layer and the next one that adds up its channels.

    Parameters
    ----------
    network : plain.
    place : of a convolution or linear layer.
    who : asks, for messages.

    Returns
    -------
    between : places of layers that have an entry for each channel: normalisation, depthwise
        convolutions, biases and scales.
    reader : place of the next convolution or linear layer.
    spots : inputs of it that each channel has: more than one behind a flattening.

    Raises
    ------
    HwbenchError
        Where there is no such layer, or one between does what is not known.
    """
    layer = network[place]
    channels = layer.out_channels if isinstance(layer, nn.Conv2d) else layer.out_features
    between: list[int] = []
    for at in range(place + 1, len(network)):
        each = network[at]
        if isinstance(each, (*NORMALISATIONS, Bias, Scale)) or is_depthwise(each):
            between.append(at)
        elif isinstance(each, nn.Linear):
            return between, at, each.in_features // int(channels)  # type: ignore[arg-type]
        elif isinstance(each, nn.Conv2d):
            if each.groups > 1:
                raise HwbenchError(
                    f"morphism {who}: the convolution at place {at} reads its channels in groups, "
                    "which cannot be widened"
                )
            return between, at, 1
        elif not isinstance(each, (*POINTWISE, nn.Flatten)):
            raise HwbenchError(
                f"morphism {who}: the {type(each).__name__} at place {at} stands behind the layer, "
                "and what it makes of more channels is not known"
            )
    raise HwbenchError(
        f"morphism {who}: behind the layer at place {place} no convolution or linear layer of the "
        "same sequence reads its channels, so that their number cannot change"
    )
