"""Selections by accuracy and several metrics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.simulation import evaluate_selection
from hwbench.simulation.joint import _evaluate, pareto_set, simulate_joint_selection

points = st.integers(2, 25).flatmap(
    lambda n: st.lists(st.tuples(*[st.integers(0, 4)] * 5), min_size=n, max_size=n).map(
        lambda rows: np.array(rows, dtype=float)
    )
)


@given(points)
def test_pareto_set_is_what_its_definition_says(array):
    accuracy, metrics = array[:, 0], array[:, 1:3]
    kept = []
    for i in range(len(array)):
        no_worse = (accuracy >= accuracy[i]) & (metrics <= metrics[i]).all(axis=1)
        better = no_worse & ((accuracy > accuracy[i]) | (metrics < metrics[i]).any(axis=1))
        if not better.any() and not (no_worse & ~better)[:i].any():
            kept.append(i)
    assert sorted(pareto_set(accuracy, metrics)) == kept
    assert (np.diff(accuracy[pareto_set(accuracy, metrics)]) <= 0).all()


@given(points)
def test_losses_are_what_their_definition_says(array):
    accuracy, metrics, guess = array[:, 0], array[:, 1:3], array[:, 3:5]
    found = _evaluate(accuracy, metrics, guess, None)
    lost = [
        max(accuracy[(metrics <= metrics[i]).all(axis=1)]) - accuracy[i]
        for i in pareto_set(accuracy, guess)
    ]
    assert found["mra_all"] == pytest.approx(np.mean(lost))
    assert found["hypervolume"] <= found["hypervolume_true"]
    assert 0 <= found["hypervolume_share"] <= 1
    assert min(found["igd_plus"], found["epsilon_additive"]) >= 0


@given(points, st.sampled_from([None, 2]))
def test_one_metric_is_the_same_as_without_several(array, budget):
    accuracy, metric, guess = array[:, 0], array[:, 1], array[:, 2]
    joint = _evaluate(accuracy, metric[:, None], guess[:, None], budget)
    single = evaluate_selection(accuracy, metric, guess, budget=budget)
    for name, value in joint.items():
        assert value == pytest.approx(single[name], abs=1e-9, nan_ok=True), name


def test_perfect_predictors_lose_nothing():
    generator = np.random.default_rng(0)
    metrics = generator.gamma(4.0, size=(300, 2))
    accuracy = 60 + 5 * np.log(metrics.prod(axis=1)) + generator.normal(size=300)
    options = {"n_candidates": 100, "repeats": 5, "seed": 3}
    perfect = simulate_joint_selection(accuracy, metrics, deviation=0.0, **options)
    nothing = ["mra_all", "mra_pareto", "igd_plus", "epsilon_additive"]
    assert (perfect[nothing] == 0).all(axis=None)
    assert (perfect["hypervolume_share"] == 1).all()
    np.testing.assert_allclose(perfect[["front_recall", "kendall_tau"]], 1)
    one_errs = simulate_joint_selection(accuracy, metrics, deviation=[0.5, 0.0], **options)
    assert (one_errs["mra_all"] > 0).any()
    assert one_errs.equals(
        simulate_joint_selection(accuracy, metrics, deviation=[0.5, 0.0], **options)
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_candidates": 11}, r"2 \.\. 10"),
        ({"repeats": 0}, "repeats"),
        ({"budget": 0}, "budget"),
        ({"deviation": [0.1, 0.2, 0.3]}, "one for all or 2"),
        ({"deviation": -1.0}, "at least 0"),
        ({"deviations": "mixd"}, "did you mean 'mixed'"),
    ],
)
def test_bad_options_are_refused(changes, message):
    options = {"n_candidates": 5, "deviation": 0.1, "repeats": 1, **changes}
    metrics = np.arange(20.0).reshape(10, 2)
    with pytest.raises(HwbenchError, match=message):
        simulate_joint_selection(np.arange(10.0), metrics, **options)
    with pytest.raises(HwbenchError, match="missing"):
        simulate_joint_selection(np.full(10, np.nan), metrics, n_candidates=5, deviation=0.1)
    with pytest.raises(HwbenchError, match="shape"):
        simulate_joint_selection(np.arange(9.0), metrics, n_candidates=5, deviation=0.1)
    with pytest.raises(HwbenchError, match="equal"):
        simulate_joint_selection(np.arange(10.0), 0 * metrics, n_candidates=5, deviation=0.1)
