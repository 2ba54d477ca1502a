"""Selection of the k strongest candidates of a whole architecture (NA 1040-1072)."""

from __future__ import annotations

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
    from hwbench.live.supernets.structure import Structure
    from hwbench.spaces import Space


class TopK(Selection):
    """The k strongest candidates of all positions together, wherever they are.

    For supernets whose architectures may hold several operations at a position, or none. Of equal
    strengths those of earlier positions and candidates survive.

    Parameters
    ----------
    k : operations of an architecture.
    every_node : whether strengths count in units of the largest that enters the same node, so that
        every node keeps one where k allows it ("ActAll", NA 1209).
    """

    requires = Requirements(strengths=True, several_operations=True, training=True)

    def __init__(self, *, k: PositiveInt, every_node: bool = False) -> None:
        self.k = k
        self.every_node = every_node

    def check(self, space: Space, structure: Structure) -> None:
        del space
        candidates = sum(name != "none" for names in structure.operations for name in names)
        if self.k > candidates:
            raise HwbenchError(
                f"selection top_k: the supernet has {candidates} candidates, not k = {self.k}"
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
        if self.k > len(candidates):
            raise HwbenchError(
                f"selection top_k: the supernet has {len(candidates)} candidates, not k = {self.k}"
            )
        choices: list[list[int]] = [[] for _ in supernet.sizes]
        for _, place, index in sorted(candidates)[: self.k]:
            choices[place].append(index)
        return supernet.architecture_of([sorted(indices) for indices in choices])

    def title(self) -> str:
        return f"The {self.k} strongest candidates{', one a node' * self.every_node}"
