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
            nn.ReLU(), convolution(channels, channels, 1, stride), *_norm(channels, normalised)
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
        *_norm(channels, normalised),
    ]


def _norm(channels: int, normalised: bool) -> list[nn.Module]:
    return [nn.BatchNorm2d(channels)] if normalised else []


def shuffled(past: Tensor, computed: Tensor) -> Tensor:
    """Two halves of the channels dealt out in turn: a channel shuffle with two groups."""
    batch, channels, height, width = computed.shape
    both = torch.stack([past, computed], dim=2)
    return both.reshape(batch, 2 * channels, height, width)


def stem(skeleton: ShuffleSkeleton) -> nn.Module:
    """What makes the first cell's input of an image."""
    first = convolution(skeleton.input_channels, skeleton.channels, 3)
    return nn.Sequential(first, *_norm(skeleton.channels, skeleton.batch_normalisation))


class ShuffleCell(CellOfOperations):
    """Five blocks on one half of the channels; the other half goes past them.

    A reduction cell is given all channels on both paths, and halves the size on both.

    Parameters
    ----------
    blocks : of each its operation and the node that it is applied to; 0 is the cell's input.
    shape : the cell's place in the network.
    normalised : whether convolutions are followed by batch normalisation.
    """

    def __init__(
        self, blocks: Sequence[tuple[str, int]], shape: CellShape, *, normalised: bool
    ) -> None:
        super().__init__()
        self.sources = tuple(source for _, source in blocks)
        self.splits = not shape.reduction
        self.past: nn.Module = nn.Identity()
        if shape.reduction:
            self.past = halving(shape.channels, normalised=normalised)
        self.operations.extend(
            make_operation(
                name,
                shape.channels,
                2 if shape.reduction and source == 0 else 1,
                normalised=normalised,
            )
            for name, source in blocks
        )

    def forward(self, x: Tensor) -> Tensor:
        past, given = x.chunk(2, dim=1) if self.splits else (x, x)
        states = [given]
        for source, operation in zip(self.sources, self.operations, strict=True):
            states.append(operation(states[source]))
        unused = [state for number, state in enumerate(states) if number not in self.sources]
        total = sum(unused[1:], start=unused[0])  # the last block at least is used by none
        return shuffled(self.past(past), total)


class ShuffleNetwork(nn.Module):
    """Stem, normal cells with reduction cells between them, classifier.

    Parameters
    ----------
    normal, reduction : blocks of the cells, see `ShuffleCell`.
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
                ShuffleCell(
                    reduction if shape.reduction else normal,
                    shape,
                    normalised=skeleton.batch_normalisation,
                )
                for shape in shapes
            )
        )
        self.classifier = nn.Linear(shapes[-1].out_channels, skeleton.classes)

    def forward(self, x: Tensor) -> Tensor:
        features = torch.relu(self.cells(self.stem(x)))
        return self.classifier(torch.mean(features, dim=(2, 3)))
