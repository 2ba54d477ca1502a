"""Perturbation-based selection (CHOE 329-350): which candidate does the supernet miss the most?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from hwbench.arrays import IntArray
from hwbench.live.selections.base import Selection
from hwbench.live.supernets.mixture import Choice, Mixture
from hwbench.progress import Progress, StageProgress, silent

if TYPE_CHECKING:
    from hwbench.live.search import Search


class Perturbation(Selection):
    """Position after position the candidate without which the supernet loses most."""

    def select(
        self, search: Search, ranking: pd.DataFrame | None, stage: StageProgress
    ) -> IntArray:
        del ranking
        progress = stage("selecting by perturbation")
        return select_by_perturbation(search, search.config.selection.tuning_epochs, progress)


def select_by_perturbation(
    search: Search, tuning_epochs: int, progress: Progress = silent
) -> IntArray:
    """Fix the supernet's positions one after the other and return the architecture.

    The positions come in random order. At each, every candidate is left out in turn; the one
    without which the validation accuracy is lowest stays, alone, and the weights are tuned. Where
    an architecture keeps only some positions of a node, those stay without which the accuracy is
    lowest. The supernet ends tuned to what was fixed.

    Parameters
    ----------
    search : trained.
    tuning_epochs : epochs of the weights after each position.
    progress : called with (positions fixed, positions in all).

    Returns
    -------
    int64 of shape (space.n_positions,).
    """
    supernet = search.supernet
    fixed: dict[int, Choice] = {}

    def mixture() -> Mixture:
        return _with(search.strategy.mixture(), fixed)

    # Candidates and edges are compared on the same draws, if the strategy draws.
    order = torch.randperm(len(supernet.positions)).tolist()
    for done, position in enumerate(order):
        progress(done, len(order))
        accuracies = [0.0] if supernet.sizes[position] == 1 else []
        for candidate in range(supernet.sizes[position] if not accuracies else 0):
            left_out = _without(search.strategy.mixture(), position, candidate)
            accuracies.append(search.accuracy(lambda m=left_out: _with(m, fixed)))  # type: ignore[misc]
        fixed[position] = Choice((int(np.argmin(accuracies)),))
        search.tune(mixture, tuning_epochs)
    progress(len(order), len(order))
    strengths = torch.zeros(len(order), max(supernet.sizes))
    for position, choice in fixed.items():
        strengths[position, choice.active[0]] = 1.0
        if not supernet.chooses_positions:
            continue
        removed = {**fixed, position: Choice(())}
        accuracy = search.accuracy(lambda r=removed: _with(search.strategy.mixture(), r))  # type: ignore[misc]
        strengths[position, choice.active[0]] = 200.0 - accuracy
    return supernet.derive(strengths)


def _with(mixture: Mixture, fixed: dict[int, Choice]) -> Mixture:
    choices = [fixed.get(place, choice) for place, choice in enumerate(mixture.choices)]
    return Mixture(tuple(choices), mixture.edge_weights)


def _without(mixture: Mixture, position: int, candidate: int) -> Mixture:
    """The mixture with one candidate of one position left out, the other weights unchanged."""
    active, weights, _ = mixture.choices[position]
    kept: Sequence[int] = [place for place, index in enumerate(active) if index != candidate]
    chosen = Choice(
        tuple(active[place] for place in kept), None if weights is None else weights[list(kept)]
    )
    return _with(mixture, {position: chosen})
