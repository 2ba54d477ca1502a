"""Which of several architectures are better: domination, fronts, crowding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import Floats, IntArray


def non_dominated(costs: Floats) -> NDArray[np.bool_]:
    """Which rows no other row dominates; equal rows do not dominate one another.

    Parameters
    ----------
    costs : float64 of shape (n, n_objectives), smaller is better, no NaN.

    Returns
    -------
    bool of shape (n,).
    """
    if costs.shape[1] == 1:
        return np.asarray(costs[:, 0] == costs[:, 0].min(initial=np.inf))
    if costs.shape[1] == 2:
        return _non_dominated_pairs(costs)
    from moocore import is_nondominated

    return np.asarray(is_nondominated(costs, keep_weakly=True), dtype=bool)


def _non_dominated_pairs(costs: Floats) -> NDArray[np.bool_]:
    """Sorted by the first cost, a row stands if its second one is the least so far."""
    order = np.lexsort((costs[:, 1], costs[:, 0]))
    first, second = costs[order, 0], costs[order, 1]
    least = np.minimum.accumulate(second)
    stands = np.ones(len(order), dtype=bool)
    again = (second[1:] == second[:-1]) & (first[1:] == first[:-1])
    stands[1:] = second[1:] < least[:-1]
    for place in np.flatnonzero(again):  # in order, so that a third equal row follows the second
        stands[place + 1] = stands[place]
    result = np.empty(len(order), dtype=bool)
    result[order] = stands
    return result


def front_numbers(costs: Floats, violations: Floats) -> IntArray:
    """The front each row is on: 0 for the non-dominated, 1 for those that only 0 dominates, ...

    Deb et al. 2002, NSGA-II, sections III.A and VI.A: whatever keeps the limits stands before what
    does not, and that is ordered by how far it is beyond them.

    Parameters
    ----------
    costs : float64 of shape (n, n_objectives), smaller is better.
    violations : float64 of shape (n,), 0 where all limits are kept, infinite where a cost is NaN.

    Returns
    -------
    int64 of shape (n,).
    """
    numbers = np.zeros(len(costs), dtype=np.int64)
    feasible = np.flatnonzero(violations == 0)
    front = 0
    if costs.shape[1] == 1:
        kept = costs[feasible, 0]
        levels, numbers[feasible] = np.unique(kept, return_inverse=True)
        front = len(levels)
    else:
        left = feasible
        while len(left):
            best = non_dominated(costs[left])
            numbers[left[best]] = front
            left = left[~best]
            front += 1
    beyond = violations > 0
    numbers[beyond] = front + np.unique(violations[beyond], return_inverse=True)[1]
    return numbers


def crowding_distances(costs: Floats) -> Floats:
    """How far the neighbours of each row on its front are (Deb et al. 2002, section III.B).

    Parameters
    ----------
    costs : float64 of shape (n, n_objectives), of one front.

    Returns
    -------
    float64 of shape (n,), infinite at both ends.
    """
    distances = np.zeros(len(costs))
    for column in costs.T:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        span = ordered[-1] - ordered[0] if len(ordered) else 0.0
        distances[order[[0, -1]]] = np.inf
        if span > 0:
            distances[order[1:-1]] += (ordered[2:] - ordered[:-2]) / span
    return distances


def best_first(costs: Floats, violations: Floats) -> IntArray:
    """Rows from best to worst: by front, within a front the least crowded first.

    Parameters
    ----------
    costs, violations : as for `front_numbers`.

    Returns
    -------
    int64 of shape (n,), a permutation.
    """
    numbers = front_numbers(costs, violations)
    if costs.shape[1] == 1:
        return np.argsort(numbers, kind="stable")
    distances = np.zeros(len(costs))
    for number in np.unique(numbers[np.isfinite(violations)]):
        rows = np.flatnonzero(numbers == number)
        if np.isfinite(costs[rows]).all():
            distances[rows] = crowding_distances(costs[rows])
    return np.lexsort((-distances, numbers))
