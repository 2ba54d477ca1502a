"""A search's version is of all that it runs, and of what is its own."""

import pytest

import hwbench as hb
from hwbench.code_version import counted_modules
from hwbench.predictors.identity import predictor_modules
from hwbench.search import list_strategies
from hwbench.search.identity import search_modules, strategy_predictor
from hwbench.search.spec import StrategyChoice

QUICK = {
    "bananas": {"predictor_parameters": {"steps": 2, "n_layers": 2}},
    "bonas": {"predictor_parameters": {"steps": 2, "passes": 1}},
    "npenas": {"predictor_parameters": {"steps": 2, "passes": 1}},
    "progressive": {"predictor_parameters": {"steps": 2}},
    "random_forest": {"predictor_parameters": {"n_estimators": 5}},
}

RUN = """
import catboost, optuna, pymoo.optimize, sklearn.ensemble, torch._dynamo
from hwbench.search.plan import planned_runs
from hwbench.search.run import _search
from hwbench.search.spec import SearchSpec
from hwbench.search.tables import SearchTable

def run(choice, predictor):
    spec = SearchSpec.model_validate({
        "accuracy": "small:test_accuracy", "metrics": ["small:latency"], "strategies": [choice],
        "evaluations": 12, "checkpoints": [12], "n_initial": 8, "seeds": [0],
        "predicted_metric": predictor and {"predictor": predictor, "training_sizes": [20]},
    })
    table = SearchTable.load(spec.accuracy, spec.metrics[0])
    return len(_search(planned_runs(spec)[-1], table, spec))
"""


def modules_of(predictor):
    return predictor_modules(hb.predictor_card(predictor))


@pytest.mark.needs("torch", "search")
def test_a_version_is_of_all_that_a_search_runs(hwbench_home, make_table, modules_run, harmless):
    make_table("small").save(hwbench_home / "tables" / "small.parquet")
    cases = [
        *(({"name": name, "parameters": QUICK.get(name, {})}, None) for name in list_strategies()),
        ({"name": "random"}, "lookup_table"),
        ({"name": "predictor_guided", "parameters": {"predictor": "ridge"}}, "pairwise_ridge"),
    ]
    space = hb.get_space("nasbench201")
    for (given, metric), (_, ran) in zip(cases, modules_run(RUN, cases, hwbench_home), strict=True):
        choice = StrategyChoice.model_validate(given)
        predictors = [name for name in (metric, strategy_predictor(choice)) if name]
        models = [module for name in predictors for module in modules_of(name)]
        counted = counted_modules(*search_modules(choice, space), *models)
        assert ran - set(counted) <= harmless, given


@pytest.mark.parametrize(
    ("name", "parameters", "predictor"),
    [
        ("random", {}, None),
        ("bonas", {}, "bonas"),
        ("npenas", {}, "gcn"),
        ("npenas", {"predictor": "ridge"}, "ridge"),
        ("predictor_guided", {"predictor": None}, "structural_gaussian_process"),
    ],
)
def test_the_predictor_of_a_strategy(name, parameters, predictor):
    choice = StrategyChoice(name=name, parameters=parameters)
    assert strategy_predictor(choice) == predictor
