"""What a selection is: what takes one architecture out of a trained supernet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import pandas as pd

from hwbench.arrays import IntArray
from hwbench.progress import StageProgress

if TYPE_CHECKING:
    from hwbench.live.search import Search


class Selection(ABC):
    """How the architecture comes out of a trained supernet.

    Made without arguments; what the config says of it is `search.config.selection`.

    Attributes
    ----------
    needs_ranking : whether a search with it must rank architectures; its config then needs a
        section [ranking].
    """

    needs_ranking: ClassVar[bool] = False

    @abstractmethod
    def select(
        self, search: Search, ranking: pd.DataFrame | None, stage: StageProgress
    ) -> IntArray:
        """The architecture, int64 of shape (space.n_positions,).

        Called once, after the last epoch and the ranking, with torch's generator as training left
        it; after a stop, from the last epoch's checkpoint again. It may train the supernet's
        weights further, as perturbation does: what it gives is evaluated, and its network exported,
        with the weights as they are left; the supernet itself was exported before. Where it cannot
        select, it raises `HwbenchError`.

        Parameters
        ----------
        search : trained.
        ranking : architectures from best to worst, see `hwbench.results.live.RANKING_COLUMNS`; None
            where the config has none.
        stage : makes a progress function, for what takes long.
        """
