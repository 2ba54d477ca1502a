"""The estimate counts what will be run and follows what fits take."""

import pytest

import hwbench as hb
from hwbench.runs.scenario import load_scenario
from hwbench.study.estimate import estimate_cost
from hwbench.study.plan import make_plan


def test_trials_and_disk_are_those_of_the_plan(models, make_spec):
    plan = make_plan(make_spec(seeds=tuple(range(5))))
    done = []
    found = estimate_cost(plan, progress=lambda *n: done.append(n))
    assert done == [(0, 2), (1, 2), (2, 2)]
    assert found.set_index("predictor")["trials"].to_dict() == {"mean": 10, "ridge": 10}
    assert found["disk_mb"].sum() == pytest.approx(20 * (50 * 9 + 150) / 1e6)


def test_times_are_those_of_the_fits(models, make_spec):
    found = estimate_cost(make_plan(make_spec(predictors=("sleepy",)))).iloc[0]
    assert 0.1 <= found["fastest"] <= found["slowest"]
    assert found["seconds"] >= 0.6


def test_a_search_costs_its_fits_up_to_its_limit(models, make_spec, hwbench_home):
    card = hwbench_home / "predictors" / "sleepy.toml"
    card.write_text(card.read_text() + "\n[search]\nnothing = { low = 1, high = 2 }\n")
    few = make_spec(predictors=("sleepy",), tuning={"trials": 2, "folds": 2})
    assert estimate_cost(make_plan(few)).iloc[0]["fastest"] >= 5 * 0.1
    many = make_spec(predictors=("sleepy",), tuning={"trials": 5000, "seconds": 9.0})
    assert estimate_cost(make_plan(many)).iloc[0]["slowest"] == pytest.approx(9.1, abs=0.5)


@pytest.mark.parametrize(
    ("name", "predictors", "sizes", "test_size"),
    [
        ("paper-hwnas", 18, [11, 25, 55, 124, 276, 614, 1366, 3036, 6748, 15000], 625),
        ("paper-transnas", 14, [9, 18, 34, 65, 123, 234, 442, 837, 1585, 2999], 256),
    ],
)
def test_the_protocols_are_the_published_ones(name, predictors, sizes, test_size):
    spec = load_scenario(name).study
    assert len(spec.predictors) == predictors
    assert len(spec.targets) == 5
    assert list(spec.training_sizes) == sizes
    assert list(spec.seeds) == list(range(50))
    assert spec.test_size == test_size
    assert (spec.tuning.trials, spec.tuning.seconds) == (5000, 900)
    assert set(spec.predictors) <= set(hb.list_predictors())


@pytest.mark.parametrize(
    "name", [pytest.param("paper-hwnas", marks=pytest.mark.slow), "paper-transnas"]
)
def test_the_protocols_can_be_planned_on_the_embedded_tables(name):
    spec = load_scenario(name).study
    plan = make_plan(spec)
    n_sampled = len(spec.predictors) - 1
    assert len(plan.trials) == n_sampled * 5 * 10 * 50 + 5
    assert plan.left_out == []
    assert len({trial.identity for trial in plan.trials}) == len(plan.trials)
    searched = {name for name in spec.predictors if hb.predictor_card(name).search}
    assert len(searched) >= 8
    tuned = {trial.predictor for trial in plan.trials if trial.tuning is not None}
    assert tuned == searched
