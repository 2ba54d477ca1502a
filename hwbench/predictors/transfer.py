"""Metrics that other devices have already measured, for predictors that learn from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces import Space


@dataclass(frozen=True, eq=False)
class SourceMetrics:
    """Metrics of architectures of one space on other devices.

    Attributes
    ----------
    space : the search space.
    archs : integers of shape (n_archs, n_positions), each architecture once.
    values : float64 of shape (n_archs, n_sources); NaN where a source lacks an architecture. Each
        source may have measured others.
    names : of the sources, n_sources of them.
    """

    space: Space
    archs: IntArray
    values: Floats
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check shapes, and that every source has something to say."""
        expected = (len(self.archs), len(self.names))
        if self.values.shape != expected:
            raise HwbenchError(f"sources: values have shape {self.values.shape}, not {expected}")
        for name, column in zip(self.names, self.values.T, strict=True):
            if np.isfinite(column).sum() < 2:
                raise HwbenchError(f"source {name}: fewer than 2 architectures have a value")

    def sampled(
        self,
        samples: int | None,
        *,
        first: ArrayLike | None = None,
        never: ArrayLike | None = None,
        seed: int = 0,
    ) -> SourceMetrics:
        """The same sources as if each had measured no more than some architectures.

        Parameters
        ----------
        samples : architectures of each source at most; None: all that it has.
        first : architectures that are measured before others, in this order, integers of shape
            (n, n_positions); the rest follow at random.
        never : architectures that no source has measured, integers of shape (n, n_positions).
        seed : of the order of the rest.

        Raises
        ------
        HwbenchError
            Where fewer than two architectures are left of a source.
        """
        order = np.random.default_rng([seed, len(self.archs)]).permutation(len(self.archs))
        if first is not None:
            begin = self._rows(first)
            order = np.concatenate([begin, order[~np.isin(order, begin)]])
        if never is not None:
            order = order[~np.isin(order, self._rows(never))]
        known = np.isfinite(self.values[order])
        if samples is not None:
            known &= known.cumsum(axis=0) <= samples
        kept = known.any(axis=1)
        values = np.where(known, self.values[order], np.nan)[kept]
        return SourceMetrics(self.space, self.archs[order][kept], values, self.names)

    def values_of(self, archs: ArrayLike) -> Floats:
        """What the sources have measured of architectures, integers of shape (n, n_positions).

        Returns
        -------
        float64 of shape (n, n_sources); NaN where a source has not measured one.
        """
        wanted = self.space.check(np.asarray(archs).astype(np.int64))
        rows = self.space.rows_among(wanted, self.space.keys_of(self.archs))
        found = np.full((len(wanted), len(self.names)), np.nan)
        found[rows >= 0] = self.values[rows[rows >= 0]]
        return found

    def _rows(self, archs: ArrayLike) -> IntArray:
        """Where architectures stand among the sources', those that do."""
        wanted = self.space.check(np.asarray(archs).astype(np.int64))
        rows = self.space.rows_among(wanted, self.space.keys_of(self.archs))
        return np.asarray(rows[rows >= 0], dtype=np.int64)
