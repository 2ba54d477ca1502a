"""The numbers of the report: means, intervals, rankings, and what an error costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hwbench.analysis.statistics import central_range, half_interval, mean_interval
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
    n_candidates : architectures that are selected from.
    mra_all, mra_pareto : means over selections: of all selected, and of verified picks.
    bound : "" for an interpolated loss, "more than" or "at most" where the predictor is worse or
        better than every simulated one.
    own_metric : whether that metric itself was simulated; else others of its table or space were.
    all_range, pareto_range : the same losses of single selections: what nine in ten lie between,
        and between these the median, (5 %, 50 %, 95 %).
    """

    n_candidates: int
    mra_all: float
    mra_pareto: float
    bound: str
    own_metric: bool
    all_range: tuple[float, float, float]
    pareto_range: tuple[float, float, float]


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


CURVES = (
    "mra_all",
    "mra_pareto",
    "hypervolume",
    "hypervolume_true",
    "hypervolume_loss",
    "hypervolume_share",
    "igd_plus",
    "epsilon_additive",
)
"""Measures of `simulation_curves`."""


def simulation_curves(simulation: pd.DataFrame) -> pd.DataFrame:
    """Medians and means over repeats, of simulated predictors with the true pairing.

    Where there is no true pairing, of the one there is.

    Returns
    -------
    One row per (accuracy_target, metric_target, n_candidates, deviation), sorted; for each measure
    of mra_all, mra_pareto (points), hypervolume, hypervolume_true (no unit), hypervolume_loss (%,
    of these two), and, where the run has them, hypervolume_share (no unit), igd_plus and
    epsilon_additive (of the normalised objectives' range) the columns

    - measure, measure_low, measure_high: the mean and its 95 % interval;
    - measure_median, measure_least, measure_most: the median, the 5 % and the 95 % quantile of
      single selections;

    tau, n_selected (means) and repeats.
    """
    keys = ["accuracy_target", "metric_target", "n_candidates", "deviation"]
    simulation = simulation[simulation["predictor"].isna()]
    if (simulation["pairing"] == "true").any():
        simulation = simulation[simulation["pairing"] == "true"]
    truth = simulation["hypervolume_true"].where(simulation["hypervolume_true"] > 0)
    share = (simulation["hypervolume"] / truth).clip(upper=1.0)  # older runs are rounded beyond
    frame = simulation.assign(hypervolume_loss=100.0 * (1.0 - share))
    measures = [name for name in CURVES if name in frame]
    rows = []
    for key, group in frame.groupby(keys, sort=True):
        row = dict(zip(keys, key, strict=True))
        for measure in measures:
            mean, low, high = mean_interval(group[measure])
            row |= {measure: mean, f"{measure}_low": low, f"{measure}_high": high}
            least, median, most = central_range(group[measure])
            row |= {f"{measure}_least": least, f"{measure}_median": median}
            row |= {f"{measure}_most": most}
        row["tau"] = mean_interval(group["kendall_tau"])[0]
        row["n_selected"] = mean_interval(group["n_selected"])[0]
        row["repeats"] = len(group)
        rows.append(row)
    return pd.DataFrame(rows)


def expected_loss(
    curves: pd.DataFrame,
    metric_target: str,
    tau: float,
    space_of: Callable[[str], str] | None = None,
) -> Loss | None:
    """What a search with a predictor of this tau loses, interpolated between simulated predictors.

    Taken at the largest number of candidates, from the simulations of the same metric where there
    are any, else from those of other metrics of its table, else of its search space. What another
    space's architectures lose says nothing of these: then it is None.

    Parameters
    ----------
    curves : as from `simulation_curves`.
    metric_target : "table:column" that is predicted.
    tau : of the predictor.
    space_of : the search space of "table:column", "" where it is unknown, such as `Run.space`;
        without it only the metric's own table counts.
    """
    rows, own_metric = _simulated_alike(curves, metric_target, space_of)
    if rows.empty or not np.isfinite(tau):
        return None
    n_candidates = int(rows["n_candidates"].max())
    rows = rows[rows["n_candidates"] == n_candidates]
    losses = ("mra_all", "mra_pareto")
    columns = [f"{loss}{end}" for loss in losses for end in ("", "_least", "_median", "_most")]
    means = rows.groupby("deviation")[["tau", *columns]].mean()
    points = means.dropna().sort_values("tau")
    if points.empty:
        return None
    taus = points["tau"].to_numpy()
    bound = "more than" if tau < taus[0] else "at most" if tau > taus[-1] else ""
    found = {name: float(np.interp(tau, taus, points[name].to_numpy())) for name in columns}
    ranges = [
        (found[f"{loss}_least"], found[f"{loss}_median"], found[f"{loss}_most"]) for loss in losses
    ]
    return Loss(n_candidates, found["mra_all"], found["mra_pareto"], bound, own_metric, *ranges)


def _simulated_alike(
    curves: pd.DataFrame, metric_target: str, space_of: Callable[[str], str] | None
) -> tuple[pd.DataFrame, bool]:
    """The rows of a metric, else of others of its table, else of its space; whether of its own."""
    simulated = curves["metric_target"]
    own = curves[simulated == metric_target]
    if not own.empty:
        return own, True
    of_table = curves[simulated.map(_table_of) == _table_of(metric_target)]
    space = space_of(metric_target) if space_of is not None else ""
    if not of_table.empty or not space or space_of is None:
        return of_table, False
    return curves[simulated.map(space_of) == space], False


def _table_of(target: str) -> str:
    return (parse_target(target) or (target, ""))[0]


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
