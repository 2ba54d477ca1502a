"""Simulated selections in compiled code: many repeats, each at several sizes of deviations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import Floats
from hwbench.simulation.compiled import Ints, Owners, Words, compiled
from hwbench.simulation.draws import deal_values, draw_subset, places_among, standardise_values
from hwbench.simulation.kendall import sort_order, tau_from_sorted, tie_groups
from hwbench.simulation.measures import (
    TAU,
    front_of,
    hypervolume_of,
    keep_selected,
    measure,
)


@compiled
def simulate_block(  # noqa: C901  every branch is an option of the one loop
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
    owners: Owners,
    standardise: bool,
    sizes: Floats,
    accuracy_values: Floats,
    accuracy_repetition: int,
    accuracy_owners: Owners,
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
            front_accuracy, front_metric = (
                own_accuracy[front[:n_front]],
                own_metric[front[:n_front]],
            )
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
                volume_true,
                volume_space_true,
                limit,
                row,
            )
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
    space_accuracy, space_metric, front_reference, space_reference, limit, budget : see
        `simulate_block`.
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
        hypervolume_of(accuracy, metric, front, n_front, reference),
        hypervolume_of(accuracy, metric, front, n_front, space_reference),
        limit,
        result,
    )
    return selected[:count]
