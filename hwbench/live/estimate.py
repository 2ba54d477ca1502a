"""What a live search will cost, from a few steps of it that are timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch

from hwbench.devices import choose_device, device_title, seeded
from hwbench.errors import HwbenchError, one_line
from hwbench.live.components import make_component
from hwbench.live.config import LiveConfig
from hwbench.live.diagnostics.epochs import diagnose
from hwbench.live.epoch_truth import EpochTruth, check_each_epoch
from hwbench.live.pilots import PilotSearch, Stopwatch, clock_of
from hwbench.live.run import rank_supernet, true_values
from hwbench.live.search import make_search
from hwbench.live.selections import SELECTIONS
from hwbench.live.selections.base import Selection
from hwbench.live.strategies.base import ArchitectureStrategy
from hwbench.live.training import Done, search_version, strengths_of, write_epoch
from hwbench.live.truth import find_truth
from hwbench.optimisation import denormals_flushed
from hwbench.peak_memory import peak_mb, reset_peak
from hwbench.pilot import Clock
from hwbench.progress import Progress, silent

MOST_KINDS = 8
"""Kinds of epochs that are timed, besides the one in the middle; later ones are taken as these."""


@dataclass(frozen=True)
class LiveEstimate:
    """What a search will cost.

    Attributes
    ----------
    device : that was computed on, for people.
    images : how many there are for `train`, `validation` and `test`.
    epochs : a row for each epoch that was timed: `epoch`, `epochs` (how many are like it), and
        `seconds` of one such epoch, with all that is done and written after it.
    preparation_seconds : of reading images and putting the search together.
    ranked : architectures of the ranking; None where there is none, or it cannot be told.
    ranking_seconds : of the ranking.
    selection : its name.
    evaluated : architectures that the selection evaluates at most; None where that is unknown.
    selection_seconds : of evaluating these, and in the end what was selected.
    memory_mb : the peak of the process (MiB), on a GPU that of tensors.
    not_counted : sentences on what is missing from the seconds.
    """

    device: str
    images: dict[str, int]
    epochs: pd.DataFrame
    preparation_seconds: float
    ranked: int | None
    ranking_seconds: float
    selection: str
    evaluated: int | None
    selection_seconds: float
    memory_mb: float
    not_counted: tuple[str, ...] = ()

    @property
    def n_epochs(self) -> int:
        """All epochs of the training."""
        return int(self.epochs["epochs"].sum())

    @property
    def training_seconds(self) -> float:
        """Of all epochs."""
        return float((self.epochs["epochs"] * self.epochs["seconds"]).sum())

    @property
    def seconds(self) -> float:
        """Of all that is counted."""
        after = self.ranking_seconds + self.selection_seconds
        return self.preparation_seconds + self.training_seconds + after


def estimate_live(
    config: LiveConfig,
    *,
    device: str | None = None,
    threads: int = 1,
    progress: Progress = silent,
    clock: Clock | None = None,
) -> LiveEstimate:
    """Put a search together, train a few steps of some of its epochs, and scale what they took.

    Epochs are timed at the beginning, in the middle, and wherever one is of another kind: where the
    supernet has become another, the warm-up is over, or the strategy's parameters rest. Each goes
    through the first few batches of the images alone. The ranking and what the selection evaluates
    are counted from a few architectures. The supernet is that of the moment, but hardly trained:
    where a strategy changes it by what it has learned, as BayesNAS prunes, the real one differs.
    Nothing is written but to a temporary folder, and no random state is changed.

    Parameters
    ----------
    config : the complete tree.
    device, threads : as for `hwbench.live.run.run_live`.
    progress : called with (epochs looked at, epochs in all).
    clock : that is timed by; by default one that waits for the device.

    Raises
    ------
    HwbenchError
        As `run_live` before it trains; also where a step fails, saying why.
    """
    place = choose_device(device)
    true_values(config.ranking, config.space.name)  # which says what is wrong with the target
    check_each_epoch(config, find_truth(config))
    try:
        with (
            seeded(config.seed, place, threads),
            denormals_flushed(),
            TemporaryDirectory() as folder,
        ):
            return _Pilot(config, place, Path(folder), clock or clock_of(place)).estimate(progress)
    except HwbenchError:
        raise
    except Exception as error:  # of a part, which may be anybody's
        raise HwbenchError(
            f"{config.title}: what it costs cannot be told, as it fails ({one_line(error)})"
        ) from error


class _Pilot:
    """The pieces of a search that are timed, one after the other."""

    def __init__(
        self, config: LiveConfig, device: torch.device, folder: Path, clock: Clock
    ) -> None:
        self.config = config
        self.device = device
        self.folder = folder
        _reset_peak(device)
        start = clock()
        self.watch = Stopwatch(clock)
        self.search = PilotSearch.of(make_search(config, device), self.watch)
        self.follower = EpochTruth(self.search, find_truth(config))
        self.preparation_seconds = clock() - start
        self.code = search_version(self.search)
        self.not_counted: list[str] = []

    def estimate(self, progress: Progress) -> LiveEstimate:
        data = self.search.data
        epochs = self._train(progress)
        ranked, ranking_seconds = self._rank()
        selection: Selection = make_component(SELECTIONS, self.config.selection)
        return LiveEstimate(
            device=device_title(self.device),
            images={name: len(getattr(data, name)) for name in ("train", "validation", "test")},
            epochs=epochs,
            preparation_seconds=self.preparation_seconds,
            ranked=ranked,
            ranking_seconds=ranking_seconds,
            selection=self.config.selection["name"],
            evaluated=selection.planned_evaluations,
            selection_seconds=self._select(selection),
            memory_mb=_peak_mb(self.device),
            not_counted=tuple(self.not_counted),
        )

    # ------------------------------------------------------------------ training

    def _train(self, progress: Progress) -> pd.DataFrame:
        """Go through all epochs, train those that are of a new kind, and the one in the middle."""
        search, strategy = self.search, self.search.strategy
        trainer = search.trainer
        n_epochs = trainer.epochs_trained
        kinds: list[Any] = []
        kind_of: list[int] = []
        timed: dict[int, float] = {}
        for epoch in range(n_epochs):
            progress(epoch, n_epochs)
            trainer.become(strategy.before_epoch(epoch, trainer.epochs))
            warm = epoch >= trainer.warm_up_epochs
            kind = search.supernet.structure, warm, strategy.learns_in(epoch)
            is_new = kind not in kinds
            kinds += [kind] * is_new
            kind_of.append(kinds.index(kind))
            if (is_new and len(kinds) <= MOST_KINDS) or epoch == n_epochs // 2:
                with _begun(strategy):
                    timed[epoch] = self.watch.time(partial(self._epoch, epoch))
        progress(n_epochs, n_epochs)
        stands_for = dict.fromkeys(timed, 0)
        for epoch, number in enumerate(kind_of):
            alike = [each for each in timed if kind_of[each] == number] or list(timed)
            stands_for[min(alike, key=lambda each: abs(each - epoch))] += 1
        rows = [(each, stands_for[each], timed[each]) for each in timed]
        return pd.DataFrame(rows, columns=["epoch", "epochs", "seconds"])

    def _epoch(self, epoch: int) -> None:
        """Train an epoch, and write what the folder of a run gets of one in the middle."""
        search, config = self.search, self.config
        numbers = search.train_epoch(epoch)
        row = {"epoch": float(epoch), **numbers, **self.follower.after_epoch()}
        if config.diagnostics is not None:
            diagnose(search, self.folder, epoch, n_images=config.diagnostics.images)
        before = search.trainer.epochs_trained // 2 + 1
        done = Done(epoch + 1, [row] * before, strengths_of(search) * before)
        write_epoch(search, self.folder, done, self.follower, self.code)

    # ------------------------------------------------------------------ what comes after

    def _rank(self) -> tuple[int | None, float]:
        """How many architectures are ranked, and the seconds of that."""
        ranking = self.config.ranking
        if ranking is None:
            return None, 0.0
        found: list[pd.DataFrame] = []

        def work() -> None:
            found.append(rank_supernet(self.search.judge(), ranking, seed=self.config.seed))

        try:
            seconds = self.watch.time(work)
            return len(found[-1]), seconds
        except HwbenchError as error:
            self.not_counted.append(f"The ranking is not counted: {error}.")
            return None, 0.0

    def _select(self, selection: Selection) -> float:
        """Seconds of what a selection evaluates, and of evaluating what it has selected."""
        name, judge = self.config.selection["name"], self.search.judge()
        if selection.planned_evaluations is None:
            self.not_counted.append(
                f"What the selection {name} does is not counted: how much it evaluates or trains "
                "is not known before."
            )
        try:
            arch = self.search.supernet.sample(1, np.random.default_rng(self.config.seed))
            one, tested = (
                self.watch.time(partial(judge.evaluate, arch, part))
                for part in ("validation", "test")
            )
        except HwbenchError as error:
            self.not_counted.append(f"The selection {name} is not counted: {error}.")
            return 0.0
        return ((selection.planned_evaluations or 0) + 1) * one + tested


@contextmanager
def _begun(strategy: ArchitectureStrategy) -> Iterator[None]:
    """In which an epoch trains without its first hook, which was called, and is called once."""
    strategy.before_epoch = lambda epoch, epochs: None  # type: ignore[method-assign]  # noqa: ARG005
    try:
        yield
    finally:
        del strategy.before_epoch


def _reset_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        reset_peak()


def _peak_mb(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return peak_mb()
