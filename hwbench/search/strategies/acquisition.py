"""How much a measurement of an architecture promises, given what is predicted for it."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtr

from hwbench.arrays import Floats


def draw_weights(n_objectives: int, generator: np.random.Generator) -> Floats:
    """Weights of objectives, uniform among those that sum to one; float64 (n_objectives,)."""
    return generator.dirichlet(np.ones(n_objectives))


def expected_improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
    """By how much a normal cost is expected to fall below the best (Jones et al. 1998).

    Parameters
    ----------
    mean, deviation : float64 of shape (n,); deviations are positive.
    best : the least cost so far.

    Returns
    -------
    float64 of shape (n,), in the cost's unit.
    """
    z = (best - mean) / deviation
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return deviation * (z * ndtr(z) + density)


def log_probability_within(mean: Floats, deviation: Floats, limits: Floats) -> Floats:
    """Logarithm of the probability that all limits are kept (Gardner et al. 2014).

    Parameters
    ----------
    mean, deviation : float64 of shape (n, n_objectives).
    limits : largest acceptable costs, NaN where all are; float64 of shape (n_objectives,).

    Returns
    -------
    float64 of shape (n,).
    """
    limited = np.isfinite(limits)
    z = (limits[limited] - mean[:, limited]) / deviation[:, limited]
    return log_ndtr(z).sum(axis=1)
