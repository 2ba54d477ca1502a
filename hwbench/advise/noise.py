"""How noisy the user's measurements are, and the Kendall's tau that noise allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hwbench.advise.crossvalidation import networks_of
from hwbench.advise.measurements import Measurements
from hwbench.arrays import Floats, IntArray
from hwbench.tables.noise import given_noise

FEWEST_REPEATS = 3
"""Repeated measurements, beyond the first of each network, below which nothing is said of noise."""

RESAMPLES = 1000
CONFIDENCE = 0.9


@dataclass(frozen=True)
class Noise:
    """What repeated measurements say.

    Attributes
    ----------
    n_networks : networks that were measured more than once, as one architecture or as twins; or
        those of which the file gives a standard deviation.
    n_repeats : their measurements beyond the first of each; 0 where standard deviations tell.
    deviation : standard deviation of one measurement, in the metric's unit.
    tau_ceiling, low, high : about the best tau that a perfect predictor can be expected to score
        against one measurement of each architecture, and its 90 % interval.
    """

    n_networks: int
    n_repeats: int
    deviation: float
    tau_ceiling: float
    low: float
    high: float


def measured_noise(measurements: Measurements, seed: int = 0) -> Noise | None:
    """Noise of one measurement, from networks that were measured several times.

    The share of variance that is not noise is found on normal scores (ranks made normal), so that
    it does not hang on the metric's scale; with it tau's ceiling follows as for tables (see
    `hwbench.tables.noise`).

    Parameters
    ----------
    measurements : with repeated rows or twins.
    seed : of the bootstrap over networks.

    Returns
    -------
    None where there are fewer than `FEWEST_REPEATS` repeated measurements, and the file gives no
    standard deviations.
    """
    networks = networks_of(measurements.space, measurements.archs)[measurements.all_rows]
    counts = np.bincount(networks)
    repeated = np.flatnonzero(counts > 1)
    n_repeats = int((counts[repeated] - 1).sum())
    if n_repeats < FEWEST_REPEATS:
        return _given(measurements)
    scores = _normal_scores(measurements.all_values)
    squares, freedom = _within(scores, networks, repeated)
    own_squares, _ = _within(measurements.all_values, networks, repeated)
    total = float(scores.var(ddof=1)) or 1.0
    resampled = np.random.default_rng([seed, 17]).multinomial(
        len(repeated), np.full(len(repeated), 1 / len(repeated)), size=RESAMPLES
    )
    drawn = (resampled @ squares) / (resampled @ freedom)
    # Few squares can all be small by chance: the chi-square interval is the wider one then.
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    variance = float(squares.sum() / freedom.sum())
    chi_low, chi_high = _chi_square_interval(variance, n_repeats)
    return Noise(
        n_networks=len(repeated),
        n_repeats=n_repeats,
        deviation=float(np.sqrt(own_squares.sum() / freedom.sum())),
        tau_ceiling=_ceiling(variance / total),
        low=_ceiling(max(float(high), chi_high) / total),
        high=_ceiling(min(float(low), chi_low) / total),
    )


def _given(measurements: Measurements) -> Noise | None:
    """What the standard deviations of the file say."""
    if measurements.deviations is None:
        return None
    found = given_noise(measurements.values, measurements.deviations, method="deviations")
    if found is None:
        return None
    ceiling = found.tau_ceiling
    return Noise(found.n_pairs, 0, found.deviation, ceiling, ceiling, ceiling)


def _within(values: Floats, networks: IntArray, repeated: IntArray) -> tuple[Floats, Floats]:
    """Squared differences from each repeated network's mean, and their degrees of freedom."""
    counts = np.bincount(networks)
    means = np.bincount(networks, values) / counts
    squares = np.bincount(networks, (values - means[networks]) ** 2).astype(np.float64)
    return squares[repeated], (counts[repeated] - 1).astype(np.float64)


def _normal_scores(values: Floats) -> Floats:
    from scipy.special import ndtri
    from scipy.stats import rankdata

    return np.asarray(ndtri((rankdata(values) - 0.5) / len(values)))


def _chi_square_interval(variance: float, freedom: int) -> tuple[float, float]:
    from scipy.stats import chi2

    low, high = chi2.ppf([(1 + CONFIDENCE) / 2, (1 - CONFIDENCE) / 2], freedom)
    return variance * freedom / low, variance * freedom / high


def _ceiling(noise_share: float) -> float:
    return 2 / math.pi * math.asin(math.sqrt(min(1.0, max(0.0, 1.0 - noise_share))))
