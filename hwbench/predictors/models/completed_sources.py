"""What other devices say of any architecture: what they measured, and what that tells of others."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import Floats, IntArray
from hwbench.predictors.models.structural_gaussian_process import StructuralGaussianProcess
from hwbench.predictors.transfer import SourceMetrics
from hwbench.spaces import Space

MOST_ROWS = 2000
"""Architectures of a source, at most, by which those that it lacks are filled in."""

LIKELIHOOD_ROWS = 300
"""And by which the parameters of that are learned."""


class CompletedSources:
    """Metrics of other devices, standardised, known for every architecture.

    Where a source lacks an architecture, a structural Gaussian process on the logarithms of what it
    has measured takes its place; on the values themselves where one is not positive.

    Parameters
    ----------
    sources : what was measured.

    Attributes
    ----------
    names : of the sources.
    """

    def __init__(self, sources: SourceMetrics) -> None:
        self.sources = sources
        self.names = sources.names
        self.means: Floats = np.nanmean(sources.values, axis=0)
        deviations: Floats = np.nanstd(sources.values, axis=0)
        self.scales: Floats = np.where(deviations > 0, deviations, 1.0)
        # What has measured a whole space is never asked for more.
        self.models = {
            source: _model(each)
            for source, each in enumerate(_measured(sources))
            if len(each.archs) < sources.space.n_architectures
        }

    def standardised(self, archs: ArrayLike) -> Floats:
        """What each source says of architectures, integers of shape (n_archs, n_positions).

        Returns
        -------
        float64 of shape (n_archs, n_sources), in deviations from each source's mean.
        """
        wanted = self.sources.space.check(np.asarray(archs).astype(np.int64))
        values = self.sources.values_of(wanted)
        measured = _measured(self.sources)
        for source, model in self.models.items():
            lacking = ~np.isfinite(values[:, source])
            if lacking.any():
                asked = _Asked(_digest(wanted[lacking]), wanted[lacking], model)
                values[lacking, source] = _filled_in(measured[source], asked)
        return np.asarray((values - self.means) / self.scales)


@dataclass(frozen=True)
class _Measured:
    """What one source has measured; equal by content."""

    digest: str
    space: Space = field(compare=False)
    archs: IntArray = field(compare=False)
    values: Floats = field(compare=False)


@dataclass(frozen=True)
class _Asked:
    """Architectures that a source lacks, equal by content, and the model that fills them in."""

    digest: str
    archs: IntArray = field(compare=False)
    model: StructuralGaussianProcess = field(compare=False)


def _measured(sources: SourceMetrics) -> list[_Measured]:
    found = []
    for column in sources.values.T:
        known = np.isfinite(column)
        archs, values = sources.archs[known], column[known]
        digest = _digest(archs, values, sources.space.name)
        found.append(_Measured(digest, sources.space, archs, values))
    return found


def _digest(archs: IntArray, values: Floats | None = None, text: str = "") -> str:
    digest = hashlib.sha256(text.encode())
    for each in (archs, values):
        if each is not None:
            digest.update(np.ascontiguousarray(each).tobytes())
    return digest.hexdigest()


# The same sources take part in many fits: of other training sizes, of other targets.


@lru_cache(maxsize=64)
def _model(measured: _Measured) -> StructuralGaussianProcess:
    """A process on one source's values as `_learned` makes them."""
    learned, mean, scale = _learned(measured)
    model = StructuralGaussianProcess(
        measured.space, likelihood_rows=LIKELIHOOD_ROWS, most_rows=MOST_ROWS, random_state=0
    )
    model.fit(measured.archs, (learned - mean) / scale)
    return copy.deepcopy(model)  # without what only a fit needs, as a pickle is


@lru_cache(maxsize=256)
def _filled_in(measured: _Measured, asked: _Asked) -> Floats:
    """Values of architectures that a source lacks, float64 (n_archs,), in its own unit."""
    _, mean, scale = _learned(measured)
    found = np.asarray(asked.model.predict(asked.archs)) * scale + mean
    return np.asarray(np.exp(found)) if _by_logarithm(measured) else found


def _learned(measured: _Measured) -> tuple[Floats, float, float]:
    """What is learned of a source's values, float64 (n_archs,), its mean and its deviation."""
    learned = np.log(measured.values) if _by_logarithm(measured) else measured.values
    return learned, float(learned.mean()), float(learned.std()) or 1.0


def _by_logarithm(measured: _Measured) -> bool:
    return bool((measured.values > 0).all())
