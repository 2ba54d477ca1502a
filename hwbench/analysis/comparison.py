"""What the trials of a study say of its predictors: scores, samples needed, ranks over tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from hwbench.analysis.statistics import (
    FEWEST_BLOCKS,
    CriticalDifference,
    bootstrap_interval,
    bootstrap_weights,
    critical_difference,
)
from hwbench.arrays import Floats
from hwbench.errors import HwbenchError, unknown_number
from hwbench.results.study_columns import SCORES
from hwbench.wording import counted

ENTRY = ["target", "predictor", "encoding"]

TABLES_AT_ONCE = 100
"""Learning curves that are resampled by one product of matrices."""


def score_summary(
    trials: pd.DataFrame, scores: Sequence[str] = SCORES, *, seed: int = 0
) -> pd.DataFrame:
    """Mean, deviation and bootstrap interval by seed of every score.

    Parameters
    ----------
    trials : as `read_trials` gives them; failed ones are left out.
    scores : which columns; those that older runs lack are left out.
    seed : of the bootstrap.

    Returns
    -------
    One row per (target, predictor, encoding, training_size): `seeds` (how many have a score), and
    for each score `score`, `score_std` (over seeds, with n - 1), `score_low`, `score_high` (95 %).
    """
    scored = trials[trials["kendall_tau"].notna()]
    rows = []
    for key, group in scored.groupby([*ENTRY, "training_size"], sort=True):
        row = dict(zip([*ENTRY, "training_size"], key, strict=True)) | {"seeds": len(group)}
        for name in (each for each in scores if each in trials):
            mean, low, high = bootstrap_interval(group[name], seed=seed)
            row |= {name: mean, f"{name}_std": float(group[name].std(ddof=1))}
            row |= {f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def samples_needed(
    trials: pd.DataFrame,
    tau: float,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Measured architectures that predictors need to reach a Kendall's tau.

    The mean over seeds is interpolated between training sizes, linearly in the logarithm of the
    size, up to the first place where it reaches `tau`. The interval is that of the same place over
    resamples of the seeds, which keep the sizes of a seed together.

    Parameters
    ----------
    trials : as `read_trials` gives them; predictors with a training set of their own are left out.
    tau : to be reached.
    resamples, confidence, seed : of the bootstrap.

    Returns
    -------
    One row per (target, predictor, encoding): `samples`, `low`, `high`, infinite where the largest
    size does not reach it, and `bounded`: the smallest size reaches it already, so that fewer may
    do.

    Raises
    ------
    HwbenchError
        Where `tau` is not between -1 and 1.
    """
    curves = resampled_curves(trials, resamples=resamples, seed=seed)
    return samples_of_curves(curves, tau, confidence=confidence)


@dataclass(frozen=True)
class ResampledCurve:
    """The learning curve of one predictor on one target, and those of resamples of its seeds.

    Attributes
    ----------
    key : target, predictor and encoding.
    sizes : training sizes that any seed has a score at, rising, float64 of shape (n_sizes,).
    taus : mean Kendall's tau over seeds, of shape (n_sizes,).
    resampled : the same of each resample, of shape (n_resamples, n_sizes), NaN where it has no
        score; None where there is one seed.
    """

    key: tuple[str, str, str]
    sizes: Floats
    taus: Floats
    resampled: Floats | None


def resampled_curves(
    trials: pd.DataFrame, *, resamples: int = 1000, seed: int = 0
) -> list[ResampledCurve]:
    """What `samples_needed` looks for a tau in; parameters are as there."""
    scored = trials[trials["kendall_tau"].notna() & ~trials["own_training_set"]]
    # One pivot for all entries: a pivot of its own for each would take most of the time.
    pivot = scored.pivot_table(
        index=[*ENTRY, "seed"], columns="training_size", values="kendall_tau"
    )
    sizes = pivot.columns.to_numpy(dtype=np.float64)
    groups = [(key, table.to_numpy()) for key, table in pivot.groupby(level=ENTRY, sort=True)]
    means = _resampled_means([taus for _, taus in groups], resamples, seed)
    curves = []
    for (key, taus), resampled in zip(groups, means, strict=True):
        has = ~np.isnan(taus).all(axis=0)
        curve = np.nanmean(taus[:, has], axis=0)
        own = None if len(taus) == 1 else resampled[:, has]
        curves.append(ResampledCurve(key, sizes[has], curve, own))
    return curves


def _resampled_means(tables: Sequence[Floats], resamples: int, seed: int) -> list[Floats]:
    """Means over the rows of each table, of shape (n_seeds, n_sizes), for resamples of its rows.

    Tables of as many rows are multiplied side by side: a product for each would take most of the
    time of a large study.
    """
    means: list[Floats] = [np.empty((0, 0))] * len(tables)
    lengths = [len(table) for table in tables]
    for length in set(lengths):
        places = [place for place, each in enumerate(lengths) if each == length]
        weights = bootstrap_weights(length, resamples, seed)
        for first in range(0, len(places), TABLES_AT_ONCE):
            chosen = places[first : first + TABLES_AT_ONCE]
            taus = np.concatenate([tables[place] for place in chosen], axis=1)
            present = weights @ (~np.isnan(taus)).astype(np.float64)
            with np.errstate(invalid="ignore"):
                together = (weights @ np.nan_to_num(taus)) / present
            for place, own in zip(chosen, np.split(together, len(chosen), axis=1), strict=True):
                means[place] = own
    return means


def samples_of_curves(
    curves: Sequence[ResampledCurve], tau: float, *, confidence: float = 0.95
) -> pd.DataFrame:
    """See `samples_needed`."""
    if not -1 <= tau <= 1:
        raise HwbenchError(f"tau must lie between -1 and 1, not {tau:g}")
    rows = []
    for curve in curves:
        samples = _crossing(curve.sizes, curve.taus[None], tau)[0]
        low = high = float("nan")
        if curve.resampled is not None:
            found = _crossing(curve.sizes, curve.resampled, tau)
            edges = [(1 - confidence) / 2, (1 + confidence) / 2]
            low, high = np.quantile(found, edges, method="closest_observation")
        rows.append(
            {
                **dict(zip(ENTRY, curve.key, strict=True)),
                "samples": float(samples),
                "low": float(low),
                "high": float(high),
                "bounded": bool(samples == curve.sizes[0]),
            }
        )
    columns = [*ENTRY, "samples", "low", "high", "bounded"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["target", "samples"], kind="stable", ignore_index=True)


def _crossing(sizes: Floats, curves: Floats, tau: float) -> Floats:
    """The first size at which each curve, of shape (n_curves, n_sizes), reaches tau."""
    reached = curves >= tau
    first = np.argmax(reached, axis=1)
    found = np.full(len(curves), np.inf)
    some = reached.any(axis=1)
    found[some] = sizes[first[some]]
    inner = np.flatnonzero(some & (first > 0))
    place = first[inner]
    below, above = curves[inner, place - 1], curves[inner, place]
    share = np.where(np.isnan(below), 1.0, (tau - below) / (above - below))
    low, high = np.log(sizes[place - 1]), np.log(sizes[place])
    found[inner] = np.exp(low + share * (high - low))
    return found


def rank_predictors(
    trials: pd.DataFrame,
    training_size: int | None = None,
    *,
    measurements: Mapping[str, str] | None = None,
    alpha: float = 0.05,
) -> CriticalDifference:
    """Rank predictors over targets by mean Kendall's tau, with Nemenyi's critical difference.

    Targets of one measurement, such as two statistics of the same runs, are one piece of evidence:
    ranks, tests and their number are those of measurements, the score on one being the mean over
    its targets. Which predictors differ is said (`CriticalDifference.claim`) from five independent
    measurements on, and where it is known which targets are; else `why_not` says why it is not.

    Parameters
    ----------
    trials : as `read_trials` gives them.
    training_size : at which; the largest that all targets have by default.
    measurements : the measurement behind each target, see `hwbench.analysis.measurements`; without
        it each target counts as one, and nothing is claimed.
    alpha : the tests' level.

    Raises
    ------
    HwbenchError
        Where fewer than two targets have the size in common, or fewer than two predictors have a
        score on all of them.
    """
    table = scores_on_targets(trials, training_size)
    names_of = [str(name) for name in table.columns]
    if measurements is None:
        found = critical_difference(table.to_numpy(), names_of, alpha)
        return replace(found, why_not="which targets are of one measurement is not known.")
    by_measurement = scores_by_measurement(table, measurements)
    if len(by_measurement) > 1:
        found = critical_difference(by_measurement.to_numpy(), names_of, alpha)
    else:  # nothing is tested on one, and its order is that of its scores
        found = _ranked_once(by_measurement.iloc[0])
    if len(by_measurement) == len(table) or found.claim:
        return found
    return replace(
        found,
        why_not=f"{len(table)} targets are {counted(found.n_blocks, 'independent measurement')} "
        f"(statistics of the same runs, or columns of the same order, count once), too few to say "
        f"which differ: it takes {FEWEST_BLOCKS}.",
    )


def scores_on_targets(trials: pd.DataFrame, training_size: int | None = None) -> pd.DataFrame:
    """Mean Kendall's tau over seeds of predictors (columns) on targets (rows), at one size.

    Parameters and errors are as of `rank_predictors`; columns are those that have all targets.
    """
    scored = trials[trials["kendall_tau"].notna() & ~trials["own_training_set"]]
    several = scored.groupby("predictor")["encoding"].transform("nunique") > 1
    names = scored["predictor"].where(
        ~several, scored["predictor"] + " (" + scored["encoding"] + ")"
    )
    sizes = scored.groupby("training_size")["target"].nunique()
    n_targets = scored["target"].nunique()
    common = sorted(int(size) for size in sizes[sizes == n_targets].index)
    if n_targets < 2:
        raise HwbenchError("ranks over targets need a study of at least two targets")
    if not common:
        raise HwbenchError("ranks over targets need a training size that all targets have")
    if training_size is None:
        training_size = common[-1]
    if training_size not in common:
        raise unknown_number("training size of all targets", training_size, common)
    at_size = scored["training_size"] == training_size
    table = scored[at_size].groupby(["target", names[at_size]])["kendall_tau"].mean().unstack()
    table = table.dropna(axis="columns")
    if table.shape[1] < 2:
        raise HwbenchError(
            f"fewer than two predictors have a score with {training_size} on every target"
        )
    return table


def scores_by_measurement(table: pd.DataFrame, measurements: Mapping[str, str]) -> pd.DataFrame:
    """The rows of `scores_on_targets` that are of one measurement as their mean."""
    return table.groupby([measurements.get(str(each), str(each)) for each in table.index]).mean()


def _ranked_once(scores: pd.Series) -> CriticalDifference:
    ranks = scores.rank(ascending=False).sort_values(kind="stable")
    everything = ((0, len(ranks) - 1),)
    named = {str(name): float(rank) for name, rank in ranks.items()}
    return CriticalDifference(
        named, np.nan, np.nan, 1, everything, "one measurement says too little"
    )
