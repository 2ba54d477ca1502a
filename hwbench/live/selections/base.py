"""What a selection is: what takes architectures out of a trained supernet."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from hwbench.arguments import check_constructor
from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.live.renamed import refuse_renamed
from hwbench.live.requirements import Requirements
from hwbench.progress import StageProgress

if TYPE_CHECKING:
    from hwbench.live.metric import Metric
    from hwbench.live.search import Search
    from hwbench.live.supernets.structure import Structure
    from hwbench.live.supernets.supernet import Position
    from hwbench.spaces import Space


_ARGUMENTS = ("self", "search", "stage")


class Selection(ABC):
    """How architectures come out of a trained supernet.

    A constructor takes arguments by keyword, which are checked by their annotations, and stores
    them: they are the other keys of the section [selection].

    Attributes
    ----------
    requires : what it needs of the parts beside it.
    changes_supernet : whether it trains the supernet further, as perturbation does; what it selects
        is then evaluated, and its network exported, with the weights as it leaves them.
    found : what it evaluated on its way, None where nothing: a row an architecture in the order of
        the evaluations, with `architecture`, `accuracy` (%), `loss`, `metric`, what the supernet
        measures, and `fitness` where it was searched by one.
    metric : that it weighed beside the accuracy; None where it weighed none.
    limit : that the metric had to keep; None for none.
    """

    requires: ClassVar[Requirements] = Requirements()
    changes_supernet: ClassVar[bool] = False
    found: pd.DataFrame | None = None
    metric: Metric | None = None
    limit: float | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_renamed(cls, "selection", {"needs_ranking": "requires = Requirements(ranking=True)"})
        if "select" in vars(cls) and len(signature(cls.select).parameters) != len(_ARGUMENTS):
            raise HwbenchError(
                f"selection {cls.__name__}: select is called with (search, stage); the ranking is "
                "search.ranking"
            )
        check_constructor(cls, lambda part: f"selection {type(part).__name__}")

    @property
    def optimises_metric(self) -> bool:
        """Whether better values of the metric were wanted, so that a front is selected."""
        return False

    @property
    def planned_evaluations(self) -> int | None:
        """How many architectures it asks `search.judge()` for at most; None by default: unknown.

        What an estimate of a search's time counts.
        """
        return None

    @abstractmethod
    def select(self, search: Search, stage: StageProgress) -> IntArray:
        """The architectures, int64 of shape (n_selected, space.n_positions), or (n_positions,).

        Called once, after the last epoch and the ranking, with torch's generator as training left
        it; after a stop, from the last epoch's checkpoint again. The first one is what the search
        has found; others stand beside it, such as those of a front. What takes long asks
        `search.judge()`, whose evaluations are kept, or writes how far it is to `search.journal`.
        The supernet itself was exported before. Where it cannot select, it raises `HwbenchError`.

        Parameters
        ----------
        search : trained; its `ranking` is there where `requires` says so.
        stage : makes a progress function, for what takes long.
        """

    def check(self, space: Space, structure: Structure) -> None:  # noqa: B027
        """Refuse arguments that do not suit a supernet; called when a config is read.

        Parameters
        ----------
        space : of its architectures.
        structure : of the supernet.

        Raises
        ------
        HwbenchError
            Saying why.
        """

    def check_positions(self, positions: Sequence[Position]) -> None:  # noqa: B027
        """Refuse arguments that do not suit what can be selected; called as `check` is.

        Parameters
        ----------
        positions : of the supernet, each with the candidates that an architecture may hold.

        Raises
        ------
        HwbenchError
            Saying why.
        """

    def title(self) -> str:
        """What it is, for people."""
        return type(self).__name__
