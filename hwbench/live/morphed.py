"""Morphisms of networks that were trained and written: from a folder to another."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.live.morphisms.catalogue import arguments_of, morph_layer
from hwbench.live.morphisms.described import THERE, described
from hwbench.live.optimiser_state import carried_states
from hwbench.live.retrained import load_retrained, write_retrained
from hwbench.results.names import RETRAINED_NETWORK

IMAGES = 64
"""Random images that outputs are compared on."""


@dataclass(frozen=True)
class Change:
    """What a morphism has changed.

    Attributes
    ----------
    parameters_before, parameters_after : of the network.
    evaluation, training : greatest difference of outputs in these modes, over the greatest output
        before.
    carried : parameters of which the optimiser's state went along.
    """

    parameters_before: int
    parameters_after: int
    evaluation: float
    training: float
    carried: int


def morph_saved(
    folder: Path,
    output: Path,
    *,
    morphism: str,
    layer: str,
    arguments: Mapping[str, Any],
    seed: int = 0,
) -> Change:
    """Change a layer of a trained network and write what comes of it.

    Outputs are compared on random images, which are also what statistics are taken of where a
    morphism needs some.

    Parameters
    ----------
    folder : of a training, or of a network that this has written.
    output : gets the new network; must not hold one.
    morphism, layer, arguments : see `hwbench.live.morphisms.catalogue.morph_layer`.
    seed : of new weights and of the images.

    Raises
    ------
    HwbenchError
        Where the folder holds no network, the other one does, or the morphism cannot be done.
    """
    if "seed" in arguments_of(morphism):
        arguments = {**arguments, "seed": seed}
    own = output / RETRAINED_NETWORK
    if own.exists():
        raise HwbenchError(f"{own}: is there already; choose another folder with -o")
    found = load_retrained(folder)
    network, tree = found.network, found.tree
    skeleton = tree.skeleton
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        shape = (IMAGES, skeleton.input_channels, skeleton.input_size, skeleton.input_size)
        images = torch.randn(shape)
        before = copy.deepcopy(network)
        parameters = dict(network.named_parameters())
        names = {name: list(part) for name, part in _sequences(network).items()}
        sequence, made = morph_layer(network, layer, morphism, arguments, images)
    old = tree.layers.get(sequence) or [{THERE: at} for at in range(len(names[sequence]))]
    places = {id(each): at for at, each in enumerate(names[sequence])}
    layers = [
        old[places[id(each)]] if id(each) in places else described(each) for each in made.network
    ]
    states = carried_states(found.optimiser, parameters, network, made.origins)
    step = {"name": morphism, "layer": layer, **arguments, "seed": seed}
    changed = tree.model_copy(
        update={
            "morphisms": [*tree.morphisms, step],
            "layers": {**tree.layers, sequence: layers},
        }
    )
    evaluation, training = (
        _difference(before, network, images, training=training) for training in (False, True)
    )
    write_retrained(network, own, changed, states)
    return Change(
        sum(each.numel() for each in parameters.values()),
        sum(each.numel() for each in network.parameters()),
        evaluation,
        training,
        len(states),
    )


def _sequences(network: nn.Module) -> dict[str, nn.Sequential]:
    return {name: part for name, part in network.named_modules() if isinstance(part, nn.Sequential)}


def _difference(before: nn.Module, after: nn.Module, images: Tensor, *, training: bool) -> float:
    """Greatest difference of outputs over the greatest output before; the networks stay."""
    outputs = []
    for network in (before, after):
        with torch.no_grad():
            outputs.append(copy.deepcopy(network).train(training)(images))
    one, other = outputs
    return float((one - other).abs().max() / one.abs().max().clamp_min(torch.finfo(one.dtype).tiny))
