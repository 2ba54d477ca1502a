"""Numbers of device sets: how well devices are predicted after others, and whether these helped."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hwbench.analysis.statistics import mean_interval
from hwbench.results.device_sets import learned_from_sets, over_device_sets


@dataclass(frozen=True)
class SetWords:
    """A device set as a run's record says it.

    Attributes
    ----------
    name, note : of the set.
    targets, sources : "table:column" each, of those that were there.
    published : what others have published: `method`, `samples`, `spearman` and `note` of each.
    """

    name: str
    note: str
    targets: tuple[str, ...]
    sources: tuple[str, ...]
    published: tuple[Mapping[str, Any], ...]


def device_sets_of(info: Mapping[str, Any]) -> list[SetWords]:
    """The device sets of a run's record; none where its study has none."""
    spec = info.get("spec")
    study = spec.get("study") if isinstance(spec, Mapping) else None
    given = study.get("device_sets") if isinstance(study, Mapping) else None
    return [
        SetWords(
            str(each["name"]),
            str(each.get("note") or ""),
            tuple(each["targets"]),
            tuple(each["sources"]),
            tuple(each.get("published") or ()),
        )
        for each in given or ()
    ]


def set_curves(study: pd.DataFrame, sets: Sequence[SetWords]) -> pd.DataFrame:
    """Mean Spearman correlation over the targets of each set, with its interval over seeds.

    Parameters
    ----------
    study : trials as they are in a run folder.
    sets : the device sets.

    Returns
    -------
    One row per (device_set, predictor, training_size): `spearman`, `low`, `high` (95 %, over
    seeds), `kendall_tau`, `seeds`, `targets` (how many are averaged). Of seeds those count whose
    every target of the set has a score.
    """
    rows: list[dict[str, Any]] = []
    of_sets = learned_from_sets(study)
    for each in sets:
        own = study[
            study["target"].isin(each.targets)
            & (~of_sets | (study["device_set"] == each.name))
            & study["error"].isna()
        ]
        together = over_device_sets(own)
        keys = ["predictor", "training_size"]
        for (predictor, size), trials in together.groupby(keys, sort=True):
            by_seed = trials.groupby("seed").agg(
                spearman=("spearman", "mean"),
                tau=("kendall_tau", "mean"),
                targets=("target", "nunique"),
            )
            whole = by_seed[by_seed["targets"] == len(each.targets)]
            if whole.empty:
                continue
            mean, low, high = mean_interval(whole["spearman"])
            rows.append(
                {
                    "device_set": each.name,
                    "predictor": str(predictor),
                    "training_size": int(size),
                    "spearman": mean,
                    "low": low,
                    "high": high,
                    "kendall_tau": float(whole["tau"].mean()),
                    "seeds": len(whole),
                    "targets": len(each.targets),
                }
            )
    names = ["device_set", "predictor", "training_size", "spearman", "low", "high"]
    return pd.DataFrame(rows, columns=[*names, "kendall_tau", "seeds", "targets"])


def set_baselines(info: Mapping[str, Any], sets: Sequence[SetWords]) -> dict[str, dict[str, float]]:
    """Spearman's correlations of what ranks without a measurement, by its name and device set.

    Parameters
    ----------
    info : a run's record.
    sets : the device sets.

    Returns
    -------
    For FLOPs, parameters and so on the mean over the devices of each set that all know it.
    """
    given = info.get("set_baselines")
    known = given if isinstance(given, Mapping) else {}
    found: dict[str, dict[str, float]] = {}
    for each in sets:
        scores = [known.get(target) or {} for target in each.targets]
        for name in scores[0] if scores else ():
            if name != "random" and all(name in score for score in scores):
                mean = sum(float(score[name]) for score in scores) / len(scores)
                found.setdefault(str(name), {})[each.name] = mean
    return found


def sources_used(study: pd.DataFrame) -> pd.DataFrame:
    """How often other devices took part in fits, and with what weights.

    Returns
    -------
    One row per (device_set, training_size): `fits`, `helped` (in how many they took part), and
    `weights` (by source the mean over those fits, the largest first).
    """
    own = study[learned_from_sets(study) & study["about"].notna()]
    rows = []
    for (name, size), trials in own.groupby(["device_set", "training_size"], sort=True):
        said = [json.loads(text) for text in trials["about"]]
        helped = [each for each in said if each.get("helped")]
        weights: dict[str, float] = defaultdict(float)
        for each in helped:
            for source, weight in each.get("weights", {}).items():
                weights[source] += weight / len(helped)
        ordered = dict(sorted(weights.items(), key=lambda item: -item[1]))
        rows.append(
            {
                "device_set": name,
                "training_size": size,
                "fits": len(said),
                "helped": len(helped),
                "weights": ordered,
            }
        )
    columns = ["device_set", "training_size", "fits", "helped", "weights"]
    return pd.DataFrame(rows, columns=columns)
