"""The real network of paths of TreeCell-A, at any size.

Convolutions stand behind a normalisation and a ReLU. The mean of a node is that of all branches of
the whole tree, also where some are left out, so that a network is the whole tree with zeros in
their place; a block without any path is its shortcut alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from hwbench.spaces.layers import convolution
from hwbench.spaces.tree_cell.skeleton import GROUPS, BlockShape, PyramidSkeleton
from hwbench.spaces.tree_cell.tree import TREE, Edge, Node, leaves

Leaf = Callable[[int, str, int], nn.Module | None]
"""Makes a leaf by its path's number, its operation and its channels; None leaves it out."""


def make_operation(name: str, channels: int, stride: int = 1) -> nn.Module:
    """The module of an operation, which keeps the channels."""
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, padding=1)
    before = [nn.BatchNorm2d(channels), nn.ReLU()]
    if name == "conv_1x1":
        return nn.Sequential(*before, convolution(channels, channels, 1))
    if name == "group_conv_3x3":
        return nn.Sequential(*before, convolution(channels, channels, 3, stride, GROUPS))
    kernel_size = int(name[-1])  # of a separable convolution
    return nn.Sequential(
        *before,
        convolution(channels, channels, kernel_size, stride, groups=channels),
        convolution(channels, channels, 1),
    )


class TreeNode(nn.Module):
    """A node of the tree, with those of its branches that lead to a path.

    Parameters
    ----------
    node : see `hwbench.spaces.tree_cell.tree`.
    first : number of the first path behind it.
    channels : of its input and its output.
    stride : of its branches.
    leaf : makes the leaves.
    """

    def __init__(self, node: Node, first: int, channels: int, stride: int, leaf: Leaf) -> None:
        super().__init__()
        self.joins, self.n_branches = node.joins, len(node.edges)
        own = channels // self.n_branches if node.joins else channels
        self.edges, self.nodes, self.leaves = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for branch, edge in enumerate(node.edges):
            if isinstance(edge, Edge):
                behind = TreeNode(edge.node, first, own, 1, leaf)
                if behind.is_needed:
                    self.edges[str(branch)] = make_operation(edge.operation, own, stride)
                    self.nodes[str(branch)] = behind
                first += len(leaves(edge.node))
            else:
                made = leaf(first, edge, own)
                if made is not None:
                    self.leaves[str(branch)] = made
                first += 1

    @property
    def is_needed(self) -> bool:
        """Whether any path leads through it."""
        return len(self.edges) + len(self.leaves) > 0

    def forward(self, x: Tensor, *further: object) -> Tensor | None:
        """What its branches make of a tensor; leaves, and nodes, are given what else there is.

        Returns
        -------
        None where no branch gives anything.
        """
        given = x.chunk(self.n_branches, dim=1) if self.joins else [x] * self.n_branches
        found: dict[int, Tensor] = {}
        for name, made in self.leaves.items():
            output = made(given[int(name)], *further)
            if output is not None:
                found[int(name)] = output
        for name, edge in self.edges.items():
            output = self.nodes[name](edge(given[int(name)]), *further)
            if output is not None:
                found[int(name)] = output
        if not found:
            return None
        if self.joins:
            blank = torch.zeros_like(next(iter(found.values())))
            return torch.cat([found.get(place, blank) for place in range(self.n_branches)], dim=1)
        first, *others = found.values()
        return sum(others, start=first) / self.n_branches


class PyramidBlock(nn.Module):
    """A cell between two 1x1 convolutions, beside a shortcut that is padded with zeros.

    Parameters
    ----------
    shape : its place in the network.
    leaf : makes the leaves of its cell.
    """

    def __init__(self, shape: BlockShape, leaf: Leaf) -> None:
        super().__init__()
        self.padding = shape.out_channels - shape.in_channels
        self.shortcut: nn.Module = nn.Identity()
        if shape.stride > 1:
            self.shortcut = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)
        channels = shape.channels
        self.cell = TreeNode(TREE, 0, channels, shape.stride, leaf)
        if self.cell.is_needed:
            self.into = nn.Sequential(
                nn.BatchNorm2d(shape.in_channels), convolution(shape.in_channels, channels, 1)
            )
            self.out = nn.Sequential(
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                convolution(channels, shape.out_channels, 1),
                nn.BatchNorm2d(shape.out_channels),
            )

    def forward(self, x: Tensor, *further: object) -> Tensor:
        past = self.shortcut(x)
        past = nn.functional.pad(past, (0, 0, 0, 0, 0, self.padding))
        if not self.cell.is_needed:
            return past
        computed = self.cell(self.into(x), *further)
        return past if computed is None else past + self.out(computed)


def stem(skeleton: PyramidSkeleton) -> nn.Module:
    """What makes the first block's input of an image."""
    return nn.Sequential(
        convolution(skeleton.input_channels, skeleton.channels, 3),
        nn.BatchNorm2d(skeleton.channels),
    )


def last(channels: int) -> nn.Module:
    """What stands between the last block and the mean over pixels."""
    return nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())


class PyramidNetwork(nn.Module):
    """Stem, blocks of three stages, classifier.

    Parameters
    ----------
    paths : of each block of the space the paths that it has, numbers 0 .. 8.
    shapes : the blocks' places.
    skeleton : sizes of the network.
    """

    def __init__(
        self,
        paths: Sequence[frozenset[int]],
        shapes: Sequence[BlockShape],
        skeleton: PyramidSkeleton,
    ) -> None:
        super().__init__()
        self.stem = stem(skeleton)
        self.blocks = nn.Sequential(
            *(PyramidBlock(shape, _leaves_of(paths[shape.choice])) for shape in shapes)
        )
        self.last = last(shapes[-1].out_channels)
        self.classifier = nn.Linear(shapes[-1].out_channels, skeleton.classes)

    def forward(self, x: Tensor) -> Tensor:
        features = self.last(self.blocks(self.stem(x)))
        return self.classifier(torch.mean(features, dim=(2, 3)))


def _leaves_of(paths: frozenset[int]) -> Leaf:
    def leaf(path: int, operation: str, channels: int) -> nn.Module | None:
        return make_operation(operation, channels) if path in paths else None

    return leaf
