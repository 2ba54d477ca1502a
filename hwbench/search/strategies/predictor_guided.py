"""Algorithm 1 of CHOE: predict all, measure the best for every trade-off, repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from hwbench.arguments import NotNegative
from hwbench.arrays import Floats, IntArray
from hwbench.fronts.many import non_dominated
from hwbench.search.strategies.surrogate import ExploringSearch, FittedObjective

PUBLISHED_TRADE_OFFS = tuple(round(0.01 * step, 2) for step in range(1, 26))
"""The values of beta in CHOE 4.3.2: 0.01 to 0.25 in steps of 0.01."""

WIDE_TRADE_OFFS = tuple(float(beta) for beta in np.geomspace(0.01, 20.0, 25))
"""As many from 0.01 to 20, evenly by their logarithm: they reach the cheap end of a front too."""

Scalarisation = Literal["sum", "chebyshev", "epsilon_constraint"]
TradeOffs = Literal["published", "wide"]

TRADE_OFFS: dict[TradeOffs, tuple[float, ...]] = {
    "published": PUBLISHED_TRADE_OFFS,
    "wide": WIDE_TRADE_OFFS,
}


class PredictorGuided(ExploringSearch):
    """Predictor-based multi-objective search (CHOE 4.3, Algorithm 1).

    A round fits a predictor for every objective, scores all candidates by the first objective's
    predicted cost plus beta times the others', each divided by the standard deviation of the
    measured ones, and measures the best `round_size` / n of each of n values of beta. Neither the
    number of random architectures at the start nor the size of a round is stated.
    Where several beta have the same favourites, the published round holds fewer architectures;
    here each beta takes those that no earlier one has, so that a round is always full.

    A weighted sum never prefers what lies in a dent of the front. Two other scalarisations do:

    - "chebyshev", of Knowles 2006 (ParEGO): the largest of the weighted distances from the best
      predicted value of each objective, plus 0.05 of their sum;
    - "epsilon_constraint", of Haimes et al. 1971: the best first objective where the others' sum is
      predicted to stay below a threshold. Thresholds are spread evenly over the range of the
      predicted front, one for each architecture to pick. What is predicted of the first objective
      is lowered by `exploration` standard deviations, so that the predictor is also asked where it
      knows little.

    Of several scalarisations each picks an equal share of a round. Candidates that are predicted to
    be beyond a limit come after all others.

    Parameters
    ----------
    scalarisation : "sum", as published, "chebyshev", "epsilon_constraint", or a list of them.
    trade_offs : the values of beta, or "published" or "wide" (see `TRADE_OFFS`).
    exploration : as for `ExploringSearch`, of the first objective and for "epsilon_constraint".
    predictor, predictor_parameters, round_size, pool, pool_size, n_parents, warp : as for
        `SurrogateSearch`.
    """

    name = "predictor_guided"
    title = "Predictor-guided (Algorithm 1)"
    family = "predictor-guided"
    paper = (
        "Choe 2022, Neural network design and acceleration for resource-constrained environments"
    )
    always_explores = False

    def __init__(
        self,
        *args: Any,
        trade_offs: TradeOffs | Annotated[Sequence[NotNegative], Field(min_length=1)] = "published",
        scalarisation: Scalarisation | Annotated[Sequence[Scalarisation], Field(min_length=1)] = (
            "sum"
        ),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        several = [scalarisation] if isinstance(scalarisation, str) else scalarisation
        self.scalarisations = list(several)
        given = TRADE_OFFS[trade_offs] if isinstance(trade_offs, str) else trade_offs
        self.trade_offs = np.array(given, dtype=np.float64)
        if self.exploration > 0 and "epsilon_constraint" in self.scalarisations:
            self._need_deviations("exploration")

    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        pool = self._candidates()
        predicted, hoped = self._predicted_and_hoped(fitted, pool)
        beyond = self._violations_of(predicted, self._limits(fitted))
        scales = self._scales(fitted)[self.objectives.optimised]
        measured = self._warped(fitted)[:, self.objectives.optimised] / scales
        scaled = predicted[:, self.objectives.optimised] / scales
        picked: list[int] = []
        shares = np.diff(np.linspace(0, n_archs, len(self.scalarisations) + 1).astype(np.int64))
        for scalarisation, share in zip(self.scalarisations, shares, strict=True):
            if scalarisation == "epsilon_constraint":
                first = hoped / scales[0]
                picked += _below_thresholds(first, scaled[:, 1:], measured, beyond, share, picked)
            else:
                picked += self._by_trade_offs(scaled, beyond, share, picked, scalarisation)
        return pool[picked]

    def _predicted_and_hoped(
        self, fitted: Sequence[FittedObjective], pool: IntArray
    ) -> tuple[Floats, Floats]:
        """Predicted costs, (n, n_objectives), and the first one's with exploration, (n,)."""
        first = int(np.flatnonzero(self.objectives.optimised)[0])
        if self.exploration == 0 or "epsilon_constraint" not in self.scalarisations:
            predicted = self._predict(fitted, pool)
            return predicted, predicted[:, first]
        mean, deviation = fitted[first].predict_with_deviation(pool)
        columns = [mean if each is fitted[first] else each.predict(pool) for each in fitted]
        return np.stack(columns, axis=1), mean - self.exploration * deviation

    def _by_trade_offs(
        self, scaled: Floats, beyond: Floats, n_archs: int, taken: list[int], scalarisation: str
    ) -> list[int]:
        """Rows that are best for each trade-off, none that is taken (CHOE Algorithm 1, 8 to 14)."""
        if scalarisation == "chebyshev":
            scaled = scaled - scaled.min(axis=0, initial=np.inf)
        first, others = scaled[:, 0], scaled[:, 1:].sum(axis=1)
        # Without a second objective all trade-offs are one.
        trade_offs = self.trade_offs if scaled.shape[1] > 1 else np.zeros(1)
        shares = np.diff(np.linspace(0, n_archs, len(trade_offs) + 1).astype(np.int64))
        known = list(taken)
        for trade_off, share in zip(trade_offs, shares, strict=True):
            score = first + trade_off * others
            if scalarisation == "chebyshev":
                score = np.maximum(first, trade_off * others) + 0.05 * score
            order = np.lexsort((score, beyond))[: len(known) + share]
            known += order[~np.isin(order, known)][:share].tolist()
        return known[len(taken) :]


def _below_thresholds(
    first: Floats,
    others: Floats,
    measured: Floats,
    beyond: Floats,
    n_archs: int,
    taken: Sequence[int],
) -> list[int]:
    """For each threshold of the other objectives the row with the best first one below it.

    Parameters
    ----------
    first : float64 of shape (n,), cost of the first objective, as it is hoped for.
    others : float64 of shape (n, n_objectives - 1), predicted costs of the others.
    measured : float64 of shape (n_measured, n_objectives), costs that are known.
    beyond : float64 of shape (n,), how far a row is beyond the limits.
    n_archs : thresholds.
    taken : rows that are not to be picked.
    """
    sums = others.sum(axis=1)
    kept = beyond == 0
    costs = np.concatenate([np.stack([first[kept], sums[kept]], axis=1), _two(measured)])
    front = costs[non_dominated(costs), 1]
    order = np.lexsort((first, beyond))
    open_ = ~np.isin(order, taken)
    picked: list[int] = []
    for threshold in np.linspace(front.max(), front.min(), n_archs, endpoint=False):
        suits = np.flatnonzero(open_ & (sums[order] <= threshold))
        if len(suits):
            open_[suits[0]] = False
            picked.append(int(order[suits[0]]))
    return picked


def _two(costs: Floats) -> Floats:
    """The first objective's costs, and the sum of the others'; float64 (n, 2)."""
    return np.stack([costs[:, 0], costs[:, 1:].sum(axis=1)], axis=1)
