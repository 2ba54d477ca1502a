"""What every search strategy promises, to hold strategies of one's own against."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import Floats, IntArray
from hwbench.search.objectives import Objective
from hwbench.search.part import Part
from hwbench.search.registry import make_strategy
from hwbench.search.strategies.base import Strategy
from hwbench.search.strategies.random_search import RandomSearch
from hwbench.spaces import Space
from hwbench.testing.random_states import seed_global_states
from hwbench.testing.space_subject import space_of
from hwbench.testing.suite import Check, Subject, Suite, described, made, no_such_part

N_EVALUATIONS = 40
N_INITIAL = 12
BATCHES = (1, 7, 3)
"""Sizes in which architectures are asked for, one after the other."""
MOST_COUNTED = 10_000
"""Architectures of a space whose parts may be smaller than what is evaluated."""

ACCURACY = Objective("accuracy", "maximize")
LATENCY = Objective("latency")

FORMS = (
    'a name, "module:Class", a subclass of Strategy, or a function that takes the arguments of '
    "one, such as functools.partial(Class, population_size=20)"
)


class SearchStrategySubject(Subject):
    """A search strategy to check, and what to check it on.

    Attributes
    ----------
    space : the search space.
    """

    kind = "strategy"

    def __init__(self, part: Any, space: Any, parameters: dict[str, Any]) -> None:
        self.name = described(part)
        self.space = space_of(space)
        self._make = _maker(part, parameters)
        made(self.kind, self.make, self.name)  # what is unknown is no broken promise
        generator = np.random.default_rng(0)
        most = max(self.space.n_choices)
        self.costs = generator.uniform(1, 2, size=(2, self.space.n_positions, most))

    def make(
        self,
        *objectives: Objective,
        seed: int = 3,
        candidates: IntArray | Part | None = None,
        n_initial: int = N_INITIAL,
    ) -> Strategy:
        """A new one, by default for accuracy and latency in the whole space."""
        strategy = self._make(
            space=self.space,
            objectives=objectives or (ACCURACY, LATENCY),
            candidates=candidates,
            seed=seed,
            n_initial=n_initial,
        )
        if not isinstance(strategy, Strategy):
            raise no_such_part(self.kind, strategy, FORMS)
        return strategy

    def measure(self, archs: IntArray, n_objectives: int = 2) -> Floats:
        """Values by formula: sums over positions, float64 of shape (n_archs, n_objectives)."""
        positions = np.arange(self.space.n_positions)
        return self.costs[:n_objectives, positions, archs].sum(axis=2).T

    def search(self, strategy: Strategy, n_evaluations: int = N_EVALUATIONS) -> IntArray:
        """What a strategy asks for, told what it measures."""
        asked: list[IntArray] = []
        n_asked = 0
        while n_asked < n_evaluations:
            size = min(BATCHES[len(asked) % len(BATCHES)], n_evaluations - n_asked)
            archs = strategy.ask(size)
            self.require(len(archs) == size, f"ask({size}) gives {len(archs)} architectures")
            strategy.tell(archs, self.measure(archs, len(strategy.objectives)))
            asked.append(archs)
            n_asked += size
        return np.concatenate(asked)

    def require_different(self, archs: IntArray) -> None:
        keys = self.space.keys_of(archs).tolist()
        self.require(len(set(keys)) == len(keys), "an architecture is asked for twice")


def _maker(part: Any, parameters: dict[str, Any]) -> Callable[..., Any]:
    if isinstance(part, str):
        return partial(make_strategy, part, **parameters)
    if callable(part) and not (isinstance(part, type) and not issubclass(part, Strategy)):
        return partial(part, **parameters)
    # What it was made with is not known, and every check makes one of its own.
    raise no_such_part(SearchStrategySubject.kind, part, FORMS)


def _subject(
    strategy: Any, *, space: Space | str = "nasbench201", **parameters: Any
) -> SearchStrategySubject:
    return SearchStrategySubject(strategy, space, parameters)


SUITE: Suite[SearchStrategySubject] = Suite(_subject)


def search_strategy_checks(*strategy: Any, **options: Any) -> list[Check]:
    """The checks of search strategies, for `pytest.mark.parametrize`: `check("nsga2")`.

    Parameters
    ----------
    *strategy, **options : as for `check_search_strategy`; with a strategy, the checks are called
        without one.
    """
    return SUITE.checks(*strategy, **options)


def check_search_strategy(
    strategy: Any, *, space: Space | str = "nasbench201", **parameters: Any
) -> None:
    """Check that a search strategy keeps every promise that an experiment relies on.

    A seed fixes what it asks for, whatever the global random state; the first architectures are the
    same as random search's; batches of any size hold valid architectures, no two alike and none
    that was asked for or told before; all candidates and nothing else are asked for, and then
    nothing, also where rules give them (`hwbench.search.Part`); it takes single and several
    objectives, limits, values that are missing, and architectures that it did not ask for; it knows
    the best that it was told; it pickles, and leaves its inputs alone. Whether it finds good
    architectures is not checked.

    Parameters
    ----------
    strategy : a name, "module:Class", a subclass of `Strategy`, or a function that takes the same
        arguments, such as `functools.partial(MyStrategy, population_size=20)`. An object is none:
        each check makes strategies of its own.
    space : a search space.
    **parameters : of the strategy, such as fewer steps for a predictor that is slow to train.

    Raises
    ------
    AssertionError
        Where a promise is broken; the message says which.
    HwbenchError
        Where strategy, space or parameter is unknown.
    """
    SUITE.run_all(strategy, space=space, **parameters)


check_strategy = check_search_strategy
"""The name of `check_search_strategy` in hwbench 0.1.0."""


@SUITE.promise("what is asked for")
def _check_asked(checked: SearchStrategySubject) -> None:
    strategy = checked.make()
    asked = checked.search(strategy)
    checked.require(asked.dtype == np.int64, f"architectures are {asked.dtype}, not int64")
    checked.space.check(asked)
    checked.require_different(asked)
    checked.require(np.array_equal(strategy.archs, asked), "archs is not what was told")
    expected = checked.measure(asked)
    checked.require(np.allclose(strategy.values, expected), "values is not what was told")
    strategy.archs[:], strategy.values[:] = 0, 0
    checked.require(np.array_equal(strategy.archs, asked), "archs is no copy of what was told")
    first = RandomSearch(checked.space, [LATENCY], seed=3, n_initial=N_INITIAL).ask(N_INITIAL)
    checked.require(
        np.array_equal(asked[:N_INITIAL], first), "it does not start from the common architectures"
    )


@SUITE.promise("the seed")
def _check_seed(checked: SearchStrategySubject) -> None:
    found = []
    for state in (11, 12):
        seed_global_states(state)
        found.append(checked.search(checked.make()))
    checked.require(
        np.array_equal(found[0], found[1]), "the same seed asks for other architectures"
    )
    other = checked.search(checked.make(seed=4), N_INITIAL)
    checked.require(
        not np.array_equal(found[0][:N_INITIAL], other), "another seed asks for the same"
    )


@SUITE.promise("results that are awaited")
def _check_pending(checked: SearchStrategySubject) -> None:
    strategy = checked.make()
    checked.search(strategy, N_INITIAL)
    waiting = [strategy.ask(4), strategy.ask(4)]  # as by several workers
    both = np.concatenate(waiting)
    checked.require(len(both) == 8, "ask gives too few while results are awaited")
    checked.require_different(np.concatenate([strategy.archs, both]))
    for archs in reversed(waiting):
        strategy.tell(archs, checked.measure(archs))
    checked.require_different(np.concatenate([strategy.archs, strategy.ask(5)]))


@SUITE.promise("pickles")
def _check_pickles(checked: SearchStrategySubject) -> None:
    strategy = checked.make()
    checked.search(strategy, N_EVALUATIONS // 2)
    copy = pickle.loads(pickle.dumps(strategy))  # noqa: S301  made here
    expected, found = (checked.search(each, N_EVALUATIONS // 2) for each in (strategy, copy))
    checked.require(np.array_equal(found, expected), "a pickled copy goes on differently")


@SUITE.promise("objectives and limits")
def _check_objectives(checked: SearchStrategySubject) -> None:
    for objectives in (
        (LATENCY,),
        (ACCURACY, Objective("latency", limit=1.4 * checked.space.n_positions, optimised=False)),
        (ACCURACY, Objective("latency", limit=1.5 * checked.space.n_positions)),
        (Objective("latency", limit=-1.0),),  # nothing can keep it
    ):
        strategy = checked.make(*objectives)
        asked = checked.search(strategy)
        checked.space.check(asked)
        checked.require_different(asked)


@SUITE.promise("values that are missing")
def _check_missing(checked: SearchStrategySubject) -> None:
    strategy = checked.make()
    for _ in range(6):
        archs = strategy.ask(5)
        values = checked.measure(archs)
        values[::2] = np.nan
        strategy.tell(archs, values)
    best = strategy.best()
    checked.require(
        bool(np.isfinite(strategy.values[best]).all()), "best() holds what was not measured"
    )
    nothing = checked.make()
    archs = nothing.ask(N_INITIAL)
    nothing.tell(archs, np.full((N_INITIAL, 2), np.nan))
    checked.require(len(nothing.ask(3)) == 3, "ask gives too few where nothing could be measured")


@SUITE.promise("architectures that were not asked for")
def _check_unasked(checked: SearchStrategySubject) -> None:
    strategy = checked.make()
    known = checked.space.sample(20, seed=99)
    values = checked.measure(known)
    given = known.copy(), values.copy()
    strategy.tell(known, values)
    unchanged = np.array_equal(given[0], known) and np.array_equal(given[1], values)
    checked.require(unchanged, "tell changed the arrays it was given")
    asked = checked.search(strategy)
    checked.require_different(np.concatenate([known, asked]))
    twice = "an architecture that is told twice"
    checked.require_refusal(twice, strategy.tell, known[:1], values[:1])


@SUITE.promise("the best")
def _check_best(checked: SearchStrategySubject) -> None:
    limited = (ACCURACY, Objective("latency", limit=1.5 * checked.space.n_positions))
    for objectives in ((LATENCY,), (ACCURACY, LATENCY), limited):
        strategy = checked.make(*objectives)
        archs = checked.space.sample(30, seed=8)
        values = checked.measure(archs, len(objectives))
        values[::7] = np.nan
        strategy.tell(archs, values)
        costs = values * [1.0 if each.direction == "minimize" else -1.0 for each in objectives]
        limit = objectives[-1].limit
        kept = ~np.isnan(costs).any(axis=1) & (True if limit is None else costs[:, -1] <= limit)
        best = [
            row
            for row in np.flatnonzero(kept)
            if not any(
                (costs[other] <= costs[row]).all() and (costs[other] < costs[row]).any()
                for other in np.flatnonzero(kept)
            )
        ]
        found = sorted(int(row) for row in strategy.best())
        checked.require(found == best, f"best() gives the rows {found}; they are {best}")


@SUITE.promise("the candidates")
def _check_candidates(checked: SearchStrategySubject) -> None:
    candidates = checked.space.sample(30, seed=5)
    given = candidates.copy()
    strategy = checked.make(candidates=candidates)
    asked = checked.search(strategy, len(candidates))
    keys = set(checked.space.keys_of(candidates).tolist())
    found = checked.space.keys_of(asked).tolist()
    checked.require(set(found) == keys, "not the candidates, or not all of them, are asked for")
    checked.require_different(asked)
    checked.require(len(strategy.ask(3)) == 0, "something is asked for where nothing is left")
    checked.require(np.array_equal(given, candidates), "the candidates given were changed")


@dataclass(frozen=True)
class _Holding:
    """The part of a space whose architectures hold one operation at one position."""

    space: Space
    position: int
    operation: int
    n_architectures: int | None = None

    def contains(self, archs: IntArray) -> NDArray[np.bool_]:
        return np.asarray(archs[:, self.position] == self.operation)

    def sample(self, n_archs: int, generator: np.random.Generator) -> IntArray:
        found = np.empty((0, self.space.n_positions), dtype=np.int64)
        while len(found) < n_archs:
            archs = self.space.sample(4 * n_archs, generator, replace=True)
            found = np.concatenate([found, archs[self.contains(archs)]])
        return found[:n_archs]


@dataclass(frozen=True)
class _Few:
    """A part of few architectures that does not say how many they are."""

    space: Space
    archs: IntArray
    n_architectures: int | None = None

    def contains(self, archs: IntArray) -> NDArray[np.bool_]:
        return np.isin(self.space.keys_of(archs), self.space.keys_of(self.archs))

    def sample(self, n_archs: int, generator: np.random.Generator) -> IntArray:
        return self.archs[generator.integers(len(self.archs), size=n_archs)]


@SUITE.promise("a part that is given by rules")
def _check_part(checked: SearchStrategySubject) -> None:
    drawn = checked.space.sample(200, seed=6)
    position = int(np.argmax(drawn.max(axis=0) > drawn.min(axis=0)))  # the first that varies
    held, counts = np.unique(drawn[:, position], return_counts=True)
    part = _Holding(checked.space, position, int(held[np.argmin(counts)]))
    few = _Few(checked.space, checked.space.sample(16, seed=7))
    most = N_EVALUATIONS
    if checked.space.n_architectures <= MOST_COUNTED:
        most = int(part.contains(checked.space.all_architectures()).sum())
    for candidates, n_evaluations in ((part, min(most, N_EVALUATIONS)), (few, len(few.archs))):
        strategy = checked.make(candidates=candidates)
        asked = checked.search(strategy, n_evaluations)
        checked.space.check(asked)
        checked.require(
            bool(candidates.contains(asked).all()), "what lies outside the part is asked for"
        )
        checked.require_different(asked)
    checked.require(
        len(strategy.ask(3)) == 0, "something is asked for where nothing of the part is left"
    )
