"""Every strategy keeps what ask and tell promise, and learns something."""

import numpy as np
import pytest

import hwbench as hb
from hwbench.search import Objective, list_strategies, make_strategy, strategy_parameters
from hwbench.search.spec import StrategyChoice
from hwbench.testing import check_search_strategy

FAST_NETWORK = {"steps": 20, "passes": 1}
SMALL = {
    "bananas": {"predictor_parameters": {"steps": 20, "n_layers": 2}, "pool_size": 100},
    "bonas": {"predictor_parameters": FAST_NETWORK, "pool_size": 100},
    "npenas": {"predictor_parameters": FAST_NETWORK, "pool_size": 100},
    "progressive": {"predictor": "ridge"},
    "random_forest": {"n_trees": 5, "pool_size": 200},
    "gaussian_process": {"predictor_parameters": {"max_iterations": 3}, "pool_size": 200},
    "predictor_guided": {"predictor": "ridge", "pool_size": 200},
}
MODEL_FREE = (
    "random",
    "flops",
    "operations",
    "local_search",
    "regularised_evolution",
    "top_k_evolution",
    "nsga2",
)


LONG = ("bonas",)
"""Strategies that fit a graph network after every few evaluations: a minute and more."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in LONG else name
        for name in list_strategies()
    ],
)
def test_every_strategy_keeps_its_promises(name):
    check_search_strategy(name, **SMALL.get(name, {}))


@pytest.mark.parametrize("exploration", [0.0, 1.0])
def test_epsilon_constraint_keeps_its_promises(exploration):
    fast = {"predictor": "bayesian_linear_regression", "scalarisation": "epsilon_constraint"}
    check_search_strategy("predictor_guided", **fast, exploration=exploration)


@pytest.mark.parametrize("name", [*MODEL_FREE, "reinforce", "tpe", "predictor_guided"])
def test_in_a_space_that_is_no_product(name):
    check_search_strategy(name, space="transnas_macro", **SMALL.get(name, {}))


@pytest.mark.parametrize("name", MODEL_FREE)
def test_in_a_space_too_large_to_be_indexed(name):
    check_search_strategy(name, space="darts")


def cost(archs):
    """Distance from one architecture: a slope that every strategy can follow."""
    return (np.asarray(archs) != [3, 1, 2, 3, 0, 4]).sum(axis=1) + 0.1 * (archs[:, 0] == 2)


LEARNS = [
    name
    for name in list_strategies()
    if name not in ("random", "flops", "operations", "bananas", "bonas", "npenas")
]


@pytest.mark.parametrize("name", LEARNS)
def test_it_is_better_than_random_search(name):
    parameters = {"progressive": {"predictor": "ridge"}, "random_forest": {"n_trees": 10}}

    def best(which, seed):
        strategy = make_strategy(
            which,
            space="nasbench201",
            objectives=[Objective("cost")],
            seed=seed,
            n_initial=20,
            **parameters.get(which, {}),
        )
        for _ in range(26):
            archs = strategy.ask(5)
            strategy.tell(archs, cost(archs))
        return strategy.values.min()

    seeds = range(3)
    assert np.mean([best(name, s) for s in seeds]) < np.mean([best("random", s) for s in seeds])


@pytest.mark.parametrize("name", ["regularised_evolution", "local_search", "predictor_guided"])
def test_with_a_limit_it_finds_what_keeps_it(name):
    """Constrained: as near to one corner as a budget of operations allows."""

    def measure(archs):
        return np.stack([archs.sum(axis=1), (archs > 1).sum(axis=1)], axis=1).astype(float)

    strategy = make_strategy(
        name,
        space="nasbench201",
        objectives=[
            Objective("size", "maximize"),
            Objective("budget", limit=2, optimised=False),
        ],
        n_initial=20,
        **SMALL.get(name, {}),
    )
    for _ in range(60):
        archs = strategy.ask(4)
        strategy.tell(archs, measure(archs))
    best = strategy.values[strategy.best()]
    assert (best[:, 1] <= 2).all()
    assert best[0, 0] >= 11  # 2 x 4 + 4 x 1 is the best there is


def test_parameters_are_listed_with_their_defaults():
    assert strategy_parameters("regularised_evolution") == {
        "population_size": 50,
        "tournament_size": 10,
    }
    guided = strategy_parameters("predictor_guided")
    assert guided["predictor"] == "structural_gaussian_process"
    assert guided["trade_offs"] == "published"
    assert guided["round_size"] == 15
    assert strategy_parameters("nsga2") == {"population_size": 20}


SHARED = ("predictor_parameters", "round_size", "pool_size", "n_parents", "warp")
"""Options that are no strategy's identity."""


def test_what_is_no_strategys_identity_is_an_option_of_all_with_one_default():
    surrogates = [name for name in list_strategies() if "predictor" in strategy_parameters(name)]
    assert len(surrogates) == 7
    for option in SHARED:
        defaults = {repr(strategy_parameters(name)[option]) for name in surrogates}
        assert len(defaults) == 1, option
    ordering = ("predictor_guided", "npenas", "bonas", "progressive")
    assert all("exploration" in strategy_parameters(name) for name in ordering)
    for name in surrogates:
        assert strategy_parameters(name)["pool"] in ("mixed", "mutants")


def test_a_renamed_parameter_says_its_name():
    message = "n_mutants of strategy bananas is called pool_size now"
    with pytest.raises(hb.HwbenchError, match=message) as caught:
        make_strategy("bananas", space="nasbench201", objectives=[Objective("cost")], n_mutants=5)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(ValueError, match=message):  # of which a scenario's error is made
        StrategyChoice(name="bananas", parameters={"n_mutants": 5})


@pytest.mark.parametrize("pool", ["mixed", "mutants"])
def test_a_pool_is_of_unknown_candidates_no_two_alike(pool):
    strategy = make_strategy(
        "predictor_guided",
        space="nasbench201",
        objectives=[Objective("cost")],
        n_initial=30,
        predictor="ridge",
        pool=pool,
        pool_size=200,
    )
    start = strategy.ask(30)
    strategy.tell(start, cost(start))
    found = strategy._candidates()
    assert 50 < len(found) <= 200
    keys = strategy.space.keys_of(found)
    assert len(set(keys)) == len(found)
    assert not set(keys) & set(strategy.space.keys_of(start))
    nearest = (found[:, None] != start[None]).sum(axis=2).min(axis=1)
    assert (nearest[:50] == 1).all()  # mutants first
    assert (nearest > 1).any() == (pool == "mixed")


def test_flops_alone_are_even_over_what_architectures_cost():
    strategy = make_strategy("flops", space="nasbench201", objectives=[Objective("cost")])
    start = strategy.ask(50)
    levels = len(np.unique(strategy.space.flops(strategy.space.all_architectures())))
    strategy.tell(start, cost(start))
    asked = strategy.ask(levels)
    flops = strategy.space.flops(asked)
    assert len(np.unique(flops)) == levels
    assert (np.diff(flops) > 0).all()
    assert len(strategy.ask(600)) == 600


def test_operation_counts_alone_walk_along_the_front_of_few_operations_and_many_parameters():
    strategy = make_strategy("operations", space="nasbench201", objectives=[Objective("cost")])
    start = strategy.ask(50)
    strategy.tell(start, cost(start))
    space = strategy.space
    archs = space.all_architectures()
    rest = archs[~np.isin(space.keys_of(archs), space.keys_of(start))]
    asked = strategy.ask(30)

    def costs(archs):
        return np.stack([space.structure.computing(archs), -space.parameters(archs)], axis=1)

    points = np.unique(costs(rest), axis=0)
    front = [
        own
        for own in points
        if not ((points <= own).all(axis=1) & (points < own).any(axis=1)).any()
    ]
    assert len(front) > 2
    np.testing.assert_array_equal(costs(asked[: len(front)]), front)


@pytest.mark.parametrize("name", ["flops", "operations"])
def test_a_search_that_flops_lead_looks_at_no_measurement(name):
    def asked(sign):
        strategy = make_strategy(name, space="nasbench201", objectives=[Objective("cost")])
        for _ in range(4):
            archs = strategy.ask(30)
            strategy.tell(archs, sign * cost(archs))
        return strategy.archs

    np.testing.assert_array_equal(asked(1), asked(-1))


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("regularized_evolution", {}, "unknown strategy .* did you mean 'regularised_evolution'"),
        ("random", {"population_size": 3}, "unknown parameter of strategy random"),
        ("nsga2", {"population": 3}, "did you mean 'population_size'"),
        ("predictor_guided", {"predictor": "ridgr"}, "did you mean 'ridge'"),
        ("predictor_guided", {"trade_offs": []}, "trade_offs"),
        ("predictor_guided", {"trade_offs": "wider"}, "did you mean 'wide'"),
        ("regularised_evolution", {"population_size": 0}, "population_size must be above 0, not 0"),
        ("reinforce", {"mixing": 1.5}, "mixing must be at most 1, not 1.5"),
        ("random", {"n_initial": 0}, "n_initial must be above 0"),
        ("no.such:Module", {}, "cannot be imported"),
        ("bonas", {"predictor": "ridge"}, "made for the predictor bonas and takes no other"),
        ("random_forest", {"predictor": "ridge"}, "made for the predictor random_forest and takes"),
    ],
)
def test_what_is_wrong_is_said(name, parameters, message):
    with pytest.raises(hb.HwbenchError, match=message) as caught:
        make_strategy(name, space="nasbench201", objectives=[Objective("cost")], **parameters)
    assert len(str(caught.value).splitlines()) == 1


def test_missing_libraries_name_their_extra(monkeypatch):
    import sys

    for module, name in (("optuna", "tpe"), ("pymoo.core.population", "nsga2")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(hb.HwbenchError, match=r"pip install 'hwbench\[search\]'"):
            make_strategy(name, space="nasbench201", objectives=[Objective("cost")])


def test_a_fitted_predictor_can_be_searched(small_table):
    model = hb.make_predictor("ridge", space=small_table.space)
    model.fit(small_table.archs, small_table.column("latency"))
    strategy = hb.make_strategy(
        "regularised_evolution", space=small_table.space, objectives=[hb.Objective("latency")]
    )
    for _ in range(30):
        archs = strategy.ask(10)
        strategy.tell(archs, model.predict(archs))
    everything = model.predict(small_table.space.all_architectures())
    assert strategy.values.min() <= np.quantile(everything, 0.002)


def test_wrong_values_are_refused():
    strategy = make_strategy(
        "random", space="nasbench201", objectives=[Objective("a"), Objective("b")]
    )
    archs = strategy.ask(2)
    for values, message in (
        ([1.0, 2.0], r"shape \(2, 2\), not \(2,\)"),
        ([[1.0, np.inf], [1.0, 2.0]], "row 0, objective b, is infinite"),
        ([["a", "b"]] * 2, "must be numbers"),
    ):
        with pytest.raises(hb.HwbenchError, match=message):
            strategy.tell(archs, values)
    with pytest.raises(hb.HwbenchError, match="was told before"):
        strategy.tell(archs[[0, 0]], np.ones((2, 2)))
    assert len(strategy.archs) == 0
    with pytest.raises(hb.HwbenchError, match="n_archs must be above 0"):
        strategy.ask(0)
