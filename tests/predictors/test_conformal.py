"""Conformal intervals hold what they say, of models that say nothing or too little."""

import numpy as np
import pytest

import hwbench as hb

SPACE = hb.get_space("nasbench201")
ARCHS = SPACE.sample(700, seed=0)
TARGETS = SPACE.flops(ARCHS) / 1e8 + np.random.default_rng(0).normal(0, 0.1, 700)


@pytest.mark.parametrize("name", ["ridge", "bayesian_linear_regression"])
def test_intervals_hold_their_level(name):
    model = hb.ConformalRegressor(hb.make_predictor(name, space=SPACE), folds=5)
    held = []
    for start in range(0, 200, 40):
        rows = slice(start, start + 40)
        model.fit(ARCHS[rows], TARGETS[rows])
        low, high = model.predict_interval(ARCHS[200:], level=0.8)
        held.append(((low <= TARGETS[200:]) & (TARGETS[200:] <= high)).mean())
        middle = model.predict(ARCHS[200:])
        np.testing.assert_allclose((low + high) / 2, middle)
    assert 0.75 <= np.mean(held) <= 0.96


def test_few_rows_tell_no_high_level():
    model = hb.ConformalRegressor(hb.make_predictor("ridge", space=SPACE), folds=5)
    model.fit(ARCHS[:9], TARGETS[:9])
    model.predict_interval(ARCHS[:2], level=0.9)
    with pytest.raises(hb.HwbenchError, match=r"be 0\.900 at most with 9 measurements, not 0\.95"):
        model.predict_interval(ARCHS[:2], level=0.95)
    with pytest.raises(hb.HwbenchError, match="two different networks"):
        model.fit(ARCHS[[0, 0]], TARGETS[:2])
