"""Perturbation-based selection (CHOE 329-350): which candidate does the supernet miss the most?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
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

    A strategy that draws does so anew for each batch, and what is compared is compared on the same
    draws. Where a draw is the left-out candidate alone, the position gives zeros.

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

    def accuracy(change: Callable[[Mixture], Mixture], others: Mapping[int, Choice]) -> float:
        """Validation accuracy of the strategy's passes, changed; the draws are always the same."""
        with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
            return search.accuracy(lambda: _with(change(search.strategy.mixture()), others))

    device = next(supernet.parameters()).device
    order = torch.randperm(len(supernet.positions)).tolist()
    for done, position in enumerate(order):
        progress(done, len(order))
        candidates = range(supernet.sizes[position])
        left_out = [partial(_without, position=position, candidate=each) for each in candidates]
        accuracies = [accuracy(each, fixed) for each in left_out] if len(candidates) > 1 else [0.0]
        fixed[position] = Choice((int(np.argmin(accuracies)),))
        search.tune(mixture, tuning_epochs)
    progress(len(order), len(order))
    strengths = torch.zeros(len(order), max(supernet.sizes))
    for position, choice in fixed.items():
        strengths[position, choice.active[0]] = 1.0
        if supernet.chooses_positions:
            missed = accuracy(lambda drawn: drawn, {**fixed, position: Choice(())})
            strengths[position, choice.active[0]] = 200.0 - missed
    return supernet.derive(strengths)


def _with(mixture: Mixture, fixed: Mapping[int, Choice]) -> Mixture:
    choices = [fixed.get(place, choice) for place, choice in enumerate(mixture.choices)]
    return Mixture(tuple(choices), mixture.edge_weights)


def _without(mixture: Mixture, position: int, candidate: int) -> Mixture:
    """The mixture with one candidate of one position left out, the other weights unchanged."""
    active, weights, _ = mixture.choices[position]
    kept = [place for place, index in enumerate(active) if index != candidate]
    if kept:
        those = tuple(active[place] for place in kept)
        return _with(mixture, {position: Choice(those, None if weights is None else weights[kept])})
    # Layers in sequence cannot be left out, but give zeros.
    return _with(mixture, {position: Choice(active, torch.zeros(1))})
