"""How good the architectures of search spaces are when they are drawn at random (NA 4.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwbench.arrays import Floats

SHARES = (5, 25, 50, 75, 95)
"""Quantiles that are told, in %, from the worst to the best."""


@dataclass(frozen=True)
class SpaceSample:
    """What random architectures of a space came to.

    Attributes
    ----------
    title : of the space.
    values : one an architecture, float64 of shape (n_archs,).
    minimize : whether smaller values are better.
    """

    title: str
    values: Floats
    minimize: bool = False

    def quantiles(self) -> dict[str, float]:
        """Quantiles from the worst to the best, the mean and the best."""
        ordered = -self.values if self.minimize else self.values
        sign = -1.0 if self.minimize else 1.0
        found = {f"{share} %": sign * float(np.percentile(ordered, share)) for share in SHARES}
        return {**found, "mean": float(self.values.mean()), "best": sign * float(ordered.max())}

    def distribution(self) -> tuple[Floats, Floats]:
        """The empirical distribution function of the error (Radosavovic et al. 2019).

        Returns
        -------
        Values from the best to the worst, and in % the share of architectures that are at least as
        good, both float64 of shape (n_archs,).
        """
        best_first = np.sort(self.values if self.minimize else -self.values)
        shares = 100.0 * np.searchsorted(best_first, best_first, side="right") / len(best_first)
        return (best_first if self.minimize else -best_first), shares


def better_share(one: SpaceSample, other: SpaceSample) -> float:
    """The chance that a random architecture of one space is better than one of another.

    Ties count half; 0.5 says that neither space is better (Mann and Whitney's U over its most).
    """
    mine, theirs = (-each.values if each.minimize else each.values for each in (one, other))
    ordered = np.sort(theirs)
    below = np.searchsorted(ordered, mine, side="left")
    up_to = np.searchsorted(ordered, mine, side="right")
    return float((below + up_to).mean() / (2 * len(ordered)))


def best_space(samples: Sequence[SpaceSample]) -> SpaceSample:
    """The space whose architecture in the middle is best."""

    def middle(sample: SpaceSample) -> float:
        median = float(np.median(sample.values))
        return -median if sample.minimize else median

    return max(samples, key=middle)
