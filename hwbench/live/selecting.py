"""Selecting from a trained supernet: at the end of a run, and again as often as wanted."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hwbench.arrays import IntArray
from hwbench.devices import choose_device, seeded
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.live.compatibility import check_selection, check_supernet
from hwbench.live.components import complete_node, make_component
from hwbench.live.config import load_config
from hwbench.live.search import Search
from hwbench.live.selected import TrueValues, evaluations_of, metric_of
from hwbench.live.selections import SELECTIONS
from hwbench.live.selections.base import Selection
from hwbench.live.strategies import STRATEGIES
from hwbench.live.strategies.base import ArchitectureStrategy
from hwbench.live.supernets.export import export_network
from hwbench.live.trained import config_path, journal_of, memory_of, read_ranking, trained_search
from hwbench.live.truth import Truth, find_truth, true_value
from hwbench.locks import only_writer
from hwbench.optimisation import denormals_flushed
from hwbench.progress import StageProgress, silent_stage
from hwbench.results.frames import write_frame
from hwbench.results.names import (
    ARCHITECTURE,
    SELECTION_CHECKPOINT,
    SELECTION_EVALUATIONS,
    SELECTION_RESULT,
    TRUE_FRONT,
)
from hwbench.results.names import SELECTIONS as SELECTIONS_FOLDER
from hwbench.results.texts import read_object


def select(
    search: Search, selection: Selection, stage: StageProgress
) -> tuple[IntArray, dict[str, Any]]:
    """What a selection chooses, of shape (n_selected, n_positions), and what it comes to."""
    supernet = search.supernet
    chosen = np.atleast_2d(selection.select(search, stage))
    supernet.space.check(chosen)
    if selection.changes_supernet:  # what is remembered is of other weights
        search.memory = None
    judge = search.judge()
    found = {part: judge.evaluate(chosen[:1], part).iloc[0] for part in ("validation", "test")}
    return chosen, {
        "architecture": supernet.space.to_string(chosen[0]),
        "search_accuracy": float(found["validation"]["accuracy"]),
        "test_accuracy": float(found["test"]["accuracy"]),
        "measured": {
            name: float(found["test"][name])
            for name in supernet.space.measured
            if name in found["test"]
        },
    }


def write_selection(
    folder: Path,
    search: Search,
    node: Mapping[str, Any],
    selection: Selection,
    chosen: IntArray,
    numbers: Mapping[str, Any],
    truth: Truth,
    *,
    seconds: float,
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
    deterministic: bool = False,
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
    device, threads, deterministic, stage : as for `run_live`.
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
    config = load_config(str(config_path(folder)))
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
        with seeded(config.seed, place, threads, deterministic=deterministic), denormals_flushed():
            start = time.monotonic()
            search = trained_search(folder, config, place, needs=made.requires, who=node["name"])
            check_supernet(
                type(search.supernet),
                search.supernet.space.name,
                search.supernet.structure,
                made,
                node["name"],
            )
            search.memory = memory_of(search, folder)
            search.ranking = read_ranking(folder)
            search.journal = journal_of(search, own / SELECTION_CHECKPOINT, node, made)
            own.mkdir(parents=True, exist_ok=True)
            if fresh:
                search.journal.remove()
            chosen, numbers = select(search, made, stage)
            claim.check()
            if not search.supernet.is_split:
                export_network(search.supernet.finalised(chosen[0]), own / ARCHITECTURE)
            seconds = time.monotonic() - start
            result = write_selection(
                own, search, node, made, chosen, numbers, truth, seconds=seconds
            )
            search.journal.remove()
    return result


def _label_of(node: Mapping[str, Any]) -> str:
    """A short name of a selection that tells it from others of its kind."""
    strategy = node.get("strategy")
    if isinstance(strategy, Mapping):
        strategy = strategy.get("name")
    parts = [str(node["name"]), *([strategy] if isinstance(strategy, str) else [])]
    return "-".join(re.sub(r"[^A-Za-z0-9_.]+", "-", part).strip("-.") for part in parts)
