"""Rewards are those of YANG eq. 2-6 to 2-8."""

import numpy as np

from hwbench.search import Objective, make_strategy


def reward(objectives, values, **parameters):
    """Rewards after a start whose accuracies span 0 .. 100 and latencies 0 .. 10."""
    strategy = make_strategy(
        "reinforce", space="nasbench201", objectives=objectives, n_initial=2, **parameters
    )
    start = np.array([[0.0, 10.0], [100.0, 0.0]])[:, : len(objectives)]
    strategy.tell(strategy.ask(2), start)
    archs = strategy.ask(len(values))
    strategy.tell(archs, np.array(values)[:, : len(objectives)])
    return strategy._rewards(np.arange(2, 2 + len(values)))


ACCURACY, LATENCY = Objective("accuracy", "maximize"), Objective("latency")
VALUES = [[80.0, 5.0], [60.0, 2.0]]


def test_rewards():
    np.testing.assert_allclose(reward([ACCURACY], VALUES), [0.8, 0.6])
    mixed = reward([ACCURACY, LATENCY], VALUES, mixing=0.7)  # eq. 2-6, up to a constant
    np.testing.assert_allclose(mixed, [0.7 * 0.8 + 0.3 * 0.5, 0.7 * 0.6 + 0.3 * 0.8])
    limited = Objective("latency", limit=3.0, optimised=False)  # eq. 2-7
    np.testing.assert_allclose(reward([ACCURACY, limited], VALUES), [0, 0.6])
    at_least = Objective("accuracy", "maximize", limit=70.0, optimised=False)  # eq. 2-8
    np.testing.assert_allclose(reward([at_least, LATENCY], VALUES), [0.5, 0])


def test_the_random_start_is_learned_from():
    """What the first proposals are drawn from depends on what the start measured."""

    def after_the_start(best, n_initial=200):
        strategy = make_strategy(
            "reinforce", space="nasbench201", objectives=[ACCURACY], n_initial=n_initial
        )
        start = strategy.ask(n_initial)
        strategy.tell(start, (start == best).sum(axis=1).astype(float))
        untrained = strategy._policy.parameters.copy()
        proposed = strategy.ask(100)
        assert strategy._baseline is not None
        assert not np.array_equal(strategy._policy.parameters, untrained)
        return (proposed == best).mean()

    for best in (1, 3):
        assert after_the_start(best) > 0.28  # a fifth of an untrained policy's are


def test_the_start_is_rewarded_by_all_of_it():
    """Told in parts, its range is still that of the whole, for which the controller waits."""
    strategy = make_strategy("reinforce", space="nasbench201", objectives=[ACCURACY], n_initial=30)
    for values in np.split(np.arange(30.0), 3):
        strategy.tell(strategy.ask(10), values)
        assert strategy._baseline is None
    strategy.ask(1)
    assert strategy._range[1] == 29.0
