"""Parameters and multiply-adds of networks of paths of TreeCell-A."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import IntArray
from hwbench.spaces.tree_cell.skeleton import GROUPS, BlockShape, PyramidSkeleton
from hwbench.spaces.tree_cell.tree import TREE, Edge, Node, leaves

Cost = IntArray
"""Parameters and multiply-adds, int64 of shape (2,)."""


def _convolution(in_channels: int, out_channels: int, out_size: int, taps: int = 1) -> Cost:
    """Of a convolution without bias; `taps` are those of a filter for each channel it reads."""
    weights = taps * in_channels * out_channels
    return np.array([weights, weights * out_size**2], dtype=np.int64)


def _normalisation(channels: int) -> Cost:
    return np.array([2 * channels, 0], dtype=np.int64)


def operation_cost(name: str, channels: int, out_size: int) -> Cost:
    """Of an operation, which keeps the channels; `out_size` is the height of its output."""
    if "pool" in name:
        return np.zeros(2, dtype=np.int64)
    norm = _normalisation(channels)
    if name == "conv_1x1":
        return norm + _convolution(channels, channels, out_size)
    if name == "group_conv_3x3":
        return norm + _convolution(channels // GROUPS, channels, out_size, taps=9)
    depthwise = _convolution(1, channels, out_size, taps=int(name[-1]) ** 2)
    return norm + depthwise + _convolution(channels, channels, out_size)


def cost_around(skeleton: PyramidSkeleton, shapes: list[BlockShape]) -> Cost:
    """Of stem, last normalisation and classifier."""
    stem = _convolution(skeleton.input_channels, skeleton.channels, skeleton.input_size, taps=9)
    features = shapes[-1].out_channels
    classifier = np.array([skeleton.classes, 0]) + features * skeleton.classes
    total: Cost = stem + _normalisation(skeleton.channels) + _normalisation(features) + classifier
    return total


def block_costs(shape: BlockShape, paths: NDArray[np.bool_]) -> IntArray:
    """Of a block with certain paths.

    Parameters
    ----------
    paths : bool of shape (n_archs, 9).

    Returns
    -------
    int64 of shape (n_archs, 2): parameters and multiply-adds.
    """
    width, size = shape.channels, shape.out_size
    bottlenecks = (
        _normalisation(shape.in_channels)
        + _convolution(shape.in_channels, width, shape.size)
        + _normalisation(width)
        + _convolution(width, shape.out_channels, size)
        + _normalisation(shape.out_channels)
    )
    total: IntArray = _column(paths) * bottlenecks
    return total + _node_costs(TREE, 0, width, size, paths)


def _node_costs(
    node: Node, first: int, channels: int, size: int, paths: NDArray[np.bool_]
) -> IntArray:
    """Of all edges behind a node, those that lead to a path."""
    total = np.zeros((len(paths), 2), dtype=np.int64)
    own = channels // len(node.edges) if node.joins else channels
    for edge in node.edges:
        behind = leaves(edge.node if isinstance(edge, Edge) else edge)
        needed = _column(paths[:, first : first + len(behind)])
        if isinstance(edge, Edge):
            total += needed * operation_cost(edge.operation, own, size)
            total += _node_costs(edge.node, first, own, size, paths)
        else:
            total += needed * operation_cost(edge, own, size)
        first += len(behind)
    return total


def _column(paths: NDArray[np.bool_]) -> IntArray:
    """1 where there is any of some paths, else 0; int64 of shape (n_archs, 1)."""
    return np.any(paths, axis=1, keepdims=True).astype(np.int64)
