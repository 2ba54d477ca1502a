"""What ranks architectures for nothing: predictors have to beat it before they are worth a fit."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import numpy as np

from hwbench.arrays import Floats, IntArray
from hwbench.results.study_columns import PRECISION_AT
from hwbench.spaces import SpaceLacksError
from hwbench.study.scores import score as scores_of
from hwbench.study.trial import measured_and_tested, trimmed
from hwbench.tables import Target

Scores = dict[str, float]

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
    rows = _all_rows(target)
    if trim:
        rows = trimmed(rows, target.values)
    values = target.values[rows]
    found = {"random": 0.0}
    for name, guess in _guesses(target, rows).items():
        if np.ptp(guess) > 0 and np.ptp(values) > 0:
            found[name] = float(correlation(guess, values).statistic)
    return found


def free_scores(target: Target, *, test_size: int, seeds: Sequence[int]) -> dict[str, Scores]:
    """What ranks for nothing by the other scores of predictors that need no unit.

    Parameters
    ----------
    target : a table and its column.
    test_size, seeds : of the study it stands beside. What share of the best is found depends on
        how many architectures there are, and is the mean over its test architectures; correlations
        are over the table's, as in `free_baselines`.

    Returns
    -------
    By `spearman`, `pearson` and `precision_at_k` the scores of what `free_baselines` has.
    """
    of_all = _ranked(target, _all_rows(target))
    of_tests = [
        _ranked(target, measured_and_tested(len(target.table), test_size, seed)[1])
        for seed in seeds
    ]
    found: dict[str, Scores] = {}
    for name in ("spearman", "pearson"):
        of_guesses = {guess: scores[name] for guess, scores in of_all.items()}
        found[name] = {"random": 0.0, **of_guesses}
    for k in PRECISION_AT:
        name = f"precision_at_{k}"
        if test_size <= k:
            continue
        means = {
            guess: float(np.mean([each[guess][name] for each in of_tests])) for guess in of_all
        }
        found[name] = {"random": k / test_size, **means}
    return found


def _all_rows(target: Target) -> IntArray:
    """All architectures of a table, or so many drawn ones."""
    rows = np.arange(len(target.table))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))
    return rows


def _guesses(target: Target, rows: IntArray) -> dict[str, Floats | IntArray]:
    """What is known of architectures without measuring, of shape (n_rows,) each."""
    archs, space = target.table.archs[rows], target.space
    known: dict[str, Floats | IntArray] = {"operations": space.structure.computing(archs)}
    with suppress(SpaceLacksError):
        known["parameters"] = space.parameters(archs)
    with suppress(SpaceLacksError):
        known["flops"] = space.flops(archs)
    return known


def _ranked(target: Target, rows: IntArray) -> dict[str, Scores]:
    """All scores of each guess, on some rows."""
    best: Literal["lowest", "highest"] = "lowest" if target.sign > 0 else "highest"
    return {
        name: scores_of(target.values[rows], guess, best=best)
        for name, guess in _guesses(target, rows).items()
    }
