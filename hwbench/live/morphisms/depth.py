"""More layers: identities behind others, normalised or not (LAUBE 725-748, Net2Net)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, cast

import torch
from torch import Tensor, nn

from hwbench.errors import HwbenchError, unknown_name
from hwbench.live.morphisms.activation import InterpolatedReLU, PTanH
from hwbench.live.morphisms.layers import Morphed
from hwbench.live.morphisms.places import NORMALISATIONS, inserted, layer_at
from hwbench.live.morphisms.scale import Bias, Scale

Activation = Literal["relu", "interpolated", "ptanh"]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "interpolated": InterpolatedReLU,
    "ptanh": PTanH,
}
"""What an inserted stage begins with: as published, or so that nothing changes."""


def insert(
    network: nn.Sequential,
    place: int,
    *,
    kernel_size: int = 3,
    activation: Activation = "relu",
    separable: bool = True,
    normalised: bool = True,
) -> Morphed:
    """Insert a stage behind a layer whose convolutions are the identity.

    A ReLU, as published (LAUBE 809), keeps the function only where what it is given is nowhere
    negative, or is cut by another ReLU behind it. Interpolated activations begin as the identity.
    Behind them the new normalisation is given the scale and shift of the one before the stage, if
    there is one: of what is normalised already, it changes as much as its epsilon does. Without one
    it normalises, and the function changes in training mode.

    Parameters
    ----------
    network : with the layer.
    place : of a layer that gives channels of images.
    kernel_size : odd.
    activation : "relu"; "interpolated" with the identity, or a "ptanh".
    separable : whether a depthwise and a pointwise convolution are inserted, or one of both.
    normalised : whether batch normalisation stands at the end.

    Raises
    ------
    HwbenchError
        Where the channels at this place are not known, or an argument does not suit.
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise HwbenchError(f"morphism insert: kernel_size {kernel_size} must be odd")
    channels = channels_behind(network, place, "insert")
    stage = identity_stage(
        channels,
        kernel_size,
        activation=activation,
        separable=separable,
        normalised=normalised,
    )
    before = network[place]
    if normalised and activation != "relu" and isinstance(before, nn.BatchNorm2d):
        _follow(cast("nn.BatchNorm2d", stage[-1]), before)
    return Morphed(_inserted(network, place, stage))


def _follow(new: nn.BatchNorm2d, before: nn.BatchNorm2d) -> None:
    """Set normalisation so that it gives back what another gives, but for epsilon."""
    if not before.affine:  # which gives mean 0 and variance 1, as a fresh one expects
        return
    with torch.no_grad():
        new.weight.copy_(before.weight.abs())
        new.bias.copy_(before.bias)
        new.get_buffer("running_mean").copy_(before.bias)
        new.get_buffer("running_var").copy_(before.weight**2)


def identity_stage(
    channels: int,
    kernel_size: int,
    *,
    activation: Activation = "relu",
    separable: bool = True,
    normalised: bool = True,
) -> list[nn.Module]:
    """An activation, convolutions that are the identity, and fresh batch normalisation."""
    if activation not in ACTIVATIONS:
        raise unknown_name("activation", activation, ACTIVATIONS)
    stage: list[nn.Module] = [ACTIVATIONS[activation]()]
    if separable:
        stage.append(_identity(channels, kernel_size, groups=channels))
    stage.append(_identity(channels, 1 if separable else kernel_size))
    return [*stage, nn.BatchNorm2d(channels)] if normalised else stage


def make_identity(layer: nn.Conv2d) -> None:
    """Set a convolution of as many outputs as inputs to the identity, in place."""
    with torch.no_grad():
        nn.init.dirac_(layer.weight, groups=layer.groups)
        if layer.bias is not None:
            layer.bias.zero_()


def net2deeper(
    network: nn.Sequential, place: int, *, kernel_size: int = 3, images: Tensor | None = None
) -> Morphed:
    """Insert a layer behind an activation that makes nothing of what it is given (Net2Net).

    Behind a ReLU a layer that is the identity, and a ReLU again. Where the layer before the
    activation is normalised the new one is too: its scale and shift undo the statistics of some
    images, on which the function stays in training mode; in evaluation mode it stays on all.

    Parameters
    ----------
    network : with the activation.
    place : of a ReLU.
    kernel_size : of the new convolution, odd.
    images : what the network is given, of shape (batch, ...). Needed where it is normalised.

    Raises
    ------
    HwbenchError
        Where the layer is no ReLU, its channels are not known, or images are needed.
    """
    layer_at(network, place, nn.ReLU, "net2deeper")
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise HwbenchError(f"morphism net2deeper: kernel_size {kernel_size} must be odd")
    channels, flat, normalised = _before(network, place)
    if flat:
        new: nn.Module = nn.Linear(channels, channels)
        with torch.no_grad():
            nn.init.eye_(new.weight)  # type: ignore[arg-type]
            nn.init.zeros_(new.bias)  # type: ignore[arg-type]
    else:
        new = _identity(channels, kernel_size)
    stage = [new]
    if normalised:
        if images is None:
            raise HwbenchError(
                "morphism net2deeper: the layer before is normalised; images are needed to set "
                "scale and shift of the new one"
            )
        stage.append(_undone(network, place, images, channels, flat=flat))
    return Morphed(_inserted(network, place, [*stage, nn.ReLU()]))


def add_bias(network: nn.Sequential, place: int) -> Morphed:
    """Add a bias of zero to each channel behind a layer."""
    channels = channels_behind(network, place, "add_bias", flat=True)
    return Morphed(_inserted(network, place, [Bias(channels)]))


def add_scale(network: nn.Sequential, place: int) -> Morphed:
    """Multiply each channel behind a layer with a factor of one."""
    channels = channels_behind(network, place, "add_scale", flat=True)
    return Morphed(_inserted(network, place, [Scale(channels)]))


def channels_behind(network: nn.Sequential, place: int, who: str, *, flat: bool = False) -> int:
    """How many channels a layer gives: of itself, or of the last one before it that says.

    Raises
    ------
    HwbenchError
        Where none says, or they are no images and `flat` is not allowed.
    """
    layer_at(network, place, nn.Module, who)
    for at in range(place, -1, -1):
        each = network[at]
        if isinstance(each, nn.Conv2d):
            return each.out_channels
        if isinstance(each, nn.BatchNorm2d):
            return each.num_features
        if isinstance(each, nn.BatchNorm1d | nn.Linear | nn.Flatten) and not flat:
            break
        if isinstance(each, nn.BatchNorm1d):
            return each.num_features
        if isinstance(each, nn.Linear):
            return each.out_features
        if isinstance(each, Bias | Scale):
            return each.channels
        if isinstance(each, nn.Flatten):
            break
    wanted = "" if flat else " of images"
    raise HwbenchError(
        f"morphism {who}: how many channels{wanted} there are at place {place} is not known; "
        "choose a place behind a convolution or batch normalisation"
    )


def _before(network: nn.Sequential, place: int) -> tuple[int, bool, bool]:
    """Channels of an activation, whether they are of no image, and whether they are normalised."""
    normalised = place > 0 and isinstance(network[place - 1], NORMALISATIONS)
    source = network[place - 1 - normalised] if place > normalised else None
    if isinstance(source, nn.Conv2d):
        return source.out_channels, False, normalised
    if isinstance(source, nn.Linear):
        return source.out_features, True, normalised
    raise HwbenchError(
        f"morphism net2deeper: before the ReLU at place {place} stands no convolution or linear "
        "layer, normalised or not"
    )


def _undone(
    network: nn.Sequential, place: int, images: Tensor, channels: int, *, flat: bool
) -> nn.Module:
    """Batch normalisation that gives back what it is given behind a place, of these images."""
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    was = [(module, module.training) for module in network.modules()]
    network.train()
    with torch.no_grad():
        features = network[: place + 1](images)
    network.load_state_dict(kept)
    for module, training in was:
        module.training = training
    over = (0,) if flat else (0, 2, 3)
    made: nn.BatchNorm1d | nn.BatchNorm2d = (nn.BatchNorm1d if flat else nn.BatchNorm2d)(channels)
    made.to(features.device)
    mean, variance = features.mean(over), features.var(over, correction=0)
    with torch.no_grad():
        made.weight.copy_((variance + made.eps).sqrt())
        made.bias.copy_(mean)
        running_mean, running_var = made.get_buffer("running_mean"), made.get_buffer("running_var")
        running_mean.copy_(mean)
        running_var.copy_(variance)
    return made


def _identity(channels: int, kernel_size: int, groups: int = 1) -> nn.Conv2d:
    made = nn.Conv2d(
        channels, channels, kernel_size, padding=kernel_size // 2, groups=groups, bias=False
    )
    make_identity(made)
    return made


def _inserted(network: nn.Sequential, place: int, stage: list[nn.Module]) -> nn.Sequential:
    near = next(iter(network.parameters()), None)
    if near is not None:
        for layer in stage:
            layer.to(near.device)
    return inserted(network, place + 1, stage)
