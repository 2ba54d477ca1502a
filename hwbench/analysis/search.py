"""The numbers of the report on searches: anytime curves, best under limits, predicted metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hwbench.analysis.statistics import mean_interval

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
    return rows[[*KEYS, "evaluation"]].assign(share=share).reset_index(drop=True)


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
    """Share of the true front's hypervolume against evaluations, mean and interval over seeds.

    Returns
    -------
    Columns metric_target, goal, strategy, evaluation, mean, low, high, seeds.
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
    Columns metric_target, goal, limit (NaN for none), strategy, evaluation, mean, low, high (in
    points of accuracy), seeds. As long as nothing keeps a limit, the regret is that of accuracy 0.
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
        found.append([*key, mean, low, high, len(values)])
    return pd.DataFrame(found, columns=[*keys, "mean", "low", "high", "seeds"])
