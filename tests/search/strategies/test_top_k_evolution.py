"""Algorithm 1 of AutoSNN: rounds of mutants and crossings of the k best."""

import numpy as np
import pytest

from hwbench.search.objectives import Objective
from hwbench.search.registry import make_strategy
from hwbench.spaces import get_space
from hwbench.testing import check_search_strategy

SPACE = get_space("autosnn")
GOAL = [Objective("fitness", "maximize")]


def value_of(archs):
    """An order of all architectures, whose best one is 4, 4, 4, 4, 4."""
    return archs @ np.array([1.0, 1.1, 1.2, 1.3, 1.4])


def searched(evaluations, *, strategy="top_k_evolution", n_initial=20, seed=0, **parameters):
    made = make_strategy(
        strategy, space=SPACE, objectives=GOAL, n_initial=n_initial, seed=seed, **parameters
    )
    for _ in range(evaluations):
        archs = made.ask()
        made.tell(archs, value_of(archs))
    return made


def test_it_keeps_the_promises_of_search_strategies():
    check_search_strategy("top_k_evolution")


def test_two_hundred_evaluations_ask_for_nothing_twice():
    made = searched(200)
    assert len(np.unique(made.archs, axis=0)) == len(made.archs) == 200
    again = searched(200)
    np.testing.assert_array_equal(made.archs, again.archs)
    assert not np.array_equal(searched(200, seed=1).archs, made.archs)


def test_a_round_is_of_mutants_crossings_and_the_rest_at_random():
    made = searched(20, attempts=50)
    parents = made.archs[np.argsort(-value_of(made.archs), kind="stable")[:10]]
    round_ = made.ask(20)
    assert len(round_) == 20
    for child in round_[10:]:
        crossed = [
            np.concatenate([one[:cut], other[cut:]]).tolist()
            for one in parents
            for other in parents
            for cut in range(1, 5)
        ]
        assert child.tolist() in crossed
    assert all((child != parents).sum(axis=1).min() <= 5 for child in round_[:10])
    only_random = searched(20, n_mutants=0, n_crossings=0).ask(20)
    assert len(only_random) == 20


def test_parents_stay_until_a_round_is_over():
    # Asked one by one or all at once, it is the same: made when the one before is used up.
    one, other = searched(20), searched(20)
    together = one.ask(20)
    apart = []
    for _ in range(20):
        arch = other.ask()
        apart.append(arch[0])
        other.tell(arch, value_of(arch))
    np.testing.assert_array_equal(together, apart)


@pytest.mark.parametrize("rate", [0.0, 0.2, 1.0])
def test_each_position_of_a_mutant_changes_with_the_rate(rate):
    made = searched(20, mutation_rate=rate, n_mutants=4000, attempts=1)
    parent = np.array([[2, 2, 2, 2, 2]])
    mutants = made._mutants(parent)
    assert (mutants != parent).mean() == pytest.approx(rate, abs=0.02)
    if rate == 1.0:  # to each of the others equally often
        shares = np.bincount(mutants.ravel(), minlength=5) / mutants.size
        np.testing.assert_allclose(shares, [0.25, 0.25, 0.0, 0.25, 0.25], atol=0.02)


def test_what_could_not_be_measured_is_no_parent():
    made = make_strategy("top_k_evolution", space=SPACE, objectives=GOAL, n_initial=5)
    archs = made.ask(5)
    values = value_of(archs)
    values[np.argmax(values)] = np.nan
    made.tell(archs, values)
    assert np.nanargmax(values) == np.flatnonzero((made.archs == made._parents()[0]).all(axis=1))[0]
    assert len(made._parents()) == 4
    alone = make_strategy("top_k_evolution", space=SPACE, objectives=GOAL, n_initial=1)
    alone.tell(alone.ask(), [np.nan])
    assert len(alone.ask(20)) == 20


def test_it_finds_more_than_chance():
    best = [value_of(searched(200, seed=seed).archs).max() for seed in range(5)]
    chance = [
        value_of(searched(200, strategy="random", seed=seed).archs).max() for seed in range(5)
    ]
    assert all(one >= other for one, other in zip(best, chance, strict=True))
    assert sum(best) > sum(chance)


def test_a_space_that_is_used_up_ends_the_search():
    few = SPACE.sample(30, seed=3)
    made = make_strategy(
        "top_k_evolution", space=SPACE, objectives=GOAL, n_initial=20, candidates=few
    )
    seen = []
    while len(archs := made.ask(7)):
        made.tell(archs, value_of(archs))
        seen += archs.tolist()
    assert sorted(seen) == sorted(few.tolist())
