"""Metrics that other devices have already measured, for predictors that learn from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
    values : float64 of shape (n_archs, n_sources); NaN where a source lacks an architecture.
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

    def features(self, archs: ArrayLike) -> Floats:
        """What the sources say of architectures.

        Every source is standardised. Where it lacks an architecture, a ridge regression on its own
        values takes its place.

        Parameters
        ----------
        archs : integers of shape (n, n_positions).

        Returns
        -------
        float64 of shape (n, n_sources), of unit mean square length over the sources' architectures.
        """
        from sklearn.linear_model import Ridge

        wanted = self.space.check(np.asarray(archs).astype(np.int64))
        rows = self._rows(wanted)
        features = np.full((len(wanted), len(self.names)), np.nan)
        features[rows >= 0] = self.values[rows[rows >= 0]]
        for source, column in enumerate(self.values.T):
            known = np.isfinite(column)
            missing = ~np.isfinite(features[:, source])
            if missing.any():
                model = Ridge().fit(self.space.encode(self.archs[known]), column[known])
                features[missing, source] = model.predict(self.space.encode(wanted[missing]))
            scale = float(column[known].std()) or 1.0
            features[:, source] = (features[:, source] - column[known].mean()) / scale
        return features / np.sqrt(len(self.names))

    def _rows(self, wanted: IntArray) -> NDArray[np.int64]:
        """Where each wanted architecture stands among the sources'; -1 where it does not."""
        return self.space.rows_among(wanted, self.space.keys_of(self.archs))
