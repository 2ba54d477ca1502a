"""Morphisms by name, and what they make of one layer of any network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor, nn

from hwbench.errors import HwbenchError, unknown_name
from hwbench.live.morphisms.depth import add_bias, add_scale, insert, net2deeper
from hwbench.live.morphisms.kernel import dilate, grow_kernel, shrink_kernel
from hwbench.live.morphisms.layers import Morphed
from hwbench.live.morphisms.width import net2wider, widen

MORPHISMS: Mapping[str, Callable[..., Morphed]] = {
    "add_bias": add_bias,
    "add_scale": add_scale,
    "dilate": dilate,
    "grow_kernel": grow_kernel,
    "insert": insert,
    "net2deeper": net2deeper,
    "net2wider": net2wider,
    "shrink_kernel": shrink_kernel,
    "widen": widen,
}
"""Functions of a plain network, the place of a layer in it, and arguments by keyword."""


def arguments_of(morphism: str) -> Mapping[str, Parameter]:
    """What a morphism takes besides a layer; images are given by `morph_layer`.

    Raises
    ------
    HwbenchError
        Where there is no such morphism.
    """
    if morphism not in MORPHISMS:
        raise unknown_name("morphism", morphism, MORPHISMS)
    parameters = signature(MORPHISMS[morphism]).parameters.values()
    keyword = (each for each in parameters if each.kind is Parameter.KEYWORD_ONLY)
    return {each.name: each for each in keyword if each.name != "images"}


def layers_of(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers that stand in a sequence, which morphisms can change, with their names."""
    for name, sequence in network.named_modules():
        if isinstance(sequence, nn.Sequential):
            for place, layer in enumerate(sequence):
                if not any(True for _ in layer.children()):
                    yield f"{name}.{place}" if name else str(place), layer


def morph_layer(
    network: nn.Module,
    layer: str,
    morphism: str,
    arguments: Mapping[str, Any],
    images: Tensor,
) -> tuple[str, Morphed]:
    """Change a layer of any network by a morphism, in place.

    Parameters
    ----------
    network : whose layer it is.
    layer : its name, such as "cells.0.operations.1.2": that of a sequence and a place in it.
    morphism : one of `MORPHISMS`.
    arguments : of it.
    images : that the network can be given; some morphisms need what they come to at the layer.

    Returns
    -------
    The name of the sequence, and what it has become.

    Raises
    ------
    HwbenchError
        Where there is no such layer, an argument is unknown or missing, or the layer is none that
        the morphism can change.
    """
    known = arguments_of(morphism)
    for name in arguments:
        if name not in known:
            raise unknown_name("argument", name, known, where=f"morphism {morphism}")
    missing = [
        name
        for name, each in known.items()
        if each.default is Parameter.empty and name not in arguments
    ]
    if missing:
        raise HwbenchError(f"morphism {morphism}: the argument '{missing[0]}' is missing")
    names = [name for name, _ in layers_of(network)]
    if layer not in names:
        raise unknown_name("layer", layer, names)
    sequence, _, place = layer.rpartition(".")
    plain = network.get_submodule(sequence)
    given = dict(arguments)
    if "images" in signature(MORPHISMS[morphism]).parameters:
        given["images"] = _given_to(network, plain, images)
    made = MORPHISMS[morphism](plain, int(place), **given)
    network.set_submodule(sequence, made.network)
    return sequence, made


def _given_to(network: nn.Module, part: nn.Module, images: Tensor) -> Tensor:
    """What a part of a network is given for some images, in training mode."""
    seen: list[Tensor] = []
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    was_training = network.training
    hook = part.register_forward_pre_hook(lambda _part, given: seen.append(given[0].detach()))
    try:
        with torch.no_grad():
            network.train()(images)
    finally:
        hook.remove()
        network.train(was_training)
        network.load_state_dict(kept)
    if not seen:
        raise HwbenchError("morphism: the network does not pass that layer")
    return seen[-1]
