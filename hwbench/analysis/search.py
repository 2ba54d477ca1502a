"""The numbers of the report on searches: anytime curves, best under limits, predicted metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hwbench.analysis.statistics import HALF, central_range, mean_interval
from hwbench.errors import HwbenchError
from hwbench.fronts.quality import TrueFront
from hwbench.fronts.two import pareto_front
from hwbench.results.names import SEARCH_FRONTS, SEARCHES

KEYS = ["accuracy_target", "metric_target", "goal", "strategy", "seed"]

ATTAINED = (25, 50, 75)
"""Percentages of seeds whose attainment surfaces are drawn."""

ROUNDING = 1e-9


def true_fronts(fronts: pd.DataFrame) -> dict[str, TrueFront]:
    """The true front of each metric, with the box that normalises it.

    Parameters
    ----------
    fronts : as in `search_fronts.parquet`. Runs of older versions lack ideal and nadir; where their
        front is a single point, nothing else says of a scale, and the metric is left out.
    """
    found = {}
    for metric, rows in fronts.groupby("metric_target", sort=False):
        nadir = None
        if "nadir_accuracy" in rows:
            nadir = float(rows["nadir_accuracy"].iloc[0]), float(rows["nadir_metric"].iloc[0])
        elif len(rows) == 1:
            continue
        accuracy, values = (rows[name].to_numpy(np.float64) for name in ("accuracy", "metric"))
        found[str(metric)] = TrueFront.of(accuracy, values, nadir)
    return found


def hypervolume_shares(
    evaluations: pd.DataFrame, fronts: pd.DataFrame, checkpoints: Sequence[int]
) -> pd.DataFrame:
    """The share of the true front's hypervolume that each search reached.

    Parameters
    ----------
    evaluations, fronts : as in `search.parquet` and `search_fronts.parquet`.
    checkpoints : numbers of evaluations.

    Returns
    -------
    A row a search of the goals "front" and "accuracy" and a checkpoint, with the columns `KEYS`,
    `evaluation`, `share` (on objectives normalised by the true front's ideal and nadir, see
    `hwbench.fronts.quality`; NaN where an older run does not say them) and `published_share` (up to
    the published reference point: accuracy 0, and 1.1 times the largest standardised metric). Both
    lie within 0 and 1.

    Raises
    ------
    HwbenchError
        Where a search dominates more than its true front: the two are of different tables.
    """
    free = evaluations[evaluations["limit"].isna()]
    if "hypervolume_share" not in free:
        free = free.assign(hypervolume_share=_shares_of_older_runs(free, fronts))
    rows = free[free["evaluation"].isin(list(checkpoints))]
    whole = fronts.groupby("metric_target")["hypervolume"].first()
    published = rows["hypervolume"] / rows["metric_target"].map(whole)
    if (published > 1 + ROUNDING).any():
        raise HwbenchError(
            f"a search has {published.max():.4f} of the hypervolume of its true front: "
            f"{SEARCHES} and {SEARCH_FRONTS} are not of the same tables; run it again"
        )
    # Older versions summed the two in different orders, which rounds either way.
    return (
        rows[[*KEYS, "evaluation"]]
        .assign(share=rows["hypervolume_share"], published_share=published.clip(upper=1.0))
        .reset_index(drop=True)
    )


def _shares_of_older_runs(free: pd.DataFrame, fronts: pd.DataFrame) -> pd.Series:
    known = true_fronts(fronts)
    shares = pd.Series(np.nan, index=free.index)
    for key, rows in free.sort_values("evaluation").groupby(KEYS, sort=False):
        front = known.get(str(key[KEYS.index("metric_target")]))
        if front is not None:
            accuracy, metric = (rows[name].to_numpy(np.float64) for name in ("accuracy", "metric"))
            shares[rows.index] = front.hypervolume_shares_so_far(accuracy, metric)
    return shares


def front_distances(
    evaluations: pd.DataFrame, fronts: pd.DataFrame, checkpoints: Sequence[int]
) -> pd.DataFrame:
    """How far from the true front each search was: IGD+ and additive epsilon.

    Parameters
    ----------
    evaluations, fronts, checkpoints : as for `hypervolume_shares`.

    Returns
    -------
    A row a search of the goals "front" and "accuracy" and a checkpoint, with the columns `KEYS`,
    `evaluation`, `igd_plus` and `epsilon_additive`, on objectives normalised by the true front's
    ideal and nadir (`hwbench.fronts.quality`); 0 for the true front itself.
    """
    known = true_fronts(fronts)
    found = []
    free = evaluations[evaluations["limit"].isna()]
    for key, rows in free.groupby(KEYS, sort=False):
        front = known.get(str(key[KEYS.index("metric_target")]))
        for checkpoint in checkpoints:
            seen = rows[rows["evaluation"] <= checkpoint]
            if front is None or seen.empty:
                continue
            points = [seen[name].to_numpy(np.float64) for name in ("accuracy", "metric")]
            distances = front.igd_plus(*points), front.epsilon_additive(*points)
            found.append([*key, checkpoint, *distances])
    columns = [*KEYS, "evaluation", "igd_plus", "epsilon_additive"]
    return pd.DataFrame(found, columns=columns)


def attainment_surfaces(
    evaluations: pd.DataFrame, percentages: Sequence[int] = ATTAINED
) -> pd.DataFrame:
    """What share of seeds had found anything as good: empirical attainment surfaces by strategy.

    An accuracy at a metric is attained by a search that found at least that accuracy at no more of
    the metric (Fonseca et al. 2011, *On the computation of the empirical attainment function*). The
    surface of 50 % is the median front.

    Parameters
    ----------
    evaluations : of one metric and goal, up to the evaluation that is looked at.
    percentages : of the seeds.

    Returns
    -------
    The corners of each surface by rising metric: columns strategy, percentage, metric, accuracy (in
    %) and seeds.
    """
    import moocore

    parts = []
    for strategy, rows in evaluations.groupby("strategy", sort=False):
        searches = [
            own.iloc[pareto_front(own["accuracy"].to_numpy(), own["metric"].to_numpy())]
            for _, own in rows.groupby("seed", sort=True)
        ]
        points = pd.concat(searches)
        costs = np.column_stack([points["metric"], -points["accuracy"]])
        sets = np.repeat(np.arange(len(searches)), [len(each) for each in searches])
        surfaces = moocore.eaf(costs, sets, percentiles=list(percentages))
        parts.append(
            pd.DataFrame(
                {
                    "strategy": strategy,
                    "percentage": surfaces[:, 2].round().astype(int),
                    "metric": surfaces[:, 0],
                    "accuracy": -surfaces[:, 1],
                    "seeds": len(searches),
                }
            )
        )
    if not parts:
        return pd.DataFrame(columns=["strategy", "percentage", "metric", "accuracy", "seeds"])
    joined = pd.concat(parts, ignore_index=True)
    return joined.sort_values(["percentage", "metric"], kind="stable", ignore_index=True)


def best_under_limits(
    evaluations: pd.DataFrame, limits: Mapping[str, Sequence[float]], checkpoints: Sequence[int]
) -> pd.DataFrame:
    """The best accuracy that each search had found under each limit of the metric.

    Parameters
    ----------
    evaluations : as in `search.parquet`; a search for one limit counts for that limit alone.
    limits : by metric the limits, as the rows hold the metric: negated where larger is better.
    checkpoints : numbers of evaluations.

    Returns
    -------
    A row a search, limit and checkpoint, with the columns `KEYS`, `limit`, `evaluation`, `accuracy`
    (in %, NaN where nothing keeps the limit) and `value` (the metric of that architecture).
    """
    parts = []
    for metric, bounds in limits.items():
        own = evaluations[evaluations["metric_target"] == metric]
        for limit in bounds:
            counted = own[own["limit"].isna() | (own["limit"] == limit)]
            for checkpoint in checkpoints:
                seen = counted[counted["evaluation"] <= checkpoint]
                kept = seen[seen["metric"] <= limit].sort_values(
                    ["accuracy", "metric"], ascending=[False, True], kind="stable"
                )
                best = kept.groupby(KEYS, sort=False)[["accuracy", "metric"]].first()
                searches = seen[KEYS].drop_duplicates()
                parts.append(
                    searches.join(best.rename(columns={"metric": "value"}), on=KEYS).assign(
                        limit=limit, evaluation=checkpoint
                    )
                )
    if not parts:
        return pd.DataFrame(columns=[*KEYS, "accuracy", "value", "limit", "evaluation"])
    return pd.concat(parts, ignore_index=True)


def true_best_under_limit(fronts: pd.DataFrame, metric: str, limit: float) -> float:
    """The best accuracy there is under a limit of the metric, in %; NaN where nothing keeps it."""
    front = fronts[(fronts["metric_target"] == metric) & (fronts["metric"] <= limit)]
    return float(front["accuracy"].max()) if len(front) else float(np.nan)


def curve_places(evaluations: int, most: int = 60) -> list[int]:
    """Numbers of evaluations at which a curve is drawn: close at the start, the last among them."""
    places = np.geomspace(1, evaluations, min(evaluations, most)).round().astype(int)
    return sorted({int(place) for place in places})


def hypervolume_curves(
    evaluations: pd.DataFrame, fronts: pd.DataFrame, share: str = "share"
) -> pd.DataFrame:
    """Share of the true front's hypervolume against evaluations, over seeds.

    Parameters
    ----------
    evaluations, fronts : as for `hypervolume_shares`.
    share : "share", normalised, or "published_share".

    Returns
    -------
    Columns metric_target, goal, strategy, evaluation, median, lower and upper (quartiles), mean,
    low and high (its 95 % interval), seeds; no row where the share is unknown.
    """
    places = curve_places(int(evaluations["evaluation"].max()))
    shares = hypervolume_shares(evaluations, fronts, places)
    return _intervals(shares.dropna(subset=share), share)


def regret_curves(
    evaluations: pd.DataFrame, fronts: pd.DataFrame, limits: Mapping[str, Sequence[float]]
) -> pd.DataFrame:
    """How far the best accuracy found is from the best there is, over seeds.

    Parameters
    ----------
    evaluations, fronts : as for `hypervolume_shares`.
    limits : by metric the limits under which the best is sought, beside no limit at all; as for
        `best_under_limits`.

    Returns
    -------
    Columns as of `hypervolume_curves`, in points of accuracy, and limit (NaN for none). As long as
    nothing keeps a limit, the regret is that of accuracy 0.
    """
    places = curve_places(int(evaluations["evaluation"].max()))
    parts = []
    for metric, own in evaluations.groupby("metric_target", sort=False):
        for limit in [np.nan, *limits.get(str(metric), ())]:
            free = own["limit"].isna() | (own["limit"] == limit)
            if not free.any():  # every search was for one limit
                continue
            bound = np.inf if np.isnan(limit) else limit
            truth = true_best_under_limit(fronts, str(metric), bound)
            counted = own[free]
            reached = counted["accuracy"].where(counted["metric"] <= bound, 0.0)
            best = reached.groupby([counted[key] for key in [*KEYS, "limit"]], dropna=False)
            rows = counted.assign(regret=truth - best.cummax())
            rows = rows[rows["evaluation"].isin(places)]
            parts.append(_intervals(rows, "regret").assign(limit=limit))
    return pd.concat(parts, ignore_index=True)


def _intervals(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    keys = ["metric_target", "goal", "strategy", "evaluation"]
    found = []
    for key, values in rows.groupby(keys, sort=False)[column]:
        lower, median, upper = central_range(values, HALF)
        found.append([*key, median, lower, upper, *mean_interval(values), len(values)])
    measures = ["median", "lower", "upper", "mean", "low", "high", "seeds"]
    return pd.DataFrame(found, columns=[*keys, *measures])
