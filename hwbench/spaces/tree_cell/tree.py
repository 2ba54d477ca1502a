"""The tree of TreeCell-A, as the code of its publication has it (Cai et al. 2018, Path-Level EAS).

An edge holds an operation and leads to a node, or to a leaf. A node gives what it is given to all
of its edges and adds up, or joins, what comes back. A path is the way from the root to a leaf.
"""

from __future__ import annotations

from typing import NamedTuple


class Edge(NamedTuple):
    """An edge that ends at a node.

    Attributes
    ----------
    operation : its name.
    node : what is behind it.
    """

    operation: str
    node: Node


class Node(NamedTuple):
    """A node, at which the tree branches.

    Attributes
    ----------
    edges : its branches; of a leaf the name of its operation.
    joins : whether each branch is given its part of the channels, and the parts are joined; else
        each is given all of them, and their mean is taken.
    """

    edges: tuple[Edge | str, ...]
    joins: bool = False


TREE = Node(
    (
        Edge(
            "group_conv_3x3",
            Node(
                (
                    Edge("conv_1x1", Node(("avg_pool_3x3", "sep_conv_7x7"), joins=True)),
                    Edge("max_pool_3x3", Node(("sep_conv_3x3", "sep_conv_5x5"))),
                )
            ),
        ),
        Edge(
            "group_conv_3x3",
            Node(
                (
                    Edge("sep_conv_5x5", Node(("sep_conv_5x5", "avg_pool_3x3", "avg_pool_3x3"))),
                    Edge("sep_conv_3x3", Node(("avg_pool_3x3", "sep_conv_3x3"))),
                )
            ),
        ),
    )
)


def leaves(node: Node | str) -> tuple[str, ...]:
    """Operations of the leaves behind a node, or that of a leaf, from left to right."""
    if isinstance(node, str):
        return (node,)
    return tuple(
        name
        for edge in node.edges
        for name in leaves(edge.node if isinstance(edge, Edge) else edge)
    )


LEAVES = leaves(TREE)
"""Operations that the nine paths end with, from left to right."""

N_PATHS = len(LEAVES)
