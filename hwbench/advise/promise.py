"""The Kendall's tau to expect of the fitted model, what more measurements would bring, intervals.

Cross-validation trains on fewer rows than the final model has. Learning curves of rank agreement
follow a power law over the numbers met here: 1 - tau falls as n^-slope. The slope is estimated from
models fitted on halves of the same training rows, and held to what it usually is (`USUAL_SLOPE`),
by the weight of each. Intervals join three causes, all on the scale of log(1 - tau): which
architectures happen to be in the sample (jackknife), the slope, and the luck of one training set;
what few measurements say is held to what is usual (`USUAL_LOSS`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwbench.advise.crossvalidation import PairSums
from hwbench.advise.trials import Data, Trial, pooled

CONFIDENCE = 0.9
GRID = 41
"""Equally likely values of a normal number that an interval is found with."""

QUANTILE = 1.645

USUAL_SLOPE = (0.3, 0.2)
"""Mean and spread of the slope, over the columns of public tables."""

LUCK = 0.07
"""Spread of log(1 - tau) over training sets of one size."""

WIDENING = 1.3
"""Of the jackknife's error: that of out-of-fold predictions is larger than of a fixed model's."""

USUAL_LOSS = (-1.8, 1.5)
"""Mean and spread of log(1 - tau) over the columns of public tables, from a tau of 0.4 to one of
0.995. What few measurements say is held to it, by the weight of each."""

SMALLEST_LOSS = 1e-3
"""1 - tau is taken to be at least this: a perfect order of few pairs is no proof of perfection."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval (90 % unless said otherwise)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Point:
    """A point of the learning curve that was cross-validated.

    Attributes
    ----------
    size : training rows.
    tau : out of fold, with its interval.
    repeats : cross-validations.
    """

    size: int
    tau: Estimate
    repeats: int


@dataclass(frozen=True, eq=False)
class Promise:
    """What to expect of the model fitted on all rows.

    Attributes
    ----------
    size : rows it is fitted on.
    tau : on architectures that were not measured.
    doubled : with twice the rows: an extrapolation.
    gain : what doubling adds to tau: an extrapolation.
    slope : of the power law.
    points : the cross-validated learning curve, by size.
    measured : centre and spread of log(1 - tau) at `size`, as the measurements say.
    held : the same, held to what is usual.
    ceiling : of tau, that noise sets: no extrapolation passes it; None where it is unknown.
    """

    size: int
    tau: Estimate
    doubled: Estimate
    gain: Estimate
    slope: Estimate
    points: tuple[Point, ...]
    measured: tuple[float, float]
    held: tuple[float, float]
    ceiling: Estimate | None = None

    def taus(self, shares: Sequence[float]) -> list[float]:
        """The taus below which the true one lies with these probabilities."""
        from scipy.special import ndtri

        found = []
        for z in ndtri(np.asarray(shares)):
            loss = self.held[0] - z * self.held[1]
            if z > 0:  # see `_estimate`
                loss = min(loss, self.measured[0] - z * self.measured[1])
            found.append(max(1.0 - math.exp(loss), -1.0))
        return found

    def at(self, size: float) -> Estimate:
        """Tau with another number of rows, by the power law: an extrapolation beyond `size`."""
        steps = math.log(size / self.size)
        spread = (self.slope.high - self.slope.low) / (2 * QUANTILE)
        found = _estimate(self.measured, self.held, self.slope.value * steps, spread * steps)
        return found if size <= self.size else _below(found, self.tau, self.ceiling)


def promise(data: Data, trial: Trial, *, ceiling: Estimate | None = None) -> Promise:
    """Estimate the tau of a candidate that is fitted on all rows.

    Parameters
    ----------
    data : what was measured.
    trial : the cross-validated candidate; without a learning curve the usual slope stands.
    ceiling : of tau, that noise sets, where it is known.
    """
    n = len(data.values)
    full_size, curve = data.n_trained, trial.curve
    full = trial.pooled()
    slope, slope_error = _slope(data, trial, curve)
    loss = max(1.0 - full.tau, SMALLEST_LOSS)
    sampling = _sampling_error(full, data) / loss
    step = math.log(n / full_size)
    centre = math.log(loss) - slope * step
    error = math.sqrt(sampling**2 + (slope_error * step) ** 2 + LUCK**2)
    measured, held = (centre, error), _held(centre, error)
    points = [_point(data, round(share * full_size), sums) for share, sums in sorted(curve.items())]
    points.append(_point(data, round(full_size), trial.sums))
    tau = _estimate(measured, held)
    double = math.log(2)
    doubled = _below(_estimate(measured, held, slope * double, slope_error * double), tau, ceiling)
    reach = QUANTILE * slope_error
    return Promise(
        size=n,
        tau=tau,
        doubled=doubled,
        gain=_gain(tau, doubled, held, (slope, slope_error), ceiling),
        slope=Estimate(slope, slope - reach, slope + reach),
        points=tuple(points),
        measured=measured,
        held=held,
        ceiling=ceiling,
    )


def _gain(
    tau: Estimate,
    doubled: Estimate,
    held: tuple[float, float],
    slope: tuple[float, float],
    ceiling: Estimate | None,
) -> Estimate:
    """What doubling adds to tau, with what loss and slope leave open of it together.

    They are taken at equally likely values of each, so that no number is drawn.
    """
    from scipy.special import ndtri

    likely = ndtri((np.arange(GRID) + 0.5) / GRID)
    loss = np.exp(held[0] + held[1] * likely)[:, None]
    fall = 1.0 - 2.0 ** -np.maximum(slope[0] + slope[1] * likely, 0.0)
    gains = loss * fall
    if ceiling is not None:
        gains = np.minimum(gains, np.maximum(ceiling.high - (1.0 - loss), 0.0))
    low, high = np.quantile(gains, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    value = doubled.value - tau.value
    return Estimate(value, min(float(low), value), max(float(high), value))


def _below(ahead: Estimate, now: Estimate, ceiling: Estimate | None) -> Estimate:
    """An extrapolation held below the ceiling, but not below what is reached already."""
    if ceiling is None:
        return ahead
    return Estimate(
        min(ahead.value, max(ceiling.value, now.value)),
        min(ahead.low, max(ceiling.value, now.low)),
        min(ahead.high, max(ceiling.high, now.high)),
    )


def _sampling_error(sums: PairSums, data: Data) -> float:
    """The error of tau over samples of architectures, as the normal quantile needs it.

    The jackknife's, no less than if all but one pair in n were ordered rightly, widened by what
    out-of-fold predictions add and, for few architectures, by Student's quantile.
    """
    from scipy.special import stdtrit

    n = len(data.values)
    student = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2)) / QUANTILE
    return WIDENING * student * max(sums.standard_error(data.networks), 2 / n * math.sqrt(1 / n))


def _slope(data: Data, trial: Trial, curve: dict[float, list[PairSums]]) -> tuple[float, float]:
    """Slope of the power law and its standard error: measured, and held to the usual one."""
    usual, spread = USUAL_SLOPE
    if not curve:
        return usual, spread
    common = min(len(sums) for sums in curve.values())
    parts = [pooled(curve[share][:common]) for share in sorted(curve)] + [trial.pooled(common)]
    sizes = np.log([*sorted(curve), 1.0])
    losses = np.array([max(1.0 - each.tau, SMALLEST_LOSS) for each in parts])
    # Least squares through the points: the slope is a weighted sum of their log losses.
    centred = sizes - sizes.mean()
    weights = -centred / (centred @ centred)
    slope = float(weights @ np.log(losses))
    influences = np.stack([each.influences(data.networks) for each in parts])
    error = float(np.sqrt(((weights / losses) @ influences) @ ((weights / losses) @ influences)))
    error = math.hypot(error, LUCK / math.sqrt(float(centred @ centred)))
    trust = spread**2 / (spread**2 + error**2)
    return usual + trust * (slope - usual), spread * math.sqrt(1 - trust)


def _held(centre: float, error: float) -> tuple[float, float]:
    """Centre and spread of log(1 - tau), held to what is usual."""
    usual, spread = USUAL_LOSS
    trust = spread**2 / (spread**2 + error**2)
    return usual + trust * (centre - usual), spread * math.sqrt(1 - trust)


def _point(data: Data, size: int, sums: list[PairSums]) -> Point:
    together = pooled(sums)
    loss = max(1.0 - together.tau, SMALLEST_LOSS)
    error = _sampling_error(together, data) / loss
    measured = (math.log(loss), error)
    found = _estimate(measured, _held(*measured))
    tau = Estimate(together.tau, min(found.low, together.tau), max(found.high, together.tau))
    return Point(size, tau, len(sums))


def _estimate(
    measured: tuple[float, float],
    held: tuple[float, float],
    shift: float = 0.0,
    spread: float = 0.0,
) -> Estimate:
    """Tau and its interval, `shift` down the learning curve with that error of the shift.

    Only the upper end is not held to what is usual: metrics that follow from a formula are
    predicted better than any measured one.
    """
    low = held[0] - shift + QUANTILE * math.hypot(held[1], spread)
    high = min(
        centre - shift - QUANTILE * math.hypot(error, spread) for centre, error in (held, measured)
    )
    ends = [1.0 - math.exp(each) for each in (held[0] - shift, low, high)]
    return Estimate(ends[0], max(ends[1], -1.0), min(ends[2], 1.0))


def interval_of(trial: Trial, data: Data) -> tuple[float, float]:
    """The 90 % interval of a trial's cross-validated tau, over samples of architectures."""
    reach = QUANTILE * trial.pooled().standard_error(data.networks)
    return max(trial.tau - reach, -1.0), min(trial.tau + reach, 1.0)
