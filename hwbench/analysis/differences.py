"""What two runs have in common, and how their numbers differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from hwbench.analysis.statistics import holm, mean_interval, mean_p_value

LEVEL = 0.05
"""Differences count as significant where Holm's adjusted p-value is below this."""

STUDY_KEYS = ["target", "predictor", "encoding", "training_size"]
SIMULATION_KEYS = [
    "accuracy_target",
    "metric_target",
    "pairing",
    "predictor",
    "training_size",
    "n_candidates",
    "deviation",
]
SEARCH_KEYS = ["accuracy_target", "metric_target", "goal", "limit", "strategy"]
ABSENT = "absent"


def paired_differences(
    one: pd.DataFrame, other: pd.DataFrame, keys: Sequence[str], repeat: str, measure: str
) -> pd.DataFrame:
    """Differences of a measure between two runs, paired by seed or repeat.

    Parameters
    ----------
    one, other : rows of both runs, with the columns `keys`, `repeat` and `measure`.
    keys : what must agree for two rows to be compared.
    repeat : the column that pairs them, "seed" or "repeat".
    measure : the column that is compared.

    Returns
    -------
    A row for each value of the keys that both have, with `one` and `other` (means over the common
    repeats), `difference` (of the second less the first), its 95 % interval `low` and `high` (NaN
    for one repeat), `repeats`, `p_value` (Student's t-test of the differences, adjusted by Holm's
    method over all rows) and `significant`.
    """
    columns = [*keys, repeat, measure]
    pairs = one[columns].merge(other[columns], on=[*keys, repeat], suffixes=("_one", "_other"))
    pairs = pairs.dropna(subset=[f"{measure}_one", f"{measure}_other"])
    pairs = pairs.assign(difference=pairs[f"{measure}_other"] - pairs[f"{measure}_one"])
    rows = []
    for key, group in pairs.groupby(list(keys), sort=False, dropna=False):
        mean, low, high = mean_interval(group["difference"])
        first, second = group[f"{measure}_one"].mean(), group[f"{measure}_other"].mean()
        p_value = mean_p_value(group["difference"])
        rows.append([*key, first, second, mean, low, high, len(group), p_value])
    names = [*keys, "one", "other", "difference", "low", "high", "repeats", "p_value"]
    frame = pd.DataFrame(rows, columns=names)
    frame["p_value"] = holm(frame["p_value"])
    return frame.assign(significant=frame["p_value"] < LEVEL)


def with_plain_names(study: pd.DataFrame) -> pd.DataFrame:
    """A study's rows with the predictors' own names, without encodings in brackets."""
    suffix = " (" + study["encoding"] + ")"
    named = [name.removesuffix(end) for name, end in zip(study["predictor"], suffix, strict=True)]
    return study.assign(predictor=named)


def search_outcomes(search: pd.DataFrame, evaluations: int) -> pd.DataFrame:
    """What each search had reached after some evaluations: `hypervolume` and best `accuracy`.

    Parameters
    ----------
    search : as in `search.parquet`.
    evaluations : how many count.
    """
    seen = search[search["evaluation"] <= evaluations].sort_values("evaluation", kind="stable")
    groups = seen.groupby([*SEARCH_KEYS, "seed"], sort=False, dropna=False)
    return groups.agg(
        hypervolume=("hypervolume", "last"), accuracy=("accuracy", "max")
    ).reset_index()


def differing_values(one: Any, other: Any) -> list[tuple[str, str, str]]:
    """Where two nested records differ: the path of each value, and both values as text."""
    first, second = dict(_flat(one)), dict(_flat(other))
    return [
        (path, first.get(path, ABSENT), second.get(path, ABSENT))
        for path in dict.fromkeys([*first, *second])
        if first.get(path, ABSENT) != second.get(path, ABSENT)
    ]


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of nested mappings; lists count as leaves."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif value is not None and value != {}:
        yield path, value if isinstance(value, str) else json.dumps(value, default=str)
