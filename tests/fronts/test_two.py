"""Fronts and hypervolumes against their definitions and against moocore."""

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hwbench.simulation import hypervolume, pareto_front

# Few different values, so that ties and duplicates are common.
points = st.integers(1, 40).flatmap(
    lambda n: arrays(np.int64, (n, 2), elements=st.integers(0, 7)).map(lambda a: a.astype(float))
)


def _front_by_definition(accuracy, metric):
    kept = []
    for i in range(len(accuracy)):
        no_worse = (accuracy >= accuracy[i]) & (metric <= metric[i])
        better = no_worse & ((accuracy > accuracy[i]) | (metric < metric[i]))
        equal_before = no_worse[:i] & ~better[:i]
        if not better.any() and not equal_before.any():
            kept.append(i)
    return sorted(kept, key=lambda i: metric[i])


@given(points)
def test_front_is_what_its_definition_says(array):
    accuracy, metric = array[:, 0], array[:, 1]
    assert pareto_front(accuracy, metric).tolist() == _front_by_definition(accuracy, metric)


@given(points)
def test_front_agrees_with_moocore(array):
    accuracy, metric = array[:, 0], array[:, 1]
    objectives = np.column_stack([-accuracy, metric])
    expected = np.flatnonzero(moocore.is_nondominated(objectives, keep_weakly=False))
    chosen = objectives[np.sort(pareto_front(accuracy, metric))]
    np.testing.assert_array_equal(
        np.unique(chosen, axis=0), np.unique(objectives[expected], axis=0)
    )
    assert len(chosen) == len(expected)


@given(
    st.integers(0, 40).flatmap(
        lambda n: arrays(
            np.float64, (n, 2), elements=st.sampled_from([-0.0, 0.0, 1.0, 2.5, 1e300, np.inf])
        )
    )
)
def test_front_is_that_of_a_sort_by_both(array):
    accuracy, metric = array.T
    order = np.lexsort((-accuracy, metric))
    best = np.maximum.accumulate(accuracy[order])
    better = np.r_[True, accuracy[order][1:] > best[:-1]][: len(order)]
    np.testing.assert_array_equal(pareto_front(accuracy, metric), order[better])


@given(points, st.integers(-1, 5), st.integers(2, 9))
def test_hypervolume_agrees_with_moocore(array, reference_accuracy, reference_metric):
    accuracy, metric = array[:, 0], array[:, 1]
    expected = moocore.hypervolume(
        np.column_stack([-accuracy, metric]), ref=[-reference_accuracy, reference_metric]
    )
    value = hypervolume(
        accuracy,
        metric,
        reference_accuracy=reference_accuracy,
        reference_metric=reference_metric,
    )
    assert value == pytest.approx(expected, abs=1e-9)
