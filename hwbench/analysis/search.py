"""The numbers of the report on searches: anytime curves, best under limits, predicted metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hwbench.analysis.statistics import mean_interval
from hwbench.errors import HwbenchError

ROUNDING = 1e-9
NEARNESS = ("hypervolume_share", "igd_plus", "additive_epsilon")
ATTAINED = (25.0, 50.0, 75.0)
"""Per cent of the seeds."""

KEYS = ["accuracy_target", "metric_target", "goal", "strategy", "seed"]


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
    `evaluation` and `share`.
    """
    free = evaluations[evaluations["limit"].isna()]
    rows = free[free["evaluation"].isin(list(checkpoints))]
    whole = fronts.groupby("metric_target")["hypervolume"].first()
    share = rows["hypervolume"] / rows["metric_target"].map(whole)
    if (share > 1 + ROUNDING).any():
        wrong = rows.loc[share.idxmax()]
        raise HwbenchError(
            f"search.parquet: {wrong['strategy']} on {wrong['metric_target']} dominates more than "
            "the true front of search_fronts.parquet, so one of the two is of another run; run the "
            "search again"
        )
    # What dominates all of the front sums the same areas in another order.
    share = share.clip(upper=1.0)
    return rows[[*KEYS, "evaluation"]].assign(share=share).reset_index(drop=True)


def front_nearness(
    evaluations: pd.DataFrame, fronts: pd.DataFrame, checkpoint: int
) -> pd.DataFrame:
    """How near the front that each search found is to the true one, on the true front's scale.

    Both objectives are scaled so that the true front's best values (its ideal point) are 0 and its
    worst (its nadir) 1. Searches under a limit do not seek the front and are left out.

    Parameters
    ----------
    evaluations, fronts : as for `hypervolume_shares`.
    checkpoint : evaluations that count.

    Returns
    -------
    A row a search with the columns `KEYS` and, by moocore, `hypervolume_share` (dominated up to 1.1
    in both objectives, over that of the true front, 0 to 1), `igd_plus` and `additive_epsilon`; NaN
    where the true front is one point.
    """
    import moocore

    rows = []
    free = evaluations[evaluations["limit"].isna() & (evaluations["evaluation"] <= checkpoint)]
    for key, own in free.groupby(KEYS, sort=False):
        found = dict(zip(KEYS, key, strict=True))
        front = fronts[fronts["metric_target"] == found["metric_target"]]
        truth = np.column_stack([-front["accuracy"], front["metric"]])
        lower, upper = truth.min(axis=0), truth.max(axis=0)
        measures = dict.fromkeys(NEARNESS, np.nan)
        if (upper > lower).all():
            scaled_truth = (truth - lower) / (upper - lower)
            points = np.column_stack([-own["accuracy"], own["metric"]])
            scaled = (points - lower) / (upper - lower)
            whole = moocore.hypervolume(scaled_truth, ref=[1.1, 1.1])
            share = moocore.hypervolume(scaled, ref=[1.1, 1.1]) / whole
            measures = {
                "hypervolume_share": min(float(share), 1.0),
                "igd_plus": float(moocore.igd_plus(scaled, ref=scaled_truth)),
                "additive_epsilon": float(moocore.epsilon_additive(scaled, ref=scaled_truth)),
            }
        rows.append({**found, **measures})
    return pd.DataFrame(rows, columns=[*KEYS, *NEARNESS])


def attainment_surfaces(evaluations: pd.DataFrame, checkpoint: int) -> pd.DataFrame:
    """What every strategy's fronts attain in a quarter, half and three quarters of its seeds.

    The empirical attainment function (Fonseca et al. 2011), by moocore: a point is attained by a
    seed whose front is at least as good in both objectives.

    Parameters
    ----------
    evaluations : as in `search.parquet`; searches for the front alone are taken.
    checkpoint : evaluations that count.

    Returns
    -------
    The corners of the surfaces: columns metric_target, strategy, percent (of the seeds), metric,
    accuracy (%), by rising metric.
    """
    import moocore

    parts = []
    of_front = evaluations[
        (evaluations["goal"] == "front")
        & evaluations["limit"].isna()
        & (evaluations["evaluation"] <= checkpoint)
    ]
    for (metric, strategy), own in of_front.groupby(["metric_target", "strategy"], sort=False):
        points = np.column_stack([-own["accuracy"], own["metric"]])
        sets = np.unique(own["seed"], return_inverse=True)[1] + 1
        surface = moocore.eaf(points, sets, percentiles=ATTAINED)
        frame = pd.DataFrame(
            {
                "metric_target": metric,
                "strategy": strategy,
                "percent": surface[:, 2],
                "metric": surface[:, 1],
                "accuracy": -surface[:, 0],
            }
        )
        parts.append(frame.sort_values(["percent", "metric"], ignore_index=True))
    columns = ["metric_target", "strategy", "percent", "metric", "accuracy"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


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


def hypervolume_curves(evaluations: pd.DataFrame, fronts: pd.DataFrame) -> pd.DataFrame:
    """Share of the true front's hypervolume against evaluations, over seeds.

    Returns
    -------
    Columns metric_target, goal, strategy, evaluation, mean, low, high, median, least, most (the 5 %
    and 95 % quantiles), seeds.
    """
    places = curve_places(int(evaluations["evaluation"].max()))
    shares = hypervolume_shares(evaluations, fronts, places)
    return _intervals(shares, "share")


def regret_curves(
    evaluations: pd.DataFrame, fronts: pd.DataFrame, limits: Mapping[str, Sequence[float]]
) -> pd.DataFrame:
    """How far the best accuracy found is from the best there is, mean and interval over seeds.

    Parameters
    ----------
    evaluations, fronts : as for `hypervolume_shares`.
    limits : by metric the limits under which the best is sought, beside no limit at all; as for
        `best_under_limits`.

    Returns
    -------
    Columns metric_target, goal, limit (NaN for none), strategy, evaluation, mean, low, high,
    median, least, most (in points of accuracy), seeds. As long as nothing keeps a limit, the regret
    is that of accuracy 0.
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
        mean, low, high = mean_interval(values)
        least, median, most = np.quantile(values, [0.05, 0.5, 0.95])
        found.append([*key, mean, low, high, median, least, most, len(values)])
    columns = [*keys, "mean", "low", "high", "median", "least", "most", "seeds"]
    return pd.DataFrame(found, columns=columns)
