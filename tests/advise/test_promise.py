import numpy as np
import pytest

from hwbench.advise.candidates import Candidate
from hwbench.advise.promise import USUAL_SLOPE, Estimate, promise
from hwbench.advise.ranking import Clock, Data, rank


@pytest.fixture(scope="module")
def data(nasbench201):
    archs = nasbench201.sample(60, seed=3)
    noise = np.random.default_rng(0).standard_normal(60)
    return Data.of(nasbench201, archs, 1 + nasbench201.flops(archs) / 5e7 + 0.3 * noise, 0)


@pytest.fixture(scope="module")
def trial(data):
    candidates = [Candidate("bayesian_linear_regression", "counts", "Bayesian regression")]
    return rank(data, candidates, clock=Clock(1e6)).chosen


def test_without_time_the_usual_slope_stands(data, trial):
    found = promise(data, trial, clock=Clock(0.0))
    assert found.slope.value == USUAL_SLOPE[0]
    assert [point.size for point in found.points] == [48]
    assert trial.tau < found.tau.value
    assert found.tau.low < found.tau.value < found.tau.high <= 1.0


def test_the_curve_tells_the_slope(data, trial):
    found = promise(data, trial, clock=Clock(1e6))
    assert [point.size for point in found.points] == [12, 24, 48]
    assert found.slope.high - found.slope.low < 2 * 1.645 * USUAL_SLOPE[1]


def test_the_power_law(data, trial):
    found = promise(data, trial, clock=Clock(0.0))
    assert found.at(found.size).value == pytest.approx(found.tau.value)
    twice = found.at(2 * found.size)
    assert twice.value == pytest.approx(found.doubled.value)
    assert (twice.low, twice.high) == pytest.approx((found.doubled.low, found.doubled.high))
    assert found.gain.value == pytest.approx(found.doubled.value - found.tau.value)
    loss = [1 - found.at(found.size * 2**k).value for k in range(4)]
    np.testing.assert_allclose(np.diff(np.log(loss)), -found.slope.value * np.log(2))


def test_a_perfect_order_is_not_promised(nasbench201):
    archs = nasbench201.sample(12, seed=1)
    data = Data.of(nasbench201, archs, nasbench201.encode(archs, "counts")[:, 3] * 1.0, 0)
    candidates = [Candidate("bayesian_linear_regression", "counts", "Bayesian regression")]
    found = promise(data, rank(data, candidates, clock=Clock(1e6)).chosen, clock=Clock(0.0))
    assert found.tau.low < found.tau.value < 1.0


def test_no_extrapolation_passes_the_ceiling(data, trial):
    free = promise(data, trial, clock=Clock(0.0))
    ceiling = Estimate(free.tau.value + 0.01, free.tau.low, free.tau.value + 0.02)
    found = promise(data, trial, clock=Clock(0.0), ceiling=ceiling)
    assert found.tau == free.tau
    assert free.doubled.value > ceiling.value
    assert found.doubled.value == pytest.approx(ceiling.value)
    assert found.gain.value == pytest.approx(0.01)
    assert found.at(100 * found.size).value == pytest.approx(ceiling.value)


def test_a_ceiling_below_what_is_reached_takes_nothing_away(data, trial):
    ceiling = Estimate(0.1, 0.05, 0.2)
    found = promise(data, trial, clock=Clock(0.0), ceiling=ceiling)
    assert found.doubled.value == pytest.approx(found.tau.value)
    assert found.gain.value == 0.0
