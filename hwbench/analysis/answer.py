"""What a reader of a study wants first: which predictor to use, at every training size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hwbench.analysis.statistics import mean_interval
from hwbench.analysis.study import trained

ENOUGH = 0.95
"""Share of the tau at the largest training size that counts as enough."""


AS_GOOD = 0.01
"""A predictor that is not told apart from the best and no more than this tau below it is as good.
"""


@dataclass(frozen=True)
class SizeAnswer:
    """What to use at one training size, by mean Kendall's tau over targets and seeds.

    Attributes
    ----------
    training_size : measured architectures.
    predictor : the name of the one to use: the best, or of those that are as good the one that is
        fitted fastest.
    tau, low, high : its mean and 95 % interval over seeds, of means over targets; low and high are
        NaN for one seed.
    seeds : how many there are.
    equals : names of others that are not told apart from the best: the 95 % interval of the
        difference, paired by seed, holds zero. Empty for one seed, where nothing can be told.
    taus : its mean over seeds on each target.
    fit_seconds : median time of its fits, search for hyper-parameters included, s.
    """

    training_size: int
    predictor: str
    tau: float
    low: float
    high: float
    seeds: int
    equals: tuple[str, ...]
    taus: Mapping[str, float]
    fit_seconds: float


def answers_by_size(study: pd.DataFrame) -> list[SizeAnswer]:
    """What to use at every training size that all targets share, the smallest first.

    Parameters
    ----------
    study : trials; predictors with a training set of their own take no part, and of the others
        those that have a score on every target for every seed. Of a study that is not at its end
        only the seeds count that have all trials that any has: what is missing may be the hardest.
    """
    compared = study[~study["own_training_set"]]
    scored = trained(compared[_of_whole_seeds(compared)])
    n_targets = study["target"].nunique()
    found = []
    for size, rows in scored.groupby("training_size", sort=True):
        if rows["target"].nunique() < n_targets:
            continue
        table = rows.pivot_table(
            index=["target", "seed"], columns="predictor", values="kendall_tau"
        ).dropna(axis="columns")
        if table.empty:
            continue
        by_seed = table.groupby(level="seed").mean()
        means = by_seed.mean()
        best = str(means.idxmax())
        equals = _equals(by_seed, best)
        times = rows.groupby("predictor")["fit_seconds"].median()
        as_good = [name for name in equals if means[name] >= means[best] - AS_GOOD]
        used = min([best, *as_good], key=lambda name: float(times[name]))
        tau, low, high = mean_interval(by_seed[used])
        taus = table[used].groupby(level="target").mean()
        found.append(
            SizeAnswer(
                int(str(size)),
                used,
                tau,
                low,
                high,
                len(by_seed),
                tuple(name for name in (best, *equals) if name != used),
                {str(target): float(value) for target, value in taus.items()},
                float(times[used]),
            )
        )
    return found


def _of_whole_seeds(study: pd.DataFrame) -> pd.Series:
    """Which trials are of a seed that has as many, at their training size, as any other has."""
    of_seed = study.groupby(["training_size", "seed"])["seed"].transform("size")
    return of_seed == of_seed.groupby(study["training_size"]).transform("max")


def _equals(by_seed: pd.DataFrame, best: str) -> tuple[str, ...]:
    """Other predictors that are not told apart from the best, the nearest first."""
    if len(by_seed) < 2:
        return ()
    near = []
    for name in by_seed:
        if name == best:
            continue
        mean, low, _ = mean_interval(by_seed[best] - by_seed[name])
        if low <= 0:
            near.append((mean, str(name)))
    return tuple(name for _, name in sorted(near))


def enough(answers: Sequence[SizeAnswer]) -> SizeAnswer:
    """The smallest training size that gives 95 % of the tau at the largest."""
    wanted = ENOUGH * answers[-1].tau
    return next(each for each in answers if each.tau >= wanted)


def leaders(study: pd.DataFrame, answers: Sequence[SizeAnswer], most: int) -> list[str]:
    """The predictors that a first chart shows: the best at any size, then by mean tau.

    Parameters
    ----------
    study : trials.
    answers : as from `answers_by_size`.
    most : how many, at most, where no more are best at a size.
    """
    best = list(dict.fromkeys(each.predictor for each in answers))
    sizes = [each.training_size for each in answers]
    scored = trained(study)
    own = scored[scored["training_size"].isin(sizes)]
    means = own.groupby(["predictor", "training_size"])["kendall_tau"].mean().unstack()
    order = means.dropna().mean(axis=1).sort_values(ascending=False, kind="stable")
    others = [str(name) for name in order.index if name not in best]
    return [*best, *others[: max(0, most - len(best))]]


def mean_or_nan(values: Sequence[float | None]) -> float:
    """The mean where every value is known, else NaN."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    return float(np.mean(known)) if values and len(known) == len(values) else float("nan")
