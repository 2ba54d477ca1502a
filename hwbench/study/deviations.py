"""How real predictors err: distributions of their deviations from the truth (LAUBE A.5, A.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.study.columns import KEY

Floats = NDArray[np.float64]

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


def standardised_deviations(predictions: pd.DataFrame) -> pd.Series:
    """Prediction minus truth, in standard deviations of the truth of the same trial's test set.

    Parameters
    ----------
    predictions : as `read_predictions` gives them.
    """
    scale = predictions.groupby(list(KEY))["truth"].transform("std", ddof=0)
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
    for key, group in frame.groupby(keys, sort=True):
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
    """Fit a mixture of the form of A.5 by maximum likelihood.

    Parameters
    ----------
    deviations : standardised, shape (n,), not all equal; at most 2,000 of them, evenly chosen, are
        used.
    """
    from scipy.optimize import minimize

    values = np.asarray(deviations, dtype=np.float64)
    if len(values) > FITTED:
        values = values[np.linspace(0, len(values) - 1, FITTED).astype(np.int64)]
    mean, spread = float(values.mean()), float(values.std())
    z = (values - mean) / spread

    def loss(parameters: Floats) -> float:
        return -float(_log_density(z, parameters).mean())

    starts = [np.array([0.0, np.log(0.6), shift, 1.0, -3.0]) for shift in (0.5, -0.5)]
    bounds = [(-2, 2), (np.log(0.02), np.log(2.0)), (-2, 2), (-6, 6), (-9, 3)]
    best = min(
        (minimize(loss, start, method="L-BFGS-B", bounds=bounds) for start in starts),
        key=lambda found: float(found.fun),
    )
    centre, log_width, shift = (float(each) for each in best.x[:3])
    normal = -0.5 * float(np.log(2 * np.pi)) - 0.5
    return Mixture(
        tuple(float(each) for each in _weights(best.x)),  # type: ignore[arg-type]
        mean + spread * centre,
        shift,
        spread * float(np.exp(log_width)),
        -float(best.fun) - normal,
    )


def _weights(parameters: Floats) -> Floats:
    """Weights of the narrow, the wide and the uniform part from their logits."""
    logits = np.array([parameters[3], 0.0, parameters[4]])
    shares = np.exp(logits - logits.max())
    return shares / shares.sum()


def _log_density(z: Floats, parameters: Floats) -> Floats:
    centre, width, shift = parameters[0], np.exp(parameters[1]), parameters[2]
    narrow, wide, uniform = _weights(parameters)
    u = (z - centre) / width
    root = np.sqrt(2 * np.pi)
    density = (
        narrow * np.exp(-0.5 * (u - shift) ** 2) / root
        + wide * np.exp(-0.5 * ((u + shift) / WIDE) ** 2) / (WIDE * root)
        + uniform * (np.abs(u) <= REACH) / (2 * REACH)
    )
    result: Floats = np.log(np.maximum(density, 1e-300)) - np.log(width)
    return result
