import numpy as np
import pandas as pd
import pytest
import torch

from hwbench.advise import advise_on
from hwbench.predictors.fitted_model import FittedModel
from hwbench.predictors.impossible import (
    ImpossiblePredictionWarning,
    count_impossible,
    impossible_note,
)
from hwbench.predictors.make import make_predictor
from hwbench.spaces import get_space


@pytest.mark.parametrize(
    ("unit", "name", "count"),
    [("ms", "", 3), ("mJ", "", 3), ("", "t:latency", 3), ("1", "t:params", 2), ("%", "t:acc", 2),
     ("1", "t:score", 0), ("", "", 0)],
)  # fmt: skip
def test_values_that_a_metric_cannot_have_are_counted(unit, name, count):
    values = np.array([-2.0, -1.0, 0.0, 3.0])
    assert count_impossible(values, unit, name) == count
    assert (impossible_note(values, unit, name) is None) == (count == 0)
    assert impossible_note(values[3:], unit, name) is None


@pytest.fixture
def falling():
    """Latencies that a line carries below zero: a few slow cells, all of one operation."""
    space = get_space("nasbench_macro")
    archs = space.sample(40, 0)
    slow = (archs == 2).sum(axis=1)
    return space, archs, np.where(slow > 4, 50.0 * (slow - 4), 0.2) + 0.01 * slow


def test_fitted_models_warn(falling):
    space, archs, latencies = falling
    model = make_predictor("linear", space=space).fit(archs, latencies)
    fitted = FittedModel.of(model, target="mine:latency", unit="ms")
    with pytest.warns(ImpossiblePredictionWarning, match=r"of 6,561 predictions are not above 0"):
        predicted = fitted.predict(space.all_architectures())
    assert (predicted <= 0).any()
    assert fitted.predict(archs[latencies.argmax() :][:1]) > 0  # and is silent where all is well


def test_advice_tells(falling):
    space, archs, latencies = falling
    frame = pd.DataFrame({"arch": space.to_strings(archs), "latency_ms": latencies})
    advice = advise_on(frame, "nasbench_macro", predictors=["linear:onehot"])
    assert any("would not be above 0, which no time is" in each for each in advice.warnings)
    predicted = advice.model.predict(space.all_architectures())
    assert (predicted > 0).all()
    assert 0 < advice.n_bent < advice.n_looked_at
    raw = advice.ranking.chosen.candidate.make(space, 0).fit(archs, latencies)
    unbent = raw.predict(space.all_architectures())
    np.testing.assert_array_equal(np.argsort(unbent), np.argsort(predicted))
    above = unbent >= latencies.min()
    np.testing.assert_allclose(predicted[above], unbent[above])
    module = advice.model.to_torch()
    features = torch.as_tensor(space.encode(space.all_architectures(), "onehot"))
    np.testing.assert_allclose(module(features.double()).detach().numpy(), predicted, rtol=1e-4)
    assert set(advice.relative_scores) == {"rmspe", "within_5_percent", "within_10_percent"}
    assert any("RMSPE" in line for line in advice.lines())
