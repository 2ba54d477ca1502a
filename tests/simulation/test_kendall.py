"""The compiled tau-b against scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from hwbench.errors import HwbenchError
from hwbench.simulation.kendall import kendall_tau

few = st.integers(2, 60).flatmap(
    lambda n: arrays(np.int64, (2, n), elements=st.integers(0, 6)).map(lambda a: a.astype(float))
)
any_numbers = st.integers(2, 60).flatmap(
    lambda n: arrays(np.float64, (2, n), elements=st.floats(allow_nan=False, allow_infinity=False))
)


def _same(first, second):
    expected = stats.kendalltau(first, second).statistic
    assert kendall_tau(first, second) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(few)
def test_ties(pair):
    _same(*pair)


@given(any_numbers)
def test_any_finite_numbers(pair):
    _same(*pair)


@pytest.mark.parametrize("n", [2, 63, 64, 65, 1023, 1024, 1025, 5000])
def test_many_values(n):
    generator = np.random.default_rng(n)
    truth = generator.normal(size=n)
    _same(truth, truth + 0.3 * generator.normal(size=n))
    _same(np.round(truth, 1), np.round(truth + generator.normal(size=n), 1))


def test_values_that_share_a_bucket():
    generator = np.random.default_rng(0)
    truth = generator.normal(size=3000)
    outlier = np.append(truth[1:] + generator.normal(size=2999), 1e12)
    _same(truth, outlier)
    _same(truth, generator.standard_cauchy(size=3000) ** 3)


def test_differences_that_no_number_holds():
    for far in (1.7e308, 5e-324):
        _same([1.0, 2.0, 3.0, 4.0], [far, -far, 0.0, far / 2])


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ([1.0, 2.0], [1.0], "one shape"),
        ([1.0], [1.0], "one shape"),
        ([[1.0, 2.0]], [[1.0, 2.0]], "one shape"),
        ([1.0, np.nan], [1.0, 2.0], "missing or infinite"),
        ([1.0, 2.0], [np.inf, 2.0], "missing or infinite"),
    ],
)
def test_bad_input_is_refused(first, second, message):
    with pytest.raises(HwbenchError, match=message):
        kendall_tau(first, second)
