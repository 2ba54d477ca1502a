"""TPE asks Optuna once for an architecture, and tells it what that measured."""

import pickle

import numpy as np
import pytest

from hwbench.search import Objective, make_strategy


def measured(archs):
    return np.stack([archs.sum(axis=1), (archs != 1).sum(axis=1)], axis=1).astype(float)


@pytest.fixture
def strategy():
    return make_strategy(
        "tpe",
        space="nasbench201",
        objectives=[Objective("a"), Objective("b", limit=4.0)],
        n_initial=20,
    )


def test_optuna_is_asked_once_for_each(strategy, monkeypatch):
    asked = []
    original = strategy._study.ask
    monkeypatch.setattr(
        strategy._study, "ask", lambda *given: asked.append(len(strategy.archs)) or original(*given)
    )
    for _ in range(120):
        archs = strategy.ask(1)
        strategy.tell(archs, measured(archs))
    assert asked == list(range(20, 120))


def test_what_was_suggested_is_told_as_the_trial_that_it_was(strategy):
    for _ in range(15):
        archs = strategy.ask(4)
        strategy = pickle.loads(pickle.dumps(strategy))  # noqa: S301  our own
        strategy.tell(archs, measured(archs))
    state = type(strategy._study.trials[0].state)
    complete = [each for each in strategy._study.trials if each.state == state.COMPLETE]
    told = {tuple(map(int, (each.params[str(i)] for i in range(6)))) for each in complete}
    assert len(complete) == 60
    assert told == set(map(tuple, strategy.archs.tolist()))
    assert not [each for each in strategy._study.trials if each.state == state.RUNNING]
    assert all(len(each.constraints) == 1 for each in complete)
    assert len(strategy._study.trials) <= 60 + 40  # what was given up has a trial besides


def test_what_could_not_be_measured_is_given_up(strategy):
    archs = strategy.ask(20)
    strategy.tell(archs, measured(archs))
    archs = strategy.ask(3)
    strategy.tell(archs, np.full((3, 2), np.nan))
    state = type(strategy._study.trials[0].state)
    assert not [each for each in strategy._study.trials if each.state == state.RUNNING]
    assert len(strategy.ask(2)) == 2
