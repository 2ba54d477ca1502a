"""The architectures a search may choose from."""

from __future__ import annotations

import math
import sys
from collections.abc import Container, Iterable
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.search.part import Part, drawn_from, held_by, listed, size_of
from hwbench.spaces import Space
from hwbench.spaces.base import MOST_ENUMERATED

MOST_LISTED = 50_000
"""Architectures that are listed in full; from a larger set a search looks at a sample."""

ATTEMPTS = 20
"""Random draws in vain before a search lists what is left."""

LAST_DRAWS = 1000
"""Architectures of a part that cannot be listed which are drawn before it counts as used up."""


class Candidates:
    """A search space, or the part of it that a table holds or that rules give.

    Parameters
    ----------
    space : the search space.
    archs : int64 of shape (n_archs, n_positions), the architectures that may be chosen, or the
        `Part` of the space that they are; all of the space by default.

    Raises
    ------
    HwbenchError
        Where an architecture is not of the space, or there is none to choose.
    """

    def __init__(self, space: Space, archs: ArrayLike | Part | None = None) -> None:
        self.space = space
        self._archs: IntArray | None = None
        self._keys: frozenset[Any] | None = None
        self._part: Part | None = None
        self._part_size: int | None = None
        self._full_product = space.n_architectures == math.prod(int(n) for n in space.n_choices)
        if isinstance(archs, Part):
            self._part = archs
            self._part_size = size_of(space, archs)
        elif archs is not None:
            self._archs = space.check(archs).copy()
            self._keys = frozenset(self.keys(self._archs))
            if not self._keys:
                raise HwbenchError("a search needs at least one candidate architecture")

    def __len__(self) -> int:
        """How many there are; of a part of unknown size as many as of the space, until listed."""
        if self._keys is not None:
            return len(self._keys)
        if self._part is not None and self._archs is not None:
            return len(self._archs)
        size = self._part_size or self.space.n_architectures
        return min(size, sys.maxsize)  # no length can be larger

    @property
    def by_rules(self) -> bool:
        """Whether they are a `Part`."""
        return self._part is not None

    @property
    def _few(self) -> bool:
        """Whether all can be listed."""
        if self._part is not None and self.space.n_architectures > MOST_ENUMERATED:
            return False
        return len(self) <= MOST_LISTED

    def keys(self, archs: IntArray) -> list[Any]:
        """What tells architectures apart, one a row (see `Space.keys_of`)."""
        return list(self.space.keys_of(archs).tolist())

    def contain(self, archs: IntArray) -> list[bool]:
        """For each row, an operation of its position in every place, whether it is a candidate."""
        if self._keys is not None and self._full_product:
            return [key in self._keys for key in self.keys(archs)]
        valid = [self._full_product or self._is_valid(arch) for arch in archs]
        if self._part is not None:
            held = iter(held_by(self.space, self._part, archs[valid]).tolist())
            return [of_space and next(held) for of_space in valid]
        if self._keys is None:
            return valid
        of_space = iter(self.keys(archs[valid]))
        return [known and next(of_space) in self._keys for known in valid]

    def _is_valid(self, arch: IntArray) -> bool:
        try:
            self.space.check(arch[None, :])
        except HwbenchError:
            return False
        return True

    def sample(
        self, n_archs: int, generator: np.random.Generator, seen: Container[Any] = ()
    ) -> IntArray:
        """Draw different candidates uniformly, none that was seen.

        Parameters
        ----------
        n_archs : how many.
        generator : is advanced.
        seen : keys of architectures to leave out.

        Returns
        -------
        int64 of shape (n_archs, n_positions); fewer rows where no more are left, or, in a part too
        large to list, none were found.
        """
        drawn: dict[Any, IntArray] = {}
        for _ in range(ATTEMPTS):
            missing = n_archs - len(drawn)
            if missing == 0:
                break
            more = self._draw(missing, generator)
            for key, arch in zip(self.keys(more), more, strict=True):
                if key not in seen:
                    drawn.setdefault(key, arch)
            in_vain = n_archs - len(drawn) == missing
            if in_vain and missing >= LAST_DRAWS and self._part is not None:
                break
        if len(drawn) < n_archs and self._few:
            rest = self._unseen(self.everything(), [seen, drawn])
            more = rest[generator.permutation(len(rest))[: n_archs - len(drawn)]]
            drawn.update(zip(self.keys(more), more, strict=True))
        elif len(drawn) < n_archs and self._part is not None:
            more = self._unseen(self._draw(LAST_DRAWS, generator), [seen, drawn])
            last = dict(zip(self.keys(more), more, strict=True))
            drawn.update(islice(last.items(), n_archs - len(drawn)))
        return self._stack(drawn.values())

    def unseen(
        self, n_archs: int, generator: np.random.Generator, seen: Container[Any]
    ) -> IntArray:
        """Candidates that were not seen: all where they are few enough to list, else a sample.

        Parameters
        ----------
        n_archs : size of the sample.
        generator, seen : as for `sample`.

        Returns
        -------
        int64 of shape (n, n_positions).
        """
        if not self._few:
            most = n_archs if self._part is None else min(n_archs, len(self))
            return self.sample(most, generator, seen)
        return self._unseen(self.everything(), [seen])

    def mutate(self, archs: IntArray, generator: np.random.Generator) -> IntArray:
        """Change each architecture at one position, to another candidate.

        Parameters
        ----------
        archs : int64 of shape (n_archs, n_positions); they need not be candidates themselves, nor
            of the space.
        generator : is advanced.

        Returns
        -------
        int64 of shape (n_archs, n_positions); a row that has no such neighbour is drawn anew.
        """
        mutants = archs.copy()
        left = np.arange(len(archs))
        choosable = np.flatnonzero(self.space.n_choices > 1)
        for _ in range(ATTEMPTS):
            if len(left) == 0:
                return mutants
            position = choosable[generator.integers(len(choosable), size=len(left))]
            shift = generator.integers(1, self.space.n_choices[position])
            changed = (archs[left, position] + shift) % self.space.n_choices[position]
            mutants[left] = archs[left]
            mutants[left, position] = changed
            left = left[~np.array(self.contain(mutants[left]), dtype=bool)]
        for row in left:
            mutants[row] = self._draw(1, generator)[0]
            if self._is_valid(archs[row]) and len(around := self.neighbours(archs[row])):
                mutants[row] = around[generator.integers(len(around))]
        return mutants

    def bring_in(self, archs: IntArray, generator: np.random.Generator) -> IntArray:
        """Architectures that were built of operations alone, as far as they can be measured.

        Of a list, and of the whole space, those that are no candidates are left out. Of a `Part`,
        which may be so small a share of the space that all would be, a member takes the place of
        each: a drawn one, changed to the architecture wherever it stays a member by that.

        Parameters
        ----------
        archs : int64 of shape (n_archs, n_positions); an operation of its position in every place.
        generator : is advanced.

        Returns
        -------
        int64 of shape (n, n_positions), in the order of the architectures; of a `Part` n_archs.
        """
        inside = np.array(self.contain(archs), dtype=bool)
        if self._part is None or inside.all():
            return archs[inside]
        wanted = archs[~inside]
        moved = self._draw(len(wanted), generator)
        for position in generator.permutation(self.space.n_positions):
            nearer = moved.copy()
            nearer[:, position] = wanted[:, position]
            kept = np.array(self.contain(nearer), dtype=bool)
            moved[kept] = nearer[kept]
        members = archs.copy()
        members[~inside] = moved
        return members

    def neighbours(self, arch: IntArray) -> IntArray:
        """The candidates that differ from `arch` (n_positions,) at exactly one position."""
        around = self.space.neighbours(arch)
        everywhere = self._keys is None and self._part is None
        return around if everywhere else around[self.contain(around)]

    def everything(self) -> IntArray:
        """All candidates, int64 of shape (len(self), n_positions).

        Raises
        ------
        HwbenchError
            Where the space is too large to enumerate.
        """
        if self._archs is None and self._part is not None:
            self._archs = listed(self.space, self._part)
        elif self._archs is None:
            self._archs = self.space.all_architectures()
        return self._archs

    def _draw(self, n_archs: int, generator: np.random.Generator) -> IntArray:
        if self._part is not None:
            return drawn_from(self.space, self._part, n_archs, generator)
        if self._keys is None:
            return self.space.sample(n_archs, generator, replace=True)
        listed = self.everything()
        return listed[generator.integers(len(listed), size=n_archs)]

    def _unseen(self, archs: IntArray, seen: Iterable[Container[Any]]) -> IntArray:
        left_out = list(seen)
        kept = [not any(key in each for each in left_out) for key in self.keys(archs)]
        return archs[kept]

    def _stack(self, rows: Iterable[IntArray]) -> IntArray:
        return np.array(list(rows), dtype=np.int64).reshape(-1, self.space.n_positions)
