"""Running live searches: a folder that holds all of it, and that any stop can be resumed from."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.devices import choose_device, device_title, seeded
from hwbench.environment import describe_machine, describe_versions
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.live import tensorboard as tensorboard_log
from hwbench.live.clock import Clock
from hwbench.live.components import make_component
from hwbench.live.config import LiveConfig, RankingNode, load_config
from hwbench.live.diagnostics.epochs import check_diagnosed, diagnose
from hwbench.live.epoch_truth import (
    TAU,
    EpochTruth,
    TrueTable,
    check_each_epoch,
    with_true_values,
)
from hwbench.live.ranking import Evaluator
from hwbench.live.search import Search, make_search
from hwbench.live.selecting import select, write_selection
from hwbench.live.selections import SELECTIONS
from hwbench.live.selections.base import Selection
from hwbench.live.supernets.export import export_network, load_network
from hwbench.live.supernets.supernet import Supernet
from hwbench.live.trained import config_path, journal_of, memory_of, trained_search
from hwbench.live.training import load_checkpoint, train_epochs
from hwbench.live.training_images import absent_classes, keep_images
from hwbench.live.truth import Truth, find_truth, true_value
from hwbench.locks import only_writer
from hwbench.optimisation import denormals_flushed
from hwbench.progress import Progress, StageProgress, silent, silent_stage
from hwbench.results.frames import read_frame, write_frame
from hwbench.results.kinds import refuse_other_kind, taken_back
from hwbench.results.live import (
    EPOCH_COLUMNS,
    PREPARATION,
    RANKED,
    RANKING_COLUMNS,
    SELECTION,
)
from hwbench.results.names import (
    ARCHITECTURE,
    CHECKPOINT,
    CONFIG,
    EPOCHS,
    EVALUATIONS,
    LATER_RANKING,
    LIVE_FILES,
    LIVE_RESULT,
    RANKING,
    RECORD,
    RETRAINING_CHECKPOINT,
    RETRAININGS,
    SELECTION_CHECKPOINT,
    SUPERNET,
)
from hwbench.results.names import SELECTIONS as SELECTIONS_FOLDER
from hwbench.results.ranking_measures import measures_of
from hwbench.results.record import Record, read_record, write_record
from hwbench.results.texts import read_object
from hwbench.results.true_value import about_stand_in
from hwbench.tables.pairs import Accuracies, load_accuracies
from hwbench.toml import to_toml

RUN_FILES = (
    CONFIG,
    RECORD,
    CHECKPOINT,
    *LIVE_FILES,
    RETRAINING_CHECKPOINT,
    EVALUATIONS,
    SELECTION_CHECKPOINT,
)
"""What an earlier run may have left, and a fresh one removes."""


def run_live(
    config: LiveConfig,
    folder: Path,
    *,
    device: str | None = None,
    threads: int = 1,
    deterministic: bool = False,
    fresh: bool = False,
    tensorboard: bool = False,
    stage: StageProgress = silent_stage,
) -> dict[str, Any]:
    """Run a search; a folder that holds a part of it goes on with the epoch it stopped before.

    Where the folder holds all of it, its result is returned.

    Parameters
    ----------
    config : the complete tree.
    folder : where everything goes; made if missing.
    device : of torch; CUDA where there is one, else the CPU, by default.
    threads : of torch. Small networks are fastest with one.
    deterministic : whether the same call gives the same numbers on a GPU too, stops included, see
        `hwbench.devices.arithmetic`; on a CPU it always does.
    fresh : whether an earlier run in the folder is removed first.
    tensorboard : whether epochs are written for TensorBoard too, to the folder `tensorboard` there.
    stage : makes a progress function for each stage.

    Returns
    -------
    The result, as in the folder's `result.json`: `architecture` (its string), `search_accuracy` and
    `test_accuracy` of it in % with the supernet's weights, `weight_sets`, the measures of the
    ranking, if the config has one with a target, and `truth`, see
    `hwbench.results.true_value.TrueValue`, where true values are known.

    Raises
    ------
    HwbenchError
        Where the folder holds another search or cannot be written, parts of the config do not go
        together, the ranking's target is unknown, or TensorBoard is asked for and not installed.
    """
    place = choose_device(device)
    # What is wrong is said before the search.
    target, truth = true_values(config.ranking, config.space.name), find_truth(config)
    check_each_epoch(config, truth)
    clock = Clock(place)
    with only_writer(folder) as claim:
        refuse_other_kind(folder, CONFIG)
        if fresh:
            _remove_run(folder)
        new = _claim(folder, config)
        if (folder / LIVE_RESULT).exists():
            return _with_truth(folder, truth)
        with seeded(config.seed, place, threads, deterministic=deterministic), denormals_flushed():
            with taken_back(folder / CONFIG, new=new):
                search = make_search(config, place, folder)
                check_diagnosed(search)
                follower = EpochTruth(search, truth)  # of all it could find, before a checkpoint
            done = load_checkpoint(search, folder)
            computing = {"device": device_title(place), "deterministic": deterministic}
            notes = {**_image_notes(search), **_notes(target, truth)}
            record = _record_session(folder, search.images, computing, notes)
            if search.taken is not None:
                keep_images(folder, search.taken)
            clock.lap(PREPARATION)
            progress = stage("training the supernet")
            train_epochs(
                search,
                folder,
                done,
                progress,
                follower=follower,
                diagnose=_diagnosis(search, folder),
                clock=clock,
                record=record,
                tensorboard=tensorboard,
            )
            result = _conclude(search, folder, truth, stage, clock)
        clock.write(folder, record)
        _write_result(folder, result)
        claim.check()
    return result


def _remove_run(folder: Path) -> None:
    """Remove what an earlier run left in its folder."""
    try:
        for name in RUN_FILES:
            (folder / name).unlink(missing_ok=True)
        for name in (
            SUPERNET,
            ARCHITECTURE,
            SELECTIONS_FOLDER,
            RETRAININGS,
            tensorboard_log.FOLDER,
        ):
            if (folder / name).exists():
                shutil.rmtree(folder / name)
    except OSError as error:
        raise HwbenchError(f"{folder}: cannot be written ({error.strerror})") from error


def rank_supernet(
    evaluator: Evaluator,
    ranking: RankingNode,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Rank architectures as a config says, the best first.

    Parameters
    ----------
    evaluator : of the trained supernet.
    ranking : which architectures, by what, held against what.
    seed : of the architectures that are drawn.
    progress : called with (architectures done, architectures in all).

    Returns
    -------
    A frame with the columns `architecture` (string), `accuracy` (%), `loss`, the supernet's
    measurements, `score` (larger is better), and `true` where the config names a target: an
    accuracy in %, see `hwbench.tables.pairs`.
    """
    supernet = evaluator.supernet
    archs = (
        supernet.architectures()
        if ranking.architectures is None
        else supernet.sample(ranking.architectures, np.random.default_rng(seed))
    )
    truth = true_values(ranking, supernet.space.name)  # what is wrong is said before the long part
    frame = evaluator.evaluate(archs, progress=progress)
    frame.insert(0, "architecture", supernet.space.to_strings(archs))
    frame["score"] = frame["accuracy"] if ranking.score == "accuracy" else -frame["loss"]
    if truth is not None:
        frame["true"] = truth.values_of(archs)
    return frame.sort_values("score", ascending=False, kind="stable", ignore_index=True)


def true_values(ranking: RankingNode | None, space: str) -> Accuracies | None:
    """What a ranking is held against; None where it has no target.

    Raises
    ------
    HwbenchError
        Where the target is unknown, of another space, or better the smaller it is.
    """
    if ranking is None or ranking.target is None:
        return None
    return load_accuracies(ranking.target, space)


# ---------------------------------------------------------------------- stages


def _diagnosis(search: Search, folder: Path) -> Callable[[int], None] | None:
    """What keeps diagnostics of an epoch; None where the config asks for none."""
    node = search.config.diagnostics
    return None if node is None else partial(diagnose, search, folder, n_images=node.images)


def _conclude(
    search: Search, folder: Path, truth: Truth, stage: StageProgress, clock: Clock
) -> dict[str, Any]:
    """Rank, select and export what a trained search came to."""
    config, supernet = search.config, search.supernet
    result: dict[str, Any] = {"weight_sets": weight_sets(supernet)}
    search.memory = memory_of(search, folder)
    if config.ranking is not None:
        search.ranking = rank_supernet(
            search.judge(),
            config.ranking,
            seed=config.seed,
            progress=stage("ranking architectures"),
        )
        write_frame(folder / RANKING, search.ranking)
        result["ranked"] = len(search.ranking)
        if "true" in search.ranking:
            result["ranking"] = measures_of(search.ranking)
        clock.lap(RANKED)
    export_network(supernet, folder / SUPERNET)
    selection: Selection = make_component(SELECTIONS, config.selection)
    path = folder / SELECTION_CHECKPOINT
    search.journal = journal_of(search, path, config.selection, selection)
    start = time.monotonic()
    chosen, numbers = select(search, selection, stage)
    seconds = time.monotonic() - start
    result |= numbers
    held = true_value(truth, supernet, result["architecture"], search.ranking)
    if held is not None:
        result["truth"] = held.model_dump(mode="json")
    if not supernet.is_split:
        export_network(supernet.finalised(chosen[0]), folder / ARCHITECTURE)
    if selection.found is not None:
        own = folder / SELECTIONS_FOLDER / config.selection["name"]
        write_selection(
            own, search, config.selection, selection, chosen, numbers, truth, seconds=seconds
        )
    search.journal.remove()
    clock.lap(SELECTION)
    return result


def rank_run(
    folder: Path,
    ranking: RankingNode,
    *,
    device: str | None = None,
    threads: int = 1,
    deterministic: bool = False,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Rank architectures by the supernet of a run whose training has ended, see `rank_supernet`.

    The ranking is kept in the folder as `later_ranking.parquet`. `device`, `threads` and
    `deterministic` are as for `run_live`.

    Raises
    ------
    HwbenchError
        Where the folder holds no trained supernet.
    """
    config = load_config(str(config_path(folder))).model_copy(update={"ranking": ranking})
    target = true_values(ranking, config.space.name)
    truth = find_truth(config)
    place = choose_device(device)
    with only_writer(folder) as claim:
        with seeded(config.seed, place, threads, deterministic=deterministic), denormals_flushed():
            search = trained_search(folder, config, place)
            search.memory = memory_of(search, folder)
            frame = rank_supernet(search.judge(), ranking, seed=config.seed, progress=progress)
        claim.check()
        write_frame(folder / LATER_RANKING, frame)
        record = read_record(folder) or {}
        others = {part: said for part, said in _said(record).items() if part != "ranking"}
        write_record(folder, {**record, "notes": {**others, **_notes(target, truth)}})
    return frame


def truth_run(folder: Path, target: str | None = None) -> dict[str, Any]:
    """Hold what a finished run found against a table of true values; its `result.json` keeps it.

    Parameters
    ----------
    folder : the run folder.
    target : "table:column"; by default as for `hwbench.live.truth.find_truth`.

    Returns
    -------
    The result, as `run_live` returns it.

    Raises
    ------
    HwbenchError
        Where the folder holds no finished run, the target is unknown or of another space, or there
        is none.
    """
    config = _finished(folder)
    truth = find_truth(config, target)
    if truth.target is None:
        raise HwbenchError(
            f"{folder}: no true values of {config.space.name} come with hwbench; name a table of "
            "your own with --target TABLE:COLUMN (hwbench tables list), or train what was found "
            f"with hwbench live retrain {folder}"
        )
    with only_writer(folder) as claim:
        result = _with_truth(folder, truth, again=True)
        claim.check()
    return result


def _finished(folder: Path) -> LiveConfig:
    if not (folder / LIVE_RESULT).exists():
        raise HwbenchError(f"{folder}: holds no finished search; use hwbench live run first")
    return load_config(str(folder / CONFIG))


def _with_truth(folder: Path, truth: Truth, *, again: bool = False) -> dict[str, Any]:
    """A finished run's result, held against true values if it has not been, or is to be again."""
    result = read_object(folder / LIVE_RESULT)
    if truth.target is None or ("truth" in result and not again):
        return result
    ranking = read_frame(folder / RANKING, RANKING_COLUMNS)
    supernet = load_network(folder / SUPERNET)
    held = true_value(truth, supernet, result["architecture"], ranking)
    if held is not None:
        before = result.get("truth", {}).get("target")
        _hold_epochs(folder, TrueTable(truth, supernet), same=before == held.target)
        result["truth"] = held.model_dump(mode="json")
        _write_result(folder, result)
    return result


def _hold_epochs(folder: Path, table: TrueTable, *, same: bool) -> None:
    """Hold what would have been chosen after each epoch against a table.

    Where it is not the same as before, how rankings after single epochs agreed with the other is
    dropped: it was no agreement with these values.
    """
    epochs = read_frame(folder / EPOCHS, EPOCH_COLUMNS)
    if epochs is not None and "architecture" in epochs:
        kept = epochs if same else epochs.drop(columns=TAU, errors="ignore")
        write_frame(folder / EPOCHS, with_true_values(kept, table))


def _write_result(folder: Path, result: dict[str, Any]) -> None:
    write_text(folder / LIVE_RESULT, json.dumps(result, indent=2) + "\n", durable=True)


def weight_sets(supernet: Supernet) -> int:
    """Sets of weights of all candidates, counted once a position (LAUBE 6.3.3)."""
    by_position = {each.position: each.weight_sets() for each in supernet.mixed_operations()}
    return sum(by_position.values())


# ---------------------------------------------------------------------- the folder


def _claim(folder: Path, config: LiveConfig) -> bool:
    """Make the folder this search's, and say whether it was not before; or see that it is."""
    text = to_toml(config.model_dump(mode="json"))
    path = folder / CONFIG
    there = path.read_text(encoding="utf-8") if path.exists() else None
    if there is not None and there != text and load_config(str(path)) != config:
        raise HwbenchError(
            f"{folder}: holds another search; choose another folder with -o, or replace it with "
            "--fresh"
        )
    if there is None:
        write_text(path, text)
    return there is None


def _record_session(
    folder: Path, images: dict[str, Any], computing: dict[str, Any], notes: dict[str, list[str]]
) -> Record:
    """Add to the record of a folder that its search is begun, or gone on with, here and now."""
    there = read_record(folder) or {}
    session = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": describe_versions(),
        **computing,
    }
    first = {name: there[name] for name in session if name in there}  # kept alone by 0.1.0
    sessions = [*there.get("sessions", [first] if first else []), session]
    record = {
        **session,
        "started": sessions[0].get("started", session["started"]),
        "sessions": sessions,
        "images": images,
        "notes": notes,
    }
    write_record(folder, record)
    return record


def _said(record: Record) -> dict[str, Any]:
    """The notes of a record by what they are about."""
    notes = record.get("notes")
    return dict(notes) if isinstance(notes, dict) else {}


def _image_notes(search: Search) -> dict[str, list[str]]:
    """Whether the images that a search learns from lack a class."""
    if search.taken is None:
        return {}
    notes = absent_classes(search.taken, search.images["classes"])
    return {"images": notes} if notes else {}


def _notes(target: Accuracies | None, truth: Truth) -> dict[str, list[str]]:
    """What was done to the column that a ranking is held against, and whether it is a stand-in."""
    notes = [] if target is None else list(target.notes)
    if truth.stand_in is not None:
        notes.append(about_stand_in(truth.stand_in))
    return {"ranking": notes} if notes else {}
