"""Simulated selections in compiled code: candidates, deviations, fronts and what was lost.

The table comes sorted by accuracy, so a front is one running minimum of the metric. Random bits are
made by SplitMix64 (Steele, Lea and Flood 2014) from a 64-bit key a repeat, which numpy draws.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwbench.simulation.compiled import compiled, count_bits, lowest_bit
from hwbench.simulation.kendall import sort_order, tau_from_sorted, tie_groups

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Shorts = NDArray[np.int16]
Words = NDArray[np.uint64]

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
)
"""The columns of a result, in the order in which the compiled code writes them."""
MRA_ALL, MRA_PARETO, EXCESS_ALL, EXCESS_PARETO = range(4)
VOLUME, VOLUME_TRUE, VOLUME_SPACE, VOLUME_SPACE_TRUE = range(4, 8)
TAU, RECALL, REGRET, INFEASIBLE, N_SELECTED, N_PARETO = range(8, 14)

STEP = np.uint64(0x9E3779B97F4A7C15)
FACTOR_1 = np.uint64(0xBF58476D1CE4E5B9)
FACTOR_2 = np.uint64(0x94D049BB133111EB)
LOW = np.uint64(0xFFFFFFFF)


@compiled
def _random_word(state: np.uint64) -> np.uint64:
    """SplitMix64's output function; the caller adds STEP to its state before each call."""
    word = (state ^ (state >> np.uint64(30))) * FACTOR_1
    word = (word ^ (word >> np.uint64(27))) * FACTOR_2
    return word ^ (word >> np.uint64(31))


@compiled
def draw_subset(n_archs: int, n: int, key: np.uint64, bits: Words, chosen: Ints) -> np.uint64:
    """Draw n of n_archs positions without replacement (Floyd's method), in rising order.

    A position's probability is off by less than n_archs / 2**64.

    Parameters
    ----------
    key : the random stream's state; the state after the draws is returned.
    bits : of shape at least (ceil(n_archs / 64),), overwritten.
    chosen : of shape at least (n,), overwritten with the positions.
    """
    if n == n_archs:
        for k in range(n):
            chosen[k] = k
        return key
    words = (n_archs + 63) >> 6
    left_out = n > n_archs // 2  # then the positions to leave out are drawn
    drawn = n_archs - n if left_out else n
    bits[:words] = 0
    one = np.uint64(1)
    state = key
    for last in range(n_archs - drawn, n_archs):
        state += STEP
        word = _random_word(state)
        size = np.uint64(last + 1)
        high = (word >> np.uint64(32)) * size + (((word & LOW) * size) >> np.uint64(32))
        place = np.int64(high >> np.uint64(32))
        if bits[place >> 6] & (one << np.uint64(place & 63)):
            place = last
        bits[place >> 6] |= one << np.uint64(place & 63)
    count = 0
    for k in range(words):
        word = bits[k]
        if left_out:
            word = ~word
            if (k + 1) << 6 > n_archs:
                word &= (one << np.uint64(n_archs & 63)) - one
        while word:
            chosen[count] = (k << 6) + np.int64(lowest_bit(word))
            count += 1
            word &= word - one
    return state


@compiled
def mix_deviations(part: Floats, normal: Floats, shift: Floats) -> Floats:
    """Deviations of LAUBE A.5 from uniform and normal draws; its constant v is 1.

    Parameters
    ----------
    part : uniform in 0 .. 1, shape (n_repeats, n_values): says which distribution a value is of.
    normal : standard normal, of that shape; overwritten with the result.
    shift : of the two normal distributions' centres, shape (n_repeats,).
    """
    for r in range(part.shape[0]):
        for k in range(part.shape[1]):
            if part[r, k] < 0.725:
                normal[r, k] += shift[r]
            elif part[r, k] < 0.725 + 0.265:
                normal[r, k] = 3.0 * normal[r, k] - shift[r]
            else:  # within its share of the unit interval, `part` is uniform again
                normal[r, k] = 30.0 * (part[r, k] - (0.725 + 0.265)) / 0.01 - 15.0
    return normal


@compiled
def standardise_values(values: Floats, repetition: int, n: int, scaled: Floats) -> None:
    """Shift and scale values so that n candidates get mean 0 and deviation 1.

    Parameters
    ----------
    values : float64 of shape (ceil(n / repetition),); each is for `repetition` candidates, the last
        one may be for fewer.
    scaled : of that shape, overwritten.
    """
    whole = n // repetition
    rest = n - whole * repetition
    mean = 0.0
    for g in range(whole):
        mean += values[g]
    mean *= repetition
    if rest:
        mean += rest * values[whole]
    mean /= n
    square = 0.0
    for g in range(whole):
        square += (values[g] - mean) ** 2
    square *= repetition
    if rest:
        square += rest * (values[whole] - mean) ** 2
    # Where all values are equal (few candidates), rounding must not be blown up to deviations.
    scale = 1.0 / np.sqrt(square / n) if square > 1e-20 * n * (1.0 + mean * mean) else 0.0
    for g in range(values.size):
        scaled[g] = (values[g] - mean) * scale


@compiled
def deal_values(
    values: Floats, owners: Shorts, n: int, key: np.uint64, work: Shorts, units: Floats
) -> np.uint64:
    """Deal values to candidates in random order.

    Fisher and Yates; two draws share a random word (Brackett-Rozinsky and Lemire 2024), so that a
    step's probabilities are off by less than n**2 / 2**64.

    Parameters
    ----------
    values : float64 of shape (n_values,).
    owners : int16 or int32 of shape (n,), which value each place has before the shuffle.
    key : the random stream's state; the state after the draws is returned.
    work : like `owners`, overwritten.
    units : float64 of shape at least (n,), overwritten with each candidate's value.
    """
    work[:n] = owners
    state = key
    k = 0
    while k < n - 1:
        state += STEP
        word = _random_word(state)
        size = np.uint64(n - k)
        low = (word & LOW) * size
        high = (word >> np.uint64(32)) * size + (low >> np.uint64(32))
        other = k + np.int64(high >> np.uint64(32))
        owner = work[other]
        work[other] = work[k]
        units[k] = values[owner]
        k += 1
        word = (high << np.uint64(32)) | (low & LOW)
        size = np.uint64(n - k)
        high = (word >> np.uint64(32)) * size + (((word & LOW) * size) >> np.uint64(32))
        other = k + np.int64(high >> np.uint64(32))
        owner = work[other]
        work[other] = work[k]
        units[k] = values[owner]
        k += 1
    if k < n:
        units[k] = values[work[k]]
    return state


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
    metric: Floats, units: Floats, size: float, limit: float, budget: int, selected: Ints, count: int
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
        lost, excess = lost[verified[:n_verified]], excess[verified[:n_verified]]
        result[MRA_PARETO], result[EXCESS_PARETO] = lost.mean(), excess.mean()
    found = 0
    i = 0
    for j in range(front_count):  # both by falling accuracy
        wanted_accuracy, wanted_metric = accuracy[front[j]], metric[front[j]]
        while i < n_verified and own_accuracy[verified[i]] > wanted_accuracy:
            i += 1
        if (
            i < n_verified
            and own_accuracy[verified[i]] == wanted_accuracy
            and own_metric[verified[i]] == wanted_metric
        ):
            found += 1
    result[RECALL] = found / front_count
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


@compiled
def places_among(
    rank: Ints, chosen: Ints, n: int, bits: Words, before: Ints, place: Ints
) -> None:
    """Where each of n chosen stands among them, given the rank of all.

    Parameters
    ----------
    rank : int32 of shape (n_archs,), a permutation.
    chosen : int32 of shape (n,).
    bits, before : of shape at least (ceil(n_archs / 64),), overwritten.
    place : int32 of shape at least (n,), overwritten with 0 .. n - 1.
    """
    words = (rank.size + 63) >> 6
    one = np.uint64(1)
    bits[:words] = 0
    for k in range(n):
        r = rank[chosen[k]]
        bits[r >> 6] |= one << np.uint64(r & 63)
    count = 0
    for w in range(words):
        before[w] = count
        count += np.int64(count_bits(bits[w]))
    for k in range(n):
        r = rank[chosen[k]]
        below = bits[r >> 6] & ((one << np.uint64(r & 63)) - one)
        place[k] = before[r >> 6] + np.int64(count_bits(below))


@compiled
def simulate_block(
    accuracy: Floats,
    metric: Floats,
    rank: Ints,
    spread: Floats,
    space_accuracy: Floats,
    space_metric: Floats,
    n: int,
    keys: Words,
    values: Floats,
    repetition: int,
    owners: Shorts,
    standardise: bool,
    sizes: Floats,
    accuracy_values: Floats,
    accuracy_repetition: int,
    accuracy_owners: Shorts,
    accuracy_size: float,
    front_reference: bool,
    space_reference: float,
    limit: float,
    budget: int,
    with_tau: bool,
    result: NDArray[np.float64],
) -> None:
    """Simulate some repeats, each at all sizes of deviations.

    Parameters
    ----------
    accuracy : of the table by falling accuracy, float64 of shape (n_archs,), %.
    metric : standardised, in the same order.
    rank : of each metric in the order of metrics, a permutation of 0 .. n_archs - 1.
    spread : factor of each architecture's deviation, of shape (n_archs,); empty for 1.
    space_accuracy, space_metric : the front of the whole table, both falling, where losses are to
        be counted from that; empty: from the candidates' own.
    n : candidates.
    keys : a random key a repeat, uint64 of shape (n_repeats,).
    values : raw deviations, float64 of shape (n_repeats, n_values).
    repetition : how many candidates share a value, in random order; 1: values are independent.
    owners : see `deal_values`; not read where values are independent.
    standardise : see `standardise_values`.
    sizes : standard deviations (or factors, where not standardised), of shape (n_sizes,).
    accuracy_values, accuracy_repetition, accuracy_owners, accuracy_size : the same for deviations
        on accuracy, in percentage points; values of shape (n_repeats, 0) for none.
    front_reference : hypervolume counts up to 1.1 times the largest metric of the candidates' true
        front instead of that of all candidates.
    space_reference : the metric up to which the hypervolume of the space counts; NaN: unknown.
    limit, budget : see `keep_selected`.
    with_tau : whether to compute Kendall's tau.
    result : float64 of shape (n_repeats, n_sizes, len(MEASURES)), overwritten.
    """
    n_archs = accuracy.size
    words = ((n_archs + 1023) >> 10) << 4
    bits = np.empty(words, np.uint64)
    inner = np.empty(words, np.int32)
    outer = np.empty(words, np.int32)
    chosen = np.empty(n, np.int32)
    own_accuracy = np.empty(n, np.float64)
    own_metric = np.empty(n, np.float64)
    units = np.empty(n, np.float64)
    front = np.empty(n, np.int32)
    selected = np.empty(n, np.int32)
    place = np.empty(n, np.int32)
    sorted_metric = np.empty(n, np.float64)
    predicted = np.empty(n, np.float64)
    sorted_units = np.empty(n, np.float64)
    ties = np.empty(n, np.int32)
    keys_of_values = np.empty(n, np.int32)
    order = np.empty(n, np.int32)
    ordered = np.empty(n, np.float64)
    buckets = np.empty(n + 1, np.int32)
    accuracy_errs = accuracy_values.shape[1] > 0
    accuracy_units = np.empty(n if accuracy_errs else 0, np.float64)
    tied = 0
    scaled = np.empty(values.shape[1], np.float64)
    accuracy_scaled = np.empty(accuracy_values.shape[1], np.float64)
    work = np.empty_like(owners)
    accuracy_work = np.empty_like(accuracy_owners)
    whole = n == n_archs
    n_front = 0
    reference = 0.0
    volume_true = 0.0
    volume_space_true = 0.0
    for repeat in range(keys.size):
        state = keys[repeat]
        fresh = repeat == 0 or not whole  # else the candidates are what they were
        if fresh:
            state = draw_subset(n_archs, n, state, bits, chosen)
            for k in range(n):
                own_accuracy[k] = accuracy[chosen[k]]
                own_metric[k] = metric[chosen[k]]
            n_front = front_of(own_accuracy, own_metric, own_metric, 0.0, n, front)
            reference = 1.1 * (own_metric[front[0]] if front_reference else own_metric.max())
            volume_true = hypervolume_of(own_accuracy, own_metric, front, n_front, reference)
            volume_space_true = hypervolume_of(
                own_accuracy, own_metric, front, n_front, space_reference
            )
        if standardise:
            standardise_values(values[repeat], repetition, n, scaled)
        else:
            scaled[:] = values[repeat]
        if repetition == 1:  # independent values are in random order already
            units[:] = scaled
        else:
            state = deal_values(scaled, owners, n, state, work, units)
        if spread.size:
            for k in range(n):
                units[k] *= spread[chosen[k]]
        if accuracy_errs:
            standardise_values(accuracy_values[repeat], accuracy_repetition, n, accuracy_scaled)
            if accuracy_repetition == 1:
                accuracy_units[:] = accuracy_scaled
            else:
                deal_values(
                    accuracy_scaled, accuracy_owners, n, state, accuracy_work, accuracy_units
                )
        if space_accuracy.size:
            front_accuracy, front_metric = space_accuracy, space_metric
        else:
            front_accuracy, front_metric = own_accuracy[front[:n_front]], own_metric[front[:n_front]]
        if with_tau:
            if fresh:
                if whole:
                    place[:] = rank
                else:
                    places_among(rank, chosen, n, bits, inner, place)
                for k in range(n):
                    sorted_metric[place[k]] = own_metric[k]
                tied = tie_groups(sorted_metric, n, ties)
            for k in range(n):
                sorted_units[place[k]] = units[k]
        for s in range(sizes.size):
            size = sizes[s]
            if accuracy_errs:
                for k in range(n):
                    predicted[k] = -own_accuracy[k] - accuracy_size * accuracy_units[k]
                sort_order(predicted, buckets, keys_of_values, order, ordered)
                for k in range(n):
                    ordered[k] = -ordered[k]
                    predicted[k] = own_metric[order[k]] + size * units[order[k]]
                count = front_of(ordered, predicted, predicted, 0.0, n, selected)
                for i in range(count):
                    selected[i] = order[selected[i]]
            else:
                count = front_of(own_accuracy, own_metric, units, size, n, selected)
            count = keep_selected(own_metric, units, size, limit, budget, selected, count)
            row = result[repeat, s]
            measure(
                own_accuracy,
                own_metric,
                selected,
                count,
                front,
                n_front,
                front_accuracy,
                front_metric,
                reference,
                space_reference,
                limit,
                row,
            )
            row[VOLUME_TRUE], row[VOLUME_SPACE_TRUE] = volume_true, volume_space_true
            row[TAU] = np.nan
            if with_tau:
                for k in range(n):
                    predicted[k] = sorted_metric[k] + size * sorted_units[k]
                sort_order(predicted, buckets, keys_of_values, order, ordered)
                row[TAU] = tau_from_sorted(
                    n, ties, tied, order, ordered, bits, inner, outer, keys_of_values
                )


@compiled
def measure_selection(
    accuracy: Floats,
    metric: Floats,
    position: Ints,
    predicted_accuracy: Floats,
    predicted: Floats,
    space_accuracy: Floats,
    space_metric: Floats,
    front_reference: bool,
    space_reference: float,
    limit: float,
    budget: int,
    result: Floats,
) -> Ints:
    """Select by given predictions and measure what that lost.

    Parameters
    ----------
    accuracy, metric : true values by falling accuracy, float64 of shape (n,).
    position : int32 of shape (n,), where each candidate stands in these.
    predicted_accuracy, predicted : the predictions, by falling predicted accuracy like `position`.
    space_accuracy, space_metric, front_reference, space_reference, limit, budget : see `simulate_block`.
    result : float64 of shape (len(MEASURES),), overwritten, all but tau.

    Returns
    -------
    Positions of the selected in the order of the predictions.
    """
    n = accuracy.size
    front = np.empty(n, np.int32)
    n_front = front_of(accuracy, metric, metric, 0.0, n, front)
    reference = 1.1 * (metric[front[0]] if front_reference else metric.max())
    if space_accuracy.size:
        front_accuracy, front_metric = space_accuracy, space_metric
    else:
        front_accuracy, front_metric = accuracy[front[:n_front]], metric[front[:n_front]]
    selected = np.empty(n, np.int32)
    count = front_of(predicted_accuracy, predicted, predicted, 0.0, n, selected)
    count = keep_selected(predicted, predicted, 0.0, limit, budget, selected, count)
    measure(
        accuracy,
        metric,
        position[selected[:count]],
        count,
        front,
        n_front,
        front_accuracy,
        front_metric,
        reference,
        space_reference,
        limit,
        result,
    )
    result[VOLUME_TRUE] = hypervolume_of(accuracy, metric, front, n_front, reference)
    result[VOLUME_SPACE_TRUE] = hypervolume_of(accuracy, metric, front, n_front, space_reference)
    return selected[:count]
