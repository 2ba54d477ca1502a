"""The architectures of a supernet that are too many to list, as a part of their space."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.search.part import Part

if TYPE_CHECKING:
    from hwbench.live.supernets.supernet import Supernet

DRAWN_TOGETHER = 256
ROUNDS = 200
"""Draws in vain before a limit is taken to be kept by nothing."""


class SupernetPart(Part):
    """What a supernet holds and a rule keeps, drawn until enough is kept.

    Parameters
    ----------
    supernet : whose candidates the architectures have.
    keeps : says of architectures which are wanted, bool (n,); None for all.
    """

    n_architectures = None

    def __init__(
        self, supernet: Supernet, keeps: Callable[[IntArray], np.ndarray] | None = None
    ) -> None:
        self.supernet = supernet
        self.keeps = keeps

    def contains(self, archs: IntArray) -> np.ndarray:
        """Which architectures of the space belong to it, bool (n,)."""
        held: np.ndarray = self.supernet.holds(archs)
        if self.keeps is not None:
            held[held] = self.keeps(archs[held])
        return held

    def sample(self, n_archs: int, generator: np.random.Generator) -> IntArray:
        """Architectures of it, int64 (n_archs, n_positions), drawn alone; they may repeat.

        Raises
        ------
        HwbenchError
            Where so many draws keep nothing that the rule seems to leave nothing.
        """
        kept: list[IntArray] = []
        n_kept = 0
        for _ in range(ROUNDS):
            drawn = self.supernet.sample(DRAWN_TOGETHER, generator)
            drawn = drawn[generator.permutation(len(drawn))]
            if self.keeps is not None:
                drawn = drawn[self.keeps(drawn)]
            kept.append(drawn)
            n_kept += len(drawn)
            if n_kept >= n_archs:
                return np.concatenate(kept)[:n_archs]
            if n_kept == 0 and len(kept) == ROUNDS // 10:
                break
        raise HwbenchError(
            f"supernet of {self.supernet.space.name}: of {len(kept) * DRAWN_TOGETHER} random "
            "architectures nearly none keeps the limit; choose a wider one"
        )
