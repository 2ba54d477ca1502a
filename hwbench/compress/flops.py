"""What a network costs: FLOPs of its fully connected layers and convolutions, at any sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hwbench.compress.units import Layer, Units, layers_of


@dataclass(frozen=True)
class LayerCost:
    """Of one layer.

    Attributes
    ----------
    positions : at which its weight is applied, for one image: 1, or pixels of the output.
    rows, columns : of its weight: outputs, and inputs of one group.
    kernel : weights of a row and a column, 1 or pixels of the kernel.
    """

    positions: int
    rows: int
    columns: int
    kernel: int

    def flops(self, rows: int, columns: int) -> int:
        """Two for each multiplication and its addition; offsets are not counted."""
        return 2 * self.positions * rows * columns * self.kernel


class Cost:
    """FLOPs of a network as a function of how many units of each dimension are kept.

    Parameters
    ----------
    network : as it is now, with these units.
    units : of it.
    example : one or more images.
    """

    def __init__(self, network: nn.Module, units: Units, example: Tensor) -> None:
        self.layers = _layer_costs(network, example)
        self.sizes = units.sizes
        self._rows: dict[str, tuple[int, int]] = {}
        self._columns: dict[str, list[tuple[int, int]]] = {}
        for number, dimension in enumerate(units.dimensions):
            for part in dimension.parts:
                each = number, part.places.shape[1]
                if part.role == "output":
                    self._rows[part.layer] = each
                elif part.role == "input":
                    self._columns.setdefault(part.layer, []).append(each)

    def flops(self, kept: Sequence[int] | None = None) -> int:
        """FLOPs of one image where so many units of each dimension are kept; all by default."""
        sizes = self.sizes if kept is None else kept
        removed = [size - left for size, left in zip(self.sizes, sizes, strict=True)]
        total = 0
        for name, cost in self.layers.items():
            rows = cost.rows
            if name in self._rows:
                dimension, places = self._rows[name]
                rows -= removed[dimension] * places
            columns = cost.columns - sum(
                removed[dimension] * places for dimension, places in self._columns.get(name, ())
            )
            total += cost.flops(rows, columns)
        return total


def count_flops(network: nn.Module, example: Tensor) -> int:
    """FLOPs of a network for one image, two for each multiplication and its addition.

    Parameters
    ----------
    network : what it has besides fully connected layers and convolutions is not counted.
    example : one or more images.
    """
    costs = _layer_costs(network, example).values()
    return sum(cost.flops(cost.rows, cost.columns) for cost in costs)


def _layer_costs(network: nn.Module, example: Tensor) -> dict[str, LayerCost]:
    """Costs of the layers that a pass goes through, by name."""
    names = {layer: name for name, layer in layers_of(network).items()}
    found: dict[str, LayerCost] = {}

    def count(layer: Layer, _given: tuple[Any, ...], output: Tensor) -> None:
        weight = layer.weight
        rows, columns = weight.shape[:2]
        positions = output[0].numel() // rows
        found[names[layer]] = LayerCost(positions, rows, columns, weight[0, 0].numel())

    hooks = [layer.register_forward_hook(count) for layer in names]
    was_training = network.training
    try:
        with torch.inference_mode():
            network.eval()(example[:1])
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return found
