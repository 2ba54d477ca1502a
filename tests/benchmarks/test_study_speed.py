"""What running a study costs beyond its fits, beside a plain loop over them: `make bench`."""

import numpy as np
import pandas as pd
import pytest

import hwbench as hb
from hwbench.results.study_columns import STUDY_SCHEMA
from hwbench.results.study_writing import StudyStore
from hwbench.study.plan import make_plan
from hwbench.study.run import Resources, run_plan
from hwbench.tables import ColumnCard, Table, TableCard, Target

CARD = """
title = "Constant"
family = "linear"
paper = "none"
estimator = "sklearn.dummy:DummyRegressor"
"""
N_TRIVIAL = 10_000
N_STORED = 100_000
N_EQUAL = 400
"""So many that what a worker imports at its start is little beside them."""


@pytest.fixture(scope="module")
def targets():
    space = hb.get_space("nasbench201")
    values = np.random.default_rng(0).normal(size=700)
    card = TableCard(
        name="t",
        title="t",
        space="nasbench201",
        created="2026-01-01",
        columns={
            "latency": ColumnCard(title="l", unit="ms", direction="minimize", source="random")
        },
    )
    table = Table.from_archs(space.sample(700, 0), pd.DataFrame({"latency": values}), card)
    return [Target.of(table, "latency")]


@pytest.fixture
def trivial(hwbench_home, targets):
    """Trials that do nearly nothing."""
    (hwbench_home / "predictors").mkdir()
    (hwbench_home / "predictors" / "constant.toml").write_text(CARD)
    seeds = tuple(range(N_TRIVIAL))
    return make_plan(_spec(("constant",), (5,), seeds, test_size=2), targets)


def _spec(predictors, training_sizes, seeds, test_size=600):
    return hb.StudySpec(
        targets=("t:latency",),
        predictors=predictors,
        training_sizes=training_sizes,
        seeds=seeds,
        test_size=test_size,
    )


@pytest.mark.benchmark(group="10,000 trivial trials")
def test_trivial_trials_in_a_plain_loop(benchmark, trivial):
    benchmark.pedantic(lambda: [trivial.workload.run(trial) for trial in trivial.trials], rounds=1)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.benchmark(group="10,000 trivial trials")
def test_trivial_trials_as_a_study(benchmark, trivial, tmp_path, workers):
    resources = Resources(workers)
    count = benchmark.pedantic(
        run_plan, (trivial, tmp_path), {"resources": resources}, rounds=1, iterations=1
    )
    assert count == N_TRIVIAL


@pytest.mark.benchmark(group="open a folder of 100,000 trials to go on with it")
def test_resume(benchmark, targets, tmp_path):
    predictors = ("ridge", "linear", "svm", "xgboost")
    sizes, seeds = tuple(range(10, 60)), tuple(range(N_STORED // (50 * 4)))
    spec = _spec(predictors, sizes, seeds)
    plan = make_plan(spec, targets)
    assert len(plan.trials) == N_STORED
    row = dict.fromkeys(STUDY_SCHEMA.names) | {"predictor": "p", "target": "t:latency"}
    with StudyStore(tmp_path) as store:
        for number, trial in enumerate(plan.trials):
            store.add({**row, "trial": trial.identity, "seed": trial.seed}, None)
            if number % 5000 == 4999:
                store.flush()

    def resume():
        return run_plan(make_plan(spec, targets), tmp_path, resources=Resources(2))

    assert benchmark.pedantic(resume, rounds=3) == 0


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.benchmark(group=f"{N_EQUAL} equal fits in worker processes")
def test_workers(benchmark, targets, tmp_path, workers):
    seeds = tuple(range(N_EQUAL))
    plan = make_plan(_spec(("random_forest",), (90,), seeds, test_size=100), targets)
    count = benchmark.pedantic(
        run_plan,
        (plan, tmp_path),
        {"resources": Resources(workers), "limits": hb.study.spec.Limits(seconds=600)},
        rounds=1,
    )
    assert count == N_EQUAL
