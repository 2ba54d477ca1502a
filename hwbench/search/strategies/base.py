"""The one interface of all search strategies: ask for architectures, tell what they measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import NonNegativeInt, PositiveInt

from hwbench.arguments import check_constructor, checks_arguments
from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.fronts.many import best_first, non_dominated
from hwbench.search.candidates import Candidates
from hwbench.search.objectives import Objective, Objectives
from hwbench.search.part import Part
from hwbench.spaces import Space, get_space


def _owner(strategy: Any) -> str:
    """Whose arguments they are, for messages."""
    return f"strategy {getattr(strategy, 'name', type(strategy).__name__)}"


class Strategy(ABC):
    """Base of the search strategies.

    The first `n_initial` architectures are drawn at random, and depend on candidates and seed
    alone: every strategy starts from the same. A subclass proposes the ones after; what it proposes
    twice is dropped, and what it leaves open is filled at random, so that no architecture is ever
    asked for twice.

    A strategy is made for one search, lives in one process, and can be pickled between any two
    calls. `ask` and `tell` come in any order: an experiment asks for one architecture and tells
    what it measured, in turn; others ask several times before they tell, tell what was never asked
    for, or start by telling what is known. The base keeps the books before it calls a hook
    (`_propose`, `_learn`), so a subclass finds all that was told in `_archs` and `_costs`, rows
    0 .. `_n_told` - 1, and need not call the base's. Costs are negated where values are to be
    maximised, and NaN where an architecture could not be measured. All draws come from `generator`,
    which belongs to the subclass after the constructor.

    A subclass's constructor takes its own arguments by keyword and hands on the rest, as in
    `def __init__(self, *args, population_size: PositiveInt = 50, **kwargs)`; they are checked by
    their annotations, and are the parameters that scenarios may set.

    Parameters
    ----------
    space : the search space, or its name.
    objectives : what is wanted of an architecture.
    candidates : int64 of shape (n_archs, n_positions), the architectures to choose from, such as
        those of a table, or a `Part` that gives them by rules; the whole space by default.
    seed : of all randomness.
    n_initial : random architectures at the start.

    Attributes
    ----------
    archs : int64 of shape (n_told, n_positions), what was told so far, in that order.
    values : float64 of shape (n_told, n_objectives), in the objectives' own directions.
    """

    renamed: ClassVar[dict[str, str]] = {}
    """Parameters of earlier versions, and what they are called now."""
    round_parameter: ClassVar[str] = ""
    """The parameter, where there is one, that says how many architectures are chosen together:
    before they are measured the strategy learns from none of them."""
    name: ClassVar[str]
    title: ClassVar[str]
    family: ClassVar[str]
    paper: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_constructor(cls, _owner)

    @checks_arguments(_owner)
    def __init__(
        self,
        space: Space | str,
        objectives: Sequence[Objective],
        *,
        candidates: ArrayLike | Part | None = None,
        seed: NonNegativeInt = 0,
        n_initial: PositiveInt = 50,
    ) -> None:
        self.space = get_space(space) if isinstance(space, str) else space
        self.objectives = Objectives(objectives)
        self.candidates = Candidates(self.space, candidates)
        self.seed = seed
        self.n_initial = n_initial
        self.generator = np.random.default_rng([seed, 1])
        self._seen: set[Any] = set()
        self._told: set[Any] = set()
        self._n_told = 0
        self._archs = np.empty((64, self.space.n_positions), dtype=np.int64)
        self._costs = np.empty((64, len(self.objectives)))
        start = self.candidates.sample(n_initial, np.random.default_rng([seed, 0]))
        self._initial: list[IntArray] = list(start)

    # ------------------------------------------------------------------ the interface

    @checks_arguments(_owner)
    def ask(self, n_archs: PositiveInt = 1) -> IntArray:
        """Architectures to measure next.

        Parameters
        ----------
        n_archs : how many.

        Returns
        -------
        int64 of shape (n_archs, n_positions), no two alike and none that was asked for or told
        before; fewer rows where no candidates are left, or, in a `Part` too large to list, none
        were found.

        Raises
        ------
        HwbenchError
            Where `n_archs` is less than 1.
        """
        chosen: list[IntArray] = []
        while self._initial and len(chosen) < n_archs:
            chosen += self._fresh([self._initial.pop(0)], 1)
        if len(chosen) < n_archs:
            chosen += self._fresh(self._propose(n_archs - len(chosen)), n_archs - len(chosen))
        if len(chosen) < n_archs:
            rest = self.candidates.sample(n_archs - len(chosen), self.generator, self._seen)
            chosen += self._fresh(rest, n_archs - len(chosen))
        return np.array(chosen, dtype=np.int64).reshape(-1, self.space.n_positions)

    def tell(self, archs: ArrayLike, values: ArrayLike) -> None:
        """Say what architectures measured.

        They need not have been asked for, so a search can start from what is known already.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        values : shape (n_archs, n_objectives), or (n_archs,) for a single objective; NaN where an
            architecture could not be measured.

        Raises
        ------
        HwbenchError
            Where an architecture is not of the space, stands twice or was told before, or a value
            is infinite.
        """
        rows = self.space.check(archs)
        costs = self.objectives.costs(values, len(rows))
        keys = self.candidates.keys(rows)
        new = set(keys)
        if len(new) < len(keys) or not new.isdisjoint(self._told):
            told = set(self._told)
            for arch, key in zip(rows, keys, strict=True):
                if key in told:
                    text = self.space.to_string(arch)
                    raise HwbenchError(f"tell: architecture {text} was told before")
                told.add(key)
        self._told |= new
        self._seen |= new
        first = self._n_told
        self._n_told += len(rows)
        self._archs = _with_room(self._archs, self._n_told)
        self._costs = _with_room(self._costs, self._n_told)
        self._archs[first : self._n_told] = rows
        self._costs[first : self._n_told] = costs
        self._learn(first)

    @property
    def archs(self) -> IntArray:
        """What was told so far, int64 of shape (n_told, n_positions)."""
        return self._archs[: self._n_told].copy()

    @property
    def values(self) -> Floats:
        """What it measured, float64 of shape (n_told, n_objectives)."""
        return self.objectives.values(self._costs[: self._n_told])

    def best(self) -> NDArray[np.int64]:
        """The best of what was told: rows that keep all limits and that none such dominates.

        Returns
        -------
        int64 of shape (n_best,), rows of `archs`; of a single objective those that share the best
        value. Empty where nothing keeps the limits.
        """
        kept = np.flatnonzero(self.violations == 0)
        if len(kept) == 0:
            return kept
        return kept[non_dominated(self.costs[kept])]

    # ------------------------------------------------------------------ for subclasses

    @abstractmethod
    def _propose(self, n_archs: int) -> Sequence[IntArray] | IntArray:
        """Architectures to measure: about `n_archs` of them, those known already are dropped.

        Called at most once in an `ask`, and not while random architectures of the start are left.
        Nothing may have been told by then, or nothing that could be measured. What it returns must
        be `candidates`; more than `n_archs` are forgotten, too few or none are filled at random.
        """

    def _learn(self, first: int) -> None:
        """Take in what was told: the rows from `first` on are new.

        Called at the end of each `tell`. Whether a row was proposed by the strategy, in which order
        and how many at once, nothing is promised of.
        """
        del first  # a strategy without memory has nothing to do

    @property
    def costs(self) -> Floats:
        """Costs of what was told, of the optimised objectives; float64 (n_told, n_optimised)."""
        costs = self._costs[: self._n_told]
        return costs if self.objectives.optimised.all() else costs[:, self.objectives.optimised]

    @property
    def violations(self) -> Floats:
        """How far what was told is beyond the limits; float64 (n_told,)."""
        return self.objectives.violations(self._costs[: self._n_told])

    def _best_first(self) -> NDArray[np.int64]:
        """Rows of what was told, from best to worst."""
        return best_first(self.costs, self.violations)

    def _unknown(self, archs: IntArray) -> NDArray[np.bool_]:
        """Which rows were neither asked for nor told."""
        return np.array([key not in self._seen for key in self.candidates.keys(archs)], dtype=bool)

    def _fresh(self, archs: Sequence[IntArray] | IntArray, most: int) -> list[IntArray]:
        """Up to `most` rows that were not seen, which count as seen from now on."""
        chosen: list[IntArray] = []
        if len(archs) == 0:
            return chosen
        rows = np.asarray(archs, dtype=np.int64)
        for key, arch in zip(self.candidates.keys(rows), rows, strict=True):
            if len(chosen) < most and key not in self._seen:
                self._seen.add(key)
                chosen.append(arch)
        return chosen


def _with_room(array: NDArray[Any], n_rows: int) -> NDArray[Any]:
    """The array, or a longer copy, that has so many rows."""
    if n_rows <= len(array):
        return array
    longer = np.empty((max(n_rows, 2 * len(array)), array.shape[1]), dtype=array.dtype)
    longer[: len(array)] = array
    return longer
