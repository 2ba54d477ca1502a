"""The study of a run folder as scores of the leaderboard."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.results.leaderboard import BOARD_COLUMNS, MOST_TITLE, Runs
from hwbench.results.record import Record, read_record, spec_of
from hwbench.results.study_reading import read_trials
from hwbench.study.baselines import free_scores
from hwbench.tables import load_target
from hwbench.target_text import parse_target

MOST_REASON = 200
"""Characters that are kept of what a failure said."""


def collected(folder: Path, name: str | None = None) -> tuple[pd.DataFrame, Runs]:
    """Scores of a run folder, finished or not, and what made them.

    Parameters
    ----------
    folder : the run folder.
    name : of the run on the leaderboard; the folder's by default.

    Returns
    -------
    The columns of `BOARD_COLUMNS`, and the run by its name.

    Raises
    ------
    HwbenchError
        Where the folder holds no study of this version of hwbench, or a file is broken.
    """
    record = read_record(folder)
    if record is None or not spec_of(record, "study") or not isinstance(_code(record), Mapping):
        raise HwbenchError(
            f"{folder}: holds no study that the leaderboard can take; see: hwbench study run"
        )
    run = name or folder.resolve().name
    trials = read_trials(folder)
    trials["run"] = run
    trials["tuning"] = np.where(trials["configurations"] > 0, tuning_text(record), "")
    trials["failure"] = trials["error"].map(_reason)
    trials["title"] = trials["title"].str.slice(0, MOST_TITLE)
    for column in BOARD_COLUMNS:
        if column not in trials:  # of a run of an earlier version
            trials[column] = np.nan
    return trials[list(BOARD_COLUMNS)], {run: made_with(record)}


def made_with(record: Record) -> dict[str, Any]:
    """What the leaderboard keeps of a run's record, see `RunShape`."""
    study = spec_of(record, "study")
    digests, baselines = record["study"]["targets"], record.get("baselines", {})
    targets = {
        target: _about(record, target)
        | {"digest": digests[target], "baselines": baselines.get(target, {})}
        for target in study["targets"]
    }
    return {
        "scenario": str(record.get("scenario") or ""),
        "title": str(record.get("title") or ""),
        "spec": study,
        "targets": targets,
        "tables": {name: str(each.get("sha256")) for name, each in record["tables"].items()},
        "cards": {name: digest_of(card) for name, card in record["predictors"].items()},
        "code": _code(record),
        "versions": record.get("versions", {}),
        "machine": record.get("machine", {}),
        "started": str(record.get("started") or ""),
        "left_out": record.get("left_out", []),
    }


def with_free_scores(runs: Runs) -> Runs:
    """Runs whose targets know what ranks without measurements by every score, see `TargetShape`.

    hwbench's own alone need it: what others contribute is on targets of these.
    """
    return {
        name: run
        | {
            "targets": {
                target: about
                | {
                    "baseline_scores": free_scores(
                        load_target(target),
                        test_size=run["spec"]["test_size"],
                        seeds=run["spec"]["seeds"],
                    )
                }
                for target, about in run["targets"].items()
            }
        }
        for name, run in runs.items()
    }


def tuning_text(record: Record) -> str:
    """What a study's fits search, in words."""
    tuning = spec_of(record, "study").get("tuning")
    if not tuning:
        return ""
    found = f"{tuning['trials']} configurations, {tuning['folds']} folds"
    return found if tuning["method"] == "random" else f"{found}, {tuning['method']}"


def digest_of(value: Any) -> str:
    """Digest of a card, or of whatever else is JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _code(record: Record) -> Any:
    return record.get("study", {}).get("code")


def _about(record: Record, target: str) -> dict[str, Any]:
    """What the table's card says of a target."""
    table, column = parse_target(target) or ("", "")
    card = record["tables"][table]
    about = card["columns"][column]
    return {
        "title": f"{card.get('title') or table}: {about.get('title') or column}",
        "unit": about.get("unit") or "",
        "direction": about.get("direction") or "minimize",
        "space": str(card.get("space") or ""),
        "rows": int(card["rows"]),
        "ceiling": (about.get("noise") or {}).get("tau_ceiling"),
    }


def _reason(error: str | None) -> str | None:
    """The line of a traceback that says what happened."""
    if error is None:
        return None
    lines = str(error).strip().splitlines() or ["unknown"]
    text = "".join(each if each.isprintable() else "?" for each in lines[-1].strip())
    return text[:MOST_REASON]
