"""Model files keep a fitted predictor whole, and nothing that a file says is ever run."""

import hashlib
import json
import sys
import textwrap
import zipfile
from pathlib import Path

import numpy as np
import pytest
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
from hwbench.predictors import model_file
from hwbench.predictors.fitted_model import data_digest
from hwbench.predictors.model_file import load_model, read_model_card, save_model
from hwbench.predictors.model_reading import load_pickled_model
from hwbench.predictors.regressor import ArchitectureRegressor

SPACE = hb.get_space("nasbench201")


@pytest.fixture
def saved(data, tmp_path):
    """A saved ridge regression; gives its path."""
    path = tmp_path / "model.hwb"
    model = hb.make_predictor("ridge", space=SPACE).fit(*data)
    save_model(model, path, predictor="ridge", target="t:latency", unit="ms", training_size=60)
    return path


def _complaint(read, *arguments):
    """What is wrong with a file, or nothing; any other error than the project's own is raised."""
    try:
        read(*arguments)
    except HwbenchError as error:
        return str(error)
    return ""


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
    np.testing.assert_array_equal(
        model.predict(SPACE.to_strings(SPACE.sample(40, seed=1)[:5])), found
    )
    assert model.version == "0.1.0"
    assert (model.data_sha256, model.direction, model.expected_tau) == ("", "", None)
    assert "hwbench 0.1.0" in repr(model)
    assert "hwbench 0.1.0" in model._repr_html_()


def test_a_hash_tells_measurements_apart(data):
    archs, latency = data
    texts = SPACE.to_strings(archs)
    digest = data_digest(texts, latency)
    assert digest == data_digest(texts, latency.copy())
    assert digest != data_digest(texts[::-1], latency)
    assert digest != data_digest(texts, np.nextafter(latency, np.inf))
    pairs = zip(texts, latency.tolist(), strict=True)
    lines = "".join(f"{text},{value!r}\n" for text, value in pairs)
    assert digest == hashlib.sha256(lines.encode()).hexdigest()


def test_models_of_another_version_say_which(saved, model_files):
    model_files.change_card(saved, versions={"hwbench": "0.0.9"})
    assert "was fitted with hwbench 0.0.9, here is" in model_files.refused(saved)


def test_a_model_of_a_space_that_is_known_by_its_path_alone(ladder, tmp_path, model_files):
    space = hb.get_space(ladder)
    archs = space.sample(30, seed=0)
    model = hb.make_predictor("ridge", space=space).fit(archs, archs.sum(axis=1))
    path = tmp_path / "model.hwb"
    save_model(model, path)
    np.testing.assert_array_equal(load_model(path).predict(archs), model.predict(archs))
    for module in [each for each in sys.modules if each.startswith("hwbench_ladder")]:
        del sys.modules[module]
    assert "import paths in files are not followed" in model_files.refused(path)


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
def test_other_estimators_of_scikit_learn_need_trust(estimator, data, tmp_path, model_files):
    archs, latency = data
    model = ArchitectureRegressor(estimator, SPACE).fit(archs, latency)
    save_model(model, tmp_path / "model.hwb")
    message = model_files.refused(tmp_path / "model.hwb")
    assert "no predictor of hwbench is made of" in message
    assert "trust=('sklearn',), --trust sklearn" in message
    again = load_model(tmp_path / "model.hwb", trust=("sklearn",))
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


# ---------------------------------------------------------------------- broken files


def test_missing_and_foreign_files(tmp_path, saved, model_files):
    assert "no such file" in model_files.refused(tmp_path / "gone.hwb")
    assert "no regular file" in model_files.refused(tmp_path)
    (tmp_path / "text.hwb").write_text("no zip")
    assert "is no model" in model_files.refused(tmp_path / "text.hwb")
    with zipfile.ZipFile(tmp_path / "other.hwb", "w") as archive:
        archive.writestr("data.txt", "x")
    assert "is no model" in model_files.refused(tmp_path / "other.hwb")


def test_damage_anywhere_is_told(saved, model_files):
    whole = saved.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        saved.write_bytes(whole[:length])
        model_files.refused(saved)
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), size=60):
        content = bytearray(whole)
        content[place] ^= 1 << int(rng.integers(8))
        saved.write_bytes(content)
        # Some bits of a zip archive, such as its dates, mean nothing.
        assert "\n" not in _complaint(load_model, saved)


def test_damaged_pickles_are_told(saved, data, model_files):
    whole = model_files.members(saved)["model.pickle"]
    for length in (0, 1, 50, len(whole) - 1):
        model_files.rewrite(saved, model=whole[:length])
        assert "damaged" in model_files.refused(saved)
    rng = np.random.default_rng(1)
    for place in rng.integers(0, len(whole), size=150):
        content = bytearray(whole)
        content[place] = int(rng.integers(256))
        assert "\n" not in _complaint(load_pickled_model, bytes(content))


def test_more_bytes_than_are_read(saved, monkeypatch, model_files):
    monkeypatch.setattr(model_file, "MOST_MODEL_BYTES", 100)
    assert "more than the 100" in model_files.refused(saved)


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
def test_cards_that_do_not_fit(saved, change, message, model_files):
    model_files.change_card(saved, **change)
    assert message in model_files.refused(saved)


def test_any_version_is_the_callers_wish(saved, data, model_files):
    model_files.change_card(saved, versions={"scikit-learn": "0.24.1"})
    assert load_model(saved, any_version=True).predict(data[0]).shape == (60,)


def test_a_space_that_is_gone(saved, model_files):
    content = model_files.members(saved)["model.pickle"].replace(b"nasbench201", b"nasbench20x")
    model_files.rewrite(saved, model=content)
    assert "did you mean 'nasbench201'" in model_files.refused(saved)


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


def test_own_classes_need_trust(own_module, data, tmp_path, model_files):
    archs, latency = data
    path = tmp_path / "own.hwb"
    save_model(ArchitectureRegressor(own_module.Mean(), SPACE).fit(archs, latency), path)
    message = model_files.refused(path)
    assert "my_module.Mean" in message
    assert "trust=('my_module',)" in message
    again = load_model(path, trust=("my_module",))
    np.testing.assert_allclose(again.predict(archs), latency.mean())


def test_trust_ends_at_what_a_module_imports(own_module, saved, model_files):
    content = b"\x80\x04\x8c\x09my_module\x8c\x09os.system\x93\x8c\x01x\x85R."
    model_files.rewrite(saved, model=content)
    assert "my_module.os.system" in model_files.refused(saved, trust=("my_module",))


def test_a_trusted_module_that_is_not_there(saved, model_files):
    model_files.rewrite(saved, model=b"\x80\x04cgone_module\nMean\n.")
    assert "needs gone_module" in model_files.refused(saved, trust=("gone_module",))


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
