"""How a round of architectures is chosen together, by what is expected of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import Floats, IntArray
from hwbench.predictors.posterior import Fantasies
from hwbench.search.strategies.acquisition import (
    draw_weights,
    expected_hypervolume_improvement,
    expected_improvement,
)

Acquisition = Literal["expected_improvement", "expected_hypervolume_improvement"]

ROWS_AT_ONCE = 64
"""Rows whose promise is computed again together."""

BEYOND = 0.1
"""How far the reference point lies beyond the worst that was measured, as a share of the range."""


class Round(ABC):
    """A round that is chosen one row after the other.

    Parameters
    ----------
    beliefs : of each optimised objective what is believed of the n candidates.
    scales : what costs are divided by, float64 of shape (n_objectives,).
    known : measured costs that keep the limits, divided; float64 of shape (n_known, n_objectives).
    feasibility : logarithm of the probability that a candidate keeps the limits, float64 (n,).
    generator : is advanced.
    """

    def __init__(
        self,
        beliefs: Sequence[Fantasies],
        scales: Floats,
        known: Floats,
        feasibility: Floats,
        generator: np.random.Generator,
    ) -> None:
        self.beliefs = beliefs
        self.scales = scales
        self.known = known
        self.feasibility = feasibility
        self.generator = generator
        self.means = np.stack([each.mean for each in beliefs], axis=1) / scales
        self.open = np.ones(len(feasibility), dtype=bool)

    def choose(self, n_archs: int, *, fantasies: bool) -> IntArray:
        """Rows of candidates, the first chosen first, int64 of shape (n_archs,).

        Parameters
        ----------
        n_archs : at most n.
        fantasies : whether what is chosen counts as measured for what is chosen after.
        """
        chosen = []
        for _ in range(n_archs):
            # Before anything keeps the limits, the aim is to find what does.
            row = int(np.argmax(np.where(self.open, self.feasibility, -np.inf)))
            if len(self.known):
                row = self._best()
            self.open[row] = False
            chosen.append(row)
            if fantasies:
                for each in self.beliefs:
                    each.imagine(row)
                if len(self.known):
                    self.known = np.concatenate([self.known, self.means[[row]]])
                self._imagined()
        return np.array(chosen, dtype=np.int64)

    @abstractmethod
    def _best(self) -> int:
        """The open row that promises most."""

    def _imagined(self) -> None:
        """Called when a row counts as measured."""
        return  # what is computed anew for every row has nothing to renew

    def _deviations(self) -> Floats:
        return np.stack([each.deviation for each in self.beliefs], axis=1) / self.scales


class ByWeights(Round):
    """Each row by the expected improvement of another weighted sum of the objectives."""

    def _best(self) -> int:
        weights = draw_weights(self.means.shape[1], self.generator)
        least = float((self.known @ weights).min())
        deviation = np.sqrt(self._deviations() ** 2 @ weights**2)
        improvement = expected_improvement(self.means @ weights, deviation, least)
        promise = np.log(np.maximum(improvement, 1e-300)) + self.feasibility
        return int(np.argmax(np.where(self.open, promise, -np.inf)))


class ByHypervolume(Round):
    """Each row by how much the hypervolume is expected to grow, that of one objective its range.

    What is imagined takes hypervolume away from the others and lowers their deviations, and either
    can only lower their promise: the improvement is convex in each cost. So a promise from before
    is a bound, and only rows whose bound is above the best new promise are computed again.
    """

    def choose(self, n_archs: int, *, fantasies: bool) -> IntArray:
        """As for `Round`."""
        self._bounds = np.full(len(self.feasibility), np.inf)
        self._stale = np.ones(len(self.feasibility), dtype=bool)
        if len(self.known):
            worst, best = self.known.max(axis=0), self.known.min(axis=0)
            self._reference = worst + BEYOND * np.where(worst > best, worst - best, 1.0)
            self._compute(np.arange(len(self._bounds)))
        return super().choose(n_archs, fantasies=fantasies)

    def _best(self) -> int:
        while True:
            bounds = np.where(self.open, self._bounds, -np.inf)
            fresh = bounds[~self._stale].max(initial=-np.inf)
            rows = np.flatnonzero(self._stale & self.open & (bounds > fresh))
            if len(rows) == 0:
                return int(np.argmax(np.where(self._stale, -np.inf, bounds)))
            if len(rows) > ROWS_AT_ONCE:
                rows = rows[np.argpartition(-bounds[rows], ROWS_AT_ONCE)[:ROWS_AT_ONCE]]
            self._compute(rows)

    def _imagined(self) -> None:
        self._stale[:] = True

    def _compute(self, rows: NDArray[np.int64]) -> None:
        improvement = expected_hypervolume_improvement(
            self.means[rows], self._deviations()[rows], self.known, self._reference
        )
        promise = np.log(np.maximum(improvement, 1e-300))
        self._bounds[rows] = promise + self.feasibility[rows]
        self._stale[rows] = False
