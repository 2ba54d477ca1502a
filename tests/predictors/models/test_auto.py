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


def test_few_rows_are_left_to_the_first_candidate():
    assert fitted(("ridge", "linear"), auto.FEWEST_ROWS - 1).weights_ == {"ridge": 1.0, "linear": 0}


@pytest.mark.parametrize(("enough", "n_folds"), [(20, 1), (25, 2), (10**6, 5)])
def test_no_more_folds_than_are_needed_to_weigh(monkeypatch, enough, n_folds):
    monkeypatch.setattr(auto, "ENOUGH_OUT_OF_FOLD", enough)
    made = []
    make = auto.make_predictor
    monkeypatch.setattr(auto, "make_predictor", lambda *a, **k: made.append(a) or make(*a, **k))
    model = fitted(("ridge", "linear"))
    assert len(made) == 2 * n_folds + len(model.models_)
