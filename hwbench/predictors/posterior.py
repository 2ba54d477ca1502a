"""What a predictor believes of several architectures at once, and how a measurement changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwbench.arrays import Floats

if TYPE_CHECKING:
    from hwbench.predictors.target_transform import TargetTransform


@dataclass(frozen=True)
class Posterior:
    """A joint normal distribution of what n architectures would measure.

    Attributes
    ----------
    mean : float64 of shape (n,).
    variance : of the value without noise; float64 of shape (n,).
    noise : variance of a measurement around the value; float64 of shape (n,).
    covariances : gives, for a row, the covariances of its value with all; float64 of shape (n,).
    """

    mean: Floats
    variance: Floats
    noise: Floats
    covariances: Callable[[int], Floats]

    @classmethod
    def independent(cls, mean: Floats, deviation: Floats) -> Posterior:
        """Of a predictor that says nothing of how its errors belong together, all of it noise."""
        nothing = np.zeros(len(mean))
        return cls(mean, nothing, deviation**2, lambda _: nothing)

    def scaled(self, scale: float, offset: float) -> Posterior:
        """Of the same values in another unit: times `scale` (above 0), plus `offset`."""
        return Posterior(
            self.mean * scale + offset,
            self.variance * scale**2,
            self.noise * scale**2,
            lambda row: self.covariances(row) * scale**2,
        )

    def mapped(self, transform: TargetTransform) -> Posterior:
        """Of the values before a transform, to the first order around their means."""
        spread = np.sqrt(np.maximum(self.variance, 0.0) + self.noise)
        slope = transform.deviation(self.mean, spread) / np.maximum(spread, 1e-300)
        return Posterior(
            transform.inverse(self.mean),
            self.variance * slope**2,
            self.noise * slope**2,
            lambda row: self.covariances(row) * slope * slope[row],
        )


class Fantasies:
    """A posterior that learns of imagined measurements, each of what it expects.

    Kriging believer (Ginsbourger et al. 2010, section 4.1): an imagined measurement leaves every
    mean where it is and lowers the deviations around it, so the next choice is made elsewhere.

    Parameters
    ----------
    posterior : of n architectures.

    Attributes
    ----------
    mean : float64 of shape (n,).
    """

    def __init__(self, posterior: Posterior) -> None:
        self.mean = posterior.mean
        self._posterior = posterior
        self._variance = posterior.variance.copy()
        self._explained: list[Floats] = []

    @property
    def deviation(self) -> Floats:
        """Standard deviations of new measurements, float64 of shape (n,), above 0."""
        total = np.maximum(self._variance, 0.0) + self._posterior.noise
        return np.maximum(np.sqrt(total), 1e-12)

    def imagine(self, row: int) -> None:
        """Take what is expected of an architecture as measured."""
        shared = self._posterior.covariances(row).copy()
        for each in self._explained:
            shared -= each * each[row]
        total = max(float(self._variance[row]), 0.0) + float(self._posterior.noise[row])
        explained = shared / np.sqrt(max(total, 1e-24))
        self._explained.append(explained)
        self._variance -= explained**2
