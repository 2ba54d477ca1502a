"""What a network has while it is trained from scratch and not afterwards, as in DARTS."""

from __future__ import annotations

from torch import Tensor, nn

from hwbench.spaces.darts.network import CellNetwork
from hwbench.spaces.layers import CellOfOperations

AUXILIARY_SIZE = 32
"""Pixels of the images that the auxiliary head is made for."""


class DropPath(nn.Module):
    """Leaves an operation's output out for some images, and scales that of the others up."""

    def __init__(self, operation: nn.Module) -> None:
        super().__init__()
        self.operation = operation
        self.probability = 0.0

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.operation(x)
        if not self.training or self.probability == 0:
            return output
        kept = 1.0 - self.probability
        return output * output.new_empty(len(x), 1, 1, 1).bernoulli_(kept) / kept


class AuxiliaryHead(nn.Module):
    """A classifier of what the second reduction cell gives in a training pass, as in DARTS.

    Parameters
    ----------
    network : that has the cell, on images of 32 pixels.
    classes : of the images.
    """

    def __init__(self, network: CellNetwork, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(),
            nn.AvgPool2d(5, stride=3, count_include_pad=False),
            nn.Conv2d(network.auxiliary_channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(768, classes),
        )
        self._features: list[Tensor] = []
        depth = (len(network.cells) - 2) // 3
        self._hook = network.cells[2 * depth + 1].register_forward_hook(self._keep)

    def _keep(self, cell: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if cell.training:
            self._features.append(output)

    def forward(self) -> Tensor:
        """Logits for the images of the last pass."""
        logits: Tensor = self.layers(self._features.pop())
        return logits

    def remove(self) -> None:
        """Leave the network as it was."""
        self._hook.remove()


def add_drop_paths(network: nn.Module) -> list[DropPath]:
    """Wrap the operations of cells, but those that only pass on what they are given."""
    paths = []
    for cell in network.modules():
        if isinstance(cell, CellOfOperations):
            for place, operation in enumerate(cell.operations):
                if not isinstance(operation, nn.Identity):
                    path = DropPath(operation)
                    cell.operations[place] = path
                    paths.append(path)
    return paths


def remove_drop_paths(network: nn.Module) -> None:
    """Put the operations back that `add_drop_paths` has wrapped."""
    for cell in network.modules():
        if isinstance(cell, CellOfOperations):
            for place, operation in enumerate(cell.operations):
                if isinstance(operation, DropPath):
                    cell.operations[place] = operation.operation


def auxiliary_head(network: nn.Module, size: int, classes: int) -> AuxiliaryHead | None:
    """The head of a network of DARTS cells or ExtCells on images of 32 pixels; None for any other.

    Parameters
    ----------
    size : of the images in pixels.
    classes : of the images.
    """
    if not isinstance(network, CellNetwork) or size != AUXILIARY_SIZE:
        return None
    return AuxiliaryHead(network, classes)
