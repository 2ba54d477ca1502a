"""What a selection lost, in compiled code.

Candidates come sorted by accuracy, so a front is one running minimum of the metric.
"""

from __future__ import annotations

import numpy as np

from hwbench.arrays import Floats
from hwbench.simulation.compiled import Ints, compiled

MEASURES = (
    "mra_all",
    "mra_pareto",
    "metric_excess_all",
    "metric_excess_pareto",
    "hypervolume",
    "hypervolume_true",
    "hypervolume_space",
    "hypervolume_space_true",
    "kendall_tau",
    "front_recall",
    "regret",
    "infeasible_share",
    "n_selected",
    "n_selected_pareto",
    "hypervolume_share",
    "igd_plus",
    "additive_epsilon",
)
"""The columns of a result, in the order in which the compiled code writes them."""
MRA_ALL, MRA_PARETO, EXCESS_ALL, EXCESS_PARETO = range(4)
VOLUME, VOLUME_TRUE, VOLUME_SPACE, VOLUME_SPACE_TRUE = range(4, 8)
TAU, RECALL, REGRET, INFEASIBLE, N_SELECTED, N_PARETO = range(8, 14)
SHARE, IGD_PLUS, EPSILON = range(14, 17)

BEYOND_NADIR = 1.1
"""The reference point of the normalised hypervolume, in both objectives (Ishibuchi et al. 2018): a
little beyond the nadir, so that the ends of the front count."""


@compiled
def front_of(
    accuracy: Floats, metric: Floats, units: Floats, size: float, n: int, front: Ints
) -> int:
    """Fill `front` with the Pareto set by falling accuracy and return how many there are.

    Parameters
    ----------
    accuracy : falling, float64 of shape (n,).
    metric, units, size : the metric to minimise is metric + size * units.
    """
    best = np.inf
    count = 0
    for k in range(n):
        value = metric[k] + size * units[k]
        if value < best:
            best = value
            # Of equal accuracies the one with the smaller metric dominates.
            if count > 0 and accuracy[front[count - 1]] == accuracy[k]:
                count -= 1
            front[count] = k
            count += 1
    return count


@compiled
def hypervolume_of(
    accuracy: Floats, metric: Floats, front: Ints, count: int, reference: float
) -> float:
    """Area that a front (from `front_of`) dominates, down to accuracy 0 and up to `reference`.

    `accuracy` is in %; the area is that of accuracy as a fraction. NaN for a reference of NaN.
    """
    area = 0.0 * reference
    right = reference
    for i in range(count):
        k = front[i]
        if metric[k] < right:
            area += (right - metric[k]) * max(accuracy[k], 0.0)
            right = metric[k]
    return area / 100.0


@compiled
def losses_of(
    accuracy: Floats,
    metric: Floats,
    front_accuracy: Floats,
    front_metric: Floats,
    lost: Floats,
    excess: Floats,
) -> None:
    """Distances of points to a front, along accuracy and along the metric.

    Parameters
    ----------
    accuracy, metric : of the points by falling accuracy, float64 of shape (n,).
    front_accuracy, front_metric : both falling.
    lost : overwritten: how much more accurate the best front point at no larger metric is; NaN
        where there is none.
    excess : overwritten: how much smaller the metric of the cheapest front point of at least the
        same accuracy is.
    """
    size = front_accuracy.size
    cheapest = 0
    for k in range(accuracy.size):
        low, high = 0, size  # the first point with no larger metric is the most accurate of them
        while low < high:
            middle = (low + high) >> 1
            if front_metric[middle] <= metric[k]:
                high = middle
            else:
                low = middle + 1
        lost[k] = front_accuracy[low] - accuracy[k] if low < size else np.nan
        while cheapest + 1 < size and front_accuracy[cheapest + 1] >= accuracy[k]:
            cheapest += 1
        excess[k] = metric[k] - front_metric[cheapest]


@compiled
def keep_selected(
    metric: Floats,
    units: Floats,
    size: float,
    limit: float,
    budget: int,
    selected: Ints,
    count: int,
) -> int:
    """Keep of the selected those predicted within the limit, and the first `budget` of these."""
    kept = 0
    for i in range(count):
        k = selected[i]
        if kept < budget and metric[k] + size * units[k] <= limit:
            selected[kept] = k
            kept += 1
    return kept


@compiled
def recall_of(
    accuracy: Floats,
    metric: Floats,
    verified: Ints,
    n_verified: int,
    front_accuracy: Floats,
    front_metric: Floats,
) -> float:
    """Share of a front's points that are among the verified; both by falling accuracy."""
    found = 0
    i = 0
    for j in range(front_accuracy.size):
        while i < n_verified and accuracy[verified[i]] > front_accuracy[j]:
            i += 1
        if (
            i < n_verified
            and accuracy[verified[i]] == front_accuracy[j]
            and metric[verified[i]] == front_metric[j]
        ):
            found += 1
    return found / front_accuracy.size


@compiled
def nearness_of(
    accuracy: Floats,
    metric: Floats,
    verified: Ints,
    n_verified: int,
    front_accuracy: Floats,
    front_metric: Floats,
    result: Floats,
) -> None:
    """Write how near the verified are to the candidates' true front into `result`.

    Both objectives are scaled so that the true front's best values (its ideal point) are 0 and its
    worst (its nadir) are 1: `hypervolume_share` is the area dominated up to 1.1 in both over that
    of the true front, in 0 .. 1; `igd_plus` the mean distance from a point of the true front to
    what the nearest selected lacks of it (Ishibuchi et al. 2015); `additive_epsilon` the least
    shift in both objectives by which the selected dominate the true front (Zitzler et al. 2003).
    All are NaN where the true front is one point, which has no scale, or nothing is selected.

    Parameters
    ----------
    accuracy, metric : of the selected by falling accuracy.
    verified, n_verified : positions of those that are not dominated, see `front_of`.
    front_accuracy, front_metric : the candidates' true front, both falling.
    """
    result[SHARE] = result[IGD_PLUS] = result[EPSILON] = np.nan
    last = front_accuracy.size - 1
    if last < 1 or n_verified == 0:
        return
    best, cheapest = front_accuracy[0], front_metric[last]
    span_accuracy = best - front_accuracy[last]
    span_metric = front_metric[0] - cheapest
    whole, part = 0.0, 0.0
    right = BEYOND_NADIR
    for j in range(last + 1):
        x = (front_metric[j] - cheapest) / span_metric
        whole += (right - x) * (BEYOND_NADIR - (best - front_accuracy[j]) / span_accuracy)
        right = x
    right = BEYOND_NADIR
    for i in range(n_verified):
        k = verified[i]
        x = (metric[k] - cheapest) / span_metric
        y = (best - accuracy[k]) / span_accuracy
        if x < right and y < BEYOND_NADIR:
            part += (right - x) * (BEYOND_NADIR - y)
            right = x
    distances, shift = 0.0, 0.0
    for j in range(last + 1):
        nearest, least = np.inf, np.inf
        for i in range(n_verified):
            k = verified[i]
            x = max(0.0, (metric[k] - front_metric[j]) / span_metric)
            y = max(0.0, (front_accuracy[j] - accuracy[k]) / span_accuracy)
            nearest = min(nearest, x * x + y * y)
            least = min(least, max(x, y))
        distances += np.sqrt(nearest)
        shift = max(shift, least)
    result[SHARE] = min(part / whole, 1.0)
    result[IGD_PLUS] = distances / (last + 1)
    result[EPSILON] = shift


@compiled
def measure(
    accuracy: Floats,
    metric: Floats,
    selected: Ints,
    count: int,
    front: Ints,
    front_count: int,
    reference_accuracy: Floats,
    reference_metric: Floats,
    reference: float,
    space_reference: float,
    limit: float,
    result: Floats,
) -> None:
    """Write what a selection lost into `result`, all but tau and the true hypervolumes.

    Parameters
    ----------
    accuracy, metric : of the candidates by falling accuracy, float64 of shape (n,).
    selected : positions of the selected; `front` those of the candidates' true front.
    reference_accuracy, reference_metric : the front that losses are counted from, both falling.
    reference, space_reference : the metrics up to which the two hypervolumes count.
    limit : the largest feasible metric; infinite for none.
    """
    picks = np.sort(selected[:count])  # by falling true accuracy, whatever was predicted
    own_accuracy, own_metric = accuracy[picks], metric[picks]
    lost, excess = np.empty(count), np.empty(count)
    losses_of(own_accuracy, own_metric, reference_accuracy, reference_metric, lost, excess)
    verified = np.empty(count, np.int32)
    n_verified = front_of(own_accuracy, own_metric, own_metric, 0.0, count, verified)
    result[VOLUME] = hypervolume_of(own_accuracy, own_metric, verified, n_verified, reference)
    result[VOLUME_SPACE] = hypervolume_of(
        own_accuracy, own_metric, verified, n_verified, space_reference
    )
    result[MRA_ALL] = result[MRA_PARETO] = result[EXCESS_ALL] = result[EXCESS_PARETO] = np.nan
    if count:
        result[MRA_ALL], result[EXCESS_ALL] = lost.mean(), excess.mean()
        verified_lost = verified_excess = 0.0
        for i in range(n_verified):
            verified_lost += lost[verified[i]]
            verified_excess += excess[verified[i]]
        result[MRA_PARETO] = verified_lost / n_verified
        result[EXCESS_PARETO] = verified_excess / n_verified
    result[RECALL] = recall_of(
        own_accuracy,
        own_metric,
        verified,
        n_verified,
        accuracy[front[:front_count]],
        metric[front[:front_count]],
    )
    nearness_of(
        own_accuracy,
        own_metric,
        verified,
        n_verified,
        accuracy[front[:front_count]],
        metric[front[:front_count]],
        result,
    )
    result[REGRET], result[INFEASIBLE] = np.nan, np.nan
    if np.isfinite(limit):
        infeasible = 0
        best = np.nan
        for i in range(count):
            if own_metric[i] > limit:
                infeasible += 1
            elif np.isnan(best):
                best = own_accuracy[i]
        if count:
            result[INFEASIBLE] = infeasible / count
        for k in range(accuracy.size):
            if metric[k] <= limit:
                result[REGRET] = accuracy[k] - best
                break
    result[N_SELECTED], result[N_PARETO] = count, n_verified
