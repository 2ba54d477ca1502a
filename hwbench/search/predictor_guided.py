"""Algorithm 1 of CHOE: predict all, measure the best for every trade-off, repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hwbench.errors import HwbenchError, unknown_name
from hwbench.search.surrogate import FittedObjective, SurrogateSearch
from hwbench.spaces.base import IntArray

PUBLISHED_TRADE_OFFS = tuple(round(0.01 * step, 2) for step in range(1, 26))
"""The values of beta in CHOE 4.3.2: 0.01 to 0.25 in steps of 0.01."""

WIDE_TRADE_OFFS = tuple(float(beta) for beta in np.geomspace(0.01, 20.0, 25))
"""As many from 0.01 to 20, evenly by their logarithm: they reach the cheap end of a front too."""

SCALARISATIONS = ("sum", "chebyshev")

TRADE_OFFS = {"published": PUBLISHED_TRADE_OFFS, "wide": WIDE_TRADE_OFFS}


class PredictorGuided(SurrogateSearch):
    """Predictor-based multi-objective search (CHOE 4.3, Algorithm 1).

    A round fits a predictor for every objective, scores all candidates by the first objective's
    predicted cost plus beta times the others', each divided by the standard deviation of the
    measured ones, and measures the best `round_size` / n of each of n values of beta. Neither the
    number of random architectures at the start nor the size of a round is stated: 50 and 25 here.
    Where several beta have the same favourites, the published round holds fewer architectures;
    here each beta takes those that no earlier one has, so that a round is always full.

    A weighted sum never prefers what lies in a dent of the front. The scalarisation "chebyshev" of
    Knowles 2006 (ParEGO) does: the largest of the weighted distances from the best predicted value
    of each objective, plus 0.05 of their sum.

    Candidates that are predicted to be beyond a limit come after all others.

    Parameters
    ----------
    scalarisation : "sum", as published, or "chebyshev".
    trade_offs : the values of beta, or "published" or "wide" (see `TRADE_OFFS`).
    predictor, predictor_parameters, round_size, pool_size, warp : as for `SurrogateSearch`.
    """

    name = "predictor_guided"
    title = "Predictor-guided (Algorithm 1)"
    family = "predictor-guided"
    paper = (
        "Choe 2022, Neural network design and acceleration for resource-constrained environments"
    )

    def __init__(
        self,
        *args: Any,
        trade_offs: str | Sequence[float] = "published",
        scalarisation: str = "sum",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if scalarisation not in SCALARISATIONS:
            raise unknown_name(
                "scalarisation of strategy predictor_guided", scalarisation, SCALARISATIONS
            )
        self.scalarisation = scalarisation
        if isinstance(trade_offs, str) and trade_offs not in TRADE_OFFS:
            raise unknown_name("trade_offs of strategy predictor_guided", trade_offs, TRADE_OFFS)
        given = TRADE_OFFS[trade_offs] if isinstance(trade_offs, str) else trade_offs
        self.trade_offs = np.array(given, dtype=np.float64)
        if self.trade_offs.ndim != 1 or not len(self.trade_offs):
            raise HwbenchError(f"strategy {self.name}: trade_offs must be a list of numbers")
        if not (np.isfinite(self.trade_offs) & (self.trade_offs >= 0)).all():
            raise HwbenchError(f"strategy {self.name}: trade_offs must be finite and at least 0")

    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        pool = self._pool()
        predicted = self._predict(fitted, pool)
        beyond = self._violations_of(predicted, self._limits(fitted))
        scaled = (predicted / self._scales(fitted))[:, self.objectives.optimised]
        if self.scalarisation == "chebyshev":
            scaled = scaled - scaled.min(axis=0, initial=np.inf)
        first, others = scaled[:, 0], scaled[:, 1:].sum(axis=1)
        # Without a second objective all trade-offs are one.
        trade_offs = self.trade_offs if scaled.shape[1] > 1 else np.zeros(1)
        shares = np.diff(np.linspace(0, n_archs, len(trade_offs) + 1).astype(np.int64))
        picked: list[int] = []
        for trade_off, share in zip(trade_offs, shares, strict=True):
            score = first + trade_off * others
            if self.scalarisation == "chebyshev":
                score = np.maximum(first, trade_off * others) + 0.05 * score
            order = np.lexsort((score, beyond))[: len(picked) + share]
            picked += order[~np.isin(order, picked)][:share].tolist()
        return pool[picked]
