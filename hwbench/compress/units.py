"""What a network is made of that can be left out: units, each with all weights that go with it.

A unit is a channel of a convolution, a neuron of a fully connected layer, or an input of a first
one. Channels that are added to one another, as around a residual block, are one unit: they go
together or not at all. Which weights those are is what torch-pruning's dependency graph says (Fang
et al. 2023), which follows additions, concatenations and flattening through any traced network; it
knows no inputs of networks, which are added here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.imports import import_module_of

Layer = nn.Linear | nn.Conv2d
Norm = nn.BatchNorm1d | nn.BatchNorm2d
Role = Literal["output", "input", "norm"]

OWN_LAYER = "layer"
"""Of an `InputSelection`, the name of the layer that it gives its inputs to."""


class InputSelection(nn.Module):
    """A fully connected layer behind a choice among its inputs.

    Parameters
    ----------
    layer : takes as many inputs as are chosen.
    places : int64 of shape (inputs chosen,), of what is given.
    """

    places: Tensor

    def __init__(self, layer: nn.Linear, places: Tensor) -> None:
        super().__init__()
        self.layer = layer
        self.register_buffer("places", places)

    def forward(self, given: Tensor) -> Tensor:
        output: Tensor = self.layer(given.index_select(-1, self.places))
        return output


@dataclass(frozen=True, eq=False)
class Part:
    """What a layer has of the units of a dimension.

    Attributes
    ----------
    layer : its name in the network.
    role : "output" for rows of its weight, with the offset of each; "input" for columns; "norm" for
        the entries of a batch normalisation.
    places : int64 of shape (units, places of a unit): rows, columns or entries.
    """

    layer: str
    role: Role
    places: Tensor

    @property
    def axis(self) -> int:
        """Of the layer's weight."""
        return 1 if self.role == "input" else 0


@dataclass(frozen=True, eq=False)
class Dimension:
    """Units of one kind, which are counted together.

    Attributes
    ----------
    name : of the first layer that has them as outputs; of inputs of the network the layer that
        takes them, behind "inputs of".
    size : number of units.
    parts : all that goes with them.
    """

    name: str
    size: int
    parts: tuple[Part, ...]

    def role(self, role: Role) -> list[Part]:
        """The parts of one role."""
        return [part for part in self.parts if part.role == role]

    @property
    def is_input(self) -> bool:
        """Whether no layer of the network makes these units."""
        return not self.role("output")


@dataclass(frozen=True)
class Units:
    """All dimensions of a network.

    Attributes
    ----------
    dimensions : in the order of the network's layers.
    left_whole : names of layers whose outputs cannot be told apart, with the reason.
    """

    dimensions: tuple[Dimension, ...]
    left_whole: dict[str, str]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of each dimension."""
        return tuple(dimension.size for dimension in self.dimensions)


def layers_of(network: nn.Module) -> dict[str, Layer]:
    """The fully connected layers and convolutions of a network, by name."""
    return {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }


def layer_at(network: nn.Module, name: str) -> Layer | Norm:
    """The layer of a part of a dimension."""
    layer = network.get_submodule(name)
    if not isinstance(layer, nn.Linear | nn.Conv2d | nn.BatchNorm1d | nn.BatchNorm2d):
        raise TypeError(f"{name}: a {type(layer).__name__} has no units")
    return layer


def plain_name(layer: str) -> str:
    """The name that a layer had before a choice among its inputs was put in front of it."""
    return layer.removesuffix(f".{OWN_LAYER}")


def find_units(network: nn.Module, example: Tensor) -> Units:
    """The units of a network of fully connected layers, convolutions and batch normalisation.

    Parameters
    ----------
    network : from images to logits. What else has weights is left as it is, with all that feeds it.
    example : one or more images.

    Raises
    ------
    HwbenchError
        Where torch-pruning is missing, cannot follow the network, or nothing can be left out.
    """
    pruning = import_module_of("torch_pruning", owner="compress")
    was_training = network.training
    try:
        graph = pruning.DependencyGraph().build_dependency(
            network.eval(), example_inputs=example, verbose=False
        )
        kinds = [nn.Conv2d, nn.Linear]
        groups = list(graph.get_all_groups(root_module_types=kinds))
    except Exception as error:  # whatever a network of others does while it is traced
        raise HwbenchError(
            f"compress: the network cannot be traced ({type(error).__name__}: {error}); it must be "
            "made of modules that are called once a pass, without branches on values"
        ) from error
    finally:
        network.train(was_training)
    names = {module: name for name, module in network.named_modules()}
    dimensions, left_whole = [], {}
    for group in groups:
        root = plain_name(names[group[0].dep.target.module])
        try:
            found = _dimension(root, group, names)
        except _WholeError as reason:
            left_whole[root] = str(reason)
            continue
        if found is not None:
            dimensions.append(found)
    dimensions += _network_inputs(network, dimensions)
    if not dimensions:
        raise HwbenchError(
            "compress: nothing of the network can be left out; it needs two fully connected layers "
            "or convolutions, one behind the other"
        )
    order = list(layers_of(network))
    dimensions.sort(key=lambda each: order.index(each.parts[0].layer) - 0.5 * each.is_input)
    return Units(tuple(dimensions), left_whole)


class _WholeError(Exception):
    """Its message is why the outputs of a layer must stay as they are."""


def _dimension(root: str, group: Any, names: dict[nn.Module, str]) -> Dimension | None:
    """The dimension of a group of torch-pruning; None where nothing takes its units: logits."""
    size = len(group[0].idxs)
    parts: dict[tuple[str, Role], Part] = {}
    for item in group:
        module = item.dep.target.module
        if module not in names:  # what has no weights, or a parameter that is no module's
            if isinstance(module, nn.Parameter):
                raise _WholeError("a parameter that is no layer's goes with it")
            continue
        name = names[module]
        role = _role(module, item.dep.handler.__name__)
        if role is None:
            continue
        places = _by_unit(item.idxs, item.root_idxs, size)
        key = name, role
        if key in parts:
            raise _WholeError(f"{name} takes it twice")
        _check_places(module, name, role, places)
        parts[key] = Part(name, role, places)
    ordered = sorted(parts.values(), key=lambda part: ("output", "norm", "input").index(part.role))
    if all(part.role != "input" for part in ordered):
        return None
    return Dimension(root, size, tuple(ordered))


def _check_places(module: Layer | Norm, name: str, role: Role, places: Tensor) -> None:
    """Refuse what torch-pruning does not follow: channels that are cut off, or filled up.

    What a layer makes belongs to one dimension, all of it; what it takes may be of several.
    """
    if isinstance(module, nn.Linear | nn.Conv2d):
        there = module.weight.shape[1 if role == "input" else 0]
    else:
        there = module.num_features
    most = int(places.max())
    if most >= there or (role == "output" and places.numel() != there):
        raise _WholeError(f"{name} has other channels besides, or fewer")


def _role(module: nn.Module, handler: str) -> Role | None:
    if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        return "norm"
    if isinstance(module, nn.Linear):
        return "output" if "out" in handler else "input"
    if isinstance(module, nn.Conv2d):
        if module.groups == 1:
            return "output" if "out" in handler else "input"
        if module.groups == module.in_channels == module.out_channels:
            return "output"  # a filter a channel: its rows go with the channel that they filter
        raise _WholeError("a convolution in several groups goes with it")
    if any(True for _ in module.parameters(recurse=False)):
        raise _WholeError(f"a {type(module).__name__} goes with it")
    return None


def _by_unit(places: Sequence[int], units: Sequence[int], size: int) -> Tensor:
    """Places of each unit, (units, places of a unit)."""
    own: list[list[int]] = [[] for _ in range(size)]
    for place, unit in zip(places, units, strict=True):
        own[unit].append(place)
    if len({len(places) for places in own}) != 1:
        raise _WholeError("its units have different numbers of weights")
    return torch.tensor(own, dtype=torch.int64)


def _network_inputs(network: nn.Module, known: Sequence[Dimension]) -> Iterator[Dimension]:
    """Inputs of fully connected layers that no unit makes: each can be left out on its own."""
    taken = {part.layer for each in known for part in each.role("input")}
    for name, layer in layers_of(network).items():
        if isinstance(layer, nn.Linear) and name not in taken:
            places = torch.arange(layer.in_features)[:, None]
            part = Part(name, "input", places)
            yield Dimension(f"inputs of {plain_name(name)}", layer.in_features, (part,))
