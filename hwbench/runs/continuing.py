"""What a run folder holds already: whether a run may go on there, and what of its record stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hwbench.errors import HwbenchError
from hwbench.results.names import RECORD, SEARCH_FILES, SIMULATION_FILES
from hwbench.results.record import Record, read_record, remove_results, shard_in, spec_of
from hwbench.results.study_reading import list_parts, read_trials
from hwbench.results.study_writing import StudyStore
from hwbench.study.plan import Plan
from hwbench.wording import counted

NOT_COMPARED = ("limits", "costly")
"""Fields of a study's spec that change no number."""


GROWING = ("targets", "predictors", "training_sizes", "seeds")
"""Fields of a study's spec to which more may be added: the trials done stay as they are."""


def continued(folder: Path, record: Record, plan: Plan | None, chosen: Sequence[str]) -> Record:
    """What the record of a folder's earlier sessions adds to the one of a new session."""
    there = read_record(folder) if folder.is_dir() else None
    has_study = bool(list_parts(folder))
    if there is None:
        if has_study:
            raise HwbenchError(
                f"{folder}: holds results of a study without {RECORD}; "
                "choose another folder with -o, or replace them with --fresh"
            )
        remove_results(folder)  # a simulation whose origin nobody can tell
        there = {}
    elif has_study:
        if plan is not None:
            refuse_other_study(folder, there, record, plan)
        elif spec_of(there, "study") != spec_of(record, "study"):
            raise _other(folder, "its study has another spec")
    for part, files in (("simulation", SIMULATION_FILES), ("search", SEARCH_FILES)):
        kept_as_it_is = part not in chosen and (folder / files[0]).exists()
        if kept_as_it_is and spec_of(there, part) != spec_of(record, part):
            raise _other(folder, f"its {part} has another spec")
    kept: Record = {"sessions": there.get("sessions", [])}
    of_study = ("study", "left_out", "baselines", "set_baselines")
    for name in (*of_study, "search_failures", "notes"):
        if name in there:
            kept[name] = there[name]
    if plan is not None:
        kept["study"] = plan.record
        kept["left_out"] = [asdict(each) for each in plan.left_out]
    return kept


def refuse_other_study(folder: Path, there: Record, now: Record, plan: Plan) -> None:
    """Raise where a folder holds another study than the one that is to be run in it."""
    now = {**now, "study": plan.record}
    if older := older_writer(there):
        raise HwbenchError(
            f"{folder}: holds trials of hwbench {older}, to which this version can add none; read "
            "them with hwbench report write or hwbench study scores, go on with that version, or "
            "run the scenario in another folder or with --fresh"
        )
    found = difference(_grown(there, now), now)
    if found:
        raise _other(folder, found)
    if shard_in(there) != shard_in(now):
        texts = ["{}/{}".format(*shard_in(record)) for record in (there, now)]
        raise _other(folder, f"shard: {texts[0]} there, {texts[1]} now")


def _grown(there: Record, now: Record) -> Record:
    """The record of a folder as if it had asked for all that is asked for now, if that is more.

    A shard's trials are cut by their number, so its study cannot grow; nor may the first seed
    change, under which predictors stand that are fitted once.
    """
    before, after = spec_of(there, "study"), spec_of(now, "study")
    if "study" not in there or not before or not after or shard_in(there) != (1, 1):
        return there
    if any(not set(before.get(name) or ()) <= set(after[name]) for name in GROWING):
        return there
    if (before.get("seeds") or ())[:1] != after["seeds"][:1]:
        return there
    return {
        **there,
        "spec": {**there["spec"], "study": {**before, **{name: after[name] for name in GROWING}}},
        "predictors": {**now["predictors"], **there.get("predictors", {})},
        "study": {
            **there["study"],
            "targets": {**now["study"]["targets"], **there["study"].get("targets", {})},
        },
    }


def _other(folder: Path, what: str) -> HwbenchError:
    return HwbenchError(
        f"{folder}: holds results of another run ({what}); "
        "choose another folder with -o, or replace them with --fresh"
    )


def difference(there: Record, now: Record, *, code: bool = False) -> str:
    """The first thing in which two studies differ, in words; "" where they are one.

    Parameters
    ----------
    there, now : their records.
    code : whether the code of single predictors and spaces must be the same too.
    """
    if "study" not in there:
        return "by an older version of hwbench"
    older = [text for each in (there, now) if (text := older_writer(each))]
    if len(older) == 1:
        return f"by hwbench {older[0]}, to which this version can add nothing"
    for title, get in {**_COMPARED, **(_CODE if code else {})}.items():
        a, b = get(there), get(now)
        if a == b:
            continue
        if isinstance(a, dict) and isinstance(b, dict):
            key = next(key for key in {**a, **b} if a.get(key) != b.get(key))
            title, a, b = f"{title}.{key}", a.get(key), b.get(key)
        return f"{title}: {_short(a)} there, {_short(b)} now"
    return ""


_COMPARED: dict[str, Callable[[Record], Any]] = {
    "study": lambda record: {
        key: value
        for key, value in (spec_of(record, "study") or {}).items()
        if key not in NOT_COMPARED
    },
    "predictors": lambda record: record.get("predictors"),
    "values of targets": lambda record: record["study"].get("targets"),
    "code that all trials run": lambda record: _code(record).get(
        "trial", record["study"].get("code")
    ),
}

_CODE: dict[str, Callable[[Record], Any]] = {
    "code of predictors": lambda record: _code(record).get("predictors"),
    "code of the spaces of targets": lambda record: _code(record).get("targets"),
}


def _code(record: Record) -> Mapping[str, Any]:
    """The versions of a study's code, see `hwbench.study.identity.CodeVersions`."""
    code = record["study"].get("code")
    return code if isinstance(code, Mapping) else {}


def older_writer(record: Record) -> str:
    """The hwbench that kept one version for all code of a study, "" where it was none such."""
    code = record.get("study", {}).get("code", {})
    return "" if isinstance(code, Mapping) else str(code).partition("+")[0]


# ---------------------------------------------------------------------- trials of other code


def outdated_trials(folder: Path, there: Record, plan: Plan) -> dict[str, list[str]]:
    """Trials that a folder holds of a predictor or a space whose code has changed since.

    Parameters
    ----------
    folder : the run folder; one in which the study may go on, see `refuse_other_study`.
    there : its record.
    plan : of the study.

    Returns
    -------
    Their identities by predictor, sorted; predictors without one are left out.
    """
    predictors, targets = _changed(there, plan)
    if not (predictors or targets) or not list_parts(folder):
        return {}
    rows = read_trials(folder, ["trial", "predictor", "target"])
    # Behind a predictor stands the device set that it learned from, if any.
    names = rows["predictor"].str.partition(" (")[0]
    of_changed = names.isin(predictors) | rows["target"].isin(targets)
    planned = [trial.identity for trial in plan.trials]
    outdated = rows[of_changed & ~rows["trial"].isin(planned)]
    groups = outdated.groupby("predictor", sort=True)["trial"]
    return {str(name): trials.tolist() for name, trials in groups}


def _changed(there: Record, plan: Plan) -> tuple[list[str], list[str]]:
    """The predictors, and the targets, whose code has another version now than in a record."""
    before, now = _code(there) if "study" in there else {}, plan.record["code"]
    predictors, targets = (
        [key for key, version in before.get(name, {}).items() if now[name].get(key) != version]
        for name in ("predictors", "targets")
    )
    return predictors, targets


def remove_outdated(folder: Path, there: Record, plan: Plan) -> dict[str, int]:
    """Take out of a folder the trials that `outdated_trials` finds, so that they are run again.

    The folder's record is to be written after this: if this is stopped, the next call finds them.

    Returns
    -------
    How many, by predictor.

    Raises
    ------
    HwbenchError
        Where another process writes the folder.
    """
    if not any(_changed(there, plan)):
        return {}
    with StudyStore(folder) as store:  # which sets aside what cannot be read
        outdated = outdated_trials(folder, there, plan)
        if outdated:
            store.remove({trial for trials in outdated.values() for trial in trials})
    return {name: len(trials) for name, trials in outdated.items()}


def in_words(outdated: Mapping[str, int]) -> str:
    """Numbers of trials by predictor: "8 trials of gcn, 4 of ridge"."""
    (first, count), *others = outdated.items()
    more = [f"{n:,} of {name}" for name, n in others]
    return ", ".join([f"{counted(count, 'trial')} of {first}", *more])


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
