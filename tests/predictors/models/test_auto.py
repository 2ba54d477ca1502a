"""The chooser weighs its candidates by their errors on rows they were not fitted on."""

import numpy as np
import pytest

import hwbench as hb
from hwbench.predictors.models import auto

SPACE = hb.get_space("nasbench201")
ARCHS = SPACE.sample(120, seed=0)
PAIRS = SPACE.encode(ARCHS)[:, :5] @ np.ones(5) * SPACE.encode(ARCHS)[:, 12]
TARGETS = SPACE.flops(ARCHS) / 1e8 + 3 * PAIRS


def fitted(candidates, n_rows=120):
    model = auto.Auto(space=SPACE, candidates=candidates, random_state=0)
    return model.fit(ARCHS[:n_rows], TARGETS[:n_rows])


def test_weights_are_shares_and_the_mixture_is_their_mean():
    model = fitted(("structural_gaussian_process", "ridge", "lightgbm"))
    assert sum(model.weights_.values()) == pytest.approx(1.0)
    assert max(model.weights_, key=model.weights_.get) == "structural_gaussian_process"
    mixture = sum(
        model.weights_[name] * each.predict(ARCHS) for name, each in model.models_.items()
    )
    np.testing.assert_allclose(model.predict(ARCHS), mixture)


def test_fewer_than_five_rows_are_left_to_the_first_candidate():
    model = fitted(("ridge", "linear"), auto.FEWEST_ROWS - 1)
    assert model.weights_ == {"ridge": 1.0, "linear": 0}
    assert model.leaderboard_["kendall_tau"].isna().all()


@pytest.mark.parametrize("n_rows", [5, 12])
def test_few_rows_choose_among_the_cheap(n_rows):
    model = fitted(auto.CANDIDATES, n_rows)
    assert "mlp_small" not in model.weights_
    assert model.weights_["structural_gaussian_process"] > 0.3
    board = model.leaderboard_
    assert board["share"].tolist() == sorted(board["share"], reverse=True)
    assert np.isfinite(board[["kendall_tau", "error"]].to_numpy()).all()


def test_rows_outweigh_the_belief_in_the_first_candidate():
    noisy = auto._OutOfFold(np.array([[0.0, 1.0]] * 4), np.ones(4), None)
    many = auto._OutOfFold(np.array([[0.0, 1.0]] * 400), np.ones(400), None)
    assert auto._shares(noisy)[0] > 0.7
    assert auto._shares(many)[1] > 0.95


@pytest.mark.parametrize("first", ["structural_gaussian_process", "ridge"])
def test_deviations_hold_the_errors(first):
    model = auto.Auto(space=SPACE, candidates=(first, "bayesian_ridge_counts"), random_state=0)
    generator = np.random.default_rng(0)
    noisy = TARGETS + generator.normal(0, 0.5, len(TARGETS))
    model.fit(ARCHS[:60], noisy[:60])
    mean, deviation = model.predict(ARCHS[60:], return_std=True)
    assert (deviation > 0).all()
    assert (np.abs(mean - noisy[60:]) <= 2 * deviation).mean() >= 0.85


def test_another_encoding_than_the_card_s():
    assert set(fitted(("ridge:structure",)).models_) == {"ridge:structure"}
    assert fitted(("ridge:structure",)).models_["ridge:structure"].encoding == "structure"


@pytest.mark.parametrize(("enough", "n_folds"), [(20, 1), (25, 2), (10**6, 5)])
def test_no_more_folds_than_are_needed_to_weigh(monkeypatch, enough, n_folds):
    monkeypatch.setattr(auto, "ENOUGH_OUT_OF_FOLD", enough)
    made = []
    make = auto.make_predictor
    monkeypatch.setattr(auto, "make_predictor", lambda *a, **k: made.append(a) or make(*a, **k))
    model = fitted(("ridge", "linear"))
    assert len(made) == 2 * n_folds + len(model.models_)
