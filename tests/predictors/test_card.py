"""Cards say everything about a predictor, and are checked when read."""

import numpy as np
import pytest

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.predictors import SearchRange
from hwbench.predictors.card import DEFAULT_PREDICTOR
from hwbench.predictors.registry import MODELS

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
    searched = {}
    for name in hb.list_predictors():
        searched[name] = set(hb.predictor_card(name).search)
        known = hb.make_predictor(name, space=space).estimator.get_params()
        assert searched[name] <= set(known), name
    assert {"alpha"} == searched["ridge"]


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
        (
            ("title", "extra = 'tourch'\ntitle"),
            "unknown extra of hwbench",
        ),
        (('family = "kernel"', ""), "'family' is missing"),
        (("title = ", "title == "), "no valid TOML"),
        (("title = ", "cost = 9\ntitle = "), "cost must be at most 7, not 9"),
        (("sklearn.neighbors:KNeighborsRegressor", "mpl"), "unknown estimator 'mpl'; did you mean"),
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


def test_a_card_of_0_1_0_has_defaults_for_what_is_new(hwbench_home):
    _write(hwbench_home, CARD)
    card = hb.predictor_card("nearest")
    assert (card.needs_sources, card.own_training_set) == (False, False)
    assert (card.cost, card.tried_first, card.only_if_named, card.fit_often) == (3, None, "", {})


def test_a_card_of_0_1_0_of_the_family_transfer_needs_sources(hwbench_home):
    _write(hwbench_home, CARD.replace("kernel", "transfer"))
    assert hb.predictor_card("nearest").needs_sources


def test_a_family_is_a_word_of_one_s_own(hwbench_home):
    _write(hwbench_home, CARD.replace('"kernel"', '"memory based"'))
    assert hb.predictor_card("nearest").family == "memory based"


@pytest.mark.parametrize(
    "estimator", ["mlp", "hwbench.predictors.models.mlp:MLP", "hwbench.predictors.mlp:MLP"]
)
def test_an_estimator_by_its_short_name_by_path_and_by_its_path_in_0_1_0(hwbench_home, estimator):
    card = CARD.replace("sklearn.neighbors:KNeighborsRegressor", estimator).partition("[")[0]
    _write(hwbench_home, card)
    assert hb.predictor_card("nearest").estimator == "hwbench.predictors.models.mlp:MLP"
    assert type(hb.make_predictor("nearest", space="nasbench201").estimator).__name__ == "MLP"


def test_short_names_are_those_of_the_zoo():
    used = {hb.predictor_card(name).estimator for name in hb.list_predictors()}
    assert set(MODELS.built_in.values()) <= used
    for name in MODELS.built_in:
        assert {"fit", "predict", "get_params"} <= set(dir(MODELS.load(name)))


def test_what_advice_tries_first_has_one_order():
    places = [hb.predictor_card(name).tried_first for name in hb.list_predictors()]
    given = sorted(place for place in places if place is not None)
    assert given == list(range(1, len(given) + 1))
    assert hb.predictor_card(DEFAULT_PREDICTOR).tried_first == 1


def test_hyper_parameters_for_frequent_fits_are_the_estimators():
    space = hb.get_space("nasbench201")
    often = {name: hb.predictor_card(name).fit_often for name in hb.list_predictors()}
    for name, changes in often.items():
        hb.make_predictor(name, space=space, **changes)  # else it says which is unknown
    changed = {"likelihood_rows", "max_iterations", "robust", "work_prior"}
    assert changed == set(often["structural_gaussian_process"])


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
