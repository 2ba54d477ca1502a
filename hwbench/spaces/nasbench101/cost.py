"""Channels, parameters and multiply-adds of NAS-Bench-101 networks, for whole batches.

The network is a 3x3 convolution, three stacks of equal modules with max pooling between them that
halves the size while the next module doubles the channels, a global mean and a linear classifier.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import IntArray
from hwbench.spaces.base import Skeleton
from hwbench.spaces.nasbench101.cells import MAX_VERTICES

N_STACKS = 3
KERNELS = (3, 1, 0)  # of the operations in index order; pooling has no weights


def vertex_channels(adjacency: NDArray[np.uint8], channels: int) -> IntArray:
    """Output channels of every vertex of a module.

    The vertices that lead to the output share its channels, the first of them taking what is left
    over; any other vertex has as many as the widest one it leads to.

    Parameters
    ----------
    adjacency : uint8 of shape (n, V, V), the output at vertex V - 1; vertices may be absent.
    channels : of the output.

    Returns
    -------
    int64 array of shape (n, V); 0 for the input and for absent vertices.
    """
    n_cells, size, _ = adjacency.shape
    result = np.zeros((n_cells, size), dtype=np.int64)
    result[:, -1] = channels
    edges = adjacency.astype(bool)
    to_output = edges[:, 1:-1, -1]
    n_sharing = np.maximum(to_output.sum(axis=1, keepdims=True), 1)
    extra = np.cumsum(to_output, axis=1) <= channels % n_sharing
    shared = np.where(to_output, channels // n_sharing + extra, 0)
    for vertex in range(size - 2, 0, -1):
        after = slice(vertex + 1, -1)
        widest = np.where(edges[:, vertex, after], result[:, after], 0).max(axis=1, initial=0)
        share = shared[:, vertex - 1]
        result[:, vertex] = np.where(to_output[:, vertex - 1], share, widest)
    return result


def stack_sizes(skeleton: Skeleton) -> list[int]:
    """Height and width of the images in each stack."""
    sizes = [skeleton.input_size]
    for _ in range(1, N_STACKS):
        sizes.append(-(-sizes[-1] // 2))
    return sizes


def network_costs(
    adjacency: NDArray[np.uint8], skeleton: Skeleton, *, flops: bool
) -> tuple[IntArray, IntArray]:
    """Parameters or multiply-adds of networks, apart into what operations add and what else.

    Parameters
    ----------
    adjacency : uint8 of shape (n, 7, 7), the output at vertex 6; vertices may be absent.
    skeleton : sizes of the network.
    flops : multiply-adds of convolutions and classifier instead of parameters.

    Returns
    -------
    int64 (n,), all but the operations, and int64 (n, 5, 3), what each operation adds at a vertex.
    """
    channels, classes = skeleton.channels, skeleton.classes
    norm = 0 if flops else 2  # weights of batch normalisation a channel
    stem = channels * (9 * skeleton.input_channels + norm)
    last = channels * 2 ** (N_STACKS - 1)
    sizes = stack_sizes(skeleton)
    base = stem * sizes[0] ** 2 if flops else stem
    base += last * classes + (0 if flops else classes)
    fixed = np.full(len(adjacency), base, dtype=np.int64)
    operations = np.zeros((len(adjacency), MAX_VERTICES - 2, len(KERNELS)), dtype=np.int64)
    for stack, size in enumerate(sizes):
        out_channels = channels * 2**stack
        first_input = out_channels if stack == 0 else out_channels // 2
        pixels = size**2 if flops else 1
        widths = vertex_channels(adjacency, out_channels)
        projected = (widths * adjacency[:, 0, :]).sum(axis=1)
        inputs = first_input + (skeleton.depth - 1) * out_channels  # of all modules together
        fixed += projected * (inputs + skeleton.depth * norm) * pixels
        interior = widths[:, 1:-1]
        for operation, kernel in enumerate(KERNELS):
            if kernel:
                weights = interior * (kernel**2 * interior + norm)
                operations[:, :, operation] += skeleton.depth * weights * pixels
    return fixed, operations
