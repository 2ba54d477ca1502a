"""Taking the study of somebody else, or one's own, on the leaderboard: what it must fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.assets import PREDICTORS, assets_folder, home
from hwbench.errors import HwbenchError, unknown_name
from hwbench.leaderboard.collecting import collected, digest_of
from hwbench.predictors import predictor_card
from hwbench.results.leaderboard import FIT, MOST_TITLE, NAME, OWN, Board, Runs, write_board
from hwbench.results.record import read_record, shard_in
from hwbench.results.study_columns import KEY
from hwbench.spaces import get_space
from hwbench.study.identity import CodeVersions

FEWEST_SEEDS = 5
"""Seeds from 0 on that a contribution has."""

FIXED = {
    "target_transform": None,
    "short_fits": False,
    "trimming": "none",
    "twins": "allowed",
    "encodings": (),
    "device_sets": (),
}
"""Fields of a study's spec that all entries of the leaderboard share, as a spec leaves them."""

SAME = 0.005
"""Kendall's taus that differ by no more are the same fit on another machine."""


@dataclass(frozen=True)
class Added:
    """What was taken on the leaderboard.

    Attributes
    ----------
    folder : that holds it.
    fits : how many.
    shared : how many of them hwbench has too.
    agreeing : how many of those have the same Kendall's tau, within `SAME`.
    """

    folder: Path
    fits: int
    shared: int
    agreeing: int


def add_run(run: Path, board: Board, *, name: str | None = None) -> Added:
    """Check a run folder, and keep its scores among the user's contributions.

    Parameters
    ----------
    run : a finished study.
    board : that it is to fit.
    name : of the contribution; the folder's by default.

    Raises
    ------
    HwbenchError
        Where the run is not finished, asks for something else than the leaderboard's study, was
        made on other tables or by other code, or has names that it may not have.
    """
    chosen = run.resolve().name if name is None else name
    if not NAME.fullmatch(chosen) or chosen == OWN:
        raise HwbenchError(
            f"contribution {chosen[:80]!a}: a name has letters, digits, '_', '-' and '.', 64 at "
            f"most; give another: hwbench leaderboard add {run} --name NAME"
        )
    scores, runs = collected(run, chosen)
    check_run(run, scores, runs[chosen], board)
    folder = home() / "leaderboard" / chosen
    write_board(folder, scores, runs)
    shared = scores.merge(
        board.scores[board.scores["origin"] == OWN], on=FIT, suffixes=("", "_own")
    )
    same = (shared["kendall_tau"] - shared["kendall_tau_own"]).abs() <= SAME
    return Added(folder, len(scores), len(shared), int(same.sum()))


def remove_contribution(name: str) -> Path:
    """Remove one of the user's contributions.

    Raises
    ------
    HwbenchError
        Where there is none of that name.
    """
    place = home() / "leaderboard"
    there = [path.parent.name for path in place.glob("*/study_scores.parquet")]
    if name not in there:
        raise unknown_name("contribution", name, there)
    folder = place / name
    for file in ("study_scores.parquet", "study_runs.json"):
        (folder / file).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()
    return folder


def check_run(folder: Path, scores: pd.DataFrame, run: Mapping[str, Any], board: Board) -> None:
    """Refuse a study that cannot be compared with the leaderboard's.

    Raises
    ------
    HwbenchError
        In one line: what does not fit, and what to do.
    """
    _check_whole(folder, scores, run)
    _check_spec(folder, run, board)
    _check_tables(folder, run, board)
    _check_names(folder, scores, run)
    _check_code(folder, run)


def _check_whole(folder: Path, scores: pd.DataFrame, run: Mapping[str, Any]) -> None:
    spec = run["spec"]
    if shard_in(read_record(folder) or {}) != (1, 1):
        raise HwbenchError(
            f"{folder}: is one part of a study; put all together: hwbench study merge"
        )
    seeds = sorted(spec["seeds"])
    if seeds != list(range(len(seeds))) or len(seeds) < FEWEST_SEEDS:
        raise HwbenchError(
            f"{folder}: has the seeds {', '.join(map(str, seeds))}; the leaderboard takes "
            f"{', '.join(map(str, range(FEWEST_SEEDS)))} and on, so that all entries are fitted to "
            "the same architectures"
        )
    costly = (spec.get("costly") or {}).get("largest", {})
    keys = set(scores[list(KEY)].itertuples(index=False, name=None))
    there = {(target, predictor, size, seed) for target, predictor, _, size, seed in keys}
    own_set = set(scores.loc[scores["own_training_set"], "predictor"])
    left_out = {(each["predictor"], each["target"]) for each in run["left_out"]}
    for target in spec["targets"]:
        for predictor in spec["predictors"]:
            without = (predictor, target) in left_out and predictor not in costly
            if predictor in own_set or without:
                continue
            for size in spec["training_sizes"]:
                for seed in spec["seeds"]:
                    beyond = size > costly.get(predictor, size)
                    if not beyond and (target, predictor, size, seed) not in there:
                        raise HwbenchError(
                            f"{folder}: lacks seed {seed} of {predictor} with {size} measurements "
                            f"of {target}; go on with: hwbench study resume {folder}"
                        )


def _check_spec(folder: Path, run: Mapping[str, Any], board: Board) -> None:
    spec, known = run["spec"], board.targets()
    for name, value in FIXED.items():
        given = spec.get(name)
        if (tuple(given) if isinstance(given, list) else given) not in (value, None):
            raise HwbenchError(
                f"{folder}: its study sets {name} to {str(given)[:60]}, the leaderboard's does "
                "not; leave it out and run again, as the scenario leaderboard-few"
            )
    for target in spec["targets"]:
        if target not in known:
            raise unknown_name("target of the leaderboard", target, known)
        asked = [each["spec"] for each in board.runs[OWN].values() if target in each["targets"]]
        test_size = asked[0]["test_size"]
        if spec["test_size"] != test_size:
            raise HwbenchError(
                f"{folder}: scores on {spec['test_size']} architectures of {target}, the "
                f"leaderboard on {test_size}; set test_size = {test_size} and run again"
            )
        sizes = {size for each in asked for size in each["training_sizes"]}
        others = sorted(set(spec["training_sizes"]) - sizes)
        if others:
            raise HwbenchError(
                f"{folder}: is fitted to {', '.join(map(str, others))} measurements of {target}; "
                f"the leaderboard has {', '.join(map(str, sorted(sizes)))}"
            )


def _check_tables(folder: Path, run: Mapping[str, Any], board: Board) -> None:
    known = board.targets()
    for target, about in run["targets"].items():
        if about["digest"] != known[target]["digest"]:
            raise HwbenchError(
                f"{folder}: its {target} holds other values than the leaderboard's "
                f"({about['digest'][:12]} there, {known[target]['digest'][:12]} here); run it on "
                "the table that hwbench brings"
            )


def _check_names(folder: Path, scores: pd.DataFrame, run: Mapping[str, Any]) -> None:
    for name in (*scores["predictor"].unique(), *run["spec"]["predictors"]):
        if not NAME.fullmatch(str(name)):
            raise HwbenchError(
                f"{folder}: predictor {str(name)[:80]!a} is no name for the leaderboard: letters, "
                "digits, '_', '-' and '.', 64 at most; rename its card and run again"
            )
    for text in (*scores["title"].unique(), *scores["family"].unique()):
        if not str(text).isprintable() or len(str(text)) > MOST_TITLE:
            raise HwbenchError(
                f"{folder}: title {str(text)[:80]!a} cannot be printed; change its card and run "
                "again"
            )
    if (scores["kendall_tau"].abs() > 1 + 1e-9).any() or np.isinf(scores["kendall_tau"]).any():
        raise HwbenchError(f"{folder}: a Kendall's tau lies beyond -1 and 1")


def _check_code(folder: Path, run: Mapping[str, Any]) -> None:
    """See that zoo entries are hwbench's own, made by the code that is here."""
    zoo = {path.stem for path in assets_folder("predictors").glob("*.toml")}
    names = [name for name in run["spec"]["predictors"] if name in zoo]
    files = PREDICTORS.files()
    cards = {name: predictor_card(name) for name in names if name in files}
    spaces = {target: get_space(about["space"]) for target, about in run["targets"].items()}
    here = CodeVersions.of(cards, spaces)
    again = f"run it again with this hwbench: hwbench study run SCENARIO -o {folder} --fresh"
    if run["code"]["trial"] != here.trial:
        raise HwbenchError(f"{folder}: was run by another hwbench, whose code differs; {again}")
    for name, card in cards.items():
        if run["cards"].get(name) != digest_of(card.model_dump(mode="json")):
            raise HwbenchError(
                f"{folder}: its {name} is not the zoo's, the card differs; give it a name of its "
                "own and run again"
            )
        if run["code"]["predictors"].get(name) != here.predictors[name]:
            raise HwbenchError(f"{folder}: its {name} was run by other code than this; {again}")
    for target, version in here.targets.items():
        if run["code"]["targets"].get(target) != version:
            raise HwbenchError(f"{folder}: the space of {target} had other code then; {again}")


def outdated_entries(board: Board) -> dict[str, list[str]]:
    """Predictors whose code has changed since they were run, with the names of these runs."""
    found: dict[str, list[str]] = {}
    runs: Runs = board.runs[OWN]
    names = {name for run in runs.values() for name in run["code"]["predictors"]}
    cards = {name: predictor_card(name) for name in sorted(names) if name in PREDICTORS.files()}
    here = CodeVersions.of(cards, {})
    for name, run in runs.items():
        for predictor, version in run["code"]["predictors"].items():
            if version != here.predictors.get(predictor) or run["code"]["trial"] != here.trial:
                found.setdefault(predictor, []).append(name)
    return found
