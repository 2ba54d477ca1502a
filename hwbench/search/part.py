"""A part of a search space that is given by rules, because it is too large to list."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces import Space
from hwbench.spaces.base import MOST_ENUMERATED

ROWS_AT_ONCE = 100_000
"""Architectures of the space that are held against the rules together, where a part is listed."""


@runtime_checkable
class Part(Protocol):
    """What a search may choose from, in place of a list of architectures.

    Any object with these members is one; it need not be a subclass. It belongs to one space, which
    it is not told. Strategies are pickled with it, so it must pickle too, and its answers must not
    change: the same architecture is always in it or never.
    """

    @property
    def n_architectures(self) -> int | None:
        """How many architectures it holds, at least 1; None where they are unknown or too many."""
        ...

    def contains(self, archs: IntArray) -> NDArray[np.bool_]:
        """Which architectures belong to it.

        Called for all that a strategy thinks of, single ones and thousands: it should be fast.

        Parameters
        ----------
        archs : int64 of shape (n_archs, n_positions), all of the space, not to be written to.

        Returns
        -------
        bool of shape (n_archs,).
        """
        ...

    def sample(self, n_archs: int, generator: np.random.Generator) -> IntArray:
        """Draw architectures that belong to it, each as likely as any other as far as possible.

        What is never drawn may never be found.

        Parameters
        ----------
        n_archs : how many, at least 1.
        generator : the only source of randomness; is advanced.

        Returns
        -------
        int64 of shape (n_archs, n_positions); an architecture may stand in it several times.
        """
        ...


def size_of(space: Space, part: Part) -> int | None:
    """How many architectures a part says that it holds.

    Raises
    ------
    HwbenchError
        Where that is neither None nor a positive whole number.
    """
    size = part.n_architectures
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
        raise _broken(space, part, f"n_architectures must be a whole number or None, not {size!r}")
    if size == 0:
        raise HwbenchError("a search needs at least one candidate architecture")
    return int(size)


def held_by(space: Space, part: Part, archs: IntArray) -> NDArray[np.bool_]:
    """Which architectures of the space a part holds, bool of shape (n_archs,).

    Raises
    ------
    HwbenchError
        Where the part's answer is no bool of that shape.
    """
    if len(archs) == 0:
        return np.zeros(0, dtype=np.bool_)
    held = np.asarray(part.contains(archs))
    if held.shape != (len(archs),) or held.dtype != np.bool_:
        raise _broken(
            space,
            part,
            f"contains must give bool of shape ({len(archs)},), not {held.dtype} of {held.shape}",
        )
    return held


def drawn_from(space: Space, part: Part, n_archs: int, generator: np.random.Generator) -> IntArray:
    """Draw architectures of a part, int64 of shape (n_archs, n_positions).

    Raises
    ------
    HwbenchError
        Where they are not so many, not of the space, or not of the part.
    """
    archs = space.check(part.sample(n_archs, generator))
    if len(archs) != n_archs:
        raise _broken(space, part, f"sample({n_archs}) gives {len(archs)} architectures")
    held = held_by(space, part, archs)
    if not held.all():
        outside = space.to_string(archs[np.argmin(held)])
        raise _broken(space, part, f"sample draws what contains says is outside: {outside}")
    return archs


def listed(space: Space, part: Part) -> IntArray:
    """All architectures of a part in the space's order, int64 of shape (n_archs, n_positions).

    Raises
    ------
    HwbenchError
        Where there are none, or not as many as the part says, or the space is too large.
    """
    if space.n_architectures > MOST_ENUMERATED:
        raise _broken(space, part, "the space has too many architectures to enumerate")
    found = []
    for start in range(0, space.n_architectures, ROWS_AT_ONCE):
        end = min(start + ROWS_AT_ONCE, space.n_architectures)
        archs = space.architectures_at(np.arange(start, end))
        found.append(archs[held_by(space, part, archs)])
    archs = np.concatenate(found)
    expected = size_of(space, part)
    if len(archs) == 0:
        raise HwbenchError("a search needs at least one candidate architecture")
    if expected is not None and len(archs) != expected:
        raise _broken(space, part, f"n_architectures is {expected}, but it contains {len(archs)}")
    return archs


def _broken(space: Space, part: Part, what: str) -> HwbenchError:
    return HwbenchError(f"part {type(part).__name__} of the space {space.name}: {what}")
