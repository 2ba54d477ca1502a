"""Strategies that train the supernet along single paths and learn nothing about candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from pydantic import NonNegativeInt

from hwbench.errors import HwbenchError
from hwbench.live.origins import Origins
from hwbench.live.requirements import Requirements
from hwbench.live.strategies.base import ArchitectureStrategy
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.structure import Structure
from hwbench.live.supernets.supernet import Supernet


class SinglePathStrategy(ArchitectureStrategy):
    """What single-path strategies share.

    Parameters
    ----------
    split_epoch : the epoch before which every operation's weights are split, one set for each
        choice of the positions before it (conditional weights, LAUBE 6.3.2); None for never.
    """

    learns_strengths = False
    learns_by_gradient = False

    def __init__(self, *, split_epoch: NonNegativeInt | None = None) -> None:
        super().__init__()
        self.split_epoch = split_epoch

    def check(self, epochs: int) -> None:
        if self.split_epoch is not None and self.split_epoch >= epochs:
            raise HwbenchError(
                f"split_epoch {self.split_epoch} is never come to: the training has {epochs} "
                "epochs, from 0"
            )

    def attach(self, supernet: Supernet) -> Self:
        self.sizes = supernet.sizes
        self.split = supernet.split_structure()
        return self

    def before_epoch(self, epoch: int, epochs: int) -> Structure | None:
        del epochs
        late = self.split_epoch is not None and epoch >= self.split_epoch
        return self.split if late else None

    def follow(self, structure: Structure) -> Origins:
        self.sizes = tuple(map(len, structure.operations))
        return {}


class SPOS(SinglePathStrategy):
    """One candidate a position, drawn uniformly in every step (LAUBE 1293-1309)."""

    def mixture(self) -> Mixture:
        shares = torch.rand(len(self.sizes)).tolist()
        return Mixture.single(
            [int(share * size) for share, size in zip(shares, self.sizes, strict=True)]
        )


class FairNAS(SinglePathStrategy):
    """Every candidate once in every step (strict fairness, LAUBE 1305).

    A step adds up the gradients of as many paths as a position has candidates; path k takes the
    k-th of a shuffle of each position's candidates.
    """

    requires = Requirements(equal_sizes=True)

    def attach(self, supernet: Supernet) -> Self:
        self.requires.check_structure(supernet.structure, "strategy fair_nas")
        return super().attach(supernet)

    def mixture(self) -> Mixture:
        return self.weight_mixtures()[0]

    def weight_mixtures(self) -> Sequence[Mixture]:
        orders = [torch.randperm(size).tolist() for size in self.sizes]
        return [Mixture.single(path) for path in zip(*orders, strict=True)]
