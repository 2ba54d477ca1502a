"""Every predictor of the zoo keeps the same promises, and learns."""

import numpy as np
import pytest

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.testing import check_predictor

SPACES = ("nasbench201", "nasbench_macro")

# Few steps: what is checked is that promises are kept, not that training has come to its end.
QUICK = {
    "bananas": {"steps": 20, "n_layers": 3},
    "binary_relation_gcn": {"steps": 20, "passes": 1},
    "bohamiann": {"burn_in": 20, "steps": 20, "keep_every": 5},
    "bonas": {"steps": 20, "passes": 1},
    "gcn": {"steps": 20, "passes": 1},
    "graph_vae": {"steps": 20, "vae_graphs": 60, "vae_epochs": 1, "hidden_size": 16},
    "mlp_large": {"steps": 20, "n_layers": 5},
    "mlp_small": {"steps": 20},
    "nao": {"steps": 10, "passes": 1},
    "sparse_gaussian_process": {"iterations": 3},
    "gaussian_process": {"iterations": 5},
    "gaussian_process_counts": {"iterations": 5},
    "catboost": {"iterations": 30},
    "lightgbm": {"n_estimators": 20},
    "ngboost": {"n_estimators": 20},
    "random_forest": {"n_estimators": 10},
    "xgboost": {"n_estimators": 20},
    "auto": {"candidates": ("structural_gaussian_process", "ridge"), "folds": 2},
    "graph_features_forest": {"n_estimators": 10},
}
CASES = [
    (name, space)
    for name in hb.list_predictors()
    for space in SPACES
    if hb.predictor_card(name).encoding in hb.get_space(space).encodings
]
LEARNS_LITTLE = {
    "lookup_table": 0.1,  # random architectures hold few neighbours of one baseline
    "bayesian_ridge_counts": 0.2,  # counts do not say where an operation stands
    "gaussian_process_counts": 0.2,
    "bonas": 0.2,  # convolutions say little of it
    "gcn": 0.2,
    "graph_vae": 0.4,  # sums over vertices say less of where an operation stands
    "binary_relation_gcn": 0.2,
}
FEWER_STEPS = {
    "binary_relation_gcn": {"steps": 300, "passes": 1},
    **{name: {"steps": 500} for name in ("bananas", "mlp_large")},
    **{name: {"steps": 500, "passes": 1} for name in ("gcn", "nao")},
    "bonas": {"steps": 200, "passes": 1},
    "graph_vae": {"vae_graphs": 1000, "vae_epochs": 2},
}

LONG = {("nao", "nasbench201"), ("bohamiann", "nasbench_macro")}
"""Fits of a quarter of a minute and more, whose like is fitted elsewhere."""


@pytest.fixture(params=SPACES)
def space(request):
    return hb.get_space(request.param)


@pytest.mark.parametrize(("name", "where"), CASES)
def test_keeps_its_promises(name, where):
    check_predictor(name, space=where, **QUICK.get(name, {}))


def _latency(space, archs):
    """A metric as devices have it: a sum of costs and one interaction, in milliseconds."""
    cost = np.random.default_rng(7).uniform(0, 2, size=(space.n_positions, max(space.n_choices)))
    additive = cost[np.arange(space.n_positions), archs].sum(axis=1)
    return 3.0 + additive + 0.5 * (archs[:, 0] == archs[:, 1])


@pytest.mark.parametrize(
    ("name", "where"),
    [pytest.param(*case, marks=pytest.mark.slow if case in LONG else ()) for case in CASES],
)
def test_learns_to_rank(name, where):
    space = hb.get_space(where)
    archs = space.sample(400, seed=1)
    latency = _latency(space, archs)
    parameters = FEWER_STEPS.get(name, QUICK["auto"] if name == "auto" else {})
    model = hb.make_predictor(name, space=space, seed=0, **parameters)
    model.fit(archs[:200], latency[:200])
    prediction = model.predict(archs[200:])
    assert prediction.shape == (200,)
    assert prediction.dtype == np.float64
    correlation = np.corrcoef(prediction, latency[200:])[0, 1]
    assert correlation > LEARNS_LITTLE.get(name, 0.6)


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
