"""Tables of what searches found, from the rows of their evaluations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

KEYS = ["accuracy_target", "metric_target", "goal", "strategy", "seed"]


def hypervolume_shares(
    evaluations: pd.DataFrame, fronts: pd.DataFrame, checkpoints: Sequence[int]
) -> pd.DataFrame:
    """The share of the true front's hypervolume that each search reached.

    Parameters
    ----------
    evaluations, fronts : as in `SearchResult`.
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
    evaluations: pd.DataFrame, limits: dict[str, Sequence[float]], checkpoints: Sequence[int]
) -> pd.DataFrame:
    """The best accuracy that each search had found under each limit of the metric.

    Parameters
    ----------
    evaluations : as in `SearchResult`; a search for one limit counts for that limit alone.
    limits : by metric the limits, in the metric's unit.
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
