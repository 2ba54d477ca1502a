"""Which targets are of one measurement, so that scores on them are one piece of evidence.

Two columns count as one measurement where

- they are of one table whose card says so: the same unit, dataset, device and split, and sources
  that differ in the statistic alone, which stands before the first " of ", as in "median of 4
  rounds x 2 runs" and "least disturbed of 4 rounds x 2 runs"; or
- they order the architectures of a space the same: Kendall's tau of their true values is at least
  `SAME_ORDER` in size, as of an energy that is a multiple of a latency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from hwbench.results.names import PREDICTIONS, STUDY
from hwbench.results.record import read_record
from hwbench.results.run import Run
from hwbench.results.study_columns import FORMER_KEY
from hwbench.results.study_predictions import read_predictions
from hwbench.results.study_reading import read_trials, result_columns
from hwbench.target_text import parse_target

SAME_ORDER = 0.95
"""Kendall's tau from which on two columns are one measurement: fewer than one pair of architectures
in 40 is ordered otherwise."""

FEWEST_SHARED = 20
"""Architectures that two columns must share for their orders to be compared."""

ARCHITECTURE = ("hwbench_index", "arch")
"""Columns of predictions that tell architectures apart, one in a run."""

CARD = ("unit", "dataset", "device", "split")


def measurements(
    targets: Sequence[str],
    tables: Mapping[str, Any],
    truths: Mapping[str, pd.Series] | None = None,
) -> dict[str, str]:
    """The measurement behind each target.

    Parameters
    ----------
    targets : "table:column" each.
    tables : the cards of tables by name, as in a run's record.
    truths : true values of targets, indexed by architecture; those that are not given are told by
        their cards alone.

    Returns
    -------
    For each target the name of its measurement: the first of the targets that are of it.
    """
    targets = list(targets)
    first = {target: target for target in targets}

    def found(target: str) -> str:
        while first[target] != target:
            target = first[target]
        return target

    for one, other in combinations(targets, 2):
        if found(one) == found(other):
            continue
        if _same_by_card(one, other, tables) or _same_order(one, other, tables, truths or {}):
            earlier, later = sorted((found(one), found(other)), key=targets.index)
            first[later] = earlier
    return {target: found(target) for target in targets}


def measurements_of(folder: Path) -> dict[str, str]:
    """The measurement behind each target of a run folder's study.

    True values are those of the test architectures of one seed, as far as predictions are kept.

    Raises
    ------
    HwbenchError
        Where the folder holds no study, or a file of it is broken.
    """
    trials = read_trials(folder)
    targets = sorted(str(target) for target in trials["target"].unique())
    record = read_record(folder)
    truths = _truths(folder, trials)
    return measurements(targets, (record or {}).get("tables") or {}, truths)


def measurements_of_run(run: Run) -> dict[str, str]:
    """`measurements_of` the folder of a page that holds its study; empty where none does."""
    for record in run.records:
        if result_columns(record.folder, STUDY):
            return measurements_of(record.folder)
    return {}


def _truths(folder: Path, trials: pd.DataFrame) -> dict[str, pd.Series]:
    """True values of the test architectures of each target's first seed, by architecture."""
    import pyarrow.compute as pc

    there = result_columns(folder, PREDICTIONS)
    if FORMER_KEY in there:
        there |= {ARCHITECTURE[0]}
    key = next((name for name in ARCHITECTURE if name in there), None)
    if key is None:
        return {}
    seeds = trials.groupby("target")["seed"].min().unique().tolist()
    rows = read_predictions(
        folder, ["target", key, "truth"], filters=pc.field("seed").isin(seeds), categories=True
    )
    found = {}
    for target, own in rows.dropna(subset=[key]).groupby("target", observed=True):
        found[str(target)] = own.drop_duplicates(key).set_index(key)["truth"]
    return found


def _card(target: str, tables: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    table, column = parse_target(target) or ("", target)
    columns = (tables.get(table) or {}).get("columns") or {}
    return table, columns.get(column) or {}


def _same_by_card(one: str, other: str, tables: Mapping[str, Any]) -> bool:
    (table, first), (other_table, second) = _card(one, tables), _card(other, tables)
    if table != other_table or not first or not second:
        return False
    statistic, _, runs = str(first.get("source") or "").partition(" of ")
    other_statistic, _, other_runs = str(second.get("source") or "").partition(" of ")
    alike = all(first.get(name) == second.get(name) for name in CARD)
    return alike and bool(runs) and runs == other_runs and statistic != other_statistic


def _same_order(
    one: str, other: str, tables: Mapping[str, Any], truths: Mapping[str, pd.Series]
) -> bool:
    from scipy.stats import kendalltau

    spaces = [(tables.get(_card(each, tables)[0]) or {}).get("space") for each in (one, other)]
    if one not in truths or other not in truths or spaces[0] != spaces[1]:
        return False
    both = pd.concat([truths[one], truths[other]], axis=1, join="inner").dropna()
    if len(both) < FEWEST_SHARED:
        return False
    tau = kendalltau(both.iloc[:, 0], both.iloc[:, 1]).statistic
    return bool(abs(tau) >= SAME_ORDER)  # NaN, of a constant column, is not
