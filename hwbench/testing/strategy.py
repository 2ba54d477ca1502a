"""What every search strategy promises, to hold strategies of one's own against."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.search.objectives import Objective
from hwbench.search.registry import make_strategy
from hwbench.search.strategies.base import Strategy
from hwbench.spaces import Space, get_space

N_EVALUATIONS = 40
N_INITIAL = 12
BATCHES = (1, 7, 3)
"""Sizes in which architectures are asked for, one after the other."""


def check_strategy(name: str, *, space: Space | str = "nasbench201", **parameters: Any) -> None:
    """Check that a search strategy keeps every promise that an experiment relies on.

    A seed fixes what it asks for, whatever the global random state; the first architectures are the
    same as random search's; batches of any size hold valid architectures, no two alike and none
    that was asked for or told before; all candidates and nothing else are asked for, and then
    nothing; it takes single and several objectives, limits, values that are missing, and
    architectures that it did not ask for; it pickles, and leaves its inputs alone. Whether it finds
    good architectures is not checked.

    Parameters
    ----------
    name : of the strategy, or the import path "module:Class" of one's own.
    space : a search space.
    **parameters : of the strategy, such as fewer steps for a predictor that is slow to train.

    Raises
    ------
    AssertionError
        Where a promise is broken; the message says which.
    HwbenchError
        Where strategy, space or parameter is unknown.
    """
    where = get_space(space) if isinstance(space, str) else space
    checked = _Checked(name, where, parameters)
    checked.make()  # what is unknown is told as it is, not as a broken promise
    for what, check in _CHECKS.items():
        try:
            check(checked)
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(
                f"strategy {name}: checking {what}: {type(error).__name__}: {error}"
            ) from error


ACCURACY = Objective("accuracy", "maximize")
LATENCY = Objective("latency")


class _Checked:
    """A strategy to check, and what to check it on."""

    def __init__(self, name: str, space: Space, parameters: dict[str, Any]) -> None:
        self.name = name
        self.space = space
        self.parameters = parameters
        generator = np.random.default_rng(0)
        self.costs = generator.uniform(1, 2, size=(2, space.n_positions, max(space.n_choices)))

    def make(
        self,
        *objectives: Objective,
        seed: int = 3,
        candidates: IntArray | None = None,
        n_initial: int = N_INITIAL,
    ) -> Strategy:
        return make_strategy(
            self.name,
            space=self.space,
            objectives=objectives or (ACCURACY, LATENCY),
            candidates=candidates,
            seed=seed,
            n_initial=n_initial,
            **self.parameters,
        )

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

    def require(self, condition: bool, message: str) -> None:
        if not condition:
            raise AssertionError(f"strategy {self.name}: {message}")

    def require_different(self, archs: IntArray) -> None:
        keys = self.space.keys_of(archs).tolist()
        self.require(len(set(keys)) == len(keys), "an architecture is asked for twice")


def _check_asked(checked: _Checked) -> None:
    strategy = checked.make()
    asked = checked.search(strategy)
    checked.require(asked.dtype == np.int64, f"architectures are {asked.dtype}, not int64")
    checked.space.check(asked)
    checked.require_different(asked)
    checked.require(np.array_equal(strategy.archs, asked), "archs is not what was told")
    expected = checked.measure(asked)
    checked.require(np.allclose(strategy.values, expected), "values is not what was told")
    first = make_strategy(
        "random",
        space=checked.space,
        objectives=[LATENCY],
        seed=3,
        n_initial=N_INITIAL,
    ).ask(N_INITIAL)
    checked.require(
        np.array_equal(asked[:N_INITIAL], first), "it does not start from the common architectures"
    )


def _check_seed(checked: _Checked) -> None:
    found = []
    for state in (11, 12):
        np.random.seed(state)  # noqa: NPY002  the global state must not matter
        found.append(checked.search(checked.make()))
    checked.require(
        np.array_equal(found[0], found[1]), "the same seed asks for other architectures"
    )
    other = checked.search(checked.make(seed=4), N_INITIAL)
    checked.require(
        not np.array_equal(found[0][:N_INITIAL], other), "another seed asks for the same"
    )


def _check_pending(checked: _Checked) -> None:
    strategy = checked.make()
    checked.search(strategy, N_INITIAL)
    waiting = [strategy.ask(4), strategy.ask(4)]  # as by several workers
    both = np.concatenate(waiting)
    checked.require(len(both) == 8, "ask gives too few while results are awaited")
    checked.require_different(np.concatenate([strategy.archs, both]))
    for archs in reversed(waiting):
        strategy.tell(archs, checked.measure(archs))
    checked.require_different(np.concatenate([strategy.archs, strategy.ask(5)]))


def _check_pickles(checked: _Checked) -> None:
    strategy = checked.make()
    checked.search(strategy, N_EVALUATIONS // 2)
    copy = pickle.loads(pickle.dumps(strategy))  # noqa: S301  made here
    expected, found = (checked.search(each, N_EVALUATIONS // 2) for each in (strategy, copy))
    checked.require(np.array_equal(found, expected), "a pickled copy goes on differently")


def _check_objectives(checked: _Checked) -> None:
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


def _check_missing(checked: _Checked) -> None:
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


def _check_unasked(checked: _Checked) -> None:
    strategy = checked.make()
    known = checked.space.sample(20, seed=99)
    values = checked.measure(known)
    given = known.copy(), values.copy()
    strategy.tell(known, values)
    unchanged = np.array_equal(given[0], known) and np.array_equal(given[1], values)
    checked.require(unchanged, "tell changed the arrays it was given")
    asked = checked.search(strategy)
    checked.require_different(np.concatenate([known, asked]))
    try:
        strategy.tell(known[:1], values[:1])
    except HwbenchError:
        pass
    else:
        checked.require(False, "an architecture that is told twice is not refused")


def _check_candidates(checked: _Checked) -> None:
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


_CHECKS: dict[str, Callable[[_Checked], None]] = {
    "what is asked for": _check_asked,
    "the seed": _check_seed,
    "results that are awaited": _check_pending,
    "pickles": _check_pickles,
    "objectives and limits": _check_objectives,
    "values that are missing": _check_missing,
    "architectures that were not asked for": _check_unasked,
    "the candidates": _check_candidates,
}
