"""Leaving units out: their weights as zeros, or a smaller dense network with the same outputs.

A unit that is left out has no weights that lead to it, no offset, no scale of a normalisation, and
no weights that lead away from it. Without the last a constant could stay behind, which a sigmoid or
a normalisation makes of nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hwbench.compress.units import (
    OWN_LAYER,
    Dimension,
    InputSelection,
    Layer,
    Norm,
    Units,
    layer_at,
)
from hwbench.errors import HwbenchError

TOLERANCE = 1e-6
"""Of the outputs of both, in double precision, relative to the largest of them or 1."""

Kept = Sequence[Tensor]
"""For each dimension the units that stay, int64, ascending."""


def silence(network: nn.Module, units: Units, kept: Kept) -> None:
    """Make zero, in place, all weights of the units that are not kept.

    Parameters
    ----------
    network, units : of it.
    kept : see `Kept`.
    """
    with torch.no_grad():
        for dimension, own in zip(units.dimensions, kept, strict=True):
            gone = _others(dimension.size, own)
            for part in dimension.parts:
                layer = layer_at(network, part.layer)
                places = part.places[gone].flatten().to(_device_of(layer))
                if part.role == "input":
                    layer.weight[:, places] = 0.0
                    continue
                if layer.weight is not None:  # of a normalisation it may be missing
                    layer.weight[places] = 0.0
                if layer.bias is not None:
                    layer.bias[places] = 0.0


def rewired(network: nn.Module, units: Units, kept: Kept) -> nn.Module:
    """A smaller dense network of the units that are kept; the one given stays as it is.

    Parameters
    ----------
    network, units : of it.
    kept : see `Kept`; at least one unit of each dimension.

    Returns
    -------
    With the outputs of the network that `silence` makes of it. Where inputs of the network are left
    out, an `InputSelection` stands in front of the layer that took them.
    """
    made = copy.deepcopy(network)
    gone: dict[tuple[str, int], list[Tensor]] = {}  # a layer may take units of several dimensions
    for dimension, own in zip(units.dimensions, kept, strict=True):
        without = _others(dimension.size, own)
        for part in dimension.parts:
            places = part.places[without].flatten()
            gone.setdefault((part.layer, part.axis), []).append(places)
    inputs = {each.parts[0].layer for each in units.dimensions if each.is_input}
    for (name, axis), each in sorted(gone.items(), key=_rows_first):
        together = torch.cat(each)
        if not len(together):
            continue
        layer = layer_at(made, name)
        left = _others(_extent(layer, axis), together)
        _cut(layer, axis, left)
        if axis == 1 and name in inputs:
            _choose_inputs(made, name, left)
    return made


def largest_difference(one: nn.Module, other: nn.Module, images: Tensor) -> float:
    """Of the outputs of two networks on some images, computed in double precision.

    Relative to the largest output where that is above 1.
    """
    with torch.inference_mode():
        outputs = [
            copy.deepcopy(each).to("cpu", torch.float64).eval()(images.cpu().double())
            for each in (one, other)
        ]
    scale = max(1.0, float(outputs[0].abs().max()))
    return float((outputs[0] - outputs[1]).abs().max()) / scale


def checked_rewiring(
    network: nn.Module, units: Units, kept: Kept, images: Tensor
) -> tuple[nn.Module, float]:
    """The smaller network, and how far its outputs are from those of the network with zeros.

    Parameters
    ----------
    network, units : of it; its units that are not kept are silenced in place.
    kept : see `Kept`.
    images : that both are given.

    Raises
    ------
    HwbenchError
        Where they differ by more than `TOLERANCE`: something mixes channels that torch-pruning
        cannot see.
    """
    silence(network, units, kept)
    small = rewired(network, units, kept)
    try:
        difference = largest_difference(network, small, images)
    except RuntimeError as error:  # of torch, where sizes do not fit
        raise HwbenchError(
            f"compress: the network cannot be made smaller, its layers do not fit any more "
            f"({str(error).splitlines()[0]})"
        ) from error
    if not difference <= TOLERANCE:
        raise HwbenchError(
            f"compress: the smaller network's outputs differ by {difference:.2g} from those of the "
            "network with zeros; something in it mixes channels, such as a softmax over them"
        )
    return small, difference


# ---------------------------------------------------------------------- parts of it


def _rows_first(cut: tuple[tuple[str, int], list[Tensor]]) -> int:
    """A choice among a layer's inputs changes its name: that comes last."""
    (_, axis), _ = cut
    return axis


def _device_of(layer: Layer | Norm) -> torch.device:
    kept = layer.running_mean if isinstance(layer, Norm) else layer.weight
    return torch.device("cpu") if kept is None else kept.device


def _others(size: int, places: Tensor) -> Tensor:
    mask = torch.ones(size, dtype=torch.bool)
    mask[places] = False
    return mask.nonzero().flatten()


def _extent(layer: Layer | Norm, axis: int) -> int:
    """Rows, columns or entries that a layer has now."""
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        return layer.num_features
    return layer.weight.shape[axis]


def _cut(layer: Layer | Norm, axis: int, left: Tensor) -> None:
    """Keep some rows, columns or entries of a layer, in place."""
    for name, values in [*layer.named_parameters(recurse=False), *layer.named_buffers()]:
        if values.dim() == 0 or (axis == 1 and name != "weight"):
            continue
        cut = values.detach().index_select(axis, left.to(values.device)).clone()
        if isinstance(values, nn.Parameter):
            setattr(layer, name, nn.Parameter(cut, requires_grad=values.requires_grad))
        else:
            setattr(layer, name, cut)
    count = len(left)
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        layer.num_features = count
    elif isinstance(layer, nn.Linear):
        setattr(layer, "in_features" if axis else "out_features", count)
    elif isinstance(layer, nn.Conv2d):
        if layer.groups > 1:  # a filter a channel
            layer.groups = layer.in_channels = layer.out_channels = count
        else:
            setattr(layer, "in_channels" if axis else "out_channels", count)


def _choose_inputs(network: nn.Module, name: str, left: Tensor) -> None:
    """Let a layer, which has been cut, take some of its inputs."""
    above, _, own = name.rpartition(".")
    parent = network.get_submodule(above)
    if isinstance(parent, InputSelection) and own == OWN_LAYER:
        parent.places = parent.places[left.to(parent.places.device)]
        return
    layer = parent.get_submodule(own)
    if not isinstance(layer, nn.Linear):
        raise TypeError(f"{name}: only inputs of fully connected layers are chosen")
    setattr(parent, own, InputSelection(layer, left.to(layer.weight.device)))


def narrowed(kept: Kept, own: Kept) -> list[Tensor]:
    """What is kept of what was kept before, in numbers of the first network."""
    return [before[now] for before, now in zip(kept, own, strict=True)]


def everything(dimensions: Sequence[Dimension]) -> list[Tensor]:
    """All units of each dimension."""
    return [torch.arange(dimension.size) for dimension in dimensions]
