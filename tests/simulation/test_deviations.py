"""How simulated predictors err."""

import numpy as np
import pytest
from scipy import stats

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.simulation.deviations import (
    DEVIATION_MODELS,
    bootstrap_model,
    deviation_model,
    draw_deviations,
    spread_by_metric,
)


@pytest.mark.parametrize("name", DEVIATION_MODELS)
def test_deviations_have_the_wanted_size(name):
    values = draw_deviations(DEVIATION_MODELS[name], 15000, 0.35, np.random.default_rng(0))
    assert values.mean() == pytest.approx(0, abs=1e-12)
    assert values.std() == pytest.approx(0.35)
    repetition = 15 if name == "mixed" else 1
    assert len(np.unique(values)) == 15000 // repetition


def test_mixed_values_are_drawn_from_the_published_distributions():
    n, drawn = 4000, []
    model = deviation_model("mixed")
    values = model.draw(np.random.default_rng(0), (n, 50))

    # The same by scipy's distributions, value for value from other random numbers.
    generator = np.random.default_rng(1)
    for shift in generator.uniform(0, 2, size=n):
        part = generator.choice(3, size=50, p=[0.725, 0.265, 0.01])
        centre, scale = np.array([shift, -shift, 0.0])[part], np.array([1.0, 3.0, 1.0])[part]
        normal = stats.norm(centre, scale).rvs(random_state=generator)
        uniform = stats.uniform(-15, 30).rvs(size=50, random_state=generator)
        drawn.append(np.where(part == 2, uniform, normal))
    drawn = np.array(drawn)
    assert stats.ks_2samp(values.ravel(), drawn.ravel()).pvalue > 1e-3
    assert stats.ks_2samp(values.mean(axis=1), drawn.mean(axis=1)).pvalue > 1e-3
    assert np.mean(np.abs(values) > 11) == pytest.approx(np.mean(np.abs(drawn) > 11), abs=4e-4)


def test_student_has_heavier_tails_than_normal_and_uniform_none():
    generator = np.random.default_rng(0)
    kurtosis = {
        name: stats.kurtosis(draw_deviations(DEVIATION_MODELS[name], 30000, 1.0, generator))
        for name in ("uniform", "normal", "student", "mixed")
    }
    assert kurtosis["uniform"] == pytest.approx(-1.2, abs=0.1)
    assert kurtosis["normal"] == pytest.approx(0.0, abs=0.2)
    assert min(kurtosis["student"], kurtosis["mixed"]) > 1


@pytest.fixture
def objectives():
    generator = np.random.default_rng(0)
    metric = generator.gamma(4.0, size=500)
    return 60 + 5 * np.log(metric) + generator.normal(size=500), metric


def test_bootstrapped_deviations_keep_their_size_unless_scaled(objectives):
    real = np.random.default_rng(1).normal(0.1, 0.4, size=300)
    options = {"n_candidates": 500, "repeats": 40}
    own = hb.simulate_selection(*objectives, deviation=None, deviations=real, **options)
    size = real.std()
    same = hb.simulate_selection(*objectives, deviation=size, deviations="normal", **options)
    scaled = hb.simulate_selection(*objectives, deviation=0.1, deviations=real, **options)
    assert own["kendall_tau"].mean() == pytest.approx(same["kendall_tau"].mean(), abs=0.01)
    assert scaled["kendall_tau"].mean() > own["kendall_tau"].mean() + 0.1


def test_errors_that_grow_with_the_metric(objectives):
    accuracy, metric = objectives
    options = {"n_candidates": 500, "deviation": 0.3, "repeats": 40}
    even = hb.simulate_selection(accuracy, metric, **options)
    nowhere = np.where(metric > np.median(metric), 1.0, 0.0)
    half = hb.simulate_selection(accuracy, metric, spread=nowhere, **options)
    scaled = hb.simulate_selection(accuracy, metric, spread=7 * nowhere, **options)
    assert half.equals(scaled)  # sizes are relative
    assert not half.equals(even)
    np.testing.assert_allclose(spread_by_metric([2.0, -3.0], 2), [4, 9])
    np.testing.assert_allclose(spread_by_metric([2.0, 0.0], 0), [1, 1])


def test_errors_on_accuracy_cost_accuracy(objectives):
    options = {"n_candidates": 300, "deviation": 0.2, "repeats": 50}
    known = hb.simulate_selection(*objectives, **options)
    predicted = hb.simulate_selection(*objectives, accuracy_deviation=2.0, **options)
    assert predicted["mra_all"].mean() > known["mra_all"].mean()
    assert (predicted["kendall_tau"] == known["kendall_tau"]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: deviation_model("mixd"), "did you mean 'mixed'"),
        (lambda: bootstrap_model([1.0], scaled=True), "shape"),
        (lambda: bootstrap_model([1.0, np.nan], scaled=True), "missing or infinite"),
        (lambda: bootstrap_model([1.0, 1.0], scaled=True), "equal"),
        (lambda: spread_by_metric([1.0, 0.0], -1), "negative power"),
        (lambda: spread_by_metric([1.0, 2.0], np.nan), "finite"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(HwbenchError, match=message):
        call()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spread": np.ones(499)}, r"shape \(500,\)"),
        ({"spread": np.zeros(500)}, "not all 0"),
        ({"spread": -np.ones(500)}, "not negative"),
        ({"accuracy_deviation": -1}, "accuracy_deviation"),
        ({"limit": np.nan}, "limit"),
        ({"budget": 0}, "budget"),
        ({"deviation": None}, "no size of their own"),
    ],
)
def test_bad_options_are_refused(objectives, changes, message):
    options = {"n_candidates": 100, "deviation": 0.1, "repeats": 1, **changes}
    with pytest.raises(HwbenchError, match=message):
        hb.simulate_selection(*objectives, **options)
