"""What ask and tell cost, beside a whole search of pymoo's and Optuna's own loops: `make bench`."""

import numpy as np
import pytest

import hwbench as hb
from hwbench.search import Objective, make_strategy

N_EVALUATIONS = 500
TABLE = hb.load_table("nb201-digits")
VALUES = np.stack([TABLE.column("test_accuracy"), TABLE.column("latency_min")], axis=1)
ROW_OF = {key: row for row, key in enumerate(TABLE.keys.tolist())}
OBJECTIVES = [Objective("accuracy", "maximize"), Objective("latency")]


def rows_of(archs):
    return [ROW_OF[key] for key in TABLE.space.indices_of(archs).tolist()]


def ours(name):
    strategy = make_strategy(
        name, space=TABLE.space, objectives=OBJECTIVES, candidates=TABLE.archs, seed=0
    )
    for _ in range(N_EVALUATIONS):
        archs = strategy.ask(1)
        strategy.tell(archs, VALUES[rows_of(archs)])
    return strategy


@pytest.mark.benchmark(group="500 evaluations")
@pytest.mark.parametrize(
    "name", ["random", "local_search", "regularised_evolution", "nsga2", "reinforce", "tpe"]
)
def test_a_search(benchmark, name):
    strategy = benchmark.pedantic(ours, args=(name,), rounds=3, warmup_rounds=1)
    assert len(strategy.archs) == N_EVALUATIONS


@pytest.mark.benchmark(group="500 evaluations")
def test_nsga2_of_pymoo(benchmark):
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling
    from pymoo.optimize import minimize

    class OnTable(Problem):
        def __init__(self):
            super().__init__(n_var=6, n_obj=2, xl=0, xu=4, vtype=int)

        def _evaluate(self, x, out, *args, **kwargs):
            values = VALUES[rows_of(np.asarray(x, dtype=np.int64))]
            out["F"] = values * [-1, 1]

    def search():
        algorithm = NSGA2(
            pop_size=50,
            sampling=IntegerRandomSampling(),
            crossover=SBX(repair=RoundingRepair()),
            mutation=PM(repair=RoundingRepair()),
        )
        return minimize(OnTable(), algorithm, ("n_eval", N_EVALUATIONS), seed=0)

    assert benchmark.pedantic(search, rounds=3, warmup_rounds=1).F is not None


@pytest.mark.benchmark(group="500 evaluations")
def test_tpe_of_optuna(benchmark):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def evaluate(trial):
        arch = [[trial.suggest_categorical(str(i), range(5)) for i in range(6)]]
        (row,) = rows_of(np.array(arch))
        return -VALUES[row, 0], VALUES[row, 1]

    def search():
        sampler = optuna.samplers.TPESampler(seed=0, multivariate=True)
        study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
        study.optimize(evaluate, n_trials=N_EVALUATIONS)
        return study

    assert len(benchmark.pedantic(search, rounds=1).trials) == N_EVALUATIONS


@pytest.mark.benchmark(group="hypervolume after each of 550 evaluations")
@pytest.mark.parametrize("how", ["kept front", "from scratch"])
def test_anytime_hypervolume(benchmark, how):
    from hwbench.fronts.anytime import hypervolumes_so_far
    from hwbench.simulation import hypervolume

    rows = np.random.default_rng(0).permutation(len(VALUES))[:550]
    accuracy, latency = VALUES[rows].T
    reference = {"reference_accuracy": 0.0, "reference_metric": 20.0}

    def from_scratch():
        return [hypervolume(accuracy[:n], latency[:n], **reference) for n in range(1, 551)]

    def kept_front():
        return hypervolumes_so_far(accuracy, latency, **reference)

    found = benchmark(kept_front if how == "kept front" else from_scratch)
    np.testing.assert_allclose(found[-1], hypervolume(accuracy, latency, **reference))
