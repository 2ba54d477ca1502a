"""REINFORCE with an LSTM controller that chooses one operation after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from hwbench.arguments import NotNegative, Share
from hwbench.arrays import Floats, IntArray
from hwbench.search.strategies.base import Strategy
from hwbench.search.strategies.controller import Controller


class Reinforce(Strategy):
    """Policy gradient with a moving-average baseline (YU 104-130; YANG 2-2-1).

    Every objective becomes a score: 1 for the best and 0 for the worst of the random architectures
    at the start. The reward of a single objective is its score; of several the mixed one of YANG
    eq. 2-6, `mixing` times the first score plus the rest times the mean of the others. Where
    objectives have limits the reward is 0 beyond them (eq. 2-7 and 2-8: accuracy under a limit of
    energy, or energy under a limit of accuracy). What the controller samples again is learned from
    again, but not measured again: an unknown mutant of it is, which tells the controller nothing.
    In a part of the space that is given by rules, what it samples outside is moved inside, and
    learned from as the member that it became. What is told before it first samples, the random
    architectures of the start or what was known already, is learned from like samples of its own:
    an untrained policy is all but uniform.

    Parameters
    ----------
    mixing : alpha of eq. 2-6.
    hidden_units : of the LSTM; 100 as in ENAS (LAUBE 431-636).
    batch_size : architectures a step of the policy; 10 as there.
    learning_rate : of Adam.
    entropy_weight : what is added to the reward for a controller that stays undecided.
    baseline_decay : of the moving average of rewards.
    """

    name = "reinforce"
    round_parameter = "batch_size"
    title = "REINFORCE, LSTM controller"
    family = "reinforcement learning"
    paper = "Zoph and Le 2017, Neural architecture search with reinforcement learning"

    def __init__(
        self,
        *args: Any,
        mixing: Share = 0.5,
        hidden_units: PositiveInt = 100,
        batch_size: PositiveInt = 10,
        learning_rate: NotNegative = 0.01,
        entropy_weight: NotNegative = 0.01,
        baseline_decay: Share = 0.9,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.mixing = mixing
        self.batch_size = batch_size
        self.entropy_weight = entropy_weight
        self.baseline_decay = baseline_decay
        self._policy = Controller(
            self.space.n_choices,
            hidden_units,
            learning_rate=learning_rate,
            seed=self.seed,
        )
        self._baseline: float | None = None
        self._sampled: set[Any] = set()  # keys of the controller's own that were not told yet
        self._rows: dict[Any, int] = {}
        self._batch: list[int] = []
        self._queue: list[IntArray] = []
        self._range: tuple[Floats, Floats] | None = None
        self._sampling = False  # until the controller proposes, all that is told is the start

    def _learn(self, first: int) -> None:
        rows = range(first, self._n_told)
        for row, key in zip(
            rows, self.candidates.keys(self._archs[first : self._n_told]), strict=True
        ):
            self._rows[key] = row
            if key in self._sampled or not self._sampling:
                self._sampled.discard(key)
                self._batch.append(row)
        if self._sampling:
            self._update()

    def _propose(self, n_archs: int) -> list[IntArray]:
        if not self._sampling:  # now it is known what the best and the worst of the start are
            self._sampling = True
            self._update()
        while len(self._queue) < n_archs:
            fresh = self._sample()
            if not fresh:
                break
            self._queue += fresh
        proposed, self._queue = self._queue[:n_archs], self._queue[n_archs:]
        return proposed

    def _sample(self) -> list[IntArray]:
        """Draw a batch of the policy; what of it cannot be measured gives way to a mutant."""
        archs = self._policy.sample(self.batch_size, self.generator)
        drawn = self.candidates.bring_in(archs, self.generator)
        fresh: dict[Any, IntArray] = {}
        waiting = set(self.candidates.keys(np.array(self._queue))) if self._queue else set()
        for key, arch in zip(self.candidates.keys(drawn), drawn, strict=True):
            if key in self._rows:
                self._batch.append(self._rows[key])
            elif key not in self._seen and key not in waiting:
                fresh[key] = arch
                self._sampled.add(key)
        if len(fresh) < self.batch_size:
            start = drawn if len(drawn) else archs
            mutants = self.candidates.mutate(start, self.generator)
            for key, arch in zip(self.candidates.keys(mutants), mutants, strict=True):
                if len(fresh) < self.batch_size and key not in self._seen and key not in waiting:
                    fresh.setdefault(key, arch)
        self._update()
        return list(fresh.values())

    def _update(self) -> None:
        """Steps of the policy, as long as there are batches."""
        while len(self._batch) >= self.batch_size:
            rows, self._batch = self._batch[: self.batch_size], self._batch[self.batch_size :]
            rewards = self._rewards(np.array(rows))
            mean = float(rewards.mean())
            if self._baseline is None:
                self._baseline = mean
            advantages = rewards - self._baseline
            self._policy.step(self._archs[rows], advantages, self.entropy_weight)
            decay = self.baseline_decay
            self._baseline = decay * self._baseline + (1 - decay) * mean

    def _rewards(self, rows: NDArray[np.int64]) -> Floats:
        """Rewards of what was told, float64 of shape (n_rows,)."""
        if self._range is None:
            start = self.costs[: max(self.n_initial, 2)]
            start = start[np.isfinite(start).all(axis=1)]
            low = start.min(axis=0, initial=np.inf)
            high = start.max(axis=0, initial=-np.inf)
            self._range = low, np.where(high > low, high - low, 1.0)
        low, width = self._range
        scores = 1 - (self.costs[rows] - np.where(np.isfinite(low), low, 0.0)) / width
        weights = np.ones(1)
        if scores.shape[1] > 1:
            others = scores.shape[1] - 1
            weights = np.array([self.mixing, *[(1 - self.mixing) / others] * others])
        kept = self.violations[rows] == 0
        return np.where(kept, np.nan_to_num(scores) @ weights, 0.0)
