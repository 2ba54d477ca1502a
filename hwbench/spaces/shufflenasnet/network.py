"""The real network of a pair of ShuffleNASNet cells, at any size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hwbench.spaces.layers import CellOfOperations, FactorizedReduction, convolution
from hwbench.spaces.shufflenasnet.skeleton import CellShape, ShuffleSkeleton, cell_shapes


def make_operation(name: str, channels: int, stride: int, *, normalised: bool = True) -> nn.Module:
    """The module of one operation; convolutions begin with a ReLU, as in ENAS."""
    kernel_size = 5 if name.endswith("5x5") else 3
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, padding=1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    if name == "identity":
        return nn.Identity() if stride == 1 else halving(channels, normalised=normalised)
    if name == "conv_1x1":
        return nn.Sequential(
            nn.ReLU(),
            convolution(channels, channels, 1, stride),
            *normalisation(channels, normalised=normalised),
        )
    if name.startswith("sep_conv"):
        return nn.Sequential(
            *_separable(channels, kernel_size, stride, normalised),
            *_separable(channels, kernel_size, 1, normalised),
        )
    raise AssertionError(name)


def halving(channels: int, *, normalised: bool) -> nn.Module:
    """Linear factorised reduction, with as many channels as before (LAUBE 518, Fig. 3.4)."""
    return FactorizedReduction(channels, channels, activated=False, normalised=normalised)


def _separable(channels: int, kernel_size: int, stride: int, normalised: bool) -> list[nn.Module]:
    return [
        nn.ReLU(),
        convolution(channels, channels, kernel_size, stride, groups=channels),
        convolution(channels, channels, 1),
        *normalisation(channels, normalised=normalised),
    ]


def normalisation(channels: int, *, normalised: bool) -> list[nn.Module]:
    """The layer behind a convolution, or none."""
    return [nn.BatchNorm2d(channels)] if normalised else []


def shuffled(past: Tensor, computed: Tensor) -> Tensor:
    """Two halves of the channels dealt out in turn: a channel shuffle with two groups."""
    batch, channels, height, width = computed.shape
    both = torch.stack([past, computed], dim=2)
    return both.reshape(batch, 2 * channels, height, width)


def stem(skeleton: ShuffleSkeleton) -> nn.Module:
    """What makes the first cell's input of an image."""
    first = convolution(skeleton.input_channels, skeleton.channels, 3)
    return nn.Sequential(
        first, *normalisation(skeleton.channels, normalised=skeleton.batch_normalisation)
    )


def merged(n_blocks: int, channels: int, *, normalised: bool) -> nn.Module:
    """What makes so many blocks, joined, a tensor of as many channels as each (LAUBE 3.4.5)."""
    return nn.Sequential(
        nn.ReLU(),
        convolution(n_blocks * channels, channels, 1),
        *normalisation(channels, normalised=normalised),
    )


def bypass(shape: CellShape, skeleton: ShuffleSkeleton) -> nn.Module | None:
    """What goes past a cell; None where that is the cell once more."""
    if not shape.reduction:
        return nn.Identity()
    normalised = skeleton.batch_normalisation
    if skeleton.bypass == "factorized_reduction":
        return halving(shape.channels, normalised=normalised)
    if skeleton.bypass == "separable_convolutions":
        return make_operation("sep_conv_3x3", shape.channels, 2, normalised=normalised)
    return None


class Blocks(CellOfOperations):
    """Five blocks, and how those that no later one is applied to become one tensor.

    Parameters
    ----------
    blocks : of each its operation and the node that it is applied to; 0 is what they are given.
    shape : the cell's place in the network.
    skeleton : of the network.
    """

    def __init__(
        self, blocks: Sequence[tuple[str, int]], shape: CellShape, skeleton: ShuffleSkeleton
    ) -> None:
        super().__init__()
        normalised = skeleton.batch_normalisation
        self.sources = tuple(source for _, source in blocks)
        self.operations.extend(
            make_operation(
                name,
                shape.channels,
                2 if shape.reduction and source == 0 else 1,
                normalised=normalised,
            )
            for name, source in blocks
        )
        self.merge: nn.Module | None = None
        if skeleton.merge == "concatenation":
            self.merge = merged(len(self._unused), shape.channels, normalised=normalised)

    @property
    def _unused(self) -> list[int]:
        """Nodes that no block is applied to; the last block at least is one."""
        return [node for node in range(1, len(self.sources) + 1) if node not in self.sources]

    def forward(self, x: Tensor) -> Tensor:
        states = [x]
        for source, operation in zip(self.sources, self.operations, strict=True):
            states.append(operation(states[source]))
        first, *others = (states[node] for node in self._unused)
        if self.merge is None:
            return sum(others, start=first)
        joined: Tensor = self.merge(torch.cat([first, *others], dim=1))
        return joined


class ShuffleCell(Blocks):
    """Five blocks on one half of the channels; the other half goes past them.

    A reduction cell is given all channels on both paths, and halves the size on both.

    Parameters
    ----------
    blocks, shape, skeleton : see `Blocks`.
    """

    def __init__(
        self, blocks: Sequence[tuple[str, int]], shape: CellShape, skeleton: ShuffleSkeleton
    ) -> None:
        super().__init__(blocks, shape, skeleton)
        self.splits = not shape.reduction
        past = bypass(shape, skeleton)
        self.past = Blocks(blocks, shape, skeleton) if past is None else past

    def forward(self, x: Tensor) -> Tensor:
        past, given = x.chunk(2, dim=1) if self.splits else (x, x)
        return shuffled(self.past(past), super().forward(given))


class ShuffleNetwork(nn.Module):
    """Stem, normal cells with reduction cells between them, classifier.

    Parameters
    ----------
    normal, reduction : blocks of the cells, see `Blocks`.
    skeleton : sizes of the network.
    """

    def __init__(
        self,
        normal: Sequence[tuple[str, int]],
        reduction: Sequence[tuple[str, int]],
        skeleton: ShuffleSkeleton,
    ) -> None:
        super().__init__()
        shapes = cell_shapes(skeleton)
        self.stem = stem(skeleton)
        self.cells = nn.Sequential(
            *(
                ShuffleCell(reduction if shape.reduction else normal, shape, skeleton)
                for shape in shapes
            )
        )
        self.classifier = nn.Linear(shapes[-1].out_channels, skeleton.classes)

    def forward(self, x: Tensor) -> Tensor:
        features = torch.relu(self.cells(self.stem(x)))
        return self.classifier(torch.mean(features, dim=(2, 3)))
