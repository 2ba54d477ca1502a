"""Perturbation-based selection (CHOE 329-350): which candidate does the supernet miss the most?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import NonNegativeInt

from hwbench.arrays import IntArray
from hwbench.devices import forked_random
from hwbench.live.requirements import Requirements
from hwbench.live.selections.base import Selection
from hwbench.live.supernets.mixture import Choice, Mixture
from hwbench.progress import StageProgress

if TYPE_CHECKING:
    from hwbench.live.search import Search

INPUTS_KEPT = 2
"""Positions of a node that an architecture keeps, where it keeps only some."""


class Perturbation(Selection):
    """Round after round the candidates without which the supernet loses most (Wang et al. 2021).

    In a round one position of each cell is fixed, drawn at random: every candidate is left out in
    turn; the one without which the validation accuracy is lowest stays, alone. Where an
    architecture keeps only some positions of a node, rounds follow in which one node of each cell,
    drawn at random, loses its positions one by one, always the one that is missed the least, until
    two are left. After each round weights and parameters are trained on, at a tenth of the learning
    rate.

    Accuracies are those with the statistics of each batch, as in training; a strategy that draws
    does so anew for each batch, and what is compared is compared on the same draws. Where a draw is
    the left-out candidate alone, the position gives zeros.

    Parameters
    ----------
    tuning_epochs : of training after each round; 5 in the publication's scripts for DARTS cells.
    """

    requires = Requirements(training=True)
    changes_supernet = True

    def __init__(self, *, tuning_epochs: NonNegativeInt = 1) -> None:
        self.tuning_epochs = tuning_epochs

    def select(self, search: Search, stage: StageProgress) -> IntArray:
        progress = stage("selecting by perturbation")
        projection = Projection(search, self.tuning_epochs)
        with search.trainer.tuning(projection.change):
            projection.resume()
            while not projection.is_done:
                progress(projection.done, projection.rounds)
                projection.step()
        progress(projection.rounds, projection.rounds)
        return projection.architecture()

    def title(self) -> str:
        return f"Perturbation, {self.tuning_epochs} epochs of tuning a round"


class Projection:
    """A supernet on its way to one architecture.

    Parameters
    ----------
    search : trained, within its trainer's `tuning`.
    tuning_epochs : after each round.

    Attributes
    ----------
    fixed : by position the candidate that was chosen.
    removed : positions that the architecture does not keep.
    of_cells, of_nodes : positions of each cell and of each node.
    open_nodes : for each cell the nodes that have to lose positions yet.
    done, rounds : rounds that are done, and in all.
    tuned : epochs of the round's tuning that are done.
    """

    def __init__(self, search: Search, tuning_epochs: int) -> None:
        self.search = search
        self.tuning_epochs = tuning_epochs
        self.fixed: dict[int, int] = {}
        self.removed: list[int] = []
        self.done = 0
        self.tuned = 0
        self.of_cells: dict[str, list[int]] = {}
        self.of_nodes: dict[str, list[int]] = {}
        for place, position in enumerate(search.supernet.positions):
            self.of_cells.setdefault(position.cell, []).append(place)
            self.of_nodes.setdefault(position.node, []).append(place)
        self.open_nodes: dict[str, list[str]] = {cell: [] for cell in self.of_cells}
        if search.supernet.chooses_positions:
            for node, places in self.of_nodes.items():
                if len(places) > INPUTS_KEPT:
                    self.open_nodes[search.supernet.positions[places[0]].cell].append(node)
        self._rounds_of_positions = max(map(len, self.of_cells.values()))
        self.rounds = self._rounds_of_positions + max(map(len, self.open_nodes.values()))

    @property
    def is_done(self) -> bool:
        """Whether all rounds are."""
        return self.done == self.rounds

    def change(self, mixture: Mixture) -> Mixture:
        """What is computed of a mixture: at fixed positions what was chosen, nothing at others."""
        choices = {place: Choice((index,)) for place, index in self.fixed.items()}
        return mixture.replaced({**choices, **{place: Choice(()) for place in self.removed}})

    def step(self) -> None:
        """A round, or what is left of it."""
        if self.tuned == 0:
            if self.done < self._rounds_of_positions:
                self._fix_positions()
            else:
                self._remove_positions()
        while self.tuned < self.tuning_epochs:
            self.search.trainer.tune_epoch(self.search.data, self.search.augmentation)
            self.tuned += 1
            self._keep()
        self.done, self.tuned = self.done + 1, 0
        self._keep()

    def architecture(self) -> IntArray:
        """What is left of the supernet."""
        supernet = self.search.supernet
        strengths = torch.zeros(len(supernet.positions), max(supernet.sizes))
        for place, index in self.fixed.items():
            strengths[place, index] = 0.5 if place in self.removed else 1.0
        return supernet.derive(strengths)

    # ------------------------------------------------------------------ a round

    def _fix_positions(self) -> None:
        for own in self.of_cells.values():
            open_ = [place for place in own if place not in self.fixed]
            if open_:
                place = open_[int(torch.randint(len(open_), ()))]
                self.fixed[place] = self._missed_most(place)

    def _missed_most(self, place: int) -> int:
        """Of the candidates that an architecture may hold the one without which it is worst."""
        candidates = self.search.supernet.choosable(place)
        if len(candidates) == 1:
            return candidates[0]
        left_out = [partial(_without, position=place, candidate=each) for each in candidates]
        return candidates[int(np.argmin([self._accuracy(each) for each in left_out]))]

    def _remove_positions(self) -> None:
        for nodes in self.open_nodes.values():
            if not nodes:
                continue
            kept = list(self.of_nodes[nodes.pop(int(torch.randint(len(nodes), ())))])
            while len(kept) > INPUTS_KEPT:
                dropped = [partial(_dropped, position=place) for place in kept]
                least = int(np.argmax([self._accuracy(each) for each in dropped]))
                self.removed.append(kept.pop(least))

    def _accuracy(self, change: Callable[[Mixture], Mixture]) -> float:
        """Validation accuracy of the strategy's passes, changed; the draws are always the same."""
        device = next(self.search.supernet.parameters()).device
        with forked_random(device):
            return self.search.accuracy(lambda: change(self.change(self.search.strategy.mixture())))

    # ------------------------------------------------------------------ a stop

    def resume(self) -> None:
        """Go on where the journal says that the selection was stopped."""
        state = self.search.journal.read()
        if state is None:
            return
        self.fixed = dict(state["fixed"])
        self.removed = list(state["removed"])
        self.open_nodes = {cell: list(nodes) for cell, nodes in state["open_nodes"].items()}
        self.done, self.tuned = state["done"], state["tuned"]
        self.search.load_state_dict(state["search"])

    def _keep(self) -> None:
        self.search.journal.write(
            {
                "fixed": self.fixed,
                "removed": self.removed,
                "open_nodes": self.open_nodes,
                "done": self.done,
                "tuned": self.tuned,
                "search": self.search.state_dict(),
            }
        )


def _without(mixture: Mixture, position: int, candidate: int) -> Mixture:
    """The mixture with one candidate of one position left out, the other weights unchanged."""
    active, weights, _ = mixture.choices[position]
    kept = [place for place, index in enumerate(active) if index != candidate]
    if kept:
        those = tuple(active[place] for place in kept)
        return mixture.replaced(
            {position: Choice(those, None if weights is None else weights[kept])}
        )
    # Layers in sequence cannot be left out, but give zeros.
    return mixture.replaced({position: Choice(active, torch.zeros(1))})


def _dropped(mixture: Mixture, position: int) -> Mixture:
    """The mixture with nothing computed at a position."""
    return mixture.replaced({position: Choice(())})
