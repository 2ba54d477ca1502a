from dataclasses import replace

import numpy as np
import pytest

from hwbench.advise.candidates import Candidate
from hwbench.advise.doing import do_work
from hwbench.advise.promise import USUAL_SLOPE, Estimate, promise
from hwbench.advise.schedule import Schedule
from hwbench.advise.trials import Data
from hwbench.advise.work import WorkBudget

CANDIDATE = Candidate("bayesian_linear_regression", "counts", "Bayesian regression")


def done(data):
    """All that there is to do with one candidate."""
    schedule = Schedule(data, [CANDIDATE])
    do_work(schedule, WorkBudget(10**6, len(data.values)))
    return schedule.trials[CANDIDATE]


@pytest.fixture(scope="module")
def data(nasbench201):
    archs = nasbench201.sample(60, seed=3)
    noise = np.random.default_rng(0).standard_normal(60)
    return Data.of(nasbench201, archs, 1 + nasbench201.flops(archs) / 5e7 + 0.3 * noise, 0)


@pytest.fixture(scope="module")
def trial(data):
    return done(data)


@pytest.fixture
def short(trial):
    """The same without a learning curve."""
    return replace(trial, curve={})


def test_without_a_curve_the_usual_slope_stands(data, trial, short):
    found = promise(data, short)
    assert found.slope.value == USUAL_SLOPE[0]
    assert [point.size for point in found.points] == [48]
    assert trial.tau < found.tau.value
    assert found.tau.low < found.tau.value < found.tau.high <= 1.0


def test_the_curve_tells_the_slope(data, trial):
    found = promise(data, trial)
    assert [point.size for point in found.points] == [12, 24, 48]
    assert found.slope.high - found.slope.low < 2 * 1.645 * USUAL_SLOPE[1]


def test_the_power_law(data, short):
    found = promise(data, short)
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
    found = promise(data, replace(done(data), curve={}))
    assert found.tau.low < found.tau.value < 1.0


def test_no_extrapolation_passes_the_ceiling(data, short):
    free = promise(data, short)
    ceiling = Estimate(free.tau.value + 0.01, free.tau.low, free.tau.value + 0.02)
    found = promise(data, short, ceiling=ceiling)
    assert found.tau == free.tau
    assert free.doubled.value > ceiling.value
    assert found.doubled.value == pytest.approx(ceiling.value)
    assert found.gain.value == pytest.approx(0.01)
    assert found.at(100 * found.size).value == pytest.approx(ceiling.value)


def test_a_ceiling_below_what_is_reached_takes_nothing_away(data, short):
    ceiling = Estimate(0.1, 0.05, 0.2)
    found = promise(data, short, ceiling=ceiling)
    assert found.doubled.value == pytest.approx(found.tau.value)
    assert found.gain.value == 0.0


def test_the_gain_has_an_interval_of_loss_and_slope(data, trial):
    found = promise(data, trial)
    assert 0 <= found.gain.low < found.gain.value < found.gain.high
    generator = np.random.default_rng(0)
    spread = (found.slope.high - found.slope.low) / (2 * 1.645)
    loss = np.exp(generator.normal(*found.held, size=200_000))
    slope = np.maximum(generator.normal(found.slope.value, spread, size=200_000), 0.0)
    ends = np.quantile(loss * (1 - 2.0**-slope), [0.05, 0.95])
    assert (found.gain.low, found.gain.high) == pytest.approx(ends, rel=0.1)


def test_taus_are_quantiles_of_what_is_promised(data, trial):
    found = promise(data, trial)
    taus = found.taus([0.05, 0.5, 0.95])
    assert taus == pytest.approx([found.tau.low, found.tau.value, found.tau.high], abs=1e-3)
