"""Layers that morphisms have made, as plain data in the file of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from hwbench.errors import HwbenchError, one_line, unknown_name
from hwbench.live.morphisms.activation import InterpolatedReLU, PTanH
from hwbench.live.morphisms.scale import Bias, Scale

THERE = "there"
"""In place of a layer's kind: the layer of that place in the network without morphisms."""

KIND = "layer"

_SHAPE = ("kernel_size", "stride", "padding", "dilation", "groups")
_LAYERS: Mapping[str, tuple[type[nn.Module], tuple[str, ...]]] = {
    "conv2d": (nn.Conv2d, ("in_channels", "out_channels", *_SHAPE)),
    "linear": (nn.Linear, ("in_features", "out_features")),
    "batch_norm1d": (nn.BatchNorm1d, ("num_features", "eps", "momentum", "affine")),
    "batch_norm2d": (nn.BatchNorm2d, ("num_features", "eps", "momentum", "affine")),
    "relu": (nn.ReLU, ()),
    "interpolated_relu": (InterpolatedReLU, ()),
    "ptanh": (PTanH, ()),
    "bias": (Bias, ("channels",)),
    "scale": (Scale, ("channels",)),
}

Description = dict[str, Any]


def described(layer: nn.Module) -> Description:
    """What makes a layer, but for its weights.

    Raises
    ------
    HwbenchError
        Where morphisms make no such layer.
    """
    for kind, (made, names) in _LAYERS.items():
        if type(layer) is made:
            values = {name: _plain(getattr(layer, name)) for name in names}
            if kind in ("conv2d", "linear"):
                values["bias"] = layer.bias is not None
            return {KIND: kind, **values}
    raise HwbenchError(f"morphism: a {type(layer).__name__} cannot be kept in a file")


def with_layers(
    network: nn.Module, layers: Mapping[str, Sequence[Mapping[str, Any]]], where: str
) -> nn.Module:
    """A network with some of its sequences made anew, in place.

    Parameters
    ----------
    network : as it was made without morphisms.
    layers : by name of a sequence the descriptions of its layers.
    where : the file, for messages.

    Raises
    ------
    HwbenchError
        Where there is no such sequence, or a description is wrong.
    """
    for name, descriptions in layers.items():
        try:
            sequence = network.get_submodule(name)
        except AttributeError as error:
            raise HwbenchError(f"{where}: layers: the network has no part {name}") from error
        if not isinstance(sequence, nn.Sequential):
            raise HwbenchError(f"{where}: layers: {name} is no sequence of layers")
        made = nn.Sequential(*(_made(each, sequence, where) for each in descriptions))
        network.set_submodule(name, made)
    return network


def _made(description: Mapping[str, Any], sequence: nn.Sequential, where: str) -> nn.Module:
    given = dict(description)
    place = given.pop(THERE, None)
    if place is not None:
        if given or not isinstance(place, int) or not 0 <= place < len(sequence):
            raise HwbenchError(f"{where}: layers: {dict(description)} names no layer")
        return sequence[place]
    kind = given.pop(KIND, None)
    if kind not in _LAYERS:
        raise unknown_name("layer", str(kind), _LAYERS, where=where)
    layer, names = _LAYERS[kind]
    known = {*names, *(("bias",) if kind in ("conv2d", "linear") else ())}
    if set(given) != known:
        raise HwbenchError(f"{where}: layers: a {kind} has {', '.join(sorted(known)) or 'nothing'}")
    try:
        return layer(**given)
    except Exception as error:  # what torch makes of a stranger's numbers is its own affair
        raise HwbenchError(
            f"{where}: layers: a {kind} cannot be made: {one_line(error)}"
        ) from error


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
