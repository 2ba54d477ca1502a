"""Ranks and areas agree with brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hwbench.errors import HwbenchError
from hwbench.fronts.anytime import hypervolumes_so_far
from hwbench.fronts.many import best_first, crowding_distances, front_numbers, non_dominated
from hwbench.search.objectives import Objective, Objectives
from hwbench.simulation import hypervolume


def dominates(a, b):
    return bool((a <= b).all() and (a < b).any())


costs_of = st.integers(1, 3).flatmap(
    lambda m: st.integers(1, 12).flatmap(
        lambda n: arrays(np.float64, (n, m), elements=st.integers(0, 4).map(float))
    )
)


@given(costs_of)
def test_non_dominated(costs):
    expected = [not any(dominates(other, row) for other in costs) for row in costs]
    np.testing.assert_array_equal(non_dominated(costs), expected)


@given(costs_of, st.randoms(use_true_random=False))
def test_front_numbers(costs, random):
    violations = np.array([random.choice([0.0, 0.0, 0.5, 1.0]) for _ in costs])
    left, expected, number = list(range(len(costs))), np.zeros(len(costs), dtype=int), 0

    def beats(i, j):
        if violations[i] or violations[j]:
            return violations[i] < violations[j]
        return dominates(costs[i], costs[j])

    while left:
        best = [i for i in left if not any(beats(j, i) for j in left)]
        expected[best] = number
        left = [i for i in left if i not in best]
        number += 1
    np.testing.assert_array_equal(front_numbers(costs, violations), expected)
    order = best_first(costs, violations)
    assert sorted(order) == list(range(len(costs)))
    assert (np.diff(expected[order]) >= 0).all()


def test_crowding():
    costs = np.array([[0.0, 4.0], [1.0, 2.0], [3.0, 1.0], [4.0, 0.0]])
    np.testing.assert_allclose(
        crowding_distances(costs), [np.inf, 3 / 4 + 3 / 4, 3 / 4 + 2 / 4, np.inf]
    )


@given(
    st.lists(
        st.tuples(st.integers(-1, 9), st.integers(-3, 9)).map(lambda p: (p[0] / 2, p[1] / 2)),
        min_size=1,
        max_size=25,
    )
)
def test_hypervolume_after_every_evaluation(points):
    accuracy, metric = np.array(points, dtype=np.float64).T
    found = hypervolumes_so_far(accuracy, metric, reference_accuracy=0.5, reference_metric=4.0)
    expected = [
        hypervolume(accuracy[:n], metric[:n], reference_accuracy=0.5, reference_metric=4.0)
        for n in range(1, len(points) + 1)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_costs_and_violations():
    objectives = Objectives(
        [
            Objective("accuracy", "maximize", limit=50),
            Objective("latency", limit=4, optimised=False),
            Objective("energy"),
        ]
    )
    values = np.array([[60, 3, 1], [40, 3, 1], [60, 6, 1], [40, 6, 1], [60, np.nan, 1]])
    costs = objectives.costs(values, 5)
    np.testing.assert_array_equal(objectives.values(costs), values)
    np.testing.assert_allclose(objectives.violations(costs), [0, 0.2, 0.5, 0.7, np.inf])
    assert objectives.limited


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"direction": "minimise"}, "did you mean 'minimize'"),
        ({"limit": np.inf}, "limit must be a finite number"),
        ({"optimised": False}, "without a limit"),
    ],
)
def test_wrong_objectives(arguments, message):
    with pytest.raises(HwbenchError, match=message):
        Objective("latency", **arguments)


def test_objectives_that_do_not_go_together():
    with pytest.raises(HwbenchError, match="share a name"):
        Objectives([Objective("a"), Objective("a")])
    with pytest.raises(HwbenchError, match="at least one"):
        Objectives([Objective("a", limit=1, optimised=False)])
