"""The section of the report on searches: figures, front cells, and tables of best accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from hwbench.analysis import search as analysis
from hwbench.analysis.statistics import mean_interval
from hwbench.errors import HwbenchError
from hwbench.pages.architectures import front_drawings
from hwbench.pages.blocks import (
    EMPTY,
    Block,
    Cell,
    Column,
    DataTable,
    Finding,
    Group,
    Notice,
    Row,
    Section,
    Text,
)
from hwbench.pages.plotting import Entry, Figure
from hwbench.report.search import figures
from hwbench.results.names import SEARCH_FRONTS, SEARCHES, SEARCHES_VERIFIED
from hwbench.results.run import Run, TargetWords

GOALS = {
    "front": "searching for the front",
    "accuracy": "searching for accuracy alone",
    "limits": "searching under each limit",
}


def search_sections(run: Run) -> list[Section]:
    """The section on the searches of a run; none where there were none."""
    if run.search is None or run.search_fronts is None:
        return []
    spec = (run.info.get("spec") or {}).get("search") or {}
    evaluations, _ = _frames(run)
    last = int(evaluations["evaluation"].max())
    checkpoints = [int(each) for each in spec.get("checkpoints") or [last]]
    limits = run.search_limits
    entries = figures.strategy_entries(dict.fromkeys(evaluations["strategy"]))
    legend = tuple(entries.values())
    text = (
        "Every strategy starts from the same random architectures of a seed and measures "
        f"{last:,} in all; {int(evaluations['seed'].nunique())} seeds. Lines are medians over "
        "seeds, bands hold nine seeds in ten. A key switches a strategy on or off in every figure."
    )
    blocks: list[Block] = [Text(text)]
    failures = _failures(run)
    if failures:
        blocks.append(
            Notice(f"{len(failures)} searches failed and are left out.", "Which, and why", failures)
        )
    blocks += [
        Group("Hypervolume against evaluations", _hypervolume(run, entries), legend),
        Group(
            "Regret against evaluations",
            _regret(run, entries, limits),
            legend,
            "How far the best accuracy found lies below the best there is, under each limit of the "
            "metric.",
        ),
    ]
    blocks += _nearness(run, max(checkpoints))
    attained = _attained(run, entries, max(checkpoints))
    if attained:
        blocks.append(Group("What the seeds attain", attained, (*legend, figures.TRUTH)))
    for title, own in _fronts(run, entries, checkpoints):
        blocks.append(Group(f"Fronts: {title}", own, (*legend, figures.TRUTH)))
    blocks += _drawings(run)
    for checkpoint in checkpoints:
        blocks += _tables(
            run,
            limits,
            checkpoint,
            spec.get("published") or [],
            last=checkpoint == max(checkpoints),
        )
    verified = _verified(run, entries)
    if verified:
        blocks.append(
            Group(
                "Predicting the metric in place of measuring it",
                verified,
                (*legend, figures.EXPECTED),
                "The same searches with a predictor of the metric that was fitted to some "
                "measurements; the front by predictions is measured at the end. Dashed: what the "
                "simulation of selections expects of a predictor with the same tau, among as many "
                "random candidates.",
            )
        )
    files = [SEARCHES, SEARCH_FRONTS]
    if verified:
        files.append(SEARCHES_VERIFIED)
    return [Section("search", "Searches", blocks, tuple(files))]


def search_summary(run: Run) -> list[Block]:
    """Which strategy came closest to the true front, on each metric."""
    if run.search is None or run.search_fronts is None:
        return []
    evaluations, fronts = _frames(run)
    last = int(evaluations["evaluation"].max())
    shares = analysis.hypervolume_shares(evaluations, fronts, [last])
    found: list[Block] = []
    searched = shares[shares["goal"] != "limits"]
    for (metric, goal), rows in searched.groupby(["metric_target", "goal"], sort=False):
        scores = {str(name): own["share"] for name, own in rows.groupby("strategy", sort=False)}
        if not scores:
            continue
        ordered = sorted(scores, key=lambda name: -scores[name].mean())
        best, rest = ordered[0], ordered[1:]
        sentence = Markup(
            "After {} evaluations <b>{}</b> has the largest share of the true front's "
            "hypervolume: {}"
        ).format(f"{last:,}", best, _share(scores[best]))
        if rest:
            sentence += Markup("; {} has {}").format(rest[0], _share(scores[rest[0]]))
        baseline = next((name for name in rest[1:] if name.casefold().startswith("random")), None)
        if baseline is not None:
            sentence += Markup("; {} has {}").format(baseline, _share(scores[baseline]))
        title = f"{run.target(str(metric)).with_unit}, {GOALS.get(str(goal), str(goal))}"
        found.append(Finding(title, (sentence + Markup("."),)))
    return found


def _share(values: pd.Series) -> Markup:
    """The median over seeds with its quantiles and the mean."""
    least, median, most = values.quantile([0.05, 0.5, 0.95])
    if len(values) < 2:
        return Markup("<b>{:.3f}</b> (one seed)").format(median)
    return Markup(
        '<b>{:.3f}</b> <span class="interval">(median of {} seeds, 5 % to 95 % quantile {:.3f} to '
        "{:.3f}, mean {:.3f})</span>"
    ).format(median, len(values), least, most, values.mean())


def _nearness(run: Run, checkpoint: int) -> list[Block]:
    """How near each strategy came to the true front, on that front's own scale."""
    found = analysis.front_nearness(*_frames(run), checkpoint)
    found = found[found["goal"] == "front"]
    tables: list[Block] = []
    for i, (metric, own) in enumerate(found.groupby("metric_target", sort=False)):
        rows = [
            Row(
                str(strategy),
                tuple(_quantile_cell(each[name]) for name in analysis.NEARNESS),
            )
            for strategy, each in own.groupby("strategy", sort=False)
        ]
        rows.sort(key=lambda row: -float(row.cells[0].value or 0))
        tables.append(
            DataTable(
                f"search-nearness-{i}",
                f"How near the true front: {run.target(str(metric)).title}, {checkpoint:,} "
                "evaluations",
                (
                    Column("strategy", "strategy", numeric=False),
                    Column("share of the hypervolume", "hypervolume_share"),
                    Column("IGD+", "igd_plus"),
                    Column("additive epsilon", "additive_epsilon"),
                ),
                tuple(rows),
                note="Median over seeds; beneath, the 5 % and 95 % quantiles and the mean. "
                "Accuracy and metric are scaled so that the true front runs from 0 (its best "
                "values, the ideal point) to 1 (its worst, the nadir); the hypervolume counts up "
                "to 1.1 in both.",
            )
        )
    return tables


def _quantile_cell(values: pd.Series) -> Cell:
    known = values.dropna()
    if known.empty:
        return EMPTY
    least, median, most = known.quantile([0.05, 0.5, 0.95])
    more = {"least": float(least), "most": float(most), "mean": float(known.mean())}
    small = f"{least:.3f} to {most:.3f}, mean {known.mean():.3f}"
    return Cell(f"{median:.3f}", float(median), small, more=more)


def _attained(run: Run, entries: Mapping[str, Entry], checkpoint: int) -> list[Figure]:
    """Attainment surfaces of every metric; none where there is one seed."""
    evaluations, fronts = _frames(run)
    if evaluations["seed"].nunique() < 2:
        return []
    surfaces = analysis.attainment_surfaces(evaluations, checkpoint)
    return [
        figures.attainment_figure(
            f"search-attained-{i}",
            f"{run.target(str(metric)).title}, {checkpoint:,} evaluations",
            own,
            fronts[fronts["metric_target"] == metric],
            entries,
            run.target(str(metric)),
        )
        for i, (metric, own) in enumerate(surfaces.groupby("metric_target", sort=False))
    ]


def _drawings(run: Run) -> list[Block]:
    """Some of the true front's architectures of each metric, the cheapest and the best included."""
    _, fronts = _frames(run)
    groups: list[Block] = []
    for metric, front in fronts.groupby("metric_target", sort=False):
        target = run.target(str(metric))
        ordered = front.sort_values("metric")
        drawings = front_drawings(run.space(str(metric)), ordered, target)
        if drawings:
            groups.append(
                Group(
                    f"Architectures of the true front: {target.title}",
                    drawings,
                    text="From the cheapest to the most accurate; faint parts reach no output.",
                )
            )
    return groups


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
            _title(curves, run.target(metric), goal) or "Share of the true front's hypervolume",
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


def _title(curves: pd.DataFrame, target: TargetWords, goal: str) -> str:
    """Metric and goal of a figure, as far as a run has several of them."""
    several_metrics = curves["metric_target"].nunique() > 1
    several_goals = curves["goal"].nunique() > 1
    return ", ".join([target.title] * several_metrics + [GOALS.get(goal, goal)] * several_goals)


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
                ", ".join(part for part in (_title(curves, target, goal), under) if part),
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
    *,
    last: bool,
) -> list[DataTable]:
    """Best accuracies under each limit after some evaluations, a table a metric and goal."""
    evaluations, fronts = _frames(run)
    bests = analysis.best_under_limits(evaluations, limits, [checkpoint])
    made = []
    groups = bests.groupby(["metric_target", "goal"], sort=False)
    for i, ((metric, goal), rows) in enumerate(groups):
        target = run.target(metric)
        bounds = [float(limit) for limit in limits[metric]]
        lines = [
            Row(str(strategy), tuple(_best(own[own["limit"] == limit]) for limit in bounds))
            for strategy, own in rows.groupby("strategy", sort=False)
        ]
        lines.sort(key=lambda row: -sum(float(cell.value or 0) for cell in row.cells))
        truth = [analysis.true_best_under_limit(fronts, metric, limit) for limit in bounds]
        best = Row("Best there is", tuple(_accuracy(value) for value in truth))
        made.append(
            DataTable(
                f"search-limits-{i}-{checkpoint}",
                f"Best accuracy under a limit: {target.title}, {checkpoint:,} evaluations, "
                f"{GOALS.get(goal, goal)}",
                (
                    Column("strategy", "strategy", numeric=False),
                    *(
                        Column(f"at most {target.amount(f'{limit:g}')}", f"accuracy_at_{limit:g}")
                        for limit in bounds
                    ),
                ),
                tuple(lines),
                foot=(*_published(target, bounds, published), best),
                folded=not last,
                note="Mean over seeds in % ± half its 95 % interval, and the metric of those "
                "architectures.",
            )
        )
    return made


def _best(rows: pd.DataFrame) -> Cell:
    if rows.empty or rows["accuracy"].isna().all():
        return EMPTY
    mean, low, high = mean_interval(rows["accuracy"])
    return _accuracy(mean, float(rows["value"].mean()), low, high)


def _accuracy(
    mean: float, value: float = np.nan, low: float = np.nan, high: float = np.nan
) -> Cell:
    """A cell of an accuracy in %, with the metric there and the interval where they are known."""
    if np.isnan(mean):
        return EMPTY
    known = {"low_95": low, "high_95": high, "metric": value}
    small = f"± {high - mean:.2f}" if np.isfinite(low) else ""
    small += f" at {value:.3g}" if np.isfinite(value) else ""
    more = {name: number for name, number in known.items() if np.isfinite(number)}
    return Cell(f"{mean:.2f}", mean, small.strip(), more=more)


def _published(
    target: TargetWords, bounds: Sequence[float], published: Sequence[Mapping[str, Any]]
) -> tuple[Row, ...]:
    own = [each for each in published if each["metric"] == target.key]
    rows = []
    for method in dict.fromkeys(str(each["method"]) for each in own):
        by_limit = {
            target.sign * float(each["limit"]): each for each in own if each["method"] == method
        }
        cells = []
        for bound in bounds:
            each = by_limit.get(bound)
            if each is None:
                cells.append(EMPTY)
                continue
            value = each.get("value")
            there = np.nan if value is None else target.sign * float(value)
            cells.append(_accuracy(float(each["accuracy"]), there))
        source = next(str(each.get("source") or "") for each in by_limit.values())
        small = "published" + (f", {source}" if source else "")
        rows.append(Row(method, tuple(cells), small))
    return tuple(rows)


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


def _failures(run: Run) -> tuple[str, ...]:
    failed = run.info.get("search_failures") or []
    return tuple(
        f"{each.get('strategy')}, seed {each.get('seed')}: "
        + (str(each.get("error") or "").strip().splitlines() or [""])[-1]
        for each in failed
        if isinstance(each, Mapping)
    )
