"""How much a measurement of an architecture promises, given what is predicted for it."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtr

from hwbench.arrays import Floats
from hwbench.fronts.many import non_dominated


def draw_weights(n_objectives: int, generator: np.random.Generator) -> Floats:
    """Weights of objectives, uniform among those that sum to one; float64 (n_objectives,)."""
    return generator.dirichlet(np.ones(n_objectives))


def expected_improvement(mean: Floats, deviation: Floats, best: float | Floats) -> Floats:
    """By how much a normal cost is expected to fall below the best (Jones et al. 1998).

    Parameters
    ----------
    mean, deviation : float64 of shape (n,); deviations are positive.
    best : the least cost so far; or anything that is broadcast with the others.

    Returns
    -------
    float64 of shape (n,), or what is broadcast, in the cost's unit.
    """
    z = (best - mean) / deviation
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return deviation * (z * ndtr(z) + density)


def expected_hypervolume_improvement(
    mean: Floats, deviation: Floats, known: Floats, reference: Floats
) -> Floats:
    """By how much independent normal costs are expected to raise the dominated hypervolume.

    Exact for one and two objectives. Below the front lie strips, each between the first costs of
    two neighbours and below the second cost of the left one; what is expected in a strip is the
    expected length of the cost in it times the expected improvement below its top (Emmerich et al.
    2011, Hypervolume-based expected improvement, section IV).

    Parameters
    ----------
    mean, deviation : float64 of shape (n, n_objectives), n_objectives 1 or 2; deviations above 0.
    known : measured costs, float64 of shape (n_known, n_objectives).
    reference : where the hypervolume ends, float64 of shape (n_objectives,).

    Returns
    -------
    float64 of shape (n,).
    """
    inside = known[(known < reference).all(axis=1)]
    if mean.shape[1] == 1:
        best = float(inside.min(initial=reference[0]))
        return expected_improvement(mean[:, 0], deviation[:, 0], best)
    front = np.unique(inside[non_dominated(inside)], axis=0)  # by the first cost
    ends = np.append(front[:, 0], reference[0])
    tops = np.append(reference[1], front[:, 1])
    first = expected_improvement(mean[:, [0]], deviation[:, [0]], ends)
    second = expected_improvement(mean[:, [1]], deviation[:, [1]], tops)
    lengths = np.diff(first, axis=1, prepend=0.0)
    return np.asarray((lengths * second).sum(axis=1))


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
