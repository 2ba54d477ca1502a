"""The numbers of the report: means, intervals, rankings, and what an error costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hwbench.analysis.statistics import half_interval, mean_interval
from hwbench.target_text import parse_target


@dataclass(frozen=True)
class OwnSetScore:
    """The score of a predictor with a training set of its own, such as a lookup table.

    On one target, or the mean over targets.
    """

    predictor: str
    title: str
    tau: float
    training_size: int


@dataclass(frozen=True)
class Loss:
    """Accuracy lost by a search that trusts a predictor, in percentage points.

    Attributes
    ----------
    n_candidates : what was searched.
    mra_all, mra_pareto : the median over selections, of all selected and of verified picks.
    mra_all_most, mra_pareto_most : what 95 % of the selections do not exceed.
    bound : "" for an interpolated loss, "more than" or "at most" where the predictor is worse or
        better than every simulated one.
    own_metric : whether the simulation was of the same metric, or of others of its table.
    """

    n_candidates: int
    mra_all: float
    mra_pareto: float
    mra_all_most: float
    mra_pareto_most: float
    bound: str
    own_metric: bool


def trained(study: pd.DataFrame) -> pd.DataFrame:
    """The trials with a score, without predictors that have a training set of their own."""
    return study[_scored(study) & ~study["own_training_set"]]


def _scored(study: pd.DataFrame) -> pd.Series:
    return study["error"].isna() & study["kendall_tau"].notna()


def failures(study: pd.DataFrame) -> pd.DataFrame:
    """Trials without a score: columns title, count, reason (of the first), most frequent first."""
    broken = study[study["error"].notna() | study["kendall_tau"].isna()]
    rows = [
        {
            "title": str(title),
            "count": len(group),
            "reason": _last_line(group["error"].dropna()),
        }
        for title, group in broken.groupby("title", sort=True)
    ]
    frame = pd.DataFrame(rows, columns=["title", "count", "reason"])
    return frame.sort_values("count", ascending=False, kind="stable", ignore_index=True)


def _last_line(errors: pd.Series) -> str:
    lines = str(errors.iloc[0]).strip().splitlines() if len(errors) else []
    if not lines:
        return "Kendall's tau is undefined (all predictions equal)"
    # The last line of a traceback is the one that says what happened.
    return lines[-1].strip()[:240]


def predictor_titles(study: pd.DataFrame) -> dict[str, str]:
    """Title of each trained predictor, best first (mean tau over each target's largest size).

    Predictors that share a title get their id behind it.
    """
    own = study[~study["own_training_set"]]
    titles = {
        str(name): str(title)
        for name, title in own.groupby("predictor", sort=True)["title"].first().items()
    }
    shared = {title for title in titles.values() if list(titles.values()).count(title) > 1}
    scored = trained(study)
    largest = scored.groupby("target")["training_size"].transform("max")
    final = scored[scored["training_size"] == largest].groupby("predictor")["kendall_tau"].mean()
    ordered = sorted(titles, key=lambda name: (-float(final.get(name, -2.0)), titles[name], name))
    return {
        name: f"{titles[name]} ({name})" if titles[name] in shared else titles[name]
        for name in ordered
    }


def learning_curves(study: pd.DataFrame) -> pd.DataFrame:
    """Mean Kendall's tau over seeds and its 95 % interval.

    Returns
    -------
    One row per (target, predictor, training_size), sorted, with tau, low, high, seeds (how many
    have a score), mae (mean, in the target's unit) and fit_seconds (median, s).
    """
    return _curves(trained(study))


def overall_curves(study: pd.DataFrame) -> pd.DataFrame:
    """Like `learning_curves`, of the mean tau over all targets (target is "").

    Only training sizes that every target has, and only (predictor, size, seed) that have a score on
    every target: else a predictor would gain by failing on the hard ones.
    """
    scored = trained(study)
    n_targets = study["target"].nunique()
    keys = ["predictor", "training_size", "seed"]
    grouped = scored.groupby(keys)
    means = grouped.agg(
        targets=("target", "nunique"),
        kendall_tau=("kendall_tau", "mean"),
        fit_seconds=("fit_seconds", "mean"),
    ).reset_index()
    complete = means[means["targets"] == n_targets].drop(columns="targets")
    return _curves(complete.assign(target="", mae=np.nan))


def _curves(scored: pd.DataFrame) -> pd.DataFrame:
    columns = ["target", "predictor", "training_size"]
    curves = (
        scored.groupby(columns, sort=True)
        .agg(
            tau=("kendall_tau", "mean"),
            deviation=("kendall_tau", "std"),
            seeds=("kendall_tau", "size"),
            mae=("mae", "mean"),
            fit_seconds=("fit_seconds", "median"),
        )
        .reset_index()
    )
    half = half_interval(curves.pop("deviation").to_numpy(), curves["seeds"].to_numpy())
    # No tau lies beyond these, whatever Student's interval says of a few near the end.
    curves.insert(4, "low", np.maximum(curves["tau"] - half, -1.0))
    curves.insert(5, "high", np.minimum(curves["tau"] + half, 1.0))
    return curves


def own_set_scores(study: pd.DataFrame) -> dict[str, list[OwnSetScore]]:
    """Scores of predictors with a training set of their own by target, the best first.

    "" holds the means of those that have one score on every target, with as many measurements.
    """
    rows = study[_scored(study) & study["own_training_set"]]
    scores: dict[str, list[OwnSetScore]] = {}
    for name, of_name in rows.groupby("predictor", sort=True):
        title = str(of_name["title"].iloc[0])
        taus = of_name.groupby("target", sort=True)["kendall_tau"].mean()
        sizes = of_name.groupby("target", sort=True)["training_size"].first()
        for target, tau in taus.items():
            own = OwnSetScore(str(name), title, float(tau), int(sizes[target]))
            scores.setdefault(str(target), []).append(own)
        if len(taus) == study["target"].nunique() and sizes.nunique() == 1:
            mean = OwnSetScore(str(name), title, float(taus.mean()), int(sizes.iloc[0]))
            scores.setdefault("", []).append(mean)
    return {target: sorted(own, key=lambda each: -each.tau) for target, own in scores.items()}


def best_at(curves: pd.DataFrame, target: str, training_size: int) -> pd.Series:
    """The row of `curves` with the highest mean tau on a target at a training size."""
    rows = curves[(curves["target"] == target) & (curves["training_size"] == training_size)]
    return rows.loc[rows["tau"].idxmax()]


def first_above(curves: pd.DataFrame, target: str, tau: float) -> pd.Series | None:
    """The best row at the smallest training size where some mean tau exceeds `tau`, or None."""
    above = curves[(curves["target"] == target) & (curves["tau"] > tau)]
    if above.empty:
        return None
    return best_at(curves, target, int(above["training_size"].min()))


def simulation_curves(simulation: pd.DataFrame) -> pd.DataFrame:
    """Medians, quantiles and means over repeats, of simulated predictors with the true pairing.

    Where there is no true pairing, of the one there is. A few hopeless picks make a mean: the
    median says what a selection loses, the quantiles what to be prepared for.

    Returns
    -------
    One row per (accuracy_target, metric_target, n_candidates, deviation), sorted; for each measure
    of mra_all, mra_pareto (points), hypervolume, hypervolume_true (no unit), hypervolume_loss (%),
    hypervolume_share, igd_plus and additive_epsilon (no unit, where the run has them) the columns
    measure (mean), measure_low, measure_high (its 95 % interval), measure_median, measure_least and
    measure_most (the 5 % and 95 % quantiles of single selections); tau, n_selected and repeats.
    """
    keys = ["accuracy_target", "metric_target", "n_candidates", "deviation"]
    simulation = simulation[simulation["predictor"].isna()]
    if (simulation["pairing"] == "true").any():
        simulation = simulation[simulation["pairing"] == "true"]
    truth = simulation["hypervolume_true"].where(simulation["hypervolume_true"] > 0)
    frame = simulation.assign(hypervolume_loss=100.0 * (1.0 - simulation["hypervolume"] / truth))
    measures = [*ALWAYS_MEASURED, *(name for name in NEARNESS if name in frame)]
    rows = []
    for key, group in frame.groupby(keys, sort=True):
        row = dict(zip(keys, key, strict=True))
        for measure in measures:
            mean, low, high = mean_interval(group[measure])
            row |= {measure: mean, f"{measure}_low": low, f"{measure}_high": high}
            known = group[measure].dropna()
            least, median, most = (
                np.quantile(known, [0.05, 0.5, 0.95]) if len(known) else [np.nan] * 3
            )
            row |= {f"{measure}_{name}": value for name, value in _named(least, median, most)}
        row["tau"] = mean_interval(group["kendall_tau"])[0]
        row["n_selected"] = mean_interval(group["n_selected"])[0]
        row["repeats"] = len(group)
        rows.append(row)
    return pd.DataFrame(rows)


def _named(least: float, median: float, most: float) -> list[tuple[str, float]]:
    return [("least", float(least)), ("median", float(median)), ("most", float(most))]


ALWAYS_MEASURED = (
    "mra_all",
    "mra_pareto",
    "hypervolume",
    "hypervolume_true",
    "hypervolume_loss",
)
NEARNESS = ("hypervolume_share", "igd_plus", "additive_epsilon")
"""Measures of a selection; those that runs of older versions lack."""


def expected_loss(curves: pd.DataFrame, metric_target: str, tau: float) -> Loss | None:
    """What a search with a predictor of this tau loses, interpolated between simulated predictors.

    Taken at the largest number of candidates, from the simulations of the same metric where there
    are any, else from those of other metrics of its table. None where there are neither: what
    errors cost in one search space says nothing of another.
    """
    own = curves[curves["metric_target"] == metric_target]
    own_metric = not own.empty
    table, _ = parse_target(metric_target) or ("", "")
    of_table = [(parse_target(str(each)) or ("",))[0] == table for each in curves["metric_target"]]
    rows = own if own_metric else curves[of_table]
    if rows.empty or not table:
        return None
    n_candidates = int(rows["n_candidates"].max())
    rows = rows[rows["n_candidates"] == n_candidates]
    columns = ["mra_all_median", "mra_pareto_median", "mra_all_most", "mra_pareto_most"]
    means = rows.groupby("deviation")[["tau", *columns]].mean()
    points = means.dropna().sort_values("tau")
    if points.empty or not np.isfinite(tau):
        return None
    taus = points["tau"].to_numpy()
    bound = "more than" if tau < taus[0] else "at most" if tau > taus[-1] else ""
    losses = [float(np.interp(tau, taus, points[column].to_numpy())) for column in columns]
    return Loss(n_candidates, losses[0], losses[1], losses[2], losses[3], bound, own_metric)


@dataclass(frozen=True)
class Predicted:
    """Predictions of one predictor at one training size and seed.

    `truth` and `prediction` have shape (n_test,), in the target's unit; `deviation` is their
    difference over the standard deviation of the truth.
    """

    target: str
    predictor: str
    training_size: int
    seed: int
    truth: np.ndarray
    prediction: np.ndarray
    scale: float

    @property
    def deviation(self) -> np.ndarray:
        deviation: np.ndarray = (self.prediction - self.truth) / self.scale
        return deviation


def best_predictions(
    predictions: pd.DataFrame, curves: pd.DataFrame, targets: Sequence[str]
) -> list[Predicted]:
    """For each target the stored predictions of the best predictor at the largest stored size."""
    chosen = []
    for target in targets:
        finite = predictions["truth"].notna() & predictions["prediction"].notna()
        own = predictions[(predictions["target"] == target) & finite]
        scored = curves[curves["target"] == target].merge(
            own[["predictor", "training_size"]].drop_duplicates()
        )
        if scored.empty:
            continue
        best = best_at(scored, target, int(scored["training_size"].max()))
        size = int(best["training_size"])
        rows = own[(own["predictor"] == best["predictor"]) & (own["training_size"] == size)]
        seed = int(rows["seed"].min())
        rows = rows[rows["seed"] == seed]
        truth = rows["truth"].to_numpy()
        scale = float(truth.std())
        if scale > 0:
            prediction = rows["prediction"].to_numpy()
            chosen.append(
                Predicted(target, str(best["predictor"]), size, seed, truth, prediction, scale)
            )
    return chosen


def front_accuracy(example: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The true front, by rising metric, and the accuracy it offers at each selected metric.

    Returns
    -------
    front : shape (n_front, 2), metric and accuracy (%).
    offered : shape (n_selected,), %; NaN where no front point is as cheap.
    """
    front = example.loc[example["true_front"], ["metric", "accuracy"]].dropna()
    front = front.sort_values(["metric", "accuracy"])
    points = front.to_numpy(dtype=np.float64).reshape(-1, 2)
    metric = example.loc[example["selected"], "metric"].to_numpy()
    if not len(points):
        return points, np.full(len(metric), np.nan)
    best = np.maximum.accumulate(points[:, 1])
    place = np.searchsorted(points[:, 0], metric, side="right") - 1
    return points, np.where(place >= 0, best[np.maximum(place, 0)], np.nan)
