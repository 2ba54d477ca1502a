"""What ranks architectures for nothing: predictors have to beat it before they are worth a fit."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

import numpy as np

from hwbench.arrays import Floats, IntArray
from hwbench.spaces import SpaceLacksError
from hwbench.study.trial import trimmed
from hwbench.tables import Target

MOST_ROWS = 20_000
"""Architectures of larger tables are drawn: tau of so many is known to three digits."""


def free_baselines(
    target: Target, *, score: Literal["kendall_tau", "spearman"] = "kendall_tau", trim: bool = False
) -> dict[str, float]:
    """How well a column is ranked by what is known of an architecture without measuring anything.

    Parameters
    ----------
    target : a table and its column.
    score : Kendall's tau-b, or Spearman's correlation.
    trim : whether the fastest and the slowest tenth are left out, see `trimmed`.

    Returns
    -------
    The score with the column as it was measured, over the table's architectures: `random`
    (0: what a random order is expected to have), `operations` (how many compute on a path to the
    output), `parameters` and `flops` (where the space knows them).
    """
    from scipy.stats import kendalltau, spearmanr

    correlation = kendalltau if score == "kendall_tau" else spearmanr
    rows = np.arange(len(target.table))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))
    if trim:
        rows = trimmed(rows, target.values)
    archs, values = target.table.archs[rows], target.values[rows]
    space = target.space
    known: dict[str, Floats | IntArray] = {"operations": space.structure.computing(archs)}
    with suppress(SpaceLacksError):
        known["parameters"] = space.parameters(archs)
    with suppress(SpaceLacksError):
        known["flops"] = space.flops(archs)
    found = {"random": 0.0}
    for name, guess in known.items():
        if np.ptp(guess) > 0 and np.ptp(values) > 0:
            found[name] = float(correlation(guess, values).statistic)
    return found
