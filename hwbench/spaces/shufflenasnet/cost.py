"""Parameters and multiply-adds of ShuffleNASNet's networks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hwbench.arrays import IntArray
from hwbench.spaces.shufflenasnet.cells import IDENTITY, OPERATIONS
from hwbench.spaces.shufflenasnet.skeleton import CellShape, ShuffleSkeleton, cell_shapes


class Cost(NamedTuple):
    """Trainable parameters, and multiply-adds of convolutions and of the classifier."""

    parameters: int
    multiply_adds: int


def convolution_cost(
    in_channels: int, out_channels: int, out_size: int, *, taps: int = 1, normalised: bool
) -> Cost:
    """Of a convolution without bias and, where there is one, of the normalisation behind it."""
    weights = taps * in_channels * out_channels
    return Cost(weights + 2 * out_channels * normalised, weights * out_size**2)


def operation_cost(
    name: str, channels: int, out_size: int, *, halves: bool, normalised: bool
) -> Cost:
    """Of an operation; channels stay as they are.

    Parameters
    ----------
    name : of the operation.
    channels : of its input.
    out_size : height of its output.
    halves : whether it halves the size.
    normalised : whether convolutions are followed by batch normalisation.
    """
    if name == "conv_1x1" or (name == OPERATIONS[IDENTITY] and halves):
        return convolution_cost(channels, channels, out_size, normalised=normalised)
    if name.startswith("sep_conv"):  # two, each of a depthwise and a 1x1 convolution
        taps = 25 if name.endswith("5x5") else 9
        weights = channels * (taps + channels)
        return Cost(2 * (weights + 2 * channels * normalised), 2 * weights * out_size**2)
    return Cost(0, 0)


def cost_around(skeleton: ShuffleSkeleton) -> Cost:
    """Of all but the cells' blocks: stem, paths of one kind past reduction cells, classifier."""
    shapes = cell_shapes(skeleton)
    parts = [
        convolution_cost(
            skeleton.input_channels,
            skeleton.channels,
            skeleton.input_size,
            taps=9,
            normalised=skeleton.batch_normalisation,
        )
    ]
    parts += [_bypass_cost(shape, skeleton) for shape in shapes]
    features = shapes[-1].out_channels * skeleton.classes
    parameters, multiply_adds = (sum(values) for values in zip(*parts, strict=True))
    return Cost(parameters + features + skeleton.classes, multiply_adds + features)


def _bypass_cost(shape: CellShape, skeleton: ShuffleSkeleton) -> Cost:
    """Of what goes past a cell, unless it is the cell once more."""
    if not shape.reduction or skeleton.bypass == "cell":
        return Cost(0, 0)
    factorized = skeleton.bypass == "factorized_reduction"
    return operation_cost(
        OPERATIONS[IDENTITY] if factorized else "sep_conv_3x3",
        shape.channels,
        shape.out_size,
        halves=True,
        normalised=skeleton.batch_normalisation,
    )


def block_costs(skeleton: ShuffleSkeleton) -> tuple[IntArray, IntArray]:
    """What a block costs in all cells of a kind together.

    Returns
    -------
    Parameters and multiply-adds, each int64 of shape (2, 2, 6): normal and reduction cells, blocks
    that keep the size and those that halve it, operations.
    """
    found = np.zeros((2, 2, 2, len(OPERATIONS)), dtype=np.int64)
    for shape in cell_shapes(skeleton):
        for halves in (0, 1) if shape.reduction else (0,):
            costs = _costs_of(shape, skeleton, halves=bool(halves))
            found[:, int(shape.reduction), halves] += _times(shape, skeleton) * costs
    return found[0], found[1]


def merge_costs(skeleton: ShuffleSkeleton) -> IntArray:
    """What it costs in all cells of a kind together to join their unused blocks.

    Returns
    -------
    int64 of shape (2, 2, 2): parameters and multiply-adds; normal and reduction cells; what there
    is of each unused block, and what there is once.
    """
    found = np.zeros((2, 2, 2), dtype=np.int64)
    if skeleton.merge == "sum":
        return found
    for shape in cell_shapes(skeleton):
        whole = convolution_cost(
            shape.channels,
            shape.channels,
            shape.out_size,
            normalised=skeleton.batch_normalisation,
        )
        of_block = convolution_cost(
            shape.channels, shape.channels, shape.out_size, normalised=False
        )
        once = np.subtract(whole, of_block)
        times = _times(shape, skeleton)
        found[:, int(shape.reduction)] += times * np.stack([of_block, once], axis=1)
    return found


def _times(shape: CellShape, skeleton: ShuffleSkeleton) -> int:
    """How often a cell is computed at its place: twice where it goes past itself."""
    return 2 if shape.reduction and skeleton.bypass == "cell" else 1


def _costs_of(shape: CellShape, skeleton: ShuffleSkeleton, *, halves: bool) -> IntArray:
    """Of the operations at one place, int64 of shape (2, 6)."""
    costs = [
        operation_cost(
            name,
            shape.channels,
            shape.out_size,
            halves=halves,
            normalised=skeleton.batch_normalisation,
        )
        for name in OPERATIONS
    ]
    return np.array(costs, dtype=np.int64).T
