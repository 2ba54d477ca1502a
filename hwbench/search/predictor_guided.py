"""Algorithm 1 of CHOE: predict all, measure the best for every trade-off, repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hwbench.errors import HwbenchError
from hwbench.search.surrogate import FittedObjective, SurrogateSearch
from hwbench.spaces.base import IntArray

PUBLISHED_TRADE_OFFS = tuple(round(0.01 * step, 2) for step in range(1, 26))
"""The values of beta in CHOE 4.3.2: 0.01 to 0.25 in steps of 0.01."""


class PredictorGuided(SurrogateSearch):
    """Predictor-based multi-objective search (CHOE 4.3, Algorithm 1).

    A round fits a predictor for every objective, scores all candidates by the first objective's
    predicted cost plus beta times the others', each divided by the standard deviation of the
    measured ones, and measures the best `round_size` / n of each of n values of beta. Neither the
    number of random architectures at the start nor the size of a round is stated: 50 and 25 here.
    Where several beta have the same favourites, the published round holds fewer architectures;
    here each beta takes those that no earlier one has, so that a round is always full.

    Candidates that are predicted to be beyond a limit come after all others.

    Parameters
    ----------
    trade_offs : the values of beta; those of the publication by default.
    predictor, predictor_parameters, round_size, pool_size, warp : as for `SurrogateSearch`.
    """

    name = "predictor_guided"
    title = "Predictor-guided (Algorithm 1)"
    family = "predictor-guided"
    paper = (
        "Choe 2022, Neural network design and acceleration for resource-constrained environments"
    )

    def __init__(
        self, *args: Any, trade_offs: Sequence[float] = PUBLISHED_TRADE_OFFS, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.trade_offs = np.array(trade_offs, dtype=np.float64)
        if self.trade_offs.ndim != 1 or not len(self.trade_offs):
            raise HwbenchError(f"strategy {self.name}: trade_offs must be a list of numbers")
        if not (np.isfinite(self.trade_offs) & (self.trade_offs >= 0)).all():
            raise HwbenchError(f"strategy {self.name}: trade_offs must be finite and at least 0")

    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        pool = self._pool()
        predicted = self._predict(fitted, pool)
        beyond = self._violations_of(predicted, self._limits(fitted))
        scaled = (predicted / self._scales(fitted))[:, self.objectives.optimised]
        first, others = scaled[:, 0], scaled[:, 1:].sum(axis=1)
        # Without a second objective all trade-offs are one.
        trade_offs = self.trade_offs if scaled.shape[1] > 1 else np.zeros(1)
        shares = np.diff(np.linspace(0, n_archs, len(trade_offs) + 1).astype(np.int64))
        picked: list[int] = []
        for trade_off, share in zip(trade_offs, shares, strict=True):
            order = np.lexsort((first + trade_off * others, beyond))[: len(picked) + share]
            picked += order[~np.isin(order, picked)][:share].tolist()
        return pool[picked]
