"""How far the study in a run folder is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.results.record import Record, shard_in
from hwbench.results.study_reading import list_parts, read_trials
from hwbench.runs.continuing import in_words, outdated_trials
from hwbench.runs.run import read_plan
from hwbench.study.plan import Plan
from hwbench.study.run import shard_of
from hwbench.study.trial import Trial


def study_status(folder: Path) -> dict[str, Any]:
    """Which trials of a run folder are done, missing and failed.

    Those of predictors and spaces whose code has changed since are missing: they are run again.

    Returns
    -------
    `title`, counts `trials`, `done`, `failed`, and `missing`, `seconds_left` (of one core, from the
    times of those done; None where there are none), `predictors` (the counts of each), `failures`
    (predictor, count and the reason of the first, most frequent first) and `notes` in words.

    Raises
    ------
    HwbenchError
        As `hwbench.runs.run.read_plan`.
    """
    record, plan, _ = read_plan(folder)
    trials = _planned(shard_of(plan.trials, shard_in(record)))
    columns = ["trial", "exception", "error", "seconds"]
    found = read_trials(folder, columns) if list_parts(folder) else pd.DataFrame(columns=columns)
    found = found.drop_duplicates("trial", keep="last")
    place = pd.Index(found["trial"]).get_indexer(pd.Index(trials["trial"]))
    for name in columns[1:]:
        trials[name] = pd.Series(found[name].to_numpy()).reindex(place).to_numpy()
    trials["done"] = place >= 0
    trials["failed"] = trials["exception"].notna()
    groups = trials.groupby(["predictor", "encoding"], sort=True, observed=True)
    counts = groups.agg(trials=("done", "size"), done=("done", "sum"), failed=("failed", "sum"))
    counts["missing"] = counts["trials"] - counts["done"]
    totals = counts.sum()
    return {
        "title": str(record.get("title", "")),
        **{name: int(totals[name]) for name in ("trials", "done", "failed", "missing")},
        "seconds_left": _seconds_left(trials),
        "predictors": [
            {key: value if isinstance(value, str) else int(value) for key, value in row.items()}
            for row in counts.reset_index().to_dict("records")
        ],
        "failures": _failures(trials[trials["failed"]]),
        "notes": [*_outdated(folder, record, plan), *_notes(record)],
    }


def _planned(trials: Sequence[Trial]) -> pd.DataFrame:
    """Identity and key of each trial, without its target and seed."""
    return pd.DataFrame(
        {
            "trial": [trial.identity for trial in trials],
            **{
                name: pd.Categorical([getattr(trial, name) for trial in trials])
                for name in ("predictor", "encoding")
            },
            "training_size": [trial.training_size for trial in trials],
        }
    )


def _seconds_left(trials: pd.DataFrame) -> float | None:
    """Time of the missing trials: of each the mean of the nearest size of its predictor."""
    timed = trials[trials["done"] & trials["seconds"].notna()]
    if timed.empty:
        return None
    entry = ["predictor", "encoding", "training_size"]
    means = timed.groupby(entry, observed=True)["seconds"].mean()
    overall = float(timed["seconds"].mean())
    left = 0.0
    missing = trials[~trials["done"]].groupby(entry, observed=True).size()
    for (predictor, encoding, size), count in missing.items():
        try:
            known = means.loc[(predictor, encoding)]
            sizes = known.index.to_numpy(dtype=float)
            each = float(known.iloc[int(np.abs(np.log(sizes / size)).argmin())])
        except KeyError:
            each = overall
        left += count * each
    return left


def _failures(failed: pd.DataFrame) -> list[dict[str, Any]]:
    rows = [
        {
            "predictor": str(predictor),
            "exception": str(exception),
            "count": len(group),
            "reason": str(group["error"].iloc[0]).strip().splitlines()[-1][:240],
        }
        for (predictor, exception), group in failed.groupby(
            ["predictor", "exception"], sort=True, observed=True
        )
    ]
    return sorted(rows, key=lambda row: -int(row["count"]))


def _outdated(folder: Path, record: Record, plan: Plan) -> list[str]:
    """Trials of other code than today's."""
    outdated = outdated_trials(folder, record, plan)
    if not outdated:
        return []
    counts = {name: len(trials) for name, trials in outdated.items()}
    return [f"note: to be run again, since their code changed: {in_words(counts)}"]


def _notes(record: Record) -> list[str]:
    """Libraries that changed between the sessions of a run."""
    used: dict[str, set[str]] = {}
    for session in record.get("sessions", []):
        if session.get("trials_run") == 0:
            continue
        for library, version in (session.get("versions") or {}).items():
            used.setdefault(library, set()).add(str(version))
    return [
        f"note: its sessions used several versions of {library}: {', '.join(sorted(versions))}"
        for library, versions in sorted(used.items())
        if len(versions) > 1
    ]
