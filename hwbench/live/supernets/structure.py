"""The structure of a supernet that changes while it is trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

Parents = Mapping[tuple[int, str], str]
"""By position and name of a new candidate the name of the one there that it starts from."""


@dataclass(frozen=True)
class Structure:
    """Which candidates a supernet has, as plain data: for checkpoints, exports and comparisons.

    Attributes
    ----------
    operations : names of the candidates at each position, in index order.
    copies : for each position the positions on whose choices its weights depend (conditional
        weights, LAUBE 6.3.2), none for one set of weights; empty where no position has any.
    parents : what new candidates start from. It says how a structure is come to, and is no part of
        it: it is neither compared nor kept.
    """

    operations: tuple[tuple[str, ...], ...]
    copies: tuple[tuple[int, ...], ...] = ()
    parents: Parents = field(default_factory=dict, compare=False)

    @property
    def is_split(self) -> bool:
        """Whether any weights depend on choices."""
        return any(self.copies)

    def plain(self) -> dict[str, Any]:
        """Lists of names and numbers, which `of` takes back."""
        return {
            "operations": [list(names) for names in self.operations],
            "copies": [list(positions) for positions in self.copies],
        }

    @classmethod
    def of(cls, plain: Mapping[str, Iterable[Iterable[Any]]]) -> Self:
        """The structure that `plain` wrote."""
        return cls(
            tuple(tuple(map(str, names)) for names in plain["operations"]),
            tuple(tuple(map(int, positions)) for positions in plain["copies"]),
        )
