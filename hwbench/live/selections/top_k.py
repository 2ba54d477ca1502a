"""Selection of the k strongest candidates of a whole architecture (NA 1040-1072)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import PositiveInt

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.live.requirements import Requirements
from hwbench.live.selections.base import Selection
from hwbench.live.selections.strength import learned_strengths
from hwbench.progress import StageProgress

if TYPE_CHECKING:
    from hwbench.live.search import Search
    from hwbench.live.supernets.supernet import Position


class TopK(Selection):
    """The k strongest candidates of all positions together, wherever they are.

    For supernets whose architectures may hold several operations at a position, or none. Of equal
    strengths those of earlier positions and candidates survive.

    Parameters
    ----------
    k : operations of an architecture.
    every_node : whether strengths count in units of the largest that enters the same node, so that
        every node keeps one ("ActAll", NA 1209); k is then at least the number of nodes.
    """

    requires = Requirements(strengths=True, several_operations=True, training=True)

    def __init__(self, *, k: PositiveInt, every_node: bool = False) -> None:
        self.k = k
        self.every_node = every_node

    def check_positions(self, positions: Sequence[Position]) -> None:
        held = {
            position.name: sum(name != "none" for name in position.operations)
            for position in positions
        }
        candidates = sum(held.values())
        if self.k > candidates:
            raise HwbenchError(
                f"selection top_k: k = {self.k} is more than the {candidates} candidates of the "
                f"supernet that an architecture may hold; use k = {candidates} or less"
            )
        nodes = {position.node for position in positions if held[position.name]}
        if self.every_node and self.k < len(nodes):
            raise HwbenchError(
                f"selection top_k: every_node = true keeps an operation of each of the "
                f"{len(nodes)} nodes, for which k = {self.k} is too small; use k = {len(nodes)} or "
                "more, or leave every_node out"
            )

    @property
    def planned_evaluations(self) -> int:
        return 0

    def select(self, search: Search, stage: StageProgress) -> IntArray:
        del stage
        supernet = search.supernet
        rows = learned_strengths(search).detach().cpu().tolist()
        nodes = [position.node for position in supernet.positions]
        found = {
            (place, index): strength
            for place, (row, size) in enumerate(zip(rows, supernet.sizes, strict=True))
            for index, strength in enumerate(row[:size])
            if index in supernet.choosable(place)
            and supernet.positions[place].operations[index] != "none"
        }
        largest: dict[str, float] = {}
        for (place, _), strength in found.items():
            largest[nodes[place]] = max(strength, largest.get(nodes[place], strength))
        candidates = [
            (-strength / (largest[nodes[place]] if self.every_node else 1.0), place, index)
            for (place, index), strength in found.items()
        ]
        choices: list[list[int]] = [[] for _ in supernet.sizes]
        for _, place, index in sorted(candidates)[: self.k]:
            choices[place].append(index)
        return supernet.architecture_of([sorted(indices) for indices in choices])

    def title(self) -> str:
        return f"The {self.k} strongest candidates{', one a node' * self.every_node}"
