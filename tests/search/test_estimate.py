"""The estimate of an experiment counts what will be searched, and goes on from what was timed."""

import pytest

from hwbench.errors import HwbenchError
from hwbench.search.estimate import estimate_search
from hwbench.search.spec import SearchSpec
from hwbench.search.strategies.random_search import RandomSearch
from hwbench.search.strategies.surrogate import SurrogateSearch


def spec_of(**changes):
    given = {
        "accuracy": "small:test_accuracy",
        "metrics": ["small:latency"],
        "strategies": ["random", {"name": "local_search", "label": "climbing"}],
        "evaluations": 90,
        "checkpoints": [90],
        "n_initial": 10,
        "seeds": [0, 1],
    }
    return SearchSpec.model_validate({**given, **changes})


def ticking(seconds):
    """A clock that is so much later each time it is looked at."""
    now = 0.0

    def clock():
        nonlocal now
        now += seconds
        return now

    return clock


def test_seconds_are_those_of_one_search_times_all(own_table):
    done = []
    found = estimate_search(
        spec_of(), progress=lambda *n: done.append(n), clock=ticking(0.001)
    ).set_index("strategy")
    assert done == [(0, 2), (1, 2), (2, 2)]
    assert list(found.index) == ["Random search", "climbing"]
    assert found["searches"].tolist() == [2, 2]
    assert found["fits"].tolist() == [0, 0]
    assert (found["seconds"] == 2 * found["slowest"]).all()
    goals = {"goals": ["accuracy", "limits"], "limits": {"small:latency": [1.0, 2.0]}}
    more = estimate_search(spec_of(seeds=range(4), **goals), clock=ticking(0.001))
    assert more["searches"].tolist() == [12, 12]
    assert more["seconds"].tolist() == pytest.approx((6 * found["seconds"]).tolist())


def test_what_is_left_of_a_long_search_is_extrapolated(own_table, monkeypatch):
    asked = []
    ask = RandomSearch.ask
    monkeypatch.setattr(RandomSearch, "ask", lambda self, n: (asked.append(n), ask(self, n))[1])
    spec = spec_of(strategies=["random"], seeds=[0])
    whole = estimate_search(spec, clock=ticking(0.001))["seconds"][0]
    assert len(asked) == 2 * 90  # the first time imports
    asked.clear()
    part = estimate_search(spec, clock=ticking(0.05))["seconds"][0]
    assert len(asked) == 2 * (10 + 30) + (60 + 30)  # and halfway
    assert part / 0.05 == pytest.approx(whole / 0.001, rel=0.01)


@pytest.mark.parametrize(("once", "power"), [(0.0, 1), (0.0, 3), (30.0, 1), (1.0, 0)])
def test_fits_between_evaluations_are_counted_wherever_they_fall(
    own_table, monkeypatch, once, power
):
    """Of a model that is fitted every 15 evaluations, and costs something at first alone."""
    now, scale = 0.0, 2e-3 / 10 ** (power - 1)
    fit = SurrogateSearch._fit

    def fitted(self):
        nonlocal now
        now += scale * len(self._measured()[0]) ** power + (once if self._round == 0 else 0.0)
        return fit(self)

    monkeypatch.setattr(SurrogateSearch, "_fit", fitted)
    parameters = {"predictor": "ridge", "pool_size": 100}
    ours = {"name": "predictor_guided", "parameters": parameters}
    spec = spec_of(strategies=[ours], evaluations=190, checkpoints=[190], seeds=[0])
    found = estimate_search(spec, clock=lambda: now)["seconds"][0]
    fits = once + sum(scale * n**power for n in range(10, 190, 15))
    assert found == pytest.approx(fits, rel=0.1)


def test_fits_of_a_predicted_metric_are_counted(own_table):
    predicted = {"predictor": "ridge", "training_sizes": [20, 40]}
    alone = estimate_search(spec_of(), clock=ticking(0.001))
    found = estimate_search(spec_of(predicted_metric=predicted), clock=ticking(0.001))
    assert found["searches"].tolist() == [6, 6]
    assert found["fits"].tolist() == [4, 4]
    fits = found["seconds"] - 3 * alone["seconds"]  # a tick of the clock each
    assert fits.tolist() == pytest.approx([4 * 0.001] * 2)


def test_a_strategy_that_fails_is_named_beside_the_others(own_table, monkeypatch):
    def fails(self, n):
        raise ValueError("no\nidea")

    monkeypatch.setattr(RandomSearch, "ask", fails)
    found = estimate_search(spec_of(), clock=ticking(0.001))
    assert found["error"].tolist() == ["no idea", None]
    assert found["seconds"].isna().tolist() == [True, False]


def test_what_cannot_be_searched_is_said_first(own_table):
    with pytest.raises(HwbenchError, match="unknown table 'smal'; did you mean 'small'"):
        estimate_search(spec_of(accuracy="smal:test_accuracy"))
    with pytest.raises(HwbenchError, match="evaluations asked for, but"):
        estimate_search(spec_of(evaluations=10**6))
