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
    "hypervolume_share",
    "igd_plus",
    "epsilon_additive",
    "kendall_tau",
    "front_recall",
    "regret",
    "infeasible_share",
    "n_selected",
    "n_selected_pareto",
)
"""The columns of a result, in the order in which the compiled code writes them."""
MRA_ALL, MRA_PARETO, EXCESS_ALL, EXCESS_PARETO = range(4)
VOLUME, VOLUME_TRUE, VOLUME_SPACE, VOLUME_SPACE_TRUE = range(4, 8)
SHARE, IGD_PLUS, EPSILON = range(8, 11)
TAU, RECALL, REGRET, INFEASIBLE, N_SELECTED, N_PARETO = range(11, 17)

BEYOND_NADIR = 0.1
"""That of `hwbench.fronts.quality`; its own, so that kept machine code is made anew with it."""


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
def box_of(
    accuracy: Floats, metric: Floats, front_accuracy: Floats, front_metric: Floats
) -> tuple[float, float]:
    """How far the ideal of a front is from its nadir, in accuracy and in the metric.

    See `hwbench.fronts.quality`. Where the front is a single point, the nadir is the worst of all
    candidates, `accuracy` (falling) and `metric`.
    """
    last = front_accuracy.size - 1
    if last > 0:
        return front_accuracy[0] - front_accuracy[last], front_metric[0] - front_metric[last]
    height = front_accuracy[0] - accuracy[accuracy.size - 1]
    width = metric.max() - front_metric[0]
    return height if height > 0 else 1.0, width if width > 0 else 1.0


@compiled
def share_of(
    accuracy: Floats,
    metric: Floats,
    points: Ints,
    count: int,
    front_accuracy: Floats,
    front_metric: Floats,
    height: float,
    width: float,
) -> float:
    """Share of a front's hypervolume that points dominate, see `TrueFront.hypervolume_share`.

    Parameters
    ----------
    accuracy, metric : of which `points` are a front by falling accuracy, as from `front_of`.
    front_accuracy, front_metric : the true front, both falling.
    height, width : of its box, see `box_of`.
    """
    floor = front_accuracy[0] - height - BEYOND_NADIR * height
    cheapest = front_metric[front_metric.size - 1]
    right = cheapest + width + BEYOND_NADIR * width
    i = 0
    while i < count and metric[points[i]] >= right:
        i += 1
    has = lacks = 0.0
    # From the dearest to the cheapest point of both fronts, a strip between neighbours at a time.
    for j in range(front_metric.size):
        while True:
            left = front_metric[j]
            reached = floor
            if i < count:
                left = max(left, metric[points[i]])
                reached = max(reached, accuracy[points[i]])
            has += (right - left) * (reached - floor)
            lacks += (right - left) * max(front_accuracy[j] - reached, 0.0)
            right = left
            if i < count and metric[points[i]] == left:
                i += 1
            if front_metric[j] == left:
                break
    return has / (has + lacks)


@compiled
def distances_of(
    accuracy: Floats,
    metric: Floats,
    points: Ints,
    count: int,
    front_accuracy: Floats,
    front_metric: Floats,
    height: float,
    width: float,
) -> tuple[float, float]:
    """IGD+ and additive epsilon of points, see `TrueFront.igd_plus` and `epsilon_additive`.

    Parameters are those of `share_of`; there is at least one point.
    """
    total = epsilon = 0.0
    no_dearer = 0  # the first point, so the most accurate one, with no larger metric
    as_accurate = 0  # behind the last point, so the cheapest one, of no smaller accuracy
    for j in range(front_metric.size):
        while no_dearer < count and metric[points[no_dearer]] > front_metric[j]:
            no_dearer += 1
        while as_accurate < count and accuracy[points[as_accurate]] >= front_accuracy[j]:
            as_accurate += 1
        square = nearest = np.inf
        # All others are farther away: those beyond these two are worse in the one thing they lack.
        for i in range(max(as_accurate - 1, 0), min(no_dearer + 1, count)):
            less = max(front_accuracy[j] - accuracy[points[i]], 0.0) / height
            more = max(metric[points[i]] - front_metric[j], 0.0) / width
            square = min(square, less * less + more * more)
            nearest = min(nearest, max(less, more))
        if as_accurate > no_dearer:  # a point that is no worse in either
            square = nearest = 0.0
        total += np.sqrt(square)
        epsilon = max(epsilon, nearest)
    return total / front_metric.size, epsilon


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
    true_volume: float,
    true_space_volume: float,
    limit: float,
    result: Floats,
) -> None:
    """Write what a selection lost into `result`, all but tau.

    Parameters
    ----------
    accuracy, metric : of the candidates by falling accuracy, float64 of shape (n,).
    selected : positions of the selected; `front` those of the candidates' true front.
    reference_accuracy, reference_metric : the front that losses are counted from, both falling.
    reference, space_reference : the metrics up to which the two hypervolumes count.
    true_volume, true_space_volume : what the candidates' true front dominates up to these.
    limit : the largest feasible metric; infinite for none.
    """
    picks = np.sort(selected[:count])  # by falling true accuracy, whatever was predicted
    own_accuracy, own_metric = accuracy[picks], metric[picks]
    lost, excess = np.empty(count), np.empty(count)
    losses_of(own_accuracy, own_metric, reference_accuracy, reference_metric, lost, excess)
    verified = np.empty(count, np.int32)
    n_verified = front_of(own_accuracy, own_metric, own_metric, 0.0, count, verified)
    # No selection dominates more than the true front: other strips are rounded otherwise.
    result[VOLUME] = min(
        hypervolume_of(own_accuracy, own_metric, verified, n_verified, reference), true_volume
    )
    result[VOLUME_SPACE] = min(
        hypervolume_of(own_accuracy, own_metric, verified, n_verified, space_reference),
        true_space_volume,
    )
    result[VOLUME_TRUE], result[VOLUME_SPACE_TRUE] = true_volume, true_space_volume
    result[MRA_ALL] = result[MRA_PARETO] = result[EXCESS_ALL] = result[EXCESS_PARETO] = np.nan
    if count:
        result[MRA_ALL], result[EXCESS_ALL] = lost.mean(), excess.mean()
        verified_lost = verified_excess = 0.0
        for i in range(n_verified):
            verified_lost += lost[verified[i]]
            verified_excess += excess[verified[i]]
        result[MRA_PARETO] = verified_lost / n_verified
        result[EXCESS_PARETO] = verified_excess / n_verified
    height, width = box_of(accuracy, metric, reference_accuracy, reference_metric)
    result[SHARE] = share_of(
        own_accuracy,
        own_metric,
        verified,
        n_verified,
        reference_accuracy,
        reference_metric,
        height,
        width,
    )
    result[IGD_PLUS] = result[EPSILON] = np.nan
    if count:
        result[IGD_PLUS], result[EPSILON] = distances_of(
            own_accuracy,
            own_metric,
            verified,
            n_verified,
            reference_accuracy,
            reference_metric,
            height,
            width,
        )
    result[RECALL] = recall_of(
        own_accuracy,
        own_metric,
        verified,
        n_verified,
        accuracy[front[:front_count]],
        metric[front[:front_count]],
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
