"""What a supernet computes in one pass: which candidates are active, and with what weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor


class Choice(NamedTuple):
    """What one position of a supernet computes.

    Attributes
    ----------
    active : indices of the candidates that are computed; none at all leaves the edge out.
    weights : of shape (len(active),), None for one candidate with weight one.
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
