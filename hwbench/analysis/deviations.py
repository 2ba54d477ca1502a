"""How real predictors err: distributions of their deviations from the truth (LAUBE A.5, A.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hwbench.arrays import Floats
from hwbench.results.study_columns import KEY

FIRST = 100
"""Test architectures on which single distributions are tested, as published."""

SINGLE = ("norm", "cauchy", "lognorm", "t", "uniform")
"""Single distributions of Table A.4, by their names in SciPy."""

FITTED = 2000
"""The most deviations that a mixture is fitted to."""

WIDE = 3.0
"""Width of the mixture's second normal distribution in that of the first."""

REACH = 15.0
"""Half width of its uniform distribution in the width of the first normal one."""

LARGEST_SHIFT = 2.0
"""Largest shift of the two normal distributions in the width of the first."""

START_SHIFT, START_WIDTH, NARROWEST = 0.3, 0.6, 0.02
ITERATIONS, TOLERANCE = 500, 1e-6


@dataclass(frozen=True)
class Mixture:
    """A mixture of the form of A.5: N(m + c, v), N(m - c, 3v), U(m - 15v, m + 15v).

    Attributes
    ----------
    weights : of the three; published 0.725, 0.265, 0.01.
    centre : m.
    shift : c in units of v, of either sign; published |c| uniform in 0 .. 2.
    width : v.
    gain : log-likelihood a deviation above that of one normal distribution.
    """

    weights: tuple[float, float, float]
    centre: float
    shift: float
    width: float
    gain: float

    def density(self, values: Floats) -> Floats:
        """The density at each value, shape (n,), in 1 / standard deviations of the truth."""
        parts = np.empty((3, len(values)))
        shift = self.shift * self.width
        _weighted_densities(values, self.weights, self.centre, shift, self.width, parts)
        found: Floats = parts.sum(axis=0)
        return found


def standardised_deviations(predictions: pd.DataFrame) -> pd.Series:
    """Prediction minus truth, in standard deviations of the truth of the same trial's test set.

    Parameters
    ----------
    predictions : as `read_predictions` gives them.
    """
    scale = predictions.groupby(list(KEY), observed=True)["truth"].transform("std", ddof=0)
    return (predictions["prediction"] - predictions["truth"]) / scale.where(scale > 0)


def deviation_statistics(
    predictions: pd.DataFrame, *, single_distributions: bool = False
) -> pd.DataFrame:
    """The distribution of deviations of every predictor at every training size, seeds together.

    Parameters
    ----------
    predictions : as `read_predictions` gives them.
    single_distributions : whether to test single distributions too: it takes a while.

    Returns
    -------
    One row per (target, predictor, encoding, training_size): `deviations` (how many), `mean` and
    `spread` (standard deviation) in standardised units, `skewness`, `kurtosis` (excess: 0 is
    normal), `beyond_2` (share beyond two of its own spreads: 0.046 is normal), and the fitted
    `Mixture` as `shift`, `width`, `weight_narrow`, `weight_wide`, `weight_uniform`, `gain`. With
    single distributions `p_norm`, `p_cauchy`, `p_lognorm`, `p_t`, `p_uniform` (mean over seeds).
    """
    from scipy import stats

    frame = predictions.assign(deviation=standardised_deviations(predictions))
    frame = frame[frame["deviation"].notna()]
    keys = [name for name in KEY if name != "seed"]
    rows = []
    for key, group in frame.groupby(keys, sort=True, observed=True):
        values = group["deviation"].to_numpy()
        spread = float(values.std())
        if len(values) < 3 or spread == 0:
            continue
        own = (values - values.mean()) / spread
        fitted = fit_mixture(values)
        row: dict[str, Any] = {
            **dict(zip(keys, key, strict=True)),
            "deviations": len(values),
            "mean": float(values.mean()),
            "spread": spread,
            "skewness": float(stats.skew(values)),
            "kurtosis": float(stats.kurtosis(values)),
            "beyond_2": float((np.abs(own) > 2).mean()),
            "shift": fitted.shift,
            "width": fitted.width,
            "weight_narrow": fitted.weights[0],
            "weight_wide": fitted.weights[1],
            "weight_uniform": fitted.weights[2],
            "gain": fitted.gain,
        }
        if single_distributions:
            tested = [
                single_distribution_p_values(of_seed["deviation"].to_numpy())
                for _, of_seed in group.groupby("seed")
            ]
            row |= {f"p_{name}": float(np.mean([p[name] for p in tested])) for name in SINGLE}
        rows.append(row)
    return pd.DataFrame(rows)


def single_distribution_p_values(deviations: Floats) -> dict[str, float]:
    """How well single distributions explain deviations, in the manner of Table A.4.

    Each is fitted by maximum likelihood to the first 100 deviations and tested on them by
    Kolmogorov and Smirnov. The source speaks of a t-test between deviations and a density and does
    not say how, so only the order of its p-values can be compared, not their size.

    Parameters
    ----------
    deviations : standardised, of one trial, in the order of the test set, shape (n_test,).
    """
    from scipy import stats

    first = np.asarray(deviations, dtype=np.float64)[:FIRST]
    found = {}
    for name in SINGLE:
        distribution = getattr(stats, name)
        with np.errstate(all="ignore"):
            parameters = distribution.fit(first)
            found[name] = float(stats.kstest(first, distribution(*parameters).cdf).pvalue)
    return found


def fit_mixture(deviations: Floats) -> Mixture:
    """Fit a mixture of the form of A.5 by expectation maximisation.

    Parameters
    ----------
    deviations : standardised, shape (n,), not all equal; at most 2,000 of them, evenly chosen, are
        used.
    """
    values = np.asarray(deviations, dtype=np.float64)
    if len(values) > FITTED:
        values = values[np.linspace(0, len(values) - 1, FITTED).astype(np.int64)]
    mean, spread = float(values.mean()), float(values.std())
    z = (values - mean) / spread
    found = [_maximise(z, side * START_SHIFT) for side in (1.0, -1.0)]
    weights, centre, shift, width, likelihood = max(found, key=lambda each: each[-1])
    normal = -0.5 * float(np.log(2 * np.pi)) - 0.5
    narrow, wide, uniform = (float(weight) for weight in weights)
    return Mixture(
        (narrow, wide, uniform),
        mean + spread * centre,
        shift / width,
        spread * width,
        likelihood - normal,
    )


def _maximise(z: Floats, shift: float) -> tuple[Floats, float, float, float, float]:
    """Weights, centre, shift, width and mean log-likelihood from a start with this shift."""
    weights = np.array([0.725, 0.265, 0.01])
    centre, width, likelihood = 0.0, START_WIDTH, -np.inf
    share = np.empty((3, len(z)))
    tiny = np.finfo(np.float64).tiny
    for _ in range(ITERATIONS):
        _weighted_densities(z, weights, centre, shift, width, share)
        total = np.maximum(share.sum(axis=0), tiny)
        before, likelihood = likelihood, float(np.log(total).sum()) / len(z)
        if likelihood - before < TOLERANCE:
            break
        share /= total
        sums = share.sum(axis=1)
        weights = sums / len(z)
        # Of both normal parts the centre and the shift are a weighted least-squares fit.
        near, far = share[0], share[1] / WIDE**2
        of_near, of_far = max(sums[0], 1e-12), max(sums[1] / WIDE**2, 1e-12)
        means = (near @ z) / of_near, (far @ z) / of_far
        centre, shift = (means[0] + means[1]) / 2, (means[0] - means[1]) / 2
        squares = near @ (z - (centre + shift)) ** 2 + far @ (z - (centre - shift)) ** 2
        width = max(float(np.sqrt(squares / max(sums[0] + sums[1], 1e-12))), NARROWEST)
        limited = min(max(shift, -LARGEST_SHIFT * width), LARGEST_SHIFT * width)
        if limited != shift:
            shift = limited
            centre = (near @ (z - shift) + far @ (z + shift)) / max(
                sums[0] + sums[1] / WIDE**2, 1e-12
            )
    return weights, float(centre), float(shift), width, likelihood


def _weighted_densities(
    z: Floats,
    weights: Sequence[float] | Floats,
    centre: float,
    shift: float,
    width: float,
    out: Floats,
) -> None:
    """Write to `out`, of shape (3, n), the density of each part at each deviation by weight."""
    narrow, wide, uniform = out
    height = 1 / (np.sqrt(2 * np.pi) * width)
    for part, at, scale, weight in (
        (narrow, centre + shift, width, weights[0]),
        (wide, centre - shift, WIDE * width, weights[1] / WIDE),
    ):
        np.subtract(z, at, out=part)
        part /= scale
        np.square(part, out=part)
        part *= -0.5
        np.exp(part, out=part)
        part *= weight * height
    np.less_equal(np.abs(z - centre), REACH * width, out=uniform, casting="unsafe")
    uniform *= weights[2] / (2 * REACH * width)
