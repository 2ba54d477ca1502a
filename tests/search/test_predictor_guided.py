"""Algorithm 1, the warp of costs, and the acquisitions."""

import numpy as np
import pytest
from scipy.stats import norm

import hwbench as hb
from hwbench.search import Objective, make_strategy
from hwbench.search.acquisition import expected_improvement, log_probability_within
from hwbench.search.surrogate import Warp

OBJECTIVES = [Objective("accuracy", "maximize"), Objective("latency")]
SPACE = hb.get_space("nasbench201")


def measure(archs):
    work = SPACE.flops(archs) / 1e8
    live = SPACE.encode(archs, "live")
    accuracy = 40 + live @ np.sin(np.arange(live.shape[1]) + 1.0) + 5 * np.tanh(work)
    return np.stack([accuracy, 1 + work], axis=1)


def test_a_round_is_algorithm_1():
    """CHOE Algorithm 1, lines 5 to 15, written out for one round."""
    trade_offs, per_beta = [0.01, 0.1, 0.25], 4
    candidates = SPACE.sample(400, seed=8)
    strategy = make_strategy(
        "predictor_guided",
        space=SPACE,
        objectives=OBJECTIVES,
        candidates=candidates,
        seed=5,
        n_initial=30,
        predictor="ridge",
        round_size=len(trade_offs) * per_beta,
        trade_offs=trade_offs,
    )
    start = strategy.ask(30)
    values = measure(start)
    strategy.tell(start, values)
    asked = strategy.ask(len(trade_offs) * per_beta)

    known = set(SPACE.indices_of(start))
    left = np.array([arch for arch in candidates if int(SPACE.indices_of([arch])[0]) not in known])
    models = [hb.make_predictor("ridge", space=SPACE, seed=5).fit(start, v) for v in values.T]
    accuracy, latency = (
        model.predict(left) / v.std() for model, v in zip(models, values.T, strict=True)
    )
    expected = []
    for beta in trade_offs:
        best = np.argsort(-accuracy + beta * latency, kind="stable")
        expected += [row for row in best if row not in expected][:per_beta]
    np.testing.assert_array_equal(asked, left[expected])


def test_it_fits_once_a_round(monkeypatch):
    fits = []
    strategy = make_strategy(
        "predictor_guided",
        space=SPACE,
        objectives=OBJECTIVES,
        n_initial=10,
        predictor="ridge",
        round_size=8,
    )
    original = type(strategy)._fit
    monkeypatch.setattr(
        type(strategy), "_fit", lambda self: fits.append(len(self.archs)) or original(self)
    )
    for _ in range(30):
        archs = strategy.ask(1)
        strategy.tell(archs, measure(archs))
    assert fits == [10, 18, 26]


@pytest.mark.parametrize("strength", [0.0, 3.0])
def test_a_warp_keeps_the_order(strength):
    costs = np.array([-73.0, -72.9, -70.0, -60.0, -65.0, -1.0])
    warp = Warp.of(costs, strength)
    inside = np.linspace(-80, 0, 200)
    assert (np.diff(warp(inside)) > 0).all()
    if strength:
        spread = warp(costs)
        # The outlier no longer lies as far from the rest as these from one another.
        assert spread[5] - spread[3] < spread[3] - spread[0]
    else:
        np.testing.assert_array_equal(warp(costs), costs)


def test_equal_costs_are_not_warped():
    warp = Warp.of(np.full(5, 2.0), 3.0)
    np.testing.assert_array_equal(warp(np.array([1.0, 2.0])), [1.0, 2.0])


def test_expected_improvement_is_the_integral():
    mean, deviation, best = np.array([0.3, 2.0, -1.0]), np.array([0.5, 1.5, 0.1]), 0.4
    draws = norm.ppf(np.linspace(0, 1, 200_001)[1:-1])[:, None] * deviation + mean
    expected = np.maximum(best - draws, 0).mean(axis=0)
    np.testing.assert_allclose(
        expected_improvement(mean, deviation, best), expected, rtol=1e-3, atol=1e-9
    )


def test_the_probability_of_keeping_limits_is_a_product():
    mean, deviation = np.array([[1.0, 2.0, 5.0]]), np.array([[1.0, 2.0, 1.0]])
    found = log_probability_within(mean, deviation, np.array([2.0, 1.0, np.nan]))
    np.testing.assert_allclose(np.exp(found), norm.cdf(1.0) * norm.cdf(-0.5))


@pytest.mark.parametrize(("scalarisation", "in_the_dent"), [("sum", False), ("chebyshev", True)])
def test_what_lies_in_a_dent_of_the_front(monkeypatch, scalarisation, in_the_dent):
    """(6, 6) is on the front of costs, but above the line between its ends."""
    strategy = make_strategy(
        "predictor_guided",
        space=SPACE,
        objectives=OBJECTIVES,
        n_initial=10,
        predictor="ridge",
        round_size=3,
        trade_offs=[0.5, 1.0, 2.0],
        scalarisation=scalarisation,
    )
    start = strategy.ask(10)
    strategy.tell(start, measure(start))
    pool = SPACE.sample(5, seed=77)
    costs = np.array([[0.0, 10.0], [0.1, 10.0], [6.0, 6.0], [10.0, 0.0], [10.0, 0.1]])
    monkeypatch.setattr(strategy, "_pool", lambda: pool)
    monkeypatch.setattr(strategy, "_predict", lambda fitted, archs: costs)
    monkeypatch.setattr(strategy, "_scales", lambda fitted: np.ones(2))
    picked = strategy._select(strategy._fit(), 3)
    assert (picked == pool[2]).all(axis=1).any() == in_the_dent


def test_an_unknown_scalarisation():
    with pytest.raises(hb.HwbenchError, match="did you mean 'chebyshev'"):
        make_strategy(
            "predictor_guided",
            space=SPACE,
            objectives=OBJECTIVES,
            scalarisation="chebychev",
        )
