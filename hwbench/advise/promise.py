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
import warnings
from dataclasses import dataclass

import numpy as np

from hwbench.advise.candidates import Candidate
from hwbench.advise.crossvalidation import PairSums, out_of_fold, pair_sums
from hwbench.advise.ranking import FOLDS, Clock, Data, Trial
from hwbench.advise.units import run_units
from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent
from hwbench.workers.worker import Lost

CONFIDENCE = 0.9
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

SHARES = (0.25, 0.5)
"""Of the training rows of a fold, for the learning curve."""

CURVE_REPEATS = 5
FEWEST_TRAINED = 4
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

    def at(self, size: float) -> Estimate:
        """Tau with another number of rows, by the power law: an extrapolation beyond `size`."""
        steps = math.log(size / self.size)
        spread = (self.slope.high - self.slope.low) / (2 * QUANTILE)
        found = _estimate(self.measured, self.held, self.slope.value * steps, spread * steps)
        return found if size <= self.size else _below(found, self.tau, self.ceiling)


def promise(
    data: Data,
    trial: Trial,
    *,
    clock: Clock,
    ceiling: Estimate | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> Promise:
    """Estimate the tau of a candidate that is fitted on all rows.

    Parameters
    ----------
    data : what was measured.
    trial : the cross-validated candidate.
    clock : whose limit ends the learning curve; without it the usual slope stands.
    ceiling : of tau, that noise sets, where it is known.
    workers : processes.
    progress : is told of cross-validations done.
    """
    n = len(data.values)
    full_size = n * (FOLDS - 1) / FOLDS
    curve = _curve(data, trial, clock, workers, progress)
    full = trial.pooled()
    slope, slope_error = _slope(data, trial, curve)
    loss = max(1.0 - full.tau, SMALLEST_LOSS)
    sampling = _sampling_error(full, data) / loss
    step = math.log(n / full_size)
    centre = math.log(loss) - slope * step
    error = math.sqrt(sampling**2 + (slope_error * step) ** 2 + LUCK**2)
    measured, held = (centre, error), _held(centre, error)
    points = [_point(data, round(share * full_size), sums) for share, sums in curve.items()]
    points.append(_point(data, round(full_size), trial.sums))
    tau = _estimate(measured, held)
    double = math.log(2)
    doubled = _below(_estimate(measured, held, slope * double, slope_error * double), tau, ceiling)
    reach = QUANTILE * slope_error
    tops = (1.0, 1.0, 1.0) if ceiling is None else (ceiling.value, ceiling.low, ceiling.high)
    gain = [
        min(math.exp(held[0]) * (1 - 2.0 ** -max(each, 0.0)), max(top - tau.value, 0.0))
        for each, top in zip((slope, slope - reach, slope + reach), tops, strict=True)
    ]
    return Promise(
        size=n,
        tau=tau,
        doubled=doubled,
        gain=Estimate(*gain),
        slope=Estimate(slope, slope - reach, slope + reach),
        points=tuple(points),
        measured=measured,
        held=held,
        ceiling=ceiling,
    )


def _below(ahead: Estimate, now: Estimate, ceiling: Estimate | None) -> Estimate:
    """An extrapolation held below the ceiling, but not below what is reached already."""
    if ceiling is None:
        return ahead
    return Estimate(
        min(ahead.value, max(ceiling.value, now.value)),
        min(ahead.low, max(ceiling.value, now.low)),
        min(ahead.high, max(ceiling.high, now.high)),
    )


def _curve(
    data: Data, trial: Trial, clock: Clock, workers: int, progress: Progress
) -> dict[float, list[PairSums]]:
    """Comparisons of pairs by share of the training rows, as many repeats as the time is for."""
    n_trained = len(data.values) * (FOLDS - 1) / FOLDS
    shares = [share for share in SHARES if share * n_trained >= FEWEST_TRAINED]
    units = [(share, r) for r in range(min(CURVE_REPEATS, len(trial.sums))) for share in shares]
    found: dict[float, list[PairSums]] = {share: [] for share in shares}
    results = run_units(
        _at_share,
        [(data, trial.candidate, *unit) for unit in units],
        lambda _: clock.over(),
        workers,
        lost=lambda lost: _no_curve(trial.candidate, lost),
    )
    progress(0, len(units))
    for done, ((share, _), sums) in enumerate(zip(units, results, strict=False), start=1):
        found[share].append(sums)
        progress(done, len(units))
    progress(len(units), len(units))
    return {share: sums for share, sums in found.items() if sums}


def _no_curve(candidate: Candidate, lost: Lost) -> PairSums:
    raise HwbenchError(f"advise: {candidate} could not be fitted again ({lost.reason})")


def _at_share(data: Data, candidate: Candidate, share: float, repeat: int) -> PairSums:
    folds = data.folds(repeat)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of optimisers that end early: the score tells
        model = candidate.make(data.space, data.seed + repeat)
        found = out_of_fold(
            model, data.archs, data.values, folds, share=share, seed=(data.seed, repeat)
        )
    return pair_sums(data.values, found, folds)


def _pooled(sums: list[PairSums]) -> PairSums:
    total = sums[0]
    for each in sums[1:]:
        total = total + each
    return total


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
    pooled = [_pooled(sums[:common]) for sums in curve.values()] + [trial.pooled(common)]
    sizes = np.log([*curve, 1.0])
    losses = np.array([max(1.0 - each.tau, SMALLEST_LOSS) for each in pooled])
    # Least squares through the points: the slope is a weighted sum of their log losses.
    centred = sizes - sizes.mean()
    weights = -centred / (centred @ centred)
    slope = float(weights @ np.log(losses))
    influences = np.stack([each.influences(data.networks) for each in pooled])
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
    pooled = _pooled(sums)
    loss = max(1.0 - pooled.tau, SMALLEST_LOSS)
    error = _sampling_error(pooled, data) / loss
    measured = (math.log(loss), error)
    found = _estimate(measured, _held(*measured))
    tau = Estimate(pooled.tau, min(found.low, pooled.tau), max(found.high, pooled.tau))
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
