"""Selection by strength: the candidates that the strategy has learned to be strongest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.live.selections.base import Selection
from hwbench.progress import StageProgress

if TYPE_CHECKING:
    from hwbench.live.search import Search


class Strength(Selection):
    """The strongest candidate of every position."""

    def select(
        self, search: Search, ranking: pd.DataFrame | None, stage: StageProgress
    ) -> IntArray:
        del ranking, stage
        strengths = search.strategy.strengths()
        if strengths is None:
            raise HwbenchError(
                f"selection: {search.config.strategy['name']} learns no strengths; use the method "
                "'ranking' with a section [ranking]"
            )
        return search.supernet.derive(strengths)
