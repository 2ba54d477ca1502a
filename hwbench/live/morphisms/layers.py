"""Layers with other sizes whose entries are those of a layer that is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from hwbench.live.origins import Origin

NEW = -1
"""In place of an index: an entry that comes from nowhere."""

Sources = Sequence[int]
"""For each index along a dimension of a new tensor that of the old one, or `NEW`."""


@dataclass(frozen=True, eq=False)
class Morphed:
    """A plain network after a morphism.

    Attributes
    ----------
    network : shares the layers that stay with the one before.
    origins : for each new parameter that has one, where its entries come from.
    """

    network: nn.Sequential
    origins: dict[Tensor, Origin] = field(default_factory=dict)


def taken(old: Tensor, sources: Mapping[int, Sources], fresh: Tensor) -> tuple[Tensor, Origin]:
    """A tensor whose entries are some of another's.

    Parameters
    ----------
    old : the other.
    sources : by dimension, which of its indices each index of the new one is.
    fresh : of the new shape: the entries that come from nowhere.

    Returns
    -------
    The new tensor and where it comes from.
    """
    places = torch.arange(old.numel(), device=old.device).view(old.shape)
    missing = torch.zeros(fresh.shape, dtype=torch.bool, device=old.device)
    for dimension, indices in sources.items():
        index = torch.tensor(indices, dtype=torch.int64, device=old.device)
        places = places.index_select(dimension, index.clamp_min(0))
        along = [1] * fresh.dim()
        along[dimension] = len(indices)
        missing |= (index == NEW).view(along)
    flat = places.masked_fill(missing, NEW).flatten()
    values = old.detach().flatten()[flat.clamp_min(0)].view(fresh.shape)
    return torch.where(missing, fresh, values), Origin(old, flat)


def _set(
    module: nn.Module, name: str, value: Tensor, origin: Origin, origins: dict[Tensor, Origin]
) -> None:
    parameter = nn.Parameter(value, requires_grad=origin.tensor.requires_grad)
    setattr(module, name, parameter)
    origins[parameter] = origin


def is_depthwise(layer: nn.Module) -> bool:
    """Whether it is a convolution with a filter for each channel alone."""
    return (
        isinstance(layer, nn.Conv2d)
        and layer.groups > 1
        and layer.groups == layer.in_channels == layer.out_channels
    )


def convolution(
    layer: nn.Conv2d,
    *,
    outputs: Sources | None = None,
    inputs: Sources | None = None,
    kernel: Sources | None = None,
    dilation: int | None = None,
    gain: Tensor | None = None,
) -> tuple[nn.Conv2d, dict[Tensor, Origin]]:
    """A convolution of other sizes; what is new in its kernels and inputs is zero.

    Filters of new outputs are drawn from torch's default generator, as torch initialises them. The
    output's height and width stay: padding grows with the kernel.

    Parameters
    ----------
    layer : the convolution; depthwise ones have no `inputs` of their own.
    outputs, inputs, kernel : which of its output channels, input channels, and rows and columns of
        the kernel those of the new one are; None for all as they are.
    dilation : None for the same.
    gain : of shape (inputs,), what the weights of each input are multiplied with.

    Returns
    -------
    The layer, and the origins of its parameters.
    """
    new_outputs = range(layer.out_channels) if outputs is None else outputs
    new_inputs = range(layer.weight.shape[1]) if inputs is None else inputs
    rows = range(layer.kernel_size[0]) if kernel is None else kernel
    columns = range(layer.kernel_size[1]) if kernel is None else kernel
    depthwise = is_depthwise(layer)
    spread = layer.dilation[0] if dilation is None else dilation
    options: dict[str, Any] = {
        "stride": layer.stride,
        "padding": layer.padding,
        "dilation": layer.dilation if dilation is None else dilation,
        "groups": len(new_outputs) if depthwise else layer.groups,
        "bias": layer.bias is not None,
        "padding_mode": layer.padding_mode,
    }
    if kernel is not None or dilation is not None:
        options["padding"] = tuple(spread * (size // 2) for size in (len(rows), len(columns)))
    made = type(layer)(
        len(new_outputs) if depthwise else len(new_inputs) * layer.groups,
        len(new_outputs),
        (len(rows), len(columns)),
        **options,
    ).to(layer.weight.device, layer.weight.dtype)
    fresh = made.weight.detach().clone()
    new_rows = torch.tensor(new_outputs) == NEW  # only these filters are drawn
    fresh[~new_rows.to(fresh.device)] = 0.0
    sources = {0: new_outputs, 1: new_inputs, 2: rows, 3: columns}
    weight, origin = taken(layer.weight, sources, fresh)
    if gain is not None:
        weight = weight * gain.to(weight)[None, :, None, None]
    origins: dict[Tensor, Origin] = {}
    _set(made, "weight", weight, origin, origins)
    if layer.bias is not None and made.bias is not None:
        bias, origin = taken(layer.bias, {0: new_outputs}, made.bias.detach().clone())
        _set(made, "bias", bias, origin, origins)
    return made.train(layer.training), origins


def linear(
    layer: nn.Linear,
    *,
    outputs: Sources | None = None,
    inputs: Sources | None = None,
    gain: Tensor | None = None,
) -> tuple[nn.Linear, dict[Tensor, Origin]]:
    """A linear layer of other sizes; see `convolution`."""
    new_outputs = range(layer.out_features) if outputs is None else outputs
    new_inputs = range(layer.in_features) if inputs is None else inputs
    made = nn.Linear(len(new_inputs), len(new_outputs), bias=layer.bias is not None)
    made.to(layer.weight.device, layer.weight.dtype)
    fresh = made.weight.detach().clone()
    fresh[(torch.tensor(new_outputs) != NEW).to(fresh.device)] = 0.0
    weight, origin = taken(layer.weight, {0: new_outputs, 1: new_inputs}, fresh)
    if gain is not None:
        weight = weight * gain.to(weight)[None, :]
    origins: dict[Tensor, Origin] = {}
    _set(made, "weight", weight, origin, origins)
    if layer.bias is not None:
        bias, origin = taken(layer.bias, {0: new_outputs}, made.bias.detach().clone())
        _set(made, "bias", bias, origin, origins)
    return made.train(layer.training), origins


def normalisation(
    layer: nn.BatchNorm2d | nn.BatchNorm1d, channels: Sources
) -> tuple[nn.Module, dict[Tensor, Origin]]:
    """Batch normalisation of other channels; new ones begin with mean 0 and variance 1."""
    options: dict[str, Any] = {
        "eps": layer.eps,
        "momentum": layer.momentum,
        "affine": layer.affine,
        "track_running_stats": layer.track_running_stats,
    }
    made = type(layer)(len(channels), **options)
    near = next((each for each in (*layer.parameters(), *layer.buffers())), None)
    if near is not None:
        made.to(near.device)
    origins: dict[Tensor, Origin] = {}
    if layer.affine:
        for name in ("weight", "bias"):
            value, origin = taken(
                getattr(layer, name), {0: channels}, getattr(made, name).detach().clone()
            )
            _set(made, name, value, origin, origins)
    if layer.track_running_stats:
        for name in ("running_mean", "running_var"):
            buffer, _ = taken(getattr(layer, name), {0: channels}, getattr(made, name))
            getattr(made, name).copy_(buffer)
        if layer.num_batches_tracked is not None and made.num_batches_tracked is not None:
            made.num_batches_tracked.copy_(layer.num_batches_tracked)
    return made.train(layer.training), origins
