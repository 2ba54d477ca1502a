"""Selection by strength: the candidates that the strategy has learned to be strongest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwbench.arguments import Share
from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.live.requirements import Requirements
from hwbench.live.selections.base import Selection
from hwbench.progress import StageProgress

if TYPE_CHECKING:
    from torch import Tensor

    from hwbench.live.search import Search


class Strength(Selection):
    """The strongest candidate of every position.

    Parameters
    ----------
    threshold : strengths below it are left out where the space allows it: a position whose
        strongest candidate is weaker holds `none`, if the space has it there. 0.85 for FairDARTS,
        whose publication keeps any number of operations above it; where architectures have a fixed
        number, as DARTS cells do, the strongest are taken all the same.
    """

    requires = Requirements(strengths=True, training=True)

    def __init__(self, *, threshold: Share = 0.0) -> None:
        self.threshold = threshold

    @property
    def planned_evaluations(self) -> int:
        return 0

    def select(self, search: Search, stage: StageProgress) -> IntArray:
        del stage
        strengths = learned_strengths(search)
        if not self.threshold:
            return search.supernet.derive(strengths)
        return search.supernet.derive(strengths, threshold=self.threshold)

    def title(self) -> str:
        kept = f" of at least {self.threshold:g}" if self.threshold else ""
        return f"The strongest candidates{kept}"


def learned_strengths(search: Search) -> Tensor:
    """The strategy's strengths, of shape (n_positions, most candidates).

    Raises
    ------
    HwbenchError
        Where it learns none.
    """
    strengths = search.strategy.strengths()
    if strengths is None:
        raise HwbenchError(
            f"selection: {search.config.strategy['name']} learns no strengths; use the selection "
            "'ranking' with a section [ranking], or 'black_box'"
        )
    return strengths
