"""Every predictor of the zoo keeps the same promises."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone

import hwbench as hb
from hwbench.errors import HwbenchError

SPACES = ("nasbench201", "nasbench_macro")


@pytest.fixture(params=SPACES)
def space(request):
    return hb.get_space(request.param)


@pytest.fixture(params=hb.list_predictors())
def name(request):
    return request.param


def _latency(space, archs):
    """A metric as devices have it: a sum of costs and one interaction, in milliseconds."""
    cost = np.random.default_rng(7).uniform(0, 2, size=(space.n_positions, max(space.n_choices)))
    additive = cost[np.arange(space.n_positions), archs].sum(axis=1)
    return 3.0 + additive + 0.5 * (archs[:, 0] == archs[:, 1])


def test_learns_to_rank(space, name):
    archs = space.sample(400, seed=1)
    latency = _latency(space, archs)
    model = hb.make_predictor(name, space=space, seed=0).fit(archs[:200], latency[:200])
    prediction = model.predict(archs[200:])
    assert prediction.shape == (200,)
    assert prediction.dtype == np.float64
    correlation = np.corrcoef(prediction, latency[200:])[0, 1]
    # Random architectures hold few neighbours of one baseline, so the table knows little of them.
    assert correlation > (0.1 if name == "lookup_table" else 0.6)


def test_same_seed_same_numbers(space, name):
    archs = space.sample(80, seed=1)
    latency = _latency(space, archs)

    def predict():
        return hb.make_predictor(name, space=space, seed=3).fit(archs, latency).predict(archs)

    np.random.seed(11)  # noqa: NPY002  the global state must not matter
    first = predict()
    np.random.seed(12)  # noqa: NPY002
    np.testing.assert_array_equal(first, predict())


def test_clone_and_pickle_fit_alike(space, name):
    archs = space.sample(60, seed=2)
    latency = _latency(space, archs)
    model = hb.make_predictor(name, space=space, seed=0)
    expected = model.fit(archs, latency).predict(archs)
    np.testing.assert_array_equal(clone(model).fit(archs, latency).predict(archs), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(archs), expected)  # noqa: S301


@pytest.mark.parametrize("training_size", [2, 3, 7])
def test_fits_few_architectures(space, name, training_size):
    archs = space.sample(50, seed=4)
    latency = _latency(space, archs)
    model = hb.make_predictor(name, space=space, seed=0)
    prediction = model.fit(archs[:training_size], latency[:training_size]).predict(archs)
    assert np.isfinite(prediction).all()


def test_constant_targets_are_predicted(space, name):
    archs = space.sample(40, seed=5)
    model = hb.make_predictor(name, space=space, seed=0).fit(archs, np.full(40, 4.25))
    np.testing.assert_allclose(model.predict(archs), 4.25, atol=1e-6)


def test_inputs_stay_as_they_were(space, name):
    archs = space.sample(40, seed=5)
    latency = _latency(space, archs)
    archs_before, latency_before = archs.copy(), latency.copy()
    hb.make_predictor(name, space=space, seed=0).fit(archs, latency).predict(archs)
    np.testing.assert_array_equal(archs, archs_before)
    np.testing.assert_array_equal(latency, latency_before)


def test_unit_of_the_target_does_not_matter(space, name):
    archs = space.sample(60, seed=6)
    latency = _latency(space, archs)
    in_ms = hb.make_predictor(name, space=space, seed=0).fit(archs, latency).predict(archs)
    # A power of two scales without rounding, so even the trees must split alike.
    other = hb.make_predictor(name, space=space, seed=0).fit(archs, latency * 2**20).predict(archs)
    np.testing.assert_allclose(other / 2**20, in_ms, rtol=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_missing_targets_are_refused_by_row(space, bad):
    archs = space.sample(10, seed=0)
    targets = np.arange(10.0)
    targets[4] = bad
    with pytest.raises(HwbenchError, match="row 4"):
        hb.make_predictor("ridge", space=space).fit(archs, targets)


def test_wrong_shapes_are_refused(space):
    archs = space.sample(10, seed=0)
    model = hb.make_predictor("ridge", space=space)
    with pytest.raises(HwbenchError, match=r"shape \(10,\)"):
        model.fit(archs, np.arange(9.0))
    with pytest.raises(HwbenchError, match="at least 2"):
        model.fit(archs[:1], [1.0])
    with pytest.raises(HwbenchError, match=space.name):
        model.fit(archs[:, :-1], np.arange(10.0))


def test_unknown_names_say_the_nearest(space):
    with pytest.raises(HwbenchError, match="did you mean 'xgboost'"):
        hb.make_predictor("xgbost", space=space)
    with pytest.raises(HwbenchError, match="did you mean 'alpha'"):
        hb.make_predictor("ridge", space=space, alhpa=2.0)
    with pytest.raises(HwbenchError, match="did you mean 'onehot'"):
        hb.make_predictor("ridge", space=space, encoding="one_hot").fit(
            space.sample(5), np.arange(5.0)
        )


def test_parameters_replace_the_defaults(space):
    model = hb.make_predictor("ridge", space=space, alpha=2.5)
    assert model.get_params()["estimator__alpha"] == 2.5


def test_encoding_is_an_axis(space):
    archs = space.sample(200, seed=8)
    latency = _latency(space, archs)
    model = hb.make_predictor("ridge", space=space, encoding="counts").fit(archs, latency)
    assert model.estimator_.n_features_in_ == len(space.feature_names("counts"))
