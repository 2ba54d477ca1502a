import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hwbench.analysis.statistics import holm, mean_interval, mean_p_value


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


def test_the_p_value_is_that_of_scipy():
    values = np.random.default_rng(3).normal(0.3, 1.0, 12)
    expected = stats.ttest_1samp(values, 0.0).pvalue
    assert mean_p_value([*values, np.nan]) == pytest.approx(expected)


def test_p_values_without_spread_or_repeats():
    assert mean_p_value([0.0, 0.0]) == 1.0
    assert mean_p_value([0.5, 0.5]) == 0.0
    assert np.isnan(mean_p_value([0.5]))


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_rejects_step_by_step(p_values):
    adjusted = holm([*p_values, np.nan])
    assert np.isnan(adjusted[-1])
    for level in (0.01, 0.05, 0.3):
        # The procedure as published: the smallest first, against level / tests that are left.
        left = sorted(p_values)
        while left and left[0] <= level / len(left):
            left.pop(0)
        rejected = len(p_values) - len(left)
        assert (adjusted[:-1] <= level).sum() == pytest.approx(rejected)
