"""Selection by what scales each candidate, whatever the strategy holds of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.live.requirements import Requirements
from hwbench.live.selections.base import Selection
from hwbench.progress import StageProgress

if TYPE_CHECKING:
    from torch import Tensor

    from hwbench.live.search import Search


@runtime_checkable
class Scaling(Protocol):
    """A strategy that scales each candidate's output by a free number."""

    def amounts(self) -> Tensor:
        """How large each of them is, (n_positions, most candidates); 0 where there is none."""


class Scalar(Selection):
    """The candidates with the largest scalars: what stands beside BayesNAS's ranking by gamma.

    From the same search it says what its variances add to the amounts of its scalars.
    """

    requires = Requirements(strengths=True, training=True)

    @property
    def planned_evaluations(self) -> int:
        return 0

    def select(self, search: Search, stage: StageProgress) -> IntArray:
        del stage
        if not isinstance(search.strategy, Scaling):
            raise HwbenchError(
                f"selection: {search.config.strategy['name']} scales no candidate by a free "
                "number; use the selection 'strength'"
            )
        return search.supernet.derive(search.strategy.amounts())

    def title(self) -> str:
        return "The candidates with the largest scalars"
