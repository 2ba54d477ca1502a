"""Cards say everything about a predictor, and are checked when read."""

import numpy as np
import pytest

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.predictors import SearchRange

CARD = """
title = "Nearest neighbours"
family = "kernel"
paper = "Cover and Hart 1967"
estimator = "sklearn.neighbors:KNeighborsRegressor"

[defaults]
n_neighbors = 3
"""


def _write(home, text):
    path = home / "predictors" / "nearest.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_every_card_searches_only_what_its_estimator_has():
    space = hb.get_space("nasbench201")
    for name in hb.list_predictors():
        card = hb.predictor_card(name)
        known = hb.make_predictor(name, space=space).estimator.get_params()
        assert set(card.search) <= set(known), name


def test_a_card_and_no_code_joins_the_zoo(hwbench_home):
    _write(hwbench_home, CARD)
    assert "nearest" in hb.list_predictors()
    space = hb.get_space("nasbench_macro")
    archs = space.sample(30)
    model = hb.make_predictor("nearest", space=space).fit(archs, np.arange(30.0))
    assert model.estimator_.n_neighbors == 3
    assert model.predict(archs).shape == (30,)


def test_a_card_can_be_named_by_its_path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(CARD)
    assert hb.predictor_card(str(path)).title == "Nearest neighbours"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("paper", "papre"), "did you mean 'paper'"),
        (("title", "encoding = 'one_hot'\ntitle"), "did you mean 'onehot'"),
        (('family = "kernel"', ""), "'family' is missing"),
        (("title = ", "title == "), "no valid TOML"),
        (("[defaults]", "[search]\nn_neighbors = {low = 5, high = 2}\n[defaults]"), "larger high"),
    ],
)
def test_a_broken_card_is_one_line_naming_file_and_key(hwbench_home, change, message):
    path = _write(hwbench_home, CARD.replace(*change))
    with pytest.raises(HwbenchError) as error:
        hb.predictor_card("nearest")
    assert str(path) in str(error.value)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [("nowhere.at_all:Thing", "cannot be imported"), ("sklearn.svm:SVRR", "has no 'SVRR'")],
)
def test_an_estimator_that_is_not_there(hwbench_home, estimator, message):
    _write(hwbench_home, CARD.replace("sklearn.neighbors:KNeighborsRegressor", estimator))
    with pytest.raises(HwbenchError, match=message):
        hb.make_predictor("nearest", space="nasbench201")


def test_defaults_that_do_not_fit(hwbench_home):
    _write(hwbench_home, CARD.replace("n_neighbors", "n_neighbours"))
    with pytest.raises(HwbenchError, match="defaults do not fit"):
        hb.make_predictor("nearest", space="nasbench201")


def test_search_ranges():
    assert SearchRange(choices=("a", "b")).choices == ("a", "b")
    with pytest.raises(ValueError, match="logarithmic"):
        SearchRange(low=0, high=1, log=True)
    with pytest.raises(ValueError, match="either"):
        SearchRange(low=0, choices=(1,))
