"""Training a search epoch by epoch, and what its folder gets of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from hwbench.code_version import code_version, module_of
from hwbench.errors import HwbenchError
from hwbench.images.fit import DivergedError
from hwbench.images.sets import reader_module
from hwbench.images.subsets import SUBSETS
from hwbench.live import tensorboard as tensorboard_log
from hwbench.live.clock import Clock
from hwbench.live.epoch_truth import EpochTruth, with_true_values
from hwbench.live.search import Search
from hwbench.live.supernets.structure import Structure
from hwbench.live.supernets.supernet import Supernet
from hwbench.predictors import predictor_card
from hwbench.predictors.identity import predictor_modules
from hwbench.progress import Progress
from hwbench.results.frames import write_frame
from hwbench.results.live import DIAGNOSED, RANKED, TRAINING
from hwbench.results.names import CHECKPOINT, EPOCHS, POOLS, STRENGTHS
from hwbench.results.record import Record
from hwbench.tensor_files import read_tensors, write_tensors
from hwbench.version import __version__

Strengths = tuple[list[tuple[str, str]], torch.Tensor]


class Done(NamedTuple):
    """How far a search is.

    Attributes
    ----------
    epochs : trained.
    rows : numbers of each and what would be chosen after it, see
        `hwbench.results.live.EPOCH_COLUMNS`; without what a table of true values says.
    strengths : of each the names of the candidates, position and operation, and what
        `Search.candidate_strengths` is; none where the strategy learns none.
    """

    epochs: int
    rows: list[dict[str, Any]]
    strengths: list[Strengths]


def load_checkpoint(search: Search, folder: Path) -> Done:
    """Put a search where the folder's checkpoint is; nothing is done where there is none.

    Raises
    ------
    HwbenchError
        Where the checkpoint is damaged or of other code.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return Done(0, [], [])
    state: dict[str, Any] = read_tensors(path)
    if state.get("code") != search_version(search):
        writer = state.get("hwbench", "0.1.0")  # which kept neither
        raise HwbenchError(
            f"{path}: was trained so far by other code, that of hwbench {writer}; go on with that, "
            "choose another folder with -o, or begin again with --fresh"
        )
    try:
        return restored(search, state)
    except Exception as error:  # what torch makes of what it is given is its own affair
        raise HwbenchError(f"{path}: is of another version of hwbench; use --fresh") from error


def restored(search: Search, state: dict[str, Any]) -> Done:
    """Put a search where the content of a checkpoint is; what torch makes of it is its affair."""
    done = Done(state["epochs_done"], state["metrics"], state["strengths"])
    search.trainer.become(Structure.of(state["structure"]))
    if done.epochs:  # what changes with time alone need be in no checkpoint
        search.strategy.before_epoch(done.epochs - 1, search.trainer.epochs)
    search.load_state_dict(state)
    return done


def train_epochs(
    search: Search,
    folder: Path,
    done: Done,
    progress: Progress,
    *,
    follower: EpochTruth,
    diagnose: Callable[[int], None] | None,
    clock: Clock,
    record: Record,
    tensorboard: bool,
) -> None:
    """Train a search to its last epoch.

    Parameters
    ----------
    search : as `hwbench.live.search.make_search` made it.
    folder : of the run; gets the files of every epoch, see `hwbench.results.live`.
    done : what `load_checkpoint` found there.
    progress : called with (epochs done, epochs in all).
    follower : asked after each epoch how good what would be chosen is.
    diagnose : called with each epoch that has ended, before its checkpoint is written; None for
        nothing.
    clock, record : the session's, and the run's, which is written with it after each epoch.
    tensorboard : whether epochs are written for TensorBoard too.

    Raises
    ------
    HwbenchError
        Where a file cannot be written, TensorBoard is not installed, or the training diverges.
    """
    code = search_version(search)
    epochs = search.trainer.epochs_trained
    first, rows, history = done

    def frame() -> pd.DataFrame:
        return _epoch_frame(rows, follower)

    with _epoch_log(folder, len(rows), frame, history, tensorboard=tensorboard) as log:
        progress(first, epochs)
        for epoch in range(first, epochs):
            try:
                numbers = search.train_epoch(epoch)
            except DivergedError as error:
                raise HwbenchError(f"{folder}: {error}") from error
            clock.lap(TRAINING)
            rows.append({"epoch": float(epoch), **numbers, **follower.after_epoch()})
            clock.lap(RANKED)
            if diagnose is not None:
                diagnose(epoch)
                clock.lap(DIAGNOSED)
            history += strengths_of(search)
            log(epoch)
            write_epoch(search, folder, Done(epoch + 1, rows, history), follower, code)
            clock.lap(TRAINING)
            clock.write(folder, record)
            progress(epoch + 1, epochs)


def write_epoch(search: Search, folder: Path, done: Done, follower: EpochTruth, code: str) -> None:
    """Write all that a folder gets of an epoch that has ended, but for its record.

    Parameters
    ----------
    done : how far the search is.
    follower, code : of the search, see `train_epochs` and `search_version`.
    """
    state = {
        "hwbench": __version__,
        "code": code,
        "epochs_done": done.epochs,
        "metrics": done.rows,
        "strengths": done.strengths,
    }
    write_tensors(folder / CHECKPOINT, {**state, **search.state_dict()})
    write_frame(folder / EPOCHS, _epoch_frame(done.rows, follower))
    if done.strengths:
        write_frame(folder / STRENGTHS, _strength_frame(done.strengths))
    pools = search.strategy.pools()
    if pools is not None:
        write_frame(folder / POOLS, pools)


def _epoch_frame(rows: list[dict[str, Any]], follower: EpochTruth) -> pd.DataFrame:
    """See `hwbench.results.live.EPOCH_COLUMNS`."""
    made = pd.DataFrame(rows).astype({"epoch": "int64"})
    return with_true_values(made, follower.table)


def strengths_of(search: Search) -> list[Strengths]:
    """What the strategy has learned now; empty where it learns no strengths."""
    strengths = search.candidate_strengths()
    return [] if strengths is None else [(_candidates(search.supernet), strengths)]


def search_version(search: Search) -> str:
    """Version of the code that trains a search, see `hwbench.code_version`."""
    return code_version(*search_modules(search))


def search_modules(search: Search) -> list[str]:
    """The modules that training begins with: what all searches run, and those of its parts."""
    parts: list[object] = [search.supernet, search.supernet.space, search.strategy]
    parts += [search.trainer, *search.trainer.components]
    cost = search.config.cost
    card = None if cost is None else predictor_card(cost.predictor)
    subset = search.config.data.subset
    return [
        Search.__module__,
        *(type(part).__module__ for part in parts),
        reader_module(search.config.data.name),
        *([] if subset is None else [module_of(SUBSETS.path_of(subset["name"]))]),
        *([] if card is None else predictor_modules(card)),
    ]


@contextmanager
def _epoch_log(
    folder: Path,
    done: int,
    frame: Callable[[], pd.DataFrame],
    history: list[Strengths],
    *,
    tensorboard: bool,
) -> Iterator[Callable[[int], None]]:
    """What an epoch's number is given to once its row is there."""
    if not tensorboard:
        yield lambda _epoch: None
        return
    log = tensorboard_log.EpochLog(folder, done)

    def write(epoch: int) -> None:
        row = frame().drop(columns="epoch").select_dtypes("number").iloc[epoch]
        numbers = {str(name): float(value) for name, value in row.items() if np.isfinite(value)}
        strengths: dict[str, float] = {}
        if history:
            names, values = history[epoch]
            for (position, operation), strength in zip(names, values[0].tolist(), strict=True):
                strengths[f"strength/{position}/{operation}"] = strength
        log.write(epoch, numbers, strengths)

    try:
        for epoch in range(done if log.is_new else 0):
            write(epoch)
        yield write
    finally:
        log.close()


def _candidates(supernet: Supernet) -> list[tuple[str, str]]:
    """Position and operation of every candidate."""
    return [
        (position.name, operation)
        for position in supernet.positions
        for operation in position.operations
    ]


def _strength_frame(history: list[Strengths]) -> pd.DataFrame:
    """See `hwbench.results.live.STRENGTH_COLUMNS`; one tensor (2, candidates) an epoch."""
    frames = []
    for epoch, (names, tensor) in enumerate(history):
        values = tensor.double().numpy()
        frames.append(
            pd.DataFrame(
                {
                    "epoch": epoch,
                    "position": [position for position, _ in names],
                    "operation": [operation for _, operation in names],
                    "strength": values[0],
                    "probability": values[1],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
