"""The checks of search strategies pass what is right and find what is wrong.

Those of hwbench are held against them in `tests/search/strategies`.
"""

from functools import partial

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.search.objectives import Objective
from hwbench.search.strategies.evolution import RegularisedEvolution
from hwbench.search.strategies.random_search import RandomSearch
from hwbench.testing import check_search_strategy, check_strategy, search_strategy_checks


@pytest.mark.parametrize("check", search_strategy_checks())
def test_one_by_one(check):
    check("random")


@pytest.mark.parametrize(
    "part",
    [
        "regularised_evolution",
        "hwbench.search.strategies.evolution:RegularisedEvolution",
        RegularisedEvolution,
        partial(RegularisedEvolution, tournament_size=2),
        lambda *args, **kwargs: RegularisedEvolution(*args, **kwargs),
    ],
    ids=["name", "path", "class", "partial", "function"],
)
def test_however_it_is_given(part):
    check_search_strategy(part, population_size=20)
    for check in search_strategy_checks(part, population_size=20, space="nasbench_macro")[:2]:
        check()


def test_the_name_of_0_1_0():
    assert check_strategy is check_search_strategy


class NeedsArguments(RandomSearch):
    def __init__(self, *args, layers, **kwargs):
        super().__init__(*args, **kwargs)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("nsga3", "unknown .*strategy 'nsga3'; did you mean 'nsga2'"),
        ("no.such:Module", "no.such cannot be imported"),
        (3, "strategy 3: is none; give a name"),
        (int, "strategy int: is none; give a name"),
        (np.mean, "strategy mean: cannot be made"),
        (
            RandomSearch("nasbench201", [Objective("latency")]),
            r"strategy RandomSearch: is none; give .* such as functools\.partial",
        ),
        (NeedsArguments, r"NeedsArguments: cannot be made \(TypeError: .*'layers'"),
        (lambda **_: 3, "strategy 3: is none"),
    ],
)
def test_what_is_no_strategy_is_one_line(part, message):
    for call in (check_search_strategy, *search_strategy_checks()[:1]):
        with pytest.raises(HwbenchError, match=message) as caught:
            call(part)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("part", "options", "message"),
    [
        ("nsga2", {"population": 3}, "did you mean 'population_size'"),
        (RegularisedEvolution, {"population": 3}, "did you mean 'population_size'"),
        (RegularisedEvolution, {"population_size": 0}, "population_size must be above 0, not 0"),
        ("random", {"space": "nasbench20"}, "did you mean 'nasbench201'"),
    ],
)
def test_unknown_options_are_one_line(part, options, message):
    with pytest.raises(HwbenchError, match=message):
        check_search_strategy(part, **options)


# ---------------------------------------------------------------------- broken ones


class Moody(RandomSearch):
    def _propose(self, n_archs):
        return self.space.sample(n_archs, np.random.default_rng())


class Constant(RandomSearch):
    def __init__(self, *args, seed=0, **kwargs):
        super().__init__(*args, seed=3, **kwargs)


class Generous(RandomSearch):
    def ask(self, n_archs=1):
        return super().ask(n_archs + 1)


class Eager(RandomSearch):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._initial.reverse()


class Shared(RandomSearch):
    @property
    def archs(self):
        return self._archs[: self._n_told]


class Impatient(RandomSearch):
    """Asks again for what it waits for."""

    def ask(self, n_archs=1):
        self._seen = set(self._told)
        self.generator = np.random.default_rng(len(self._told))
        return super().ask(n_archs)


class Locked(RandomSearch):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.key = lambda: None


class OneTrack(RandomSearch):
    def _learn(self, first):
        assert self.objectives.optimised.all(), "what is only limited is not thought of"
        assert not self.objectives.limited, "nor are limits"


class Blind(RandomSearch):
    def _learn(self, first):
        if np.isnan(self.costs).any():
            raise KeyError("NaN")


class Greedy(RandomSearch):
    def tell(self, archs, values):
        super().tell(archs, values)
        values[:] = 0


class Credulous(RandomSearch):
    def tell(self, archs, values):
        self._told = set()
        super().tell(archs, values)


class Boastful(RandomSearch):
    def best(self):
        return np.arange(len(self.archs))


class Roaming(RandomSearch):
    def __init__(self, *args, candidates=None, **kwargs):
        super().__init__(*args, **kwargs)


class Lawless(RandomSearch):
    """Keeps to lists alone."""

    def _propose(self, n_archs):
        if self.candidates.by_rules:
            return self.space.sample(n_archs, self.generator)
        return super()._propose(n_archs)


BROKEN = [
    ("what is asked for", Generous, r"ask\(1\) gives 2 architectures"),
    ("what is asked for", Eager, "does not start from the common architectures"),
    ("what is asked for", Shared, "archs is no copy of what was told"),
    ("the seed", Moody, "the same seed asks for other architectures"),
    ("the seed", Constant, "another seed asks for the same"),
    ("results that are awaited", Impatient, "an architecture is asked for twice"),
    ("pickles", Locked, "checking pickles raises"),
    ("objectives and limits", OneTrack, "what is only limited is not thought of"),
    ("values that are missing", Blind, "checking values that are missing raises KeyError"),
    ("architectures that were not asked for", Greedy, "tell changed the arrays it was given"),
    ("architectures that were not asked for", Credulous, "told twice is not refused"),
    ("the best", Boastful, r"best\(\) gives the rows \[0, 1, 2"),
    ("the candidates", Roaming, "not the candidates, or not all of them, are asked for"),
    ("a part that is given by rules", Lawless, "what lies outside the part is asked for"),
]


@pytest.mark.parametrize(
    ("what", "part", "message"), BROKEN, ids=[each[1].__name__ for each in BROKEN]
)
def test_a_broken_promise_is_named(what, part, message):
    (check,) = (each for each in search_strategy_checks() if each.what == what)
    with pytest.raises(AssertionError, match=message):
        check(part)
    with pytest.raises(AssertionError):
        check_search_strategy(part)


def test_every_check_can_fail():
    assert {what for what, _, _ in BROKEN} == {each.what for each in search_strategy_checks()}
