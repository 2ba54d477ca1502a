"""Metrics of few values are recognised, and only predictions as good as certain are tied."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwbench as hb
from hwbench.predictors.models.measured_values import nearest_repeated, repeated_values


def test_few_values_are_told_from_many():
    np.testing.assert_array_equal(repeated_values(np.array([3.0, 1, 3, 1, 2])), [1, 2, 3])
    assert repeated_values(np.array([3.0, 1, 4, 1, 5])).size == 0


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=20),
    st.lists(st.integers(-5, 5), min_size=1, max_size=5, unique=True),
    st.floats(0, 2),
)
def test_the_nearest_value_within_the_tolerance(predictions, values, tolerance):
    values = np.sort(np.array(values, dtype=np.float64))
    found = nearest_repeated(np.array(predictions), values, tolerance)
    for prediction, result in zip(predictions, found, strict=True):
        distance = np.abs(values - prediction)
        if distance.min() > tolerance:
            assert result == prediction
        else:
            assert abs(result - prediction) == pytest.approx(distance.min())
            assert result in values


@pytest.mark.parametrize("name", ["structural_gaussian_process", "auto"])
def test_a_metric_of_few_values_is_predicted_exactly(name):
    space = hb.get_space("nasbench201")
    archs = space.sample(500, seed=0)
    convolutions = (space.encode(archs)[:, 3::5]).sum(axis=1) * 2.5
    settings = {"candidates": ("structural_gaussian_process", "ridge")} if name == "auto" else {}
    model = hb.make_predictor(name, space=space, **settings).fit(archs[:200], convolutions[:200])
    measured = np.isin(convolutions, convolutions[:200])
    assert measured.mean() > 0.95
    np.testing.assert_allclose(model.predict(archs[measured]), convolutions[measured], atol=1e-9)
