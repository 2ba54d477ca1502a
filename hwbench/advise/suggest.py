"""Which architectures to measure next.

The covariance of the structural Gaussian process says how much a measurement of one architecture
tells of another. Suggestions are taken one by one, each the one whose measurement leaves the least
variance, on average, over the whole pool given everything measured or suggested before (sequential
design for the integrated variance; Cohn et al. 1996, *Active learning with statistical models*).
Before anything is measured the covariance is that of the prior, and suggestions fill the space;
with measurements its parameters are learned from these. What is suggested counts as measured, so
that a batch is as diverse as it should be.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.predictors.models.grouped_kernel import GroupedKernel
from hwbench.predictors.models.structural_gaussian_process import StructuralGaussianProcess
from hwbench.predictors.models.structural_process import lower_factor, parameter_prior
from hwbench.spaces import Space, get_space
from hwbench.spaces.structure import StructuralFeatures

POOL = 2000
"""Architectures drawn to suggest from, and to learn about, in spaces that are larger."""

LARGEST_POOL = 6000
MOST = 5000
"""Suggestions at once. The pool's covariances have to fit the memory."""

FEWEST_TO_LEARN = 10
"""Measurements with which the covariance's parameters are learned."""


def suggest_architectures(
    space: Space | str,
    budget: int,
    archs: ArrayLike | None = None,
    values: ArrayLike | None = None,
    *,
    seed: int = 0,
) -> IntArray:
    """Architectures whose measurement would tell most of all others.

    Parameters
    ----------
    space : the search space, or its name.
    budget : how many.
    archs, values : what has been measured, of shapes (n_archs, n_positions) and (n_archs,), or
        architectures as texts; none by default.
    seed : of the pool that suggestions are taken from.

    Returns
    -------
    int64 of shape (budget, n_positions), the most telling first; none of `archs`, none that is the
    same network as one of them, none whose output no path reaches, and none twice.

    Raises
    ------
    HwbenchError
        Where the space has not so many architectures left, they are more than `MOST`, or an
        architecture has no value.
    """
    if not 1 <= budget <= MOST:
        raise HwbenchError(f"suggest: the budget must lie in 1 .. {MOST}, not {budget}")
    space = get_space(space) if isinstance(space, str) else space
    known = space.check([] if archs is None else archs)
    numbers = None if values is None else np.asarray(values, dtype=np.float64)
    if numbers is not None and numbers.shape != (len(known),):
        raise HwbenchError(
            f"suggest: {len(known)} architectures need values of shape ({len(known)},), not "
            f"{numbers.shape}"
        )
    pool = _pool(space, budget, known, seed)
    if len(pool) < budget:
        raise HwbenchError(
            f"suggest: {len(pool)} architectures of {space.name} are left to measure, fewer than "
            f"{budget}"
        )
    structure = space.structure
    parameters = _parameters(space, structure, known, numbers)
    kernel, noise = GroupedKernel(len(structure.names)), float(np.exp(parameters[-1]))
    features = list(structure.groups(pool).values())
    covariance = kernel.between(parameters[:-1], features, features)
    if len(known):
        measured = list(structure.groups(known).values())
        covariance = _given(covariance, kernel, parameters, features, measured)
    return pool[_greedy(covariance, budget, noise)]


def _pool(space: Space, budget: int, known: IntArray, seed: int) -> IntArray:
    """Architectures to choose from: one of each pair of twins, none that is known or a dead end."""
    wanted = max(POOL, min(4 * budget, LARGEST_POOL))
    if space.indexed and space.n_architectures <= wanted:
        drawn = space.all_architectures()
    else:
        drawn = space.sample(min(wanted + len(known), space.n_architectures), seed)
    drawn = drawn[space.connected(drawn)]
    taken = set(space.keys_of(known).tolist()) | set(space.keys_of(space.twins(known)).tolist())
    kept = []
    for row, (own, twin) in enumerate(
        zip(space.keys_of(drawn).tolist(), space.keys_of(space.twins(drawn)).tolist(), strict=True)
    ):
        if own not in taken:
            kept.append(row)
            taken |= {own, twin}
    return drawn[kept]


def _parameters(
    space: Space,
    structure: StructuralFeatures,
    known: IntArray,
    values: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Logarithms of the covariance's parameters and of the noise."""
    if values is not None and len(known) >= FEWEST_TO_LEARN and np.ptp(values) > 0:
        standardised = (values - values.mean()) / values.std()
        return StructuralGaussianProcess(space).fit(known, standardised).parameters_
    return parameter_prior(structure.names)[0]


def _given(
    covariance: Floats,
    kernel: GroupedKernel,
    parameters: Floats,
    features: list[Floats],
    measured: list[Floats],
) -> Floats:
    """The covariance of the pool when the measured architectures are known."""
    from scipy.linalg import solve_triangular

    factor = lower_factor(
        lambda: kernel.among(parameters[:-1], measured), float(np.exp(parameters[-1]))
    )
    across = kernel.between(parameters[:-1], features, measured)
    explained = solve_triangular(factor, across.T, lower=True)
    return np.asarray(covariance - explained.T @ explained)


def _greedy(covariance: Floats, budget: int, noise: float) -> IntArray:
    """Rows in the order in which they lower the pool's variance most."""
    remaining = covariance.copy()
    chosen = np.empty(budget, dtype=np.int64)
    free = np.ones(len(remaining), dtype=bool)
    for place in range(budget):
        uncertain = np.maximum(np.diagonal(remaining), 0.0) + noise
        gain = np.where(free, np.einsum("ij,ij->j", remaining, remaining) / uncertain, -np.inf)
        best = int(gain.argmax())
        chosen[place], free[best] = best, False
        column = remaining[:, best].copy()
        remaining -= np.outer(column, column) / uncertain[best]
    return chosen
