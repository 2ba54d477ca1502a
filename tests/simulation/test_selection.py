"""Selections by simulated predictors: definitions, published figures, bad input."""

import numpy as np
import pandas as pd
import pytest

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.simulation import evaluate_selection


@pytest.fixture
def objectives():
    generator = np.random.default_rng(0)
    metric = generator.gamma(4.0, size=500)
    accuracy = 60 + 5 * np.log(metric) + generator.normal(size=500)
    return accuracy, metric


def test_a_row_a_repeat_with_every_measure(objectives):
    frame = hb.simulate_selection(*objectives, n_candidates=200, deviation=0.3, repeats=7, seed=1)
    assert len(frame) == 7
    wanted = {"mra_all", "mra_pareto", "hypervolume", "kendall_tau", "n_selected"}
    assert wanted <= set(frame.columns)
    assert (frame["mra_all"] >= 0).all()
    assert (frame["hypervolume"] <= frame["hypervolume_true"] + 1e-12).all()


def test_a_perfect_predictor_loses_nothing(objectives):
    frame = hb.simulate_selection(*objectives, n_candidates=300, deviation=0.0, repeats=3)
    assert (frame[["mra_all", "mra_pareto"]] == 0).all(axis=None)
    np.testing.assert_allclose(frame["hypervolume"], frame["hypervolume_true"])
    np.testing.assert_allclose(frame["kendall_tau"], 1)


def test_repeats_depend_on_seed_and_number_alone(objectives):
    options = {"n_candidates": 100, "deviation": 0.4}
    few = hb.simulate_selection(*objectives, repeats=3, seed=5, **options)
    many = hb.simulate_selection(*objectives, repeats=6, seed=5, **options)
    pd.testing.assert_frame_equal(few, many.iloc[:3])
    other = hb.simulate_selection(*objectives, repeats=3, seed=6, **options)
    assert not few.equals(other)


def test_several_deviations_are_each_alone_from_the_same_draws(objectives):
    options = {"n_candidates": 100, "repeats": 4, "seed": 2}
    both = hb.simulate_selection(*objectives, deviation=[0.2, 0.7], **options)
    assert both["deviation"].tolist() == [0.2, 0.7] * 4
    assert both["repeat"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    for deviation, rows in both.groupby("deviation"):
        alone = hb.simulate_selection(*objectives, deviation=deviation, **options)
        pd.testing.assert_frame_equal(rows[alone.columns].reset_index(drop=True), alone)


def test_leaving_out_tau_changes_nothing_else(objectives):
    options = {"n_candidates": 100, "deviation": 0.3, "repeats": 4}
    whole = hb.simulate_selection(*objectives, **options)
    without = hb.simulate_selection(*objectives, with_tau=False, **options)
    assert without.pop("kendall_tau").isna().all()
    pd.testing.assert_frame_equal(without, whole.drop(columns="kendall_tau"))


def test_measures_of_a_selection_done_by_hand():
    accuracy = np.array([70.0, 80.0, 90.0, 85.0])
    metric = np.array([-1.0, 0.0, 1.0, 2.0])
    predicted = np.array([-1.0, 5.0, 1.5, 1.0])  # the second looks dear, the last cheap
    result = evaluate_selection(accuracy, metric, predicted)
    # Selected: 70, 85 and 90; 85 at metric 2 could have been 90.
    assert result["n_selected"] == 3
    assert result["mra_all"] == pytest.approx(5 / 3)
    assert result["n_selected_pareto"] == 2
    assert result["mra_pareto"] == 0
    reference = 2.2
    assert result["hypervolume"] == pytest.approx(0.7 * 2 + 0.9 * (reference - 1))
    assert result["hypervolume_true"] == pytest.approx(0.7 + 0.8 + 0.9 * (reference - 1))


def test_front_of_the_space_is_at_least_as_far(objectives):
    options = {"n_candidates": 50, "deviation": 0.3, "repeats": 5}
    own = hb.simulate_selection(*objectives, **options)
    space = hb.simulate_selection(*objectives, reference_front="space", **options)
    assert (space["mra_all"] >= own["mra_all"]).all()


def test_inputs_stay_as_they_were(objectives):
    accuracy, metric = objectives
    before = accuracy.copy(), metric.copy()
    for pairing in ("true", "as_published"):
        hb.simulate_selection(
            accuracy, metric, n_candidates=50, deviation=0.3, repeats=2, pairing=pairing
        )
    np.testing.assert_array_equal(accuracy, before[0])
    np.testing.assert_array_equal(metric, before[1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_candidates": 501}, "2 .. 500"),
        ({"n_candidates": 1}, "2 .. 500"),
        ({"deviation": -0.1}, "at least 0"),
        ({"deviation": np.nan}, "finite"),
        ({"repeats": 0}, "repeats"),
        ({"pairing": "as_publishd"}, "did you mean 'as_published'"),
        ({"reference_front": "spaces"}, "did you mean 'space'"),
        ({"deviations": "normall"}, "did you mean 'normal'"),
    ],
)
def test_bad_options_are_refused(objectives, changes, message):
    options = {"n_candidates": 100, "deviation": 0.1, "repeats": 1, **changes}
    with pytest.raises(HwbenchError, match=message):
        hb.simulate_selection(*objectives, **options)


def test_bad_values_are_refused(objectives):
    accuracy, metric = objectives
    options = {"n_candidates": 100, "deviation": 0.1, "repeats": 1}
    with pytest.raises(HwbenchError, match="shape"):
        hb.simulate_selection(accuracy[:-1], metric, **options)
    with pytest.raises(HwbenchError, match="accuracy: a value is missing"):
        hb.simulate_selection(np.where(accuracy > 65, np.nan, accuracy), metric, **options)
    with pytest.raises(HwbenchError, match="equal"):
        hb.simulate_selection(accuracy, np.ones(500), **options)
