"""Progressive search: from simple architectures to rich ones, led by a predictor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import PositiveInt

from hwbench.arrays import IntArray
from hwbench.fronts.many import best_first
from hwbench.search.strategies.surrogate import ExploringSearch, FittedObjective


class ProgressiveSearch(ExploringSearch):
    """Beam search over the number of places that differ from the space's baseline.

    YU 171-187; Liu et al. 2018 (PNAS), Algorithm 1, which grows cells block by block. In a space of
    positions the simplest architecture is the baseline (the first operation everywhere), and level
    b holds what differs from it at b positions: the beam's architectures with one more position
    changed are predicted, the best of them are the new beam, and those that are candidates are
    measured. After the last level it begins again, with all that was learned. In a part that is
    given by rules it begins at a member near the baseline, and grows through members if it can.

    Parameters
    ----------
    beam_size : architectures of a level that the next one grows from.
    exploration, predictor, predictor_parameters, round_size, warp : as for `ExploringSearch`.
    pool, pool_size, n_parents : change nothing: the beam says which candidates are predicted.
    """

    name = "progressive"
    title = "Progressive (PNAS-style)"
    family = "predictor-guided"
    paper = "Liu et al. 2018, Progressive neural architecture search"
    default_predictor = "mlp_small"

    def __init__(self, *args: Any, beam_size: PositiveInt = 100, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.beam_size = beam_size
        self._simplest = self._simplest_candidate()
        self._beam = self._simplest[None, :]

    def _simplest_candidate(self) -> IntArray:
        """Where levels begin: the baseline, in a part that is given by rules a member near it."""
        if not self.candidates.by_rules:
            return self.space.baseline
        return self.candidates.bring_in(self.space.baseline[None, :], self.generator)[0]

    def _select(self, fitted: Sequence[FittedObjective], n_archs: int) -> IntArray:
        for _ in range(2 * self.space.n_positions):
            self._beam = self._next_level(fitted)
            measurable = self._beam[np.array(self.candidates.contain(self._beam), dtype=bool)]
            fresh = measurable[self._unknown(measurable)] if len(measurable) else measurable
            if len(fresh):
                return fresh[:n_archs]
        return self._beam[:0]

    def _next_level(self, fitted: Sequence[FittedObjective]) -> IntArray:
        grown = [self._grow(arch) for arch in self._beam]
        level = np.unique(np.concatenate(grown), axis=0)
        if len(level) == 0:  # every position is changed: begin again
            level = self._grow(self._simplest)
        if self.candidates.by_rules:  # the rest may be nearly all, and crowd out what is inside
            inside = np.array(self.candidates.contain(level), dtype=bool)
            level = level[inside] if inside.any() else level
        predicted = self._hoped(fitted, level)
        beyond = self._violations_of(predicted, self._limits(fitted))
        known = ~self._unknown(level)
        order = best_first(predicted[:, self.objectives.optimised], beyond)
        beam = level[order[: self.beam_size]]
        # What is known leads on, but the beam keeps room for what can be measured.
        fresh = level[order[~known[order]][: self.round_size]]
        return np.concatenate([fresh, beam])[: self.beam_size]

    def _grow(self, arch: IntArray) -> IntArray:
        """The architectures that change one more of the simplest one's positions."""
        around = self.space.neighbours(arch)
        changed = (around != self._simplest).sum(axis=1)
        return around[changed == (arch != self._simplest).sum() + 1]
