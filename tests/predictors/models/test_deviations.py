"""Deviations of forests, boosted trees and processes of few rows hold what they say."""

import numpy as np
import pytest
from scipy.linalg import cholesky

import hwbench as hb
from hwbench.predictors.models.leave_one_out import leave_one_out, over_confidence
from hwbench.predictors.models.random_forest import LEAST_DEVIATION

SPACE = hb.get_space("nasbench201")
ARCHS = SPACE.sample(400, seed=0)
TARGETS = SPACE.flops(ARCHS) / 1e8 + np.random.default_rng(0).normal(0, 0.2, 400)


def test_leaving_out_is_fitting_without():
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(12, 3))
    covariance = rows @ rows.T + 0.3 * np.eye(12)
    values = generator.normal(size=12)
    factor = cholesky(covariance, lower=True)
    errors, deviations = leave_one_out(factor, np.linalg.solve(covariance, values))
    for row in range(12):
        others = np.arange(12) != row
        gain = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, row])
        assert errors[row] == pytest.approx(values[row] - gain @ values[others])
        left = covariance[row, row] - gain @ covariance[others, row]
        assert deviations[row] == pytest.approx(np.sqrt(left))
    assert over_confidence(factor, values * 10) > over_confidence(factor, values)
    assert over_confidence(factor, values / 1000) == 1.0


def test_a_forest_s_deviation_is_that_of_its_trees_leaves():
    features = SPACE.encode(ARCHS)
    model = hb.make_predictor("random_forest", space=SPACE, n_estimators=7).estimator
    model.fit(features[:60], TARGETS[:60])
    mean, deviation = model.predict(features[60:80], return_std=True)
    second = np.zeros(20)
    for tree in model.estimators_:
        leaves = tree.apply(features[60:80])
        second += tree.tree_.impurity[leaves] + tree.predict(features[60:80]) ** 2
    expected = np.sqrt(np.maximum(second / 7 - mean**2, 0) + LEAST_DEVIATION**2)
    np.testing.assert_allclose(deviation, expected)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("catboost", {"iterations": 40}),
        ("ngboost", {"n_estimators": 8}),
        ("random_forest", {"n_estimators": 30}),
        ("bayesian_linear_regression", {}),
        ("gaussian_process_counts", {}),
    ],
)
@pytest.mark.parametrize("n_rows", [25, 100])
def test_two_deviations_hold_most_measurements(name, parameters, n_rows):
    model = hb.make_predictor(name, space=SPACE, **parameters)
    model.fit(ARCHS[:n_rows], TARGETS[:n_rows])
    mean, deviation = model.predict(ARCHS[100:], return_std=True)
    assert (deviation > 0).all()
    held = (np.abs(mean - TARGETS[100:]) <= 2 * deviation).mean()
    assert held >= 0.75


@pytest.mark.parametrize("name", ["catboost", "ngboost"])
def test_out_of_fold_errors_are_asked_for_once(name):
    few = {"catboost": {"iterations": 5}, "ngboost": {"n_estimators": 3}}[name]
    model = hb.make_predictor(name, space=SPACE, **few).fit(ARCHS[:20], TARGETS[:20])
    assert model.estimator_.unexplained_ is None
    first = model.predict(ARCHS[20:40], return_std=True)
    assert model.estimator_.unexplained_ > 0
    again = model.predict(ARCHS[20:40], return_std=True)
    np.testing.assert_array_equal(first, again)
    constant = hb.make_predictor(name, space=SPACE, **few).fit(ARCHS[:5], np.ones(5))
    assert (constant.predict(ARCHS[:3], return_std=True)[1] > 0).all()
