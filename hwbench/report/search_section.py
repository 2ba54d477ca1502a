"""The section of the report on searches: its figures, and the table of best accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.report import search_analysis as analysis
from hwbench.report import search_figures as figures
from hwbench.report.plotting import Entry, Figure
from hwbench.report.reading import Run
from hwbench.statistics import mean_interval

GOALS = {
    "front": "searching for the front",
    "accuracy": "searching for accuracy alone",
    "limits": "searching under each limit",
}


@dataclass(frozen=True)
class Best:
    """Best accuracy under a limit: mean over seeds, half its interval, the metric there."""

    mean: float
    half: float
    value: float


@dataclass(frozen=True)
class LimitTable:
    """Best accuracies of one metric and goal after some evaluations, a row a strategy."""

    name: str
    title: str
    limits: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Best | None, ...]], ...]
    published: tuple[tuple[str, str, tuple[Best | None, ...]], ...]
    truth: tuple[float, ...]


def search_content(run: Run) -> dict[str, Any] | None:
    """What the page shows of the searches of a run; None where there were none."""
    if run.search is None or run.search_fronts is None:
        return None
    spec = (run.info.get("spec") or {}).get("search") or {}
    evaluations, _ = _frames(run)
    last = int(evaluations["evaluation"].max())
    checkpoints = [int(each) for each in spec.get("checkpoints") or [last]]
    limits = {str(key): tuple(each) for key, each in (spec.get("limits") or {}).items()}
    entries = figures.strategy_entries(dict.fromkeys(evaluations["strategy"]))
    legend = tuple(entries.values())
    return {
        "legend": legend,
        "front_legend": (*legend, figures.TRUTH),
        "verified_legend": (*legend, figures.EXPECTED),
        "seeds": int(evaluations["seed"].nunique()),
        "evaluations": last,
        "hypervolume": _hypervolume(run, entries),
        "regret": _regret(run, entries, limits),
        "fronts": _fronts(run, entries, checkpoints),
        "tables": [
            table
            for checkpoint in checkpoints
            for table in _tables(run, limits, checkpoint, spec.get("published") or [])
        ],
        "verified": _verified(run, entries),
        "failures": _failures(run),
    }


def _frames(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Evaluations and true fronts of a run that has searches."""
    if run.search is None or run.search_fronts is None:
        raise HwbenchError(f"{run.folder}: it holds no searches")
    return run.search, run.search_fronts


def _hypervolume(run: Run, entries: Mapping[str, Entry]) -> list[Figure]:
    curves = analysis.hypervolume_curves(*_frames(run))
    return [
        figures.anytime_figure(
            f"search-hypervolume-{i}",
            f"{run.target(metric).title}, {GOALS.get(goal, goal)}",
            rows,
            entries,
            "share of the true front's hypervolume",
            digits=4,
        )
        for i, ((metric, goal), rows) in enumerate(
            curves.groupby(["metric_target", "goal"], sort=False)
        )
        if goal != "limits"
    ]


def _regret(
    run: Run, entries: Mapping[str, Entry], limits: Mapping[str, Sequence[float]]
) -> list[Figure]:
    curves = analysis.regret_curves(*_frames(run), limits)
    made = []
    groups = curves.groupby(["metric_target", "goal", "limit"], sort=False, dropna=False)
    for i, ((metric, goal, limit), rows) in enumerate(groups):
        if goal == "limits" and np.isnan(limit):
            continue  # a search for one limit says nothing of no limit
        target = run.target(metric)
        under = "no limit" if np.isnan(limit) else f"at most {target.amount(f'{limit:g}')}"
        made.append(
            figures.anytime_figure(
                f"search-regret-{i}",
                f"{target.title}, {under}, {GOALS.get(goal, goal)}",
                rows,
                entries,
                "regret, points of accuracy (log scale)",
                digits=2,
                log=True,
            )
        )
    return made


def _fronts(
    run: Run, entries: Mapping[str, Entry], checkpoints: Sequence[int]
) -> list[tuple[str, list[Figure]]]:
    made = []
    evaluations, fronts = _frames(run)
    of_front = evaluations[evaluations["goal"] == "front"]
    for i, (metric, rows) in enumerate(of_front.groupby("metric_target", sort=False)):
        target = run.target(metric)
        seed = rows["seed"].iloc[0]
        one = rows[rows["seed"] == seed]
        front = fronts[fronts["metric_target"] == metric]
        own = [
            figures.fronts_figure(
                f"search-front-{i}-{checkpoint}",
                f"after {checkpoint:,} evaluations, seed {seed}",
                one[one["evaluation"] <= checkpoint],
                front,
                entries,
                target,
            )
            for checkpoint in checkpoints
        ]
        made.append((target.title, own))
    return made


def _tables(
    run: Run,
    limits: Mapping[str, Sequence[float]],
    checkpoint: int,
    published: Sequence[Mapping[str, Any]],
) -> list[LimitTable]:
    evaluations, fronts = _frames(run)
    bests = analysis.best_under_limits(evaluations, limits, [checkpoint])
    made = []
    groups = bests.groupby(["metric_target", "goal"], sort=False)
    for i, ((metric, goal), rows) in enumerate(groups):
        target = run.target(metric)
        bounds = [float(limit) for limit in limits[metric]]
        lines = []
        for strategy, own in rows.groupby("strategy", sort=False):
            cells = tuple(_best(own[own["limit"] == limit]) for limit in bounds)
            lines.append((str(strategy), cells))
        lines.sort(key=lambda line: -np.nansum([cell.mean for cell in line[1] if cell]))
        made.append(
            LimitTable(
                f"search-limits-{i}-{checkpoint}",
                f"{target.title}, {checkpoint:,} evaluations, {GOALS.get(goal, goal)}",
                tuple(target.amount(f"{limit:g}") for limit in bounds),
                tuple(lines),
                _published(metric, bounds, published),
                tuple(analysis.true_best_under_limit(fronts, metric, limit) for limit in bounds),
            )
        )
    return made


def _best(rows: pd.DataFrame) -> Best | None:
    if rows.empty or rows["accuracy"].isna().all():
        return None
    mean, _, high = mean_interval(rows["accuracy"])
    return Best(mean, high - mean, float(rows["value"].mean()))


def _published(
    metric: str, bounds: Sequence[float], published: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, str, tuple[Best | None, ...]], ...]:
    own = [each for each in published if each["metric"] == metric]
    lines = []
    for method in dict.fromkeys(str(each["method"]) for each in own):
        by_limit = {float(each["limit"]): each for each in own if each["method"] == method}
        cells = []
        for bound in bounds:
            each = by_limit.get(bound)
            value = np.nan if each is None or each.get("value") is None else float(each["value"])
            cells.append(None if each is None else Best(float(each["accuracy"]), np.nan, value))
        source = next(str(each.get("source") or "") for each in by_limit.values())
        lines.append((method, source, tuple(cells)))
    return tuple(lines)


def _verified(run: Run, entries: Mapping[str, Entry]) -> list[Figure]:
    if run.search_verified is None:
        return []
    made = []
    for i, (metric, rows) in enumerate(run.search_verified.groupby("metric_target", sort=False)):
        columns = ["mra_all", "mra_pareto", "mra_all_expected", "mra_pareto_expected"]
        means = rows.groupby(["strategy", "training_size"])[columns].mean()
        top = float(np.nanmax(means.to_numpy())) or 1.0
        for measure, words in (("mra_all", "all selected"), ("mra_pareto", "verified picks")):
            made.append(
                figures.verified_figure(
                    f"search-{measure.replace('_', '-')}-{i}",
                    f"{run.target(metric).title}: accuracy lost, {words}",
                    rows,
                    entries,
                    measure,
                    f"MRA of {words}, points",
                    1.2 * top,
                )
            )
    return made


def _failures(run: Run) -> list[str]:
    failed = run.info.get("search_failures") or []
    return [
        f"{each.get('strategy')}, seed {each.get('seed')}: "
        + (str(each.get("error") or "").strip().splitlines() or [""])[-1]
        for each in failed
        if isinstance(each, Mapping)
    ]
