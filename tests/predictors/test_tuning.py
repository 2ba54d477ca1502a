"""The search inside a fit: on training rows alone, within its limits, and told in full."""

from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge

import hwbench as hb
from hwbench.predictors import SearchRange
from hwbench.predictors.tuning import (
    Tuning,
    draw,
    fold_of_rows,
    out_of_fold_predictions,
    same_networks,
    tune,
)

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(60, 8))
Y = X @ GENERATOR.normal(size=8) + 0.3 * GENERATOR.normal(size=60)
ALPHA = {"alpha": SearchRange(low=1e-4, high=1e4, log=True)}


class Recorder(RegressorMixin, BaseEstimator):
    """A ridge that notes which rows it was fitted to."""

    seen: ClassVar[list] = []

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y):
        Recorder.seen.append(np.asarray(X).copy())
        self.model_ = Ridge(alpha=self.alpha).fit(X, y)
        return self

    def predict(self, X):
        return self.model_.predict(X)


class Fragile(Recorder):
    def fit(self, X, y):
        if self.alpha > 1:
            raise ValueError("alpha is too large for me")
        return super().fit(X, y)


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_finds_what_is_better_than_the_defaults(method):
    record = tune(Ridge(alpha=1e4), X, Y, ALPHA, Tuning(trials=15, method=method), seed=0)
    assert len(record.scores) == len(record.configurations) == 15
    assert record.configurations[0] == {}
    assert max(record.scores) >= record.scores[0]
    assert record.best["alpha"] < 1e3
    assert not record.stopped_by_time
    assert not record.errors


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_a_seed_fixes_the_search(method):
    first, again, other = (
        tune(Ridge(), X, Y, ALPHA, Tuning(trials=6, method=method), seed=seed) for seed in (3, 3, 4)
    )
    assert first.configurations == again.configurations
    assert first.scores == again.scores
    assert first.configurations != other.configurations


def test_time_ends_it_and_the_record_says_so():
    record = tune(Ridge(), X, Y, ALPHA, Tuning(trials=10**6, seconds=0.2), seed=0)
    assert record.stopped_by_time
    assert 1 <= len(record.scores) < 10**6
    assert record.seconds >= 0.2


def test_every_row_is_predicted_by_a_model_that_never_saw_it():
    folds = fold_of_rows(60, 5, seed=0)
    assert np.bincount(folds).tolist() == [12] * 5
    Recorder.seen.clear()
    out_of_fold_predictions(Recorder(), X, Y, folds, [{}, {"alpha": 2.0}])
    assert len(Recorder.seen) == 10
    for place, rows in enumerate(Recorder.seen):
        left_out = X[folds == place % 5]
        assert not (rows[:, None, :] == left_out[None]).all(axis=2).any()
        assert len(rows) + len(left_out) == 60


def test_rows_of_one_network_are_in_one_fold():
    space = hb.get_space("nasbench201")
    some = space.sample(40, seed=3)
    archs = np.concatenate([some, space.twins(some), some[:5]])
    networks = same_networks(space, archs)
    folds = fold_of_rows(len(archs), 5, 0, networks)
    assert np.bincount(folds).min() >= len(archs) // 5 - 3
    for network in np.unique(networks):
        assert len(np.unique(folds[networks == network])) == 1
    assert np.array_equal(networks[:40], networks[40:80])
    assert same_networks(space, archs[:1]) is None
    own = np.unique(networks[:40], return_index=True)[1]
    apart = archs[own]
    assert same_networks(space, apart) is None
    alone = fold_of_rows(len(apart), 5, 0, np.arange(len(apart)))
    assert np.ptp(np.bincount(alone)) <= 1


def test_a_configuration_that_fails_is_noted_and_never_chosen():
    record = tune(Fragile(), X, Y, ALPHA, Tuning(trials=12), seed=1)
    assert len(record.scores) == 12
    assert record.errors
    assert set(record.errors) == set(np.flatnonzero(np.isnan(record.scores)))
    assert "alpha is too large" in next(iter(record.errors.values()))
    assert record.best.get("alpha", 0) <= 1


def test_where_all_fail_the_defaults_stand():
    record = tune(
        Fragile(alpha=5.0), X, Y, {"alpha": SearchRange(low=2.0, high=3.0)}, Tuning(trials=3), 0
    )
    assert record.best == {}
    assert len(record.errors) == 3


def test_draws_stay_in_their_range_and_fill_it():
    generator = np.random.default_rng(0)
    whole = [draw(SearchRange(low=2, high=5), generator) for _ in range(200)]
    assert set(whole) == {2, 3, 4, 5}
    assert all(isinstance(value, int) for value in whole)
    log = [draw(SearchRange(low=16, high=128, log=True), generator) for _ in range(400)]
    assert min(log) >= 16
    assert max(log) <= 128
    assert 40 < np.median(log) < 52
    real = [draw(SearchRange(low=1e-4, high=1e-1, log=True), generator) for _ in range(400)]
    assert -2.8 < np.log10(real).mean() < -2.2
    assert draw(SearchRange(choices=("a",)), generator) == "a"


def test_a_fit_searches_and_uses_what_it_found():
    space = hb.get_space("nasbench201")
    archs = space.sample(80, seed=0)
    latency = space.encode(archs) @ np.random.default_rng(1).uniform(size=30)
    model = hb.make_predictor("ridge", space=space, tuning=Tuning(trials=8)).fit(archs, latency)
    assert len(model.tuning_.scores) == 8
    assert model.estimator_.alpha == model.tuning_.best.get("alpha", 1.0)
    fixed = hb.make_predictor("ridge", space=space, tuning=Tuning(trials=8), alpha=0.7)
    assert fixed.fit(archs, latency).tuning_ is None
    assert fixed.estimator_.alpha == 0.7
    few = hb.make_predictor("ridge", space=space, tuning=Tuning(trials=8)).fit(
        archs[:3], latency[:3]
    )
    assert few.tuning_.scores == []


def test_batched_networks_are_searched_too():
    space = hb.get_space("nasbench201")
    archs = space.sample(40, seed=0)
    latency = space.encode(archs) @ np.random.default_rng(1).uniform(size=30)
    model = hb.make_predictor("mlp_small", space=space, tuning=Tuning(trials=5), steps=50)
    record = model.fit(archs, latency).tuning_
    assert len(record.scores) == 5
    assert np.isfinite(record.scores).all()
