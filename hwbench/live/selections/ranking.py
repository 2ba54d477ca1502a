"""Selection by a ranking: the architecture that the supernet ranks best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.live.requirements import Requirements
from hwbench.live.selections.base import Selection
from hwbench.progress import StageProgress

if TYPE_CHECKING:
    from hwbench.live.search import Search


class Ranking(Selection):
    """The first architecture of the ranking."""

    requires = Requirements(ranking=True)

    @property
    def planned_evaluations(self) -> int:
        return 0

    def select(self, search: Search, stage: StageProgress) -> IntArray:
        del stage
        if search.ranking is None:
            raise HwbenchError("selection by ranking needs a section [ranking]")
        return search.supernet.space.from_string(search.ranking["architecture"][0])

    def title(self) -> str:
        return "The first of the ranking"
