"""The structural Gaussian process: its algebra, its symmetry, its honesty."""

import pickle

import numpy as np
import pytest
from scipy.stats import kendalltau

import hwbench as hb
from hwbench.predictors.models.grouped_kernel import GroupedKernel
from hwbench.predictors.models.structural_gaussian_process import StructuralGaussianProcess
from hwbench.predictors.models.structural_process import lower_factor
from hwbench.spaces.structure import StructuralFeatures

SPACE = hb.get_space("nasbench201")


def _latency(archs, seed=0):
    """Launches, arithmetic, a cost of each place, and noise, in milliseconds."""
    generator = np.random.default_rng(seed)
    live = SPACE.encode(archs, "live")
    place = live @ generator.uniform(0, 0.3, size=live.shape[1])
    work = SPACE.flops(archs) / SPACE.flops(SPACE.all_architectures()).max()
    return 2 + 3 * work + place + 0.05 * generator.normal(size=len(archs))


@pytest.fixture(scope="module")
def kernel():
    generator = np.random.default_rng(0)
    features = [generator.normal(size=(20, 4)), generator.normal(size=(20, 2))]
    found = GroupedKernel(2)
    return found, generator.normal(size=found.size) * 0.5, features


def test_the_covariance_is_the_formula(kernel):
    found, logs, features = kernel
    a, b, lengths = np.exp(logs[:2]), np.exp(logs[2:4]), np.exp(logs[4:6])
    c, joint_lengths = np.exp(logs[6]), np.exp(logs[7:])
    expected = np.ones((20, 20))
    for i in range(20):
        for j in range(20):
            total = 0.0
            for g in range(2):
                d = ((features[g][i] - features[g][j]) ** 2).sum() / 2
                expected[i, j] += a[g] * features[g][i] @ features[g][j]
                expected[i, j] += b[g] * np.exp(-d / lengths[g] ** 2)
                total += d / joint_lengths[g] ** 2
            expected[i, j] += c * np.exp(-total)
    np.testing.assert_allclose(found.between(logs, features, features), expected)
    np.testing.assert_allclose(np.tril(found.among(logs, features)), np.tril(expected))
    np.testing.assert_allclose(found.variance(logs, features), np.diagonal(expected))
    covariance = found.pairs(features).covariance(logs)
    np.testing.assert_allclose(np.tril(covariance), np.tril(expected))


def test_the_gradient_is_that_of_finite_differences(kernel):
    found, logs, features = kernel
    pairs = found.pairs(features)
    weights = np.random.default_rng(1).normal(size=(20, 20))
    weights += weights.T

    def weighted(parameters):
        lower = np.tril(pairs.covariance(parameters))
        return (weights * (lower + np.tril(lower, -1).T)).sum()

    steps = 1e-6 * np.eye(found.size)
    expected = [(weighted(logs + step) - weighted(logs - step)) / 2e-6 for step in steps]
    pairs.covariance(logs)
    np.testing.assert_allclose(pairs.gradient(weights), expected, rtol=1e-5, atol=1e-6)


def test_large_sets_are_computed_in_blocks(kernel, monkeypatch):
    found, logs, features = kernel
    whole = found.among(logs, features)
    monkeypatch.setattr("hwbench.predictors.models.grouped_kernel.ROWS_AT_ONCE", 7)
    np.testing.assert_allclose(np.tril(found.among(logs, features)), np.tril(whole))


@pytest.mark.parametrize("name", hb.list_spaces())
def test_every_space_has_structure(name):
    space = hb.get_space(name)
    count = min(20, space.n_architectures)
    archs = space.sample(count, seed=0)
    structure = StructuralFeatures(space)
    groups = structure.groups(archs)
    assert tuple(groups) == structure.names
    assert {"operations", "counts"} <= set(groups)
    assert all(np.isfinite(values).all() for values in groups.values())
    assert np.isfinite(structure.work(archs)).all()
    model = hb.make_predictor("structural_gaussian_process", space=space)
    others = space.sample(min(5, count), seed=1)
    assert np.isfinite(model.fit(archs, np.arange(float(count))).predict(others)).all()


def test_twins_are_predicted_alike():
    archs = SPACE.sample(60, seed=1)
    model = hb.make_predictor("structural_gaussian_process", space=SPACE)
    model.fit(archs, _latency(archs))
    everything = SPACE.all_architectures()
    twins = SPACE.twins(everything)
    moved = (twins != everything).any(axis=1)
    assert moved.sum() > 1000
    np.testing.assert_allclose(model.predict(everything[moved]), model.predict(twins[moved]))


def test_few_measurements_and_deviations_that_hold():
    archs = SPACE.sample(1000, seed=2)
    latency = _latency(archs)
    model = hb.make_predictor("structural_gaussian_process", space=SPACE)
    model.fit(archs[:60], latency[:60])
    mean, deviation = model.predict(archs[60:], return_std=True)
    assert kendalltau(latency[60:], mean).statistic > 0.85
    inside = np.abs(mean - latency[60:]) < 1.645 * deviation
    assert 0.75 < inside.mean() <= 1


def test_a_pickle_is_small_and_knows_its_deviations():
    archs = SPACE.sample(300, seed=3)
    model = hb.make_predictor("structural_gaussian_process", space=SPACE, max_iterations=3)
    model.fit(archs, _latency(archs))
    expected = model.predict(archs[:9], return_std=True)
    text = pickle.dumps(model)
    assert len(text) < 300 * 300 * 8
    restored = pickle.loads(text)  # noqa: S301
    np.testing.assert_allclose(restored.predict(archs[:9], return_std=True), expected)


def test_more_rows_than_allowed_are_drawn_by_seed():
    archs = SPACE.sample(120, seed=4)
    latency = _latency(archs)
    features = SPACE.encode(archs, "integers")

    def fitted(seed):
        model = StructuralGaussianProcess(SPACE, most_rows=50, max_iterations=2, random_state=seed)
        return model.fit(features, latency).predict(features)

    np.testing.assert_array_equal(fitted(0), fitted(0))
    assert not np.array_equal(fitted(0), fitted(1))


def test_rounding_errors_do_not_end_a_fit():
    """A covariance whose rounding errors exceed the noise, as a line search meets."""
    features = np.random.default_rng(0).normal(size=(30, 3))
    covariance = 1e4 * features @ features.T
    covariance[0, 0] -= 1e-3  # of a matrix of rank 3: no longer positive
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.cholesky(covariance + 1e-6 * np.eye(30))
    factor = lower_factor(covariance.copy, 1e-6)
    np.testing.assert_allclose(factor @ factor.T, covariance, atol=1.0)


def test_a_good_covariance_is_left_as_it_is():
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    expected = np.linalg.cholesky(covariance + 0.1 * np.eye(2))
    np.testing.assert_array_equal(lower_factor(covariance.copy, 0.1), expected)


def test_what_is_no_covariance_is_refused():
    with pytest.raises(np.linalg.LinAlgError):
        lower_factor(lambda: np.array([[1.0, 5.0], [5.0, 1.0]]), 0.1)


def test_outliers_get_a_noise_of_their_own():
    archs = SPACE.sample(260, seed=6)
    features, latency = SPACE.encode(archs, "integers"), _latency(archs)
    disturbed = latency.copy()
    disturbed[[3, 17, 31]] += 4.0
    taus = {}
    for robust in (True, False):
        model = StructuralGaussianProcess(SPACE, robust=robust, random_state=0)
        model.fit(features[:60], disturbed[:60])
        taus[robust] = kendalltau(model.predict(features[60:]), latency[60:]).statistic
        found = np.flatnonzero(model.processes_[0].outlier_noise)
        assert found.tolist() == ([3, 17, 31] if robust else [])
    assert taus[True] > taus[False]


def test_a_new_measurement_may_be_an_outlier_as_often_as_those_looked_at():
    archs = SPACE.sample(180, seed=7)
    features, latency = SPACE.encode(archs, "integers"), _latency(archs)
    latency[::20] += 4.0
    model = StructuralGaussianProcess(SPACE, likelihood_rows=90, random_state=0)
    (process,) = model.fit(features, latency).processes_
    assert process.outlier_variance == pytest.approx(process.outlier_noise.sum() / 90)
    assert process.outlier_variance > 0


@pytest.mark.parametrize("count", [40, 120])
def test_what_a_metric_grows_with_is_chosen_by_evidence(count):
    archs = SPACE.sample(count, seed=8)
    features = SPACE.encode(archs, "integers")
    noise = 0.02 * np.random.default_rng(0).normal(size=count)
    counts = SPACE.encode(archs, "counts").astype(float)
    dead_cost_too = counts @ np.array([0.1, 0.2, 1.0, 2.0, 0.5])[: counts.shape[1]] + noise
    model = StructuralGaussianProcess(SPACE, random_state=0).fit(features, dead_cost_too)
    assert model.processes_[0].features == "counts"
    model.fit(features, _latency(archs))
    assert model.processes_[0].features == "structure"
    assert model.shares_.sum() == pytest.approx(1.0)


def test_left_out_rows_are_predicted_as_by_a_fit_without_them():
    archs = SPACE.sample(30, seed=9)
    features, latency = SPACE.encode(archs, "integers"), _latency(archs)
    still = {"work_prior": 0.0, "robust": False, "max_iterations": 0}
    model = StructuralGaussianProcess(SPACE, **still).fit(features, latency)
    left_out = model.leave_one_out(latency)
    process = model.processes_[0]
    covariance = process.kernel.between(process.parameters[:-1], process.rows, process.rows)
    covariance[np.diag_indices(30)] += np.exp(process.parameters[-1])
    values = (latency - process.offset) / process.scale
    for row in (0, 7, 29):
        rest = np.delete(np.arange(30), row)
        weights = np.linalg.solve(covariance[np.ix_(rest, rest)], values[rest])
        expected = covariance[row, rest] @ weights * process.scale + process.offset
        assert left_out[row] == pytest.approx(expected, rel=1e-6)
