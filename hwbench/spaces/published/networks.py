"""What published networks are made of (LAUBE 1757-1776, Table 7.1; Fig. 3.2).

Cells as their publications' code prints them, layers as their code lists them. A cell is what it
adds up and joins; a mobile network is a chain of inverted bottlenecks in stages of equal channels.
"""

from __future__ import annotations

from typing import NamedTuple

from hwbench.spaces.darts.genotype import read_genotype
from hwbench.spaces.darts.prune_and_replace import PRDARTS
from hwbench.spaces.darts.prune_and_replace import PUBLISHED as PR_DARTS_CELLS
from hwbench.spaces.darts.skeleton import N_NODES
from hwbench.spaces.darts.space import OPERATIONS

Item = tuple[str, int, int]
"""An operation, the number of what it is given, and of the node that it is added to."""


class Cell(NamedTuple):
    """A cell of two inputs.

    Attributes
    ----------
    items : operations by node: what, applied to which node, added to which; 0 and 1 are inputs.
    joined : the nodes that the output joins.
    """

    items: tuple[Item, ...]
    joined: tuple[int, ...]


class CellPair(NamedTuple):
    """A network of cells.

    Attributes
    ----------
    normal, reduction : its cells.
    depth : normal cells before, between and behind the reduction cells, as published on CIFAR-10.
    projects_twice : whether the output of the cell before passes two 1x1 convolutions.
    """

    normal: Cell
    reduction: Cell
    depth: int
    projects_twice: bool = False


class Layer(NamedTuple):
    """An inverted bottleneck: kernel size of its depthwise convolution, and expansion before it."""

    kernel_size: int
    expansion: int


class Stage(NamedTuple):
    """Layers of equal channels, of which the first has a stride."""

    out_channels: int
    stride: int
    layers: tuple[Layer, ...]


class MobileChain(NamedTuple):
    """A chain of inverted bottlenecks.

    Attributes
    ----------
    stages : behind a 3x3 convolution, as published for images of 224 pixels.
    stem_channels, head_channels : of the first convolution, and of the last, of size 1x1.
    """

    stages: tuple[Stage, ...]
    stem_channels: int = 32
    head_channels: int = 1280


def _of_genotype(text: str, operations: tuple[str, ...] = OPERATIONS) -> CellPair:
    """The network of a printed genotype, of cells with certain operations."""
    cells = [
        Cell(
            tuple(
                (edge.operation, edge.source, node)
                for node, edges in enumerate(nodes, start=2)
                for edge in edges
            ),
            tuple(range(2, 2 + N_NODES)),
        )
        for nodes in read_genotype(text, operations, N_NODES)
    ]
    return CellPair(cells[0], cells[1], depth=6)


_ENAS_OPERATIONS = ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "skip_connect")


def _of_enas(numbers: str) -> Cell:
    """A cell in the numbers of ENAS: of each block an input and an operation, twice.

    Its output joins the blocks that no later one uses.
    """
    codes = list(map(int, numbers.split()))
    pairs = list(zip(codes[::2], codes[1::2], strict=True))
    items = tuple(
        (_ENAS_OPERATIONS[operation], source, 2 + place // 2)
        for place, (source, operation) in enumerate(pairs)
    )
    used = {source for source, _ in pairs}
    return Cell(items, tuple(node for node in range(2, 2 + len(pairs) // 2) if node not in used))


def _stage(out_channels: int, stride: int, *layers: tuple[int, int]) -> Stage:
    return Stage(out_channels, stride, tuple(Layer(*layer) for layer in layers))


NETWORKS: dict[str, CellPair | MobileChain] = {
    # Pham et al. 2018: what its code trains on CIFAR-10 in the end.
    "ENAS": CellPair(
        _of_enas("0 2 0 0 0 4 0 1 0 4 1 1 1 0 0 1 0 2 1 1"),
        _of_enas("1 0 1 0 0 3 0 2 1 1 3 1 1 0 0 4 0 3 1 1"),
        depth=5,
        projects_twice=True,
    ),
    # Liu et al. 2019, first and second order.
    "DARTS-V1": _of_genotype(
        "Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), "
        "('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
        "('skip_connect', 2)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), "
        "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), "
        "('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], "
        "reduce_concat=range(2, 6))"
    ),
    "DARTS-V2": _of_genotype(
        "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
        "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
        "('dil_conv_3x3', 2)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), "
        "('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
        "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], "
        "reduce_concat=range(2, 6))"
    ),
    # Chen et al. 2019.
    "PDARTS": _of_genotype(
        "Genotype(normal=[('skip_connect', 0), ('dil_conv_3x3', 1), ('skip_connect', 0), "
        "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 3), ('sep_conv_3x3', 0), "
        "('dil_conv_5x5', 4)], normal_concat=range(2, 6), reduce=[('avg_pool_3x3', 0), "
        "('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('dil_conv_5x5', 2), ('max_pool_3x3', 0), "
        "('dil_conv_3x3', 1), ('dil_conv_3x3', 1), ('dil_conv_5x5', 3)], "
        "reduce_concat=range(2, 6))"
    ),
    # Laube 2023, 4.4.
    **{
        name: _of_genotype(genotype, PRDARTS.edge_operations)
        for name, genotype in PR_DARTS_CELLS.items()
    },
    # Noy et al. 2020.
    "ASAP": _of_genotype(
        "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), "
        "('skip_connect', 0), ('skip_connect', 0), ('skip_connect', 2), ('skip_connect', 1), "
        "('skip_connect', 2)], normal_concat=range(2, 6), reduce=[('avg_pool_3x3', 0), "
        "('sep_conv_3x3', 1), ('avg_pool_3x3', 0), ('dil_conv_5x5', 2), ('max_pool_3x3', 1), "
        "('skip_connect', 2), ('max_pool_3x3', 0), ('skip_connect', 2)], "
        "reduce_concat=range(2, 6))"
    ),
    # Sandler et al. 2018, Table 2.
    "MobileNet-V2": MobileChain(
        (
            _stage(16, 1, (3, 1)),
            _stage(24, 2, *[(3, 6)] * 2),
            _stage(32, 2, *[(3, 6)] * 3),
            _stage(64, 2, *[(3, 6)] * 4),
            _stage(96, 1, *[(3, 6)] * 3),
            _stage(160, 2, *[(3, 6)] * 3),
            _stage(320, 1, (3, 6)),
        )
    ),
    # Cai et al. 2019: searched by REINFORCE for a mobile phone.
    "Proxyless-RM": MobileChain(
        (
            _stage(16, 1, (3, 1)),
            _stage(32, 2, (5, 3), (3, 3)),
            _stage(40, 2, (7, 3), (3, 3), (5, 3), (5, 3)),
            _stage(80, 2, (7, 6), (5, 3), (5, 3), (5, 3)),
            _stage(96, 1, (5, 6), (5, 3), (5, 3), (5, 3)),
            _stage(192, 2, (7, 6), (7, 6), (7, 3), (7, 3)),
            _stage(320, 1, (7, 6)),
        )
    ),
    # Chu et al. 2019.
    "FairNAS-C": MobileChain(
        (
            _stage(16, 1, (3, 1)),
            _stage(32, 2, (5, 3), (3, 3)),
            _stage(40, 2, (7, 3), (3, 3), (3, 3), (3, 3)),
            _stage(80, 2, (3, 3), (3, 3), (3, 3), (3, 6)),
            _stage(96, 1, (3, 3), (3, 3), (3, 3), (3, 3)),
            _stage(192, 2, (7, 6), (7, 6), (3, 6), (3, 6)),
            _stage(320, 1, (5, 6)),
        )
    ),
}
"""By name, in the order of their publication's kind: cells, then chains."""
