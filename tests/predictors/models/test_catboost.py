"""CatBoost keeps to itself: no files, no output, nothing it cannot split."""

import numpy as np
import pytest
from catboost import CatBoostRegressor

import hwbench as hb
from hwbench.predictors.models.catboost import CatBoost


@pytest.fixture
def data():
    space = hb.get_space("nasbench201")
    features = space.encode(space.sample(120, seed=1))
    return features, features @ np.random.default_rng(0).normal(size=features.shape[1])


def test_is_the_library_with_the_same_parameters(data):
    features, targets = data
    chosen = {"iterations": 30, "learning_rate": 0.2, "depth": 3, "l2_leaf_reg": 1.5, "rsm": 0.7}
    model = CatBoost(**chosen, random_state=5).fit(features, targets)
    theirs = CatBoostRegressor(
        **chosen, random_seed=5, thread_count=1, verbose=False, allow_writing_files=False
    ).fit(features, targets)
    np.testing.assert_array_equal(model.predict(features), theirs.predict(features))


def test_writes_no_files_and_says_nothing(data, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    CatBoost(iterations=20).fit(*data).predict(data[0])
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_rows_that_are_all_the_same_predict_their_mean():
    model = CatBoost(iterations=5).fit(np.ones((4, 3)), np.array([1.0, 2.0, 3.0, 6.0]))
    np.testing.assert_array_equal(model.predict(np.zeros((2, 3))), [3.0, 3.0])
