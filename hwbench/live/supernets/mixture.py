"""What a supernet computes in one pass: which candidates are active, and with what weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor


class Choice(NamedTuple):
    """What one position of a supernet computes.

    Attributes
    ----------
    active : indices of the candidates that are computed; none at all leaves the edge out.
    weights : of shape (len(active),), None for the sum of the active candidates.
    dead : whether nothing is computed, because it would lead from no input or to no output.
    """

    active: tuple[int, ...]
    weights: Tensor | None = None
    dead: bool = False


@dataclass(frozen=True)
class Mixture:
    """What every position of a supernet computes in one pass.

    Attributes
    ----------
    choices : one a position.
    edge_weights : factors of the positions' outputs, of shape (n_positions,), or None for one.
    """

    choices: tuple[Choice, ...]
    edge_weights: Tensor | None = None

    @classmethod
    def single(cls, indices: Sequence[int | None]) -> Self:
        """One candidate a position, None where the position is left out."""
        return cls(tuple(Choice(() if index is None else (index,)) for index in indices))

    @classmethod
    def sums(cls, choices: Sequence[Sequence[int]]) -> Self:
        """The sum of some candidates a position, none of them where the position is left out."""
        return cls(tuple(Choice(tuple(indices)) for indices in choices))

    @classmethod
    def weighted(
        cls, weights: Tensor, sizes: Sequence[int], edge_weights: Tensor | None = None
    ) -> Self:
        """All candidates of every position.

        Parameters
        ----------
        weights : of shape (n_positions, most candidates).
        sizes : candidates of each position; the entries of a row behind them are not used.
        edge_weights : as the attribute.
        """
        rows = weights.unbind(0)
        return cls(
            tuple(
                Choice(tuple(range(size)), row[:size])
                for row, size in zip(rows, sizes, strict=True)
            ),
            edge_weights,
        )

    @classmethod
    def selected(cls, weights: Tensor, active: Sequence[Sequence[int]]) -> Self:
        """Some candidates of every position, with their weights.

        Parameters
        ----------
        weights : of shape (n_positions, most candidates).
        active : the candidates that are computed at each position.
        """
        return cls(
            tuple(
                Choice(tuple(indices), torch.stack([row[index] for index in indices]))
                for row, indices in zip(weights.unbind(0), active, strict=True)
            )
        )

    def replaced(self, choices: Mapping[int, Choice]) -> Mixture:
        """The same with other choices at some positions."""
        return Mixture(
            tuple(choices.get(place, choice) for place, choice in enumerate(self.choices)),
            self.edge_weights,
        )

    def detached(self) -> Mixture:
        """The same without gradients."""
        choices = tuple(
            choice._replace(weights=None if choice.weights is None else choice.weights.detach())
            for choice in self.choices
        )
        return Mixture(choices, None if self.edge_weights is None else self.edge_weights.detach())
