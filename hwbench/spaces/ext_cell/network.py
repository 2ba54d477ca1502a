"""The real network of a pair of ExtCells: that of DARTS, with cells that may have anything."""

from __future__ import annotations

from collections.abc import Sequence

from hwbench.spaces.base import Skeleton
from hwbench.spaces.darts.network import CellNetwork, FreeCell, Item
from hwbench.spaces.darts.skeleton import cell_shapes


class ExtCellNetwork(CellNetwork):
    """The network of two ExtCells.

    Parameters
    ----------
    normal, reduction : operations of the cells by node, each of which computes something.
    skeleton : sizes of the network; `depth` is the number of normal cells in each third.
    """

    def __init__(
        self, normal: Sequence[Item], reduction: Sequence[Item], skeleton: Skeleton
    ) -> None:
        normal_nodes, reduction_nodes = (
            len({node for *_, node in items}) for items in (normal, reduction)
        )
        super().__init__(
            cell_shapes(skeleton, (normal_nodes, reduction_nodes)),
            lambda shape: FreeCell(reduction if shape.reduction else normal, shape),
            skeleton,
        )
