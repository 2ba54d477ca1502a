"""Simulated annealing (Kirkpatrick et al. 1983) on the ranks of what was measured."""

import numpy as np

from hwbench.arguments import Positive, Share
from hwbench.search.strategies.base import Strategy


class Annealing(Strategy):
    """Mutants of an architecture that is left for better ones, and now and then for worse.

    Parameters
    ----------
    temperature : at the start; a worse architecture whose rank, as a share of all, is by so much
        higher is moved to with probability 1/e.
    cooling : what the temperature is multiplied with at each measurement.
    """

    name = "annealing"
    title = "Simulated annealing"
    family = "local search"
    paper = "Kirkpatrick, Gelatt and Vecchi 1983, Optimization by simulated annealing"

    def __init__(self, *args, temperature: Positive = 0.5, cooling: Share = 0.97, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.temperature, self.cooling = temperature, cooling
        self._current = 0

    def _learn(self, first):
        rank = np.empty(self._n_told)
        rank[self._best_first()] = np.arange(self._n_told) / self._n_told
        for row in range(first, self._n_told):
            worse = rank[row] - rank[self._current]
            if worse <= 0 or self.generator.random() < np.exp(-worse / max(self.temperature, 1e-9)):
                self._current = row
            self.temperature *= self.cooling

    def _propose(self, n_archs):
        parent = self._archs[self._current][None, :]
        return self.candidates.mutate(np.repeat(parent, 4 * n_archs, axis=0), self.generator)
