"""Model files keep a fitted predictor whole, and nothing that a file says is ever run."""

import json
import os
import pickle
import sys
import textwrap
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.predictors import model_file, model_pickle
from hwbench.predictors.model_file import load_model, read_model_card, save_model
from hwbench.predictors.model_pickle import dump_model, load_pickled_model
from hwbench.predictors.regressor import ArchitectureRegressor

SPACE = hb.get_space("nasbench201")


@pytest.fixture(scope="module")
def data():
    archs = SPACE.sample(60, seed=1)
    return archs, SPACE.flops(archs) / 1e6 + np.random.default_rng(0).normal(size=60)


@pytest.fixture
def saved(data, tmp_path):
    """A saved ridge regression; gives its path."""
    path = tmp_path / "model.hwb"
    model = hb.make_predictor("ridge", space=SPACE).fit(*data)
    save_model(model, path, predictor="ridge", target="t:latency", unit="ms", training_size=60)
    return path


def _members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _rewrite(path, **changes):
    """Replace members of a file; card and model stand for their names."""
    names = {"card": "card.json", "model": "model.pickle"}
    members = _members(path) | {names[key]: content for key, content in changes.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _change_card(path, **changes):
    card = json.loads(_members(path)["card.json"]) | changes
    _rewrite(path, card=json.dumps(card))


def _complaint(read, *arguments):
    """What is wrong with a file, or nothing; any other error than the project's own is raised."""
    try:
        read(*arguments)
    except HwbenchError as error:
        return str(error)
    return ""


def _refused(path, **options):
    with pytest.raises(HwbenchError) as error:
        load_model(path, **options)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


# ---------------------------------------------------------------------- what is kept


OLD_FILES = Path(__file__).parent / "files_of_0_1_0"
OLD_PREDICTIONS = json.loads((OLD_FILES / "predictions.json").read_text())


@pytest.mark.parametrize("name", OLD_PREDICTIONS)
def test_models_of_0_1_0_predict_what_they_did(name):
    path = OLD_FILES / f"{name}.hwb"
    assert read_model_card(path).hwbench == "0.1.0"
    model = load_model(path)
    found = model.predict(SPACE.sample(40, seed=1)[:5])
    np.testing.assert_allclose(found, OLD_PREDICTIONS[name], rtol=1e-6)


def test_models_of_another_version_say_which(saved):
    _change_card(saved, versions={"hwbench": "0.0.9"})
    assert "was fitted with hwbench 0.0.9, here is" in _refused(saved)


def test_a_model_of_a_space_that_is_known_by_its_path_alone(ladder, tmp_path):
    space = hb.get_space(ladder)
    archs = space.sample(30, seed=0)
    model = hb.make_predictor("ridge", space=space).fit(archs, archs.sum(axis=1))
    path = tmp_path / "model.hwb"
    save_model(model, path)
    np.testing.assert_array_equal(load_model(path).predict(archs), model.predict(archs))
    for module in [each for each in sys.modules if each.startswith("hwbench_ladder")]:
        del sys.modules[module]
    assert "import paths in files are not followed" in _refused(path)


QUICK = {
    "graph_vae": {"vae_graphs": 60, "vae_epochs": 1},
    **{name: {"steps": 50} for name in ("bananas", "mlp_large")},
    **{name: {"steps": 50, "passes": 1} for name in ("binary_relation_gcn", "bonas", "gcn", "nao")},
}
"""Files hold what was fitted, however well."""


@pytest.mark.parametrize("name", hb.list_predictors())
def test_every_predictor_predicts_the_same_from_its_file(name, data, tmp_path):
    archs, latency = data
    quick = QUICK.get(name, {})
    model = hb.make_predictor(name, space=SPACE, seed=0, **quick).fit(archs[:40], latency[:40])
    card = save_model(model, tmp_path / "model.hwb", predictor=name)
    again = load_model(tmp_path / "model.hwb")
    np.testing.assert_allclose(again.predict(archs), model.predict(archs), rtol=1e-9)
    assert card.uncertainty == hb.predictor_card(name).uncertainty
    if card.uncertainty:
        np.testing.assert_allclose(
            again.predict(archs, return_std=True), model.predict(archs, return_std=True), rtol=1e-9
        )


@pytest.mark.parametrize(
    "estimator",
    [
        HistGradientBoostingRegressor(max_iter=3, random_state=0),
        GradientBoostingRegressor(n_estimators=3, random_state=np.random.RandomState(0)),
        KNeighborsRegressor(algorithm="kd_tree"),
        KernelRidge(),
        make_pipeline(StandardScaler(), MLPRegressor(max_iter=200, tol=0.1, random_state=0)),
        TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_other_estimators_of_scikit_learn(estimator, data, tmp_path):
    archs, latency = data
    model = ArchitectureRegressor(estimator, SPACE).fit(archs, latency)
    save_model(model, tmp_path / "model.hwb")
    again = load_model(tmp_path / "model.hwb")
    np.testing.assert_allclose(again.predict(archs), model.predict(archs))
    assert again.regressor.fit(archs, latency).predict(archs).shape == (60,)


def test_card_says_what_was_fitted(saved):
    card = read_model_card(saved)
    assert card.predictor == "ridge"
    assert card.estimator == "sklearn.linear_model._ridge:Ridge"
    assert (card.space, card.encoding) == ("nasbench201", "onehot")
    assert (card.target, card.unit, card.training_size) == ("t:latency", "ms", 60)
    assert card.features == tuple(SPACE.feature_names("onehot"))
    assert card.parameters["alpha"] == 1.0
    assert set(card.versions) == {"hwbench", "scikit-learn"}
    assert not card.uncertainty


def test_same_model_is_the_same_file(data, tmp_path):
    model = hb.make_predictor("random_forest", space=SPACE, seed=0).fit(*data)
    contents = []
    for name in ("a.hwb", "b.hwb"):
        save_model(model, tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_tensors_travel_as_arrays():
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.BatchNorm1d(4))
    network[0].bias.requires_grad_(False)
    value = {
        "network": network,
        "weight": network[0].weight,
        "half": torch.arange(4, dtype=torch.float16).reshape(2, 2).T,
        "number": torch.tensor(3),
        "type": torch.float64,
        "device": torch.device("cpu"),
    }
    content, modules = dump_model(value)
    assert "torch.nn.modules.linear" in modules
    again = load_pickled_model(content)
    assert again["weight"] is again["network"][0].weight
    assert isinstance(again["weight"], torch.nn.Parameter)
    assert not again["network"][0].bias.requires_grad
    assert torch.equal(again["half"], value["half"])
    assert again["half"].dtype == torch.float16
    assert again["number"].item() == 3
    assert (again["type"], again["device"]) == (torch.float64, torch.device("cpu"))
    rows = torch.randn(5, 3)
    assert torch.equal(again["network"](rows), network(rows))


def test_arrays_and_generators_travel():
    value = {
        "table": np.array([(1, 2.5)], dtype=[("a", "<i4"), ("b", "<f8")]),
        "order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "objects": np.array([[1, 2], None, "x"], dtype=object),
        "scalar": np.float32(1.5),
        "dtype": np.dtype("float64"),
        "type": np.float64,
        "old": np.random.RandomState(3),
        "new": np.random.default_rng(3),
        "bytes": bytearray(b"abc"),
    }
    again = load_pickled_model(dump_model(value)[0])
    assert again["table"].tolist() == [(1, 2.5)]
    assert again["order"].flags.f_contiguous
    assert again["objects"].tolist() == [[1, 2], None, "x"]
    assert again["scalar"].dtype == np.float32
    assert (again["dtype"], again["type"]) == (np.float64, np.float64)
    assert again["old"].uniform() == value["old"].uniform()
    assert again["new"].uniform() == value["new"].uniform()
    assert again["bytes"] == b"abc"


# ---------------------------------------------------------------------- hostile files


class _Call:
    """Pickles as a call of whatever function."""

    def __init__(self, function, *arguments):
        self.how = (function, arguments)

    def __reduce__(self):
        return self.how


class _Change:
    """Pickles as a change of an object's attributes."""

    def __init__(self, function, arguments, state):
        self.how = (function, arguments, state)

    def __reduce__(self):
        return self.how


def _run(*_arguments):
    raise AssertionError("a file has had its way")


@pytest.mark.parametrize(
    "call",
    [
        _Call(os.system, "exit 1"),
        _Call(eval, "1"),
        _Call(exec, "1"),
        _Call(getattr, "x", "format"),
        _Call(__import__, "os"),
        _Call(open, "/dev/null"),
        _Call(np.load, "x"),
        _Call(np.memmap, "x"),
        _Call(torch.load, "x"),
        _Call(pickle.loads, b""),
        _Call(textwrap.dedent, "x"),
        _Call(hb.load_table, "x"),
        _Call(_run),
    ],
    ids=lambda call: call.how[0].__name__,
)
def test_functions_are_never_called(saved, call):
    for protocol in (0, 1, 2, 4, 5):
        _rewrite(saved, model=pickle.dumps(call, protocol))
        message = _refused(saved)
        assert "names " in message
        assert "trust=" not in message or call.how[0] is _run


def test_constructors_are_never_called(saved):
    for call in (_Call(Ridge, 1.0), _Call(torch.nn.Linear, 3, 4)):
        _rewrite(saved, model=pickle.dumps(call, 4))
        assert "made with malice" in _refused(saved)


def test_functions_as_values_are_refused_and_classes_are_inert(saved):
    _rewrite(saved, model=pickle.dumps({"predict": os.system}))
    assert "posix.system" in _refused(saved).replace("nt.system", "posix.system")
    value = load_pickled_model(pickle.dumps({"predict": Ridge}, 4))["predict"]
    assert not callable(value)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("lightgbm.basic", "_InnerPredictor"),  # frees what an attribute points to
        ("xgboost.core", "DMatrix"),
        ("torch.jit", "ScriptModule"),
        ("torch.serialization", "load"),
        ("sklearn.base", "warnings"),
        ("sklearn.utils", "Path"),
        ("hwbench.predictors.make", "make_predictor"),
        ("hwbench.predictors.model_pickle", "sys"),
        ("torch_geometric.nn.sequential", "Sequential"),  # generates code from its state
    ],
)
def test_only_some_classes_of_the_libraries(saved, module, name):
    _rewrite(saved, model=b"\x80\x04c" + f"{module}\n{name}\n".encode() + b".")
    message = _refused(saved)
    assert f"{module}.{name}" in message


@pytest.mark.parametrize("name", ["Ridge.fit.__globals__", "fit\x00", "a b", ""])
def test_names_that_reach_further(saved, name):
    content = (
        b"\x80\x04\x8c\x14sklearn.linear_model\x8c" + bytes([len(name)]) + name.encode() + b"\x93."
    )
    _rewrite(saved, model=content)
    _refused(saved)


def test_what_is_shared_is_not_changed(saved):
    state = {"n_positions": 3, "choices": ()}
    _rewrite(saved, model=pickle.dumps(_Change(hb.get_space, ("nasbench201",), state), 4))
    assert "changes what it did not make" in _refused(saved)
    assert SPACE.n_positions == 6


@pytest.mark.parametrize(
    "maker",
    [
        _Call(model_pickle.number_type, "O"),
        _Call(model_pickle.array, b"\x93NUMPY\x01\x00\x76\x00{'descr': '|O'}"),
        _Call(model_pickle.generator, {"bit_generator": "seed"}),
        _Call(model_pickle.random_state, {"state": {"pos": 10**6}}),
        _Call(bytearray, 10**12),
        _Call(model_pickle.object_array, (10**9,), [1]),
    ],
    ids=lambda call: call.how[0].__name__,
)
def test_makers_check_what_they_are_given(saved, maker):
    _rewrite(saved, model=pickle.dumps(maker, 4))
    _refused(saved)


def test_objects_of_other_kinds_are_no_models(saved):
    for value in (1, {"a": 2}, Ridge(), ArchitectureRegressor(Ridge(), SPACE)):
        _rewrite(saved, model=dump_model(value)[0])
        assert "holds no fitted predictor" in _refused(saved)


# ---------------------------------------------------------------------- broken files


def test_missing_and_foreign_files(tmp_path, saved):
    assert "no such file" in _refused(tmp_path / "gone.hwb")
    assert "no regular file" in _refused(tmp_path)
    (tmp_path / "text.hwb").write_text("no zip")
    assert "is no model" in _refused(tmp_path / "text.hwb")
    with zipfile.ZipFile(tmp_path / "other.hwb", "w") as archive:
        archive.writestr("data.txt", "x")
    assert "is no model" in _refused(tmp_path / "other.hwb")


def test_damage_anywhere_is_told(saved):
    whole = saved.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        saved.write_bytes(whole[:length])
        _refused(saved)
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), size=60):
        content = bytearray(whole)
        content[place] ^= 1 << int(rng.integers(8))
        saved.write_bytes(content)
        # Some bits of a zip archive, such as its dates, mean nothing.
        assert "\n" not in _complaint(load_model, saved)


def test_damaged_pickles_are_told(saved, data):
    whole = _members(saved)["model.pickle"]
    for length in (0, 1, 50, len(whole) - 1):
        _rewrite(saved, model=whole[:length])
        assert "damaged" in _refused(saved)
    rng = np.random.default_rng(1)
    for place in rng.integers(0, len(whole), size=150):
        content = bytearray(whole)
        content[place] = int(rng.integers(256))
        assert "\n" not in _complaint(load_pickled_model, bytes(content))


def test_more_bytes_than_are_read(saved, monkeypatch):
    monkeypatch.setattr(model_file, "MOST_MODEL_BYTES", 100)
    assert "more than the 100" in _refused(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"space": "nasbench20"}, "card is of another model"),
        ({"encoding": "counts"}, "card is of another model"),
        ({"features": ["a"]}, "had other operations"),
        ({"format": 99}, "newer format"),
        ({"features": 3}, "card.json is damaged"),
        ({"versions": {"scikit-learn": "0.24.1"}}, "was fitted with scikit-learn 0.24.1, here is"),
    ],
)
def test_cards_that_do_not_fit(saved, change, message):
    _change_card(saved, **change)
    assert message in _refused(saved)


def test_any_version_is_the_callers_wish(saved, data):
    _change_card(saved, versions={"scikit-learn": "0.24.1"})
    assert load_model(saved, any_version=True).predict(data[0]).shape == (60,)


def test_a_space_that_is_gone(saved):
    content = _members(saved)["model.pickle"].replace(b"nasbench201", b"nasbench20x")
    _rewrite(saved, model=content)
    assert "did you mean 'nasbench201'" in _refused(saved)


# ---------------------------------------------------------------------- one's own classes


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """A module of the user's own with an estimator."""
    (tmp_path / "my_module.py").write_text(
        textwrap.dedent(
            """
            import os
            import numpy as np
            from sklearn.base import BaseEstimator, RegressorMixin

            class Mean(RegressorMixin, BaseEstimator):
                def fit(self, X, y):
                    self.mean_ = float(np.mean(y))
                    self.n_features_in_ = X.shape[1]
                    return self

                def predict(self, X):
                    return np.full(len(X), self.mean_)
            """
        )
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield __import__("my_module")
    sys.modules.pop("my_module", None)


def test_own_classes_need_trust(own_module, data, tmp_path):
    archs, latency = data
    path = tmp_path / "own.hwb"
    save_model(ArchitectureRegressor(own_module.Mean(), SPACE).fit(archs, latency), path)
    message = _refused(path)
    assert "my_module.Mean" in message
    assert "trust=('my_module',)" in message
    again = load_model(path, trust=("my_module",))
    np.testing.assert_allclose(again.predict(archs), latency.mean())


def test_trust_ends_at_what_a_module_imports(own_module, saved):
    content = b"\x80\x04\x8c\x09my_module\x8c\x09os.system\x93\x8c\x01x\x85R."
    _rewrite(saved, model=content)
    assert "my_module.os.system" in _refused(saved, trust=("my_module",))


def test_a_trusted_module_that_is_not_there(saved):
    _rewrite(saved, model=b"\x80\x04cgone_module\nMean\n.")
    assert "needs gone_module" in _refused(saved, trust=("gone_module",))


# ---------------------------------------------------------------------- saving


class _WithFunction(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        self.function_ = lambda rows: rows
        return self

    def predict(self, X):
        return np.zeros(len(X))


def test_what_cannot_be_saved_leaves_no_file(data, tmp_path):
    model = ArchitectureRegressor(_WithFunction(), SPACE).fit(*data)
    with pytest.raises(HwbenchError, match="cannot be saved"):
        save_model(model, tmp_path / "model.hwb")
    with pytest.raises(HwbenchError, match=r"must end in \.hwb"):
        save_model(model, tmp_path / "model.pkl")
    assert list(tmp_path.iterdir()) == []
