"""The architectures a search may choose from."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces import Space

MOST_LISTED = 50_000
"""Architectures that are listed in full; from a larger set a search looks at a sample."""

ATTEMPTS = 20
"""Random draws in vain before a search lists what is left."""


class Candidates:
    """A search space, or the part of it that a table holds.

    Parameters
    ----------
    space : the search space.
    archs : int64 of shape (n_archs, n_positions), the architectures that may be chosen; all of the
        space by default.

    Raises
    ------
    HwbenchError
        Where an architecture is not of the space.
    """

    def __init__(self, space: Space, archs: ArrayLike | None = None) -> None:
        self.space = space
        self._archs: IntArray | None = None
        self._keys: frozenset[Any] | None = None
        self._full_product = space.n_architectures == math.prod(int(n) for n in space.n_choices)
        if archs is not None:
            self._archs = space.check(archs).copy()
            self._keys = frozenset(self.keys(self._archs))
            if not self._keys:
                raise HwbenchError("a search needs at least one candidate architecture")

    def __len__(self) -> int:
        return self.space.n_architectures if self._keys is None else len(self._keys)

    def keys(self, archs: IntArray) -> list[Any]:
        """What tells architectures apart, one a row (see `Space.keys_of`)."""
        return list(self.space.keys_of(archs).tolist())

    def contain(self, archs: IntArray) -> list[bool]:
        """For each row, an operation of its position in every place, whether it is a candidate."""
        if self._keys is not None and self._full_product:
            return [key in self._keys for key in self.keys(archs)]
        valid = [self._full_product or self._is_valid(arch) for arch in archs]
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
        int64 of shape (n_archs, n_positions); fewer rows where no more are left.
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
        if len(drawn) < n_archs and len(self) <= MOST_LISTED:
            rest = self._unseen(self.everything(), [seen, drawn])
            more = rest[generator.permutation(len(rest))[: n_archs - len(drawn)]]
            drawn.update(zip(self.keys(more), more, strict=True))
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
        if len(self) > MOST_LISTED:
            return self.sample(n_archs, generator, seen)
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

    def neighbours(self, arch: IntArray) -> IntArray:
        """The candidates that differ from `arch` (n_positions,) at exactly one position."""
        around = self.space.neighbours(arch)
        return around if self._keys is None else around[self.contain(around)]

    def everything(self) -> IntArray:
        """All candidates, int64 of shape (len(self), n_positions)."""
        if self._archs is None:
            self._archs = self.space.all_architectures()
        return self._archs

    def _draw(self, n_archs: int, generator: np.random.Generator) -> IntArray:
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
