"""Wider layers: new units at random that nothing reads yet, or copies (LAUBE 750, 808; Net2Net)."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.live.morphisms.layers import (
    NEW,
    Morphed,
    Sources,
    convolution,
    linear,
    normalisation,
    taken,
)
from hwbench.live.morphisms.places import NORMALISATIONS, layer_at, readers, replaced
from hwbench.live.morphisms.scale import Bias, Scale
from hwbench.live.origins import Origin


def widen(network: nn.Sequential, place: int, *, width: int) -> Morphed:
    """Give a layer more outputs, at random, which the next layer reads with weights of zero.

    The function stays to the last bit: with batch normalisation between too, which treats channels
    one by one. New filters are drawn from torch's default generator.

    Parameters
    ----------
    network : with the layer.
    place : of a convolution or linear layer.
    width : its new outputs, not fewer than it has.

    Raises
    ------
    HwbenchError
        Where the layer, or what stands behind it, cannot be widened.
    """
    now = outputs_of(network, place, "widen")
    _check(width, now, "widen")
    return with_outputs(network, place, [*range(now), *[NEW] * (width - now)], "widen")


def net2wider(network: nn.Sequential, place: int, *, width: int, seed: int = 0) -> Morphed:
    """Give a layer copies of some of its outputs; what reads them shares its weights out (Net2Net).

    The function stays but for rounding. Copies get the same gradients, so that they stay alike
    until something tells them apart, such as dropout or a little noise.

    Parameters
    ----------
    network, place, width : as of `widen`.
    seed : of which outputs are copied.

    Raises
    ------
    HwbenchError
        As `widen`.
    """
    now = outputs_of(network, place, "net2wider")
    _check(width, now, "net2wider")
    drawn = np.random.default_rng(seed).integers(0, now, size=width - now).tolist()
    return with_outputs(network, place, [*range(now), *drawn], "net2wider")


def outputs_of(network: nn.Sequential, place: int, who: str) -> int:
    """Outputs of a convolution without groups, or of a linear layer."""
    layer = layer_at(network, place, nn.Module, who)
    if isinstance(layer, nn.Linear):
        return layer.out_features
    if isinstance(layer, nn.Conv2d) and layer.groups == 1:
        return layer.out_channels
    raise HwbenchError(
        f"morphism {who}: a {type(layer).__name__} is at place {place}; only linear layers and "
        "convolutions without groups have outputs of their own"
    )


def with_outputs(network: nn.Sequential, place: int, sources: Sources, who: str) -> Morphed:
    """The network with other outputs of a layer, and with readers that compute the same of them.

    Parameters
    ----------
    network, place : the layer.
    sources : which output each is, or `NEW`; every one that there is must be among them.
    who : asks, for messages.
    """
    between, reader, spots = readers(network, place, who)
    origins: dict[Tensor, Origin] = {}
    layers: dict[int, nn.Module] = {}
    layers[place], own = _outputs(network[place], sources)
    origins.update(own)
    for at in between:
        layers[at], own = _along(network[at], sources)
        origins.update(own)
    # A copy is read with its share of the weights, a new output not at all.
    counts = np.bincount([each for each in sources if each != NEW])
    gain = [1.0 if each == NEW else 1.0 / counts[each] for each in sources]
    inputs = [
        NEW if each == NEW else each * spots + spot for each in sources for spot in range(spots)
    ]
    shares = torch.tensor(gain).repeat_interleave(spots)
    last = network[reader]
    if isinstance(last, nn.Linear):
        layers[reader], own = linear(last, inputs=inputs, gain=shares)
    else:
        layers[reader], own = convolution(cast("nn.Conv2d", last), inputs=inputs, gain=shares)
    origins.update(own)
    return Morphed(replaced(network, layers), origins)


def _outputs(layer: nn.Module, sources: Sources) -> tuple[nn.Module, dict[Tensor, Origin]]:
    if isinstance(layer, nn.Linear):
        return linear(layer, outputs=sources)
    return convolution(cast("nn.Conv2d", layer), outputs=sources)


def _along(layer: nn.Module, sources: Sources) -> tuple[nn.Module, dict[Tensor, Origin]]:
    """A layer that has an entry for each channel, with those of other channels."""
    if isinstance(layer, NORMALISATIONS):
        return normalisation(layer, sources)
    if isinstance(layer, Bias | Scale):
        return _vector(layer, sources)
    return _outputs(layer, sources)


def _vector(layer: Bias | Scale, sources: Sources) -> tuple[nn.Module, dict[Tensor, Origin]]:
    made = type(layer)(len(sources))
    value, origin = taken(layer.values, {0: sources}, made.values.detach().to(layer.values))
    made.values = nn.Parameter(value)
    return made.train(layer.training), {made.values: origin}


def _check(width: int, now: int, who: str) -> None:
    if width < now:
        raise HwbenchError(f"morphism {who}: width {width} is below the {now} outputs it has")
