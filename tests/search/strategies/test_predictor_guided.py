"""Algorithm 1, the warp of costs, and the acquisitions."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

import hwbench as hb
from hwbench.search import Objective, make_strategy
from hwbench.search.strategies.acquisition import expected_improvement, log_probability_within
from hwbench.search.strategies.surrogate import Warp

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
        warp=0.0,
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


DENT = np.array([[0.0, 10.0], [0.1, 10.0], [6.0, 6.0], [10.0, 0.0], [10.0, 0.1]])
"""(6, 6) is on the front of costs, but above the line between its ends."""


def picked_of(monkeypatch, costs, n_archs, deviations=None, **parameters):
    """The rows of predicted costs (n, 2) that a round picks."""
    strategy = make_strategy(
        "predictor_guided",
        space=SPACE,
        objectives=OBJECTIVES,
        n_initial=10,
        predictor="bayesian_linear_regression",
        **parameters,
    )
    start = strategy.ask(10)
    strategy.tell(start, measure(start))
    pool = SPACE.sample(len(costs), seed=77)
    moments = costs[:, 0], np.zeros(len(costs)) if deviations is None else deviations

    class Predicted:
        def __init__(self, column):
            self.column = column

        def predict(self, archs):
            return costs[:, self.column]

        def predict_with_deviation(self, archs):
            return moments

    monkeypatch.setattr(strategy, "_candidates", lambda: pool)
    monkeypatch.setattr(strategy, "_scales", lambda fitted: np.ones(2))
    monkeypatch.setattr(strategy, "_warped", lambda fitted: np.array([[11.0, 11.0]]))
    monkeypatch.setattr(strategy, "_limits", lambda fitted: np.array([np.nan, np.nan]))
    picked = strategy._select([Predicted(0), Predicted(1)], n_archs)
    return [int(np.flatnonzero((pool == arch).all(axis=1))[0]) for arch in picked]


@pytest.mark.parametrize(
    ("scalarisation", "in_the_dent"),
    [("sum", False), ("chebyshev", True), ("epsilon_constraint", True)],
)
def test_what_lies_in_a_dent_of_the_front(monkeypatch, scalarisation, in_the_dent):
    parameters = {"trade_offs": [0.5, 1.0, 2.0], "scalarisation": scalarisation}
    assert (2 in picked_of(monkeypatch, DENT, 3, **parameters)) == in_the_dent


@given(
    costs=arrays(np.float64, (12, 2), elements=st.integers(0, 9).map(float), unique=True)
    | arrays(np.float64, (12, 2), elements=st.integers(0, 4).map(float)),
    n_archs=st.integers(1, 6),
    exploration=st.sampled_from([0.0, 1.0]),
    seed=st.integers(0, 9),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_epsilon_constraint_is_the_best_below_each_threshold(costs, n_archs, exploration, seed):
    deviations = np.random.default_rng(seed).random(12)
    with pytest.MonkeyPatch.context() as monkeypatch:
        picked = picked_of(
            monkeypatch,
            costs,
            n_archs,
            deviations,
            scalarisation="epsilon_constraint",
            exploration=exploration,
        )
    first = costs[:, 0] - exploration * deviations
    points = [(*each, row) for row, each in enumerate(zip(first, costs[:, 1], strict=True))]
    front = [
        b
        for a, b, _ in points
        if not any(c <= a and d <= b and (c < a or d < b) for c, d, _ in points)
    ]
    low, high = min(front), max(front)
    expected = []
    for step in range(n_archs):
        threshold = high - step * (high - low) / n_archs
        below = [each for each in points if each[1] <= threshold + 1e-9 and each[2] not in expected]
        if below:
            expected.append(min(below, key=lambda each: (each[0], each[2]))[2])
    assert picked == expected


def test_several_scalarisations_share_a_round(monkeypatch):
    generator = np.random.default_rng(3)
    costs = generator.random((40, 2))
    both = picked_of(monkeypatch, costs, 9, scalarisation=["sum", "epsilon_constraint"])
    assert len(set(both)) == 9
    assert both[:4] == picked_of(monkeypatch, costs, 4)
    assert both[4:] != picked_of(monkeypatch, costs, 9)[4:]


def test_exploration_needs_an_uncertainty():
    def made(**parameters):
        return make_strategy(
            "predictor_guided",
            space=SPACE,
            objectives=OBJECTIVES,
            n_initial=5,
            exploration=1.0,
            **{"scalarisation": "epsilon_constraint", **parameters},
        )

    with pytest.raises(hb.HwbenchError, match=r"exploration above 0 .* ridge does not say; the"):
        made(predictor="ridge")
    assert made(predictor="bayesian_linear_regression").exploration == 1.0
    assert made(predictor="ridge", scalarisation="sum").exploration == 1.0  # asks for none


@pytest.mark.parametrize("name", ["gaussian_process", "bananas"])
def test_what_always_asks_for_an_uncertainty_refuses_predictors_without(name):
    message = "xgboost does not say; these do: structural_gaussian_process, .*bananas"
    with pytest.raises(hb.HwbenchError, match=message):
        make_strategy(name, space=SPACE, objectives=OBJECTIVES, predictor="xgboost")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"scalarisation": "chebychev"}, "did you mean 'chebyshev'"),
        (
            {"scalarisation": ["sum", "epsilon"]},
            r"unknown scalarisation\[1\] 'epsilon'; did you mean 'epsilon_constraint'",
        ),
        ({"scalarisation": []}, "must be a list of at least 1"),
        ({"exploration": -1}, "exploration must be at least 0"),
    ],
)
def test_wrong_parameters(parameters, message):
    with pytest.raises(hb.HwbenchError, match=message):
        make_strategy("predictor_guided", space=SPACE, objectives=OBJECTIVES, **parameters)
