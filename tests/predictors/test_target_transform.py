"""Targets as their logarithms and ranks: there and back, refused where they cannot be, chosen."""

import numpy as np
import pytest
import torch

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.predictors.target_transform import TargetTransform

SPACE = hb.get_space("nasbench201")
ARCHS = SPACE.sample(120, seed=0)
WORK = SPACE.flops(ARCHS) / 1e8 + 0.1


@pytest.mark.parametrize("kind", ["raw", "log", "rank"])
def test_targets_come_back(kind):
    targets = np.array([3.0, 1.0, 2.0, 2.0, 9.0])
    transform = TargetTransform(kind, targets)
    there = transform.transformed(targets)
    np.testing.assert_allclose(transform.inverse(there), targets)
    assert (np.argsort(there, kind="stable") == np.argsort(targets, kind="stable")).all()
    outside = transform.inverse(np.array([there.min() - 1, there.max() + 1]))
    assert outside[0] < 1.0 < 9.0 < outside[1]
    assert (transform.deviation(there, np.full(5, 0.1)) > 0).all()


def test_logarithms_need_positive_values_and_constants_stay():
    with pytest.raises(HwbenchError, match="'log' needs positive values, and that of row 1 is 0"):
        TargetTransform("log", np.array([1.0, 0.0]))
    assert TargetTransform("rank", np.ones(3)).kind == "raw"
    model = hb.make_predictor("ridge", space=SPACE, target_transform="cube")
    with pytest.raises(HwbenchError, match="target transform 'cube'"):
        model.fit(ARCHS, WORK)


@pytest.mark.parametrize("kind", ["log", "rank"])
def test_any_predictor_can_learn_them(kind):
    model = hb.make_predictor("ridge", space=SPACE, target_transform=kind, encoding="onehot")
    model.fit(ARCHS, WORK**3)
    predicted = model.predict(ARCHS)
    assert np.isfinite(predicted).all()
    features = torch.from_numpy(SPACE.encode(ARCHS, "onehot")).double()
    np.testing.assert_allclose(model.to_torch()(features).detach(), predicted, rtol=1e-4)


def test_auto_chooses_what_ranks_held_out_rows_best():
    noisy = WORK + 0.3 * np.random.default_rng(0).normal(size=len(WORK))
    skewed = np.exp(4.0 * noisy)
    chosen = hb.make_predictor("ridge", space=SPACE, target_transform="auto", seed=0)
    assert chosen.fit(ARCHS, skewed).transform_.kind in ("log", "rank")
    assert chosen.fit(ARCHS, WORK).transform_.kind == "raw"
    few = chosen.fit(ARCHS[:10], skewed[:10])
    assert few.transform_.kind == "raw"
