import numpy as np
import pytest
from scipy import stats

from hwbench.statistics import mean_interval


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95])
def test_agrees_with_scipy(confidence):
    values = np.random.default_rng(0).normal(3.0, 2.0, 12)
    mean, low, high = mean_interval(values, confidence)
    expected = stats.t.interval(confidence, 11, loc=values.mean(), scale=stats.sem(values))
    assert mean == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(expected)


def test_ignores_nan_and_leaves_the_input_alone():
    values = np.array([1.0, np.nan, 2.0, 3.0])
    before = values.copy()
    assert mean_interval(values) == mean_interval([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(values, before)


def test_equal_values_have_an_interval_of_no_width():
    assert mean_interval([0.5, 0.5, 0.5]) == (0.5, 0.5, 0.5)


def test_one_value_has_no_interval():
    mean, low, high = mean_interval([0.7, np.nan])
    assert mean == 0.7
    assert np.isnan(low)
    assert np.isnan(high)


def test_no_value_gives_nan_without_a_warning():
    assert np.isnan(mean_interval([])).all()
    assert np.isnan(mean_interval([np.nan])).all()


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95])
def test_refuses_an_impossible_confidence(confidence):
    with pytest.raises(ValueError, match="between 0 and 1"):
        mean_interval([1.0, 2.0], confidence)
