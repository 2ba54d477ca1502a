"""Running live searches: a folder that holds all of it, and that any stop can be resumed from."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from hwbench.arrays import IntArray
from hwbench.environment import describe_machine, describe_versions
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.images.sets import load_images
from hwbench.live import tensorboard as tensorboard_log
from hwbench.live.compatibility import check_selection, check_supernet
from hwbench.live.components import complete_node, make_component
from hwbench.live.config import LiveConfig, RankingNode, load_config
from hwbench.live.journal import Journal
from hwbench.live.memory import Memory, memory_key
from hwbench.live.ranking import Evaluator
from hwbench.live.requirements import Requirements
from hwbench.live.retrain import RetrainRecipe, retrain
from hwbench.live.search import Search, choose_device, load_image_set, make_search, seeded
from hwbench.live.selected import TrueValues, evaluations_of, metric_of
from hwbench.live.selections import SELECTIONS
from hwbench.live.selections.base import Selection
from hwbench.live.strategies import STRATEGIES
from hwbench.live.strategies.base import ArchitectureStrategy
from hwbench.live.supernets.export import export_network, load_network, read_tensors
from hwbench.live.supernets.supernet import Supernet
from hwbench.live.training import load_checkpoint, restored, search_version, train_epochs
from hwbench.live.truth import Truth, find_truth, true_value
from hwbench.locks import only_writer
from hwbench.optimisation import denormals_flushed
from hwbench.progress import Progress, StageProgress, silent, silent_stage
from hwbench.results.frames import read_frame, write_frame
from hwbench.results.live import RANKING_COLUMNS
from hwbench.results.names import (
    ARCHITECTURE,
    CHECKPOINT,
    CONFIG,
    EPOCHS,
    EVALUATIONS,
    LATER_RANKING,
    LIVE_RESULT,
    RANKING,
    RECORD,
    RETRAINING,
    RETRAINING_CHECKPOINT,
    SELECTION_CHECKPOINT,
    SELECTION_EVALUATIONS,
    SELECTION_RESULT,
    STRENGTHS,
    SUPERNET,
    TRUE_FRONT,
)
from hwbench.results.names import SELECTIONS as SELECTIONS_FOLDER
from hwbench.results.ranking_measures import measures_of
from hwbench.results.record import read_record, write_record
from hwbench.results.texts import read_object
from hwbench.results.true_value import about_stand_in
from hwbench.spaces import get_space
from hwbench.tables.pairs import Accuracies, load_accuracies
from hwbench.toml import to_toml

RUN_FILES = (
    CONFIG,
    RECORD,
    CHECKPOINT,
    EPOCHS,
    STRENGTHS,
    RANKING,
    LATER_RANKING,
    LIVE_RESULT,
    RETRAINING,
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
    with only_writer(folder) as claim:
        if fresh:
            _remove_run(folder)
        _claim(folder, config)
        if (folder / LIVE_RESULT).exists():
            return _with_truth(folder, truth)
        with seeded(config.seed, place, threads), denormals_flushed():
            search = make_search(config, place)
            done = load_checkpoint(search, folder)
            _record_session(folder, _notes(target, truth))
            progress = stage("training the supernet")
            train_epochs(search, folder, done, progress, tensorboard=tensorboard)
            result = _conclude(search, folder, truth, stage)
        _write_result(folder, result)
        claim.check()
    return result


def _remove_run(folder: Path) -> None:
    """Remove what an earlier run left in its folder."""
    try:
        for name in RUN_FILES:
            (folder / name).unlink(missing_ok=True)
        for name in (SUPERNET, ARCHITECTURE, SELECTIONS_FOLDER, tensorboard_log.FOLDER):
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


def _conclude(search: Search, folder: Path, truth: Truth, stage: StageProgress) -> dict[str, Any]:
    """Rank, select and export what a trained search came to."""
    config, supernet = search.config, search.supernet
    result: dict[str, Any] = {"weight_sets": weight_sets(supernet)}
    search.memory = _memory(search, folder)
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
    export_network(supernet, folder / SUPERNET)
    search.journal = _journal(search, folder / SELECTION_CHECKPOINT)
    selection: Selection = make_component(SELECTIONS, config.selection)
    chosen, numbers = _select(search, selection, stage)
    result |= numbers
    held = true_value(truth, supernet, result["architecture"], search.ranking)
    if held is not None:
        result["truth"] = held.model_dump(mode="json")
    if not supernet.is_split:
        export_network(supernet.finalised(chosen[0]), folder / ARCHITECTURE)
    if selection.found is not None:
        own = folder / SELECTIONS_FOLDER / config.selection["name"]
        _write_selection(own, search, config.selection, selection, chosen, numbers, truth)
    search.journal.remove()
    return result


def _select(
    search: Search, selection: Selection, stage: StageProgress
) -> tuple[IntArray, dict[str, Any]]:
    """What a selection chooses, of shape (n_selected, n_positions), and what it comes to."""
    supernet = search.supernet
    chosen = np.atleast_2d(selection.select(search, stage))
    supernet.space.check(chosen)
    if selection.changes_supernet:  # what is remembered is of other weights
        search.memory = None
    judge = search.judge()
    found = {
        part: float(judge.evaluate(chosen[:1], part)["accuracy"][0])
        for part in ("validation", "test")
    }
    return chosen, {
        "architecture": supernet.space.to_string(chosen[0]),
        "search_accuracy": found["validation"],
        "test_accuracy": found["test"],
    }


def _write_selection(
    folder: Path,
    search: Search,
    node: Mapping[str, Any],
    selection: Selection,
    chosen: IntArray,
    numbers: Mapping[str, Any],
    truth: Truth,
    *,
    seconds: float = 0.0,
) -> dict[str, Any]:
    """Write what a selection came to, see `hwbench.results.selections`; its result is returned."""
    supernet = search.supernet
    evaluations = evaluations_of(selection, chosen, supernet, truth)
    metric = metric_of(selection)
    result: dict[str, Any] = {
        "label": folder.name,
        "selection": dict(node),
        "title": selection.title(),
        **numbers,
        "evaluations": None if evaluations is None else len(evaluations),
        "seconds": round(seconds, 3),
        "truth": None,
        "metric": metric,
        "selected": len(chosen),
        "front": None,
        "single": None,
    }
    ranked = search.ranking
    if evaluations is not None:
        ranked = evaluations.assign(score=evaluations["accuracy"])
    held = true_value(truth, supernet, result["architecture"], ranked)
    if held is not None:
        result["truth"] = held.model_dump(mode="json")
        values = TrueValues(truth, supernet, selection)
        front = values.front()
        if metric is not None and metric["optimised"]:
            result["front"] = values.quality_of(chosen, search.config.seed)
        else:
            result["single"] = values.single(chosen[0])
        if front is not None:
            write_frame(folder / TRUE_FRONT, front)
    if evaluations is not None:
        write_frame(folder / SELECTION_EVALUATIONS, evaluations)
    text = json.dumps(result, indent=2) + "\n"
    write_text(folder / SELECTION_RESULT, text, durable=True)
    return result


def select_run(
    folder: Path,
    selection: Mapping[str, Any],
    *,
    label: str | None = None,
    device: str | None = None,
    threads: int = 1,
    fresh: bool = False,
    stage: StageProgress = silent_stage,
) -> dict[str, Any]:
    """Select from the supernet of a run whose training has ended, however its own selection did.

    What it comes to is kept in the folder `selections/LABEL` of the run; stopped at any moment, the
    same call goes on. Evaluations of the supernet are shared by all selections and rankings.

    Parameters
    ----------
    folder : the run folder.
    selection : a node: `name` and arguments, as in the section [selection] of a config.
    label : of the folder; by default made of the selection's name and its strategy's.
    device, threads, stage : as for `run_live`.
    fresh : whether another selection of the same label is replaced.

    Returns
    -------
    The result, as in the folder's `result.json`, see `hwbench.results.selections`.

    Raises
    ------
    HwbenchError
        Where the folder holds no trained supernet, the selection does not suit it, or the label is
        another selection's.
    """
    config = load_config(str(_config_path(folder)))
    node = complete_node(SELECTIONS, selection, where="select", place="select")
    made: Selection = make_component(SELECTIONS, node)
    strategy: ArchitectureStrategy = make_component(STRATEGIES, config.strategy)
    check_selection(made, node["name"], strategy, config.strategy["name"], config.ranking)
    name = label or _label_of(node)
    if Path(name).name != name or name in (".", ".."):
        raise HwbenchError(f"label {name!r} is no name of a folder; use letters, digits and -")
    own = folder / SELECTIONS_FOLDER / name
    place = choose_device(device)
    truth = find_truth(config)
    with only_writer(folder) as claim:
        there = read_object(own / SELECTION_RESULT)
        if there and not fresh:
            if there.get("selection") == json.loads(json.dumps(node)):
                return there
            raise HwbenchError(
                f"{own}: holds another selection; give this one a name with --label, or replace "
                "that one with --fresh"
            )
        with seeded(config.seed, place, threads), denormals_flushed():
            start = time.monotonic()
            search = trained_search(folder, config, place, needs=made.requires, who=node["name"])
            check_supernet(
                type(search.supernet),
                search.supernet.space.name,
                search.supernet.structure,
                made,
                node["name"],
            )
            search.memory = _memory(search, folder)
            search.ranking = read_ranking(folder)
            search.journal = _journal(search, own / SELECTION_CHECKPOINT, node)
            own.mkdir(parents=True, exist_ok=True)
            if fresh:
                search.journal.remove()
            chosen, numbers = _select(search, made, stage)
            claim.check()
            if not search.supernet.is_split:
                export_network(search.supernet.finalised(chosen[0]), own / ARCHITECTURE)
            seconds = time.monotonic() - start
            result = _write_selection(
                own, search, node, made, chosen, numbers, truth, seconds=seconds
            )
            search.journal.remove()
    return result


def trained_search(
    folder: Path,
    config: LiveConfig,
    device: torch.device,
    *,
    needs: Requirements = Requirements(),
    who: str = "",
) -> Search:
    """A search as its training has left it, by its last checkpoint or by its exported supernet.

    Parameters
    ----------
    folder : the run folder.
    config : of the run.
    device : of torch.
    needs : of the exported supernet alone nothing can be selected that needs what else was learned.
    who : needs it, for messages.

    Raises
    ------
    HwbenchError
        Where the training has not ended, or what was learned is gone.
    """
    search = make_search(config, device)
    path = folder / CHECKPOINT
    if path.exists():
        state = read_tensors(path)
        done = state.get("epochs_done", 0)
        if done < search.trainer.epochs:
            raise HwbenchError(
                f"{folder}: {done} of {search.trainer.epochs} epochs are trained; hwbench live run "
                "goes on with them"
            )
        try:
            restored(search, state)
            return search
        except Exception:  # noqa: BLE001  of another version: the exported supernet may still do
            search = make_search(config, device)
    if not (folder / SUPERNET).exists():
        raise HwbenchError(
            f"{folder}: holds no trained supernet; hwbench live run trains one"
            if not path.exists()
            else f"{path}: is of another version of hwbench, and no supernet was exported"
        )
    if needs.training:
        raise HwbenchError(
            f"{folder}: {who} needs the checkpoint of the last epoch, which is gone or of another "
            "version of hwbench; use black_box or ranking, which need the supernet alone"
        )
    exported = load_network(folder / SUPERNET)
    search.trainer.become(exported.structure)
    search.supernet.load_state_dict(exported.state_dict())
    return search


def read_ranking(folder: Path) -> pd.DataFrame | None:
    """The last ranking of a run, None where there is none."""
    for name in (LATER_RANKING, RANKING):
        if (folder / name).exists():
            return read_frame(folder / name, RANKING_COLUMNS)
    return None


def _memory(search: Search, folder: Path) -> Memory:
    config = search.config
    data = config.data.model_dump_json()
    key = memory_key(search.supernet, data, search.calibration, config.seed, search_version(search))
    return Memory(folder / EVALUATIONS, key)


def _journal(search: Search, path: Path, node: Mapping[str, Any] | None = None) -> Journal:
    described = search.config.selection if node is None else node
    return Journal(path, f"{search_version(search)} {json.dumps(dict(described), sort_keys=True)}")


def _label_of(node: Mapping[str, Any]) -> str:
    """A short name of a selection that tells it from others of its kind."""
    strategy = node.get("strategy")
    if isinstance(strategy, Mapping):
        strategy = strategy.get("name")
    parts = [str(node["name"]), *([strategy] if isinstance(strategy, str) else [])]
    return "-".join(re.sub(r"[^A-Za-z0-9_.]+", "-", part).strip("-.") for part in parts)


def _config_path(folder: Path) -> Path:
    path = folder / CONFIG
    if not path.exists():
        raise HwbenchError(f"{folder}: holds no live search; hwbench live run makes one")
    return path


def rank_run(
    folder: Path,
    ranking: RankingNode,
    *,
    device: str | None = None,
    threads: int = 1,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Rank architectures by the supernet of a run whose training has ended, see `rank_supernet`.

    The ranking is kept in the folder as `later_ranking.parquet`.

    Raises
    ------
    HwbenchError
        Where the folder holds no trained supernet.
    """
    config = load_config(str(_config_path(folder))).model_copy(update={"ranking": ranking})
    target = true_values(ranking, config.space.name)
    truth = find_truth(config)
    place = choose_device(device)
    with only_writer(folder) as claim:
        with seeded(config.seed, place, threads), denormals_flushed():
            search = trained_search(folder, config, place)
            search.memory = _memory(search, folder)
            frame = rank_supernet(search.judge(), ranking, seed=config.seed, progress=progress)
        claim.check()
        write_frame(folder / LATER_RANKING, frame)
        write_record(folder, {**(read_record(folder) or {}), "notes": _notes(target, truth)})
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


def retrain_run(
    folder: Path,
    recipe: RetrainRecipe,
    *,
    arch: str | None = None,
    data: str | None = None,
    data_folder: Path | None = None,
    seed: int = 0,
    device: str | None = None,
    threads: int = 1,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Train what a finished run found from scratch, and keep the result in its `retraining.json`.

    Stopped at any moment, the same call goes on with the epoch that it stopped in.

    Parameters
    ----------
    folder : the run folder.
    recipe : how to train.
    arch : the string of another architecture of the space.
    data, data_folder : of `load_images`; those of the search by default.
    seed : of weights and draws.
    device, threads : as for `run_live`.
    progress : called with (epochs done, epochs in all).

    Returns
    -------
    `architecture`, and what `hwbench.live.retrain.retrain` returns.

    Raises
    ------
    HwbenchError
        Where the folder holds no finished run, or images cannot be had.
    """
    config = _finished(folder)
    found = read_object(folder / LIVE_RESULT)["architecture"]
    text = found if arch is None else arch
    space = get_space(config.space.name)
    images = load_image_set(config) if data is None else load_images(data, data_folder)
    place = choose_device(device)
    with only_writer(folder) as claim:
        with seeded(seed, place, threads), denormals_flushed():
            numbers = retrain(
                space,
                space.from_string(text),
                images,
                recipe,
                seed=seed,
                device=place,
                checkpoint=folder / RETRAINING_CHECKPOINT,
                progress=progress,
            )
        result = {"architecture": text, "images": images.name, "seed": seed, **numbers}
        record = {**result, "recipe": asdict(recipe), "versions": describe_versions()}
        claim.check()
        write_text(folder / RETRAINING, json.dumps(record, indent=2) + "\n", durable=True)
        (folder / RETRAINING_CHECKPOINT).unlink(missing_ok=True)
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
        result["truth"] = held.model_dump(mode="json")
        _write_result(folder, result)
    return result


def _write_result(folder: Path, result: dict[str, Any]) -> None:
    write_text(folder / LIVE_RESULT, json.dumps(result, indent=2) + "\n", durable=True)


def weight_sets(supernet: Supernet) -> int:
    """Sets of weights of all candidates, counted once a position (LAUBE 6.3.3)."""
    by_position = {each.position: each.weight_sets() for each in supernet.mixed_operations()}
    return sum(by_position.values())


# ---------------------------------------------------------------------- the folder


def _claim(folder: Path, config: LiveConfig) -> None:
    """Make the folder this search's, or see that it is."""
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


def _record_session(folder: Path, notes: dict[str, list[str]]) -> None:
    """Add to the record of a folder that its search is begun, or gone on with, here and now."""
    there = read_record(folder) or {}
    session = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": describe_versions(),
    }
    first = {name: there[name] for name in session if name in there}  # kept alone by 0.1.0
    sessions = [*there.get("sessions", [first] if first else []), session]
    record = {
        **session,
        "started": sessions[0].get("started", session["started"]),
        "sessions": sessions,
        "notes": notes,
    }
    write_record(folder, record)


def _notes(target: Accuracies | None, truth: Truth) -> dict[str, list[str]]:
    """What was done to the column that a ranking is held against, and whether it is a stand-in."""
    notes = [] if target is None else list(target.notes)
    if truth.stand_in is not None:
        notes.append(about_stand_in(truth.stand_in))
    return {"ranking": notes} if notes else {}
