"""Random search: the baseline that every strategy must beat."""

from __future__ import annotations

from hwbench.arrays import IntArray
from hwbench.search.strategies.base import Strategy


class RandomSearch(Strategy):
    """Draw architectures uniformly, none twice."""

    name = "random"
    title = "Random search"
    family = "random"
    paper = (
        "Li and Talwalkar 2019, Random search and reproducibility for neural architecture search"
    )

    def _propose(self, n_archs: int) -> IntArray:
        return self.candidates.sample(n_archs, self.generator, self._seen)
