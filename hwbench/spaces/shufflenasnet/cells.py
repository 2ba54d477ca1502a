"""What a ShuffleNASNet cell computes: which of its blocks do nothing, and which cells are equal.

A block applies an operation to one earlier node, so a cell is a tree whose root is the cell's
input, and its output the sum of the leaves. An identity does nothing where its source may as well
stand in its place. What is left is the same function in any order of the blocks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import IntArray

N_BLOCKS = 5

OPERATIONS = (
    "conv_1x1",
    "max_pool_3x3",
    "avg_pool_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "identity",
)
IDENTITY = OPERATIONS.index("identity")

_BASE = (
    len(OPERATIONS) + 1
)  # of the digits of a tree's code: 0 ends a block, n begins operation n - 1


def unused_blocks(sources: IntArray) -> NDArray[np.bool_]:
    """Blocks that no later one is applied to: their sum is the cell's output (LAUBE 616).

    Parameters
    ----------
    sources : int64 of shape (n, 5), for each block the node it is applied to: 0 is the cell's
        input, j the j-th block.

    Returns
    -------
    bool of shape (n, 5).
    """
    numbers = np.arange(1, N_BLOCKS + 1)
    used: NDArray[np.bool_] = (sources[:, :, None] == numbers).any(axis=1)
    return ~used


def simplified(
    sources: IntArray, operations: IntArray, *, reduction: bool
) -> tuple[IntArray, NDArray[np.bool_]]:
    """Take out the identities that do nothing.

    One with later blocks applied to it hands on what it is given, and one that is alone applied to
    a block stands in for it in the sum. In a reduction cell an identity of the cell's input halves
    the size, and is no such thing.

    Parameters
    ----------
    sources : int64 of shape (n, 5), see `unused_blocks`.
    operations : int64 of shape (n, 5), indices into `OPERATIONS`.
    reduction : whether these are reduction cells.

    Returns
    -------
    sources : int64 of shape (n, 5), where blocks that were taken out are no source.
    kept : bool of shape (n, 5).
    """
    found = sources.copy()
    kept = np.ones(sources.shape, dtype=np.bool_)
    for block in range(N_BLOCKS, 0, -1):
        place = block - 1
        own = found[:, place]
        later = (found[:, block:] == block) & kept[:, block:]
        beside = (found == own[:, None]) & kept
        beside[:, place] = False
        alone = (own > 0) & ~beside.any(axis=1)
        idle = (operations[:, place] == IDENTITY) & (later.any(axis=1) | alone)
        if reduction:
            idle &= own > 0
        kept[:, place] = ~idle
        moved = idle[:, None] & (found[:, block:] == block)
        found[:, block:] = np.where(moved, own[:, None], found[:, block:])
    return found, kept


def function_codes(sources: IntArray, operations: IntArray, *, reduction: bool) -> IntArray:
    """Numbers that cells share where they compute the same function.

    The code of a block is its operation and, between brackets, the codes of the blocks applied to
    it in descending order, as the digits of a number: two trees have the same code where they are
    the same up to the order of blocks (Aho, Hopcroft and Ullman).

    Parameters
    ----------
    sources, operations, reduction : as of `simplified`.

    Returns
    -------
    int64 of shape (n,).
    """
    found, kept = simplified(sources, operations, reduction=reduction)
    codes = np.zeros(sources.shape, dtype=np.int64)
    digits = np.zeros(sources.shape, dtype=np.int64)
    for block in range(N_BLOCKS, 0, -1):
        place = block - 1
        own, length = _joined(found[:, block:] == block, codes[:, block:], digits[:, block:])
        first = (operations[:, place] + 1) * _power(length)
        codes[:, place] = np.where(kept[:, place], (first + own) * _BASE, 0)
        digits[:, place] = np.where(kept[:, place], length + 2, 0)
    return _joined(found == 0, codes, digits)[0]


def _joined(
    chosen: NDArray[np.bool_], codes: IntArray, digits: IntArray
) -> tuple[IntArray, IntArray]:
    """The chosen codes behind one another, the largest first, and how many digits that are."""
    values = np.where(chosen, codes, 0)
    order = np.argsort(-values, axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    lengths = np.take_along_axis(np.where(chosen, digits, 0), order, axis=1)
    total = np.zeros(len(values), dtype=np.int64)
    for value, length in zip(values.T, lengths.T, strict=True):
        total = total * _power(length) + value
    return total, lengths.sum(axis=1)


def _power(digits: IntArray) -> IntArray:
    return np.power(_BASE, digits, dtype=np.int64)
