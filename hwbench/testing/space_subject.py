"""Search spaces as subjects of checks."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from hwbench.arrays import IntArray
from hwbench.spaces import Space, get_space
from hwbench.spaces.base import SkeletonValue
from hwbench.testing.suite import Subject, described, made, no_such_part


class SpaceSubject(Subject):
    """A search space to check, and the architectures to check it on.

    Attributes
    ----------
    space : the space.
    archs : int64 of shape (n_archs, n_positions), drawn from it.
    """

    kind = "space"

    def __init__(
        self, part: Any, samples: int, seed: int, skeleton: dict[str, SkeletonValue]
    ) -> None:
        self.space = space_of(part)
        self.name = str(getattr(self.space, "name", described(part)))
        self.samples = samples
        self.seed = seed
        self.skeleton = skeleton

    @property
    def n_archs(self) -> int:
        """How many architectures are looked at."""
        return min(self.samples, self.space.n_architectures)

    @cached_property
    def archs(self) -> IntArray:
        """Architectures of the space."""
        archs: IntArray = self.call("sample", self.space.sample, self.n_archs, self.seed)
        return archs


def space_of(part: Any) -> Space:
    """The space that is meant by a name, "module:Class", a class or a space.

    Raises
    ------
    HwbenchError
        Where there is none, or a class cannot be made without arguments.
    """
    if isinstance(part, Space):
        return part
    if isinstance(part, str):
        return get_space(part)
    if isinstance(part, type) and issubclass(part, Space):
        return made("space", part)
    raise no_such_part("space", part, 'a name, "module:Class", a subclass of Space or a space')


def same_archs(given: Any, expected: IntArray) -> bool:
    """Whether an array of architectures or indices is the one expected, int64 included."""
    return (
        isinstance(given, np.ndarray)
        and given.dtype == np.int64
        and np.array_equal(given, expected)
    )
