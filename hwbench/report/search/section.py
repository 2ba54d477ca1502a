"""The section of the report on searches: figures, front cells, and tables of best accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from hwbench.analysis import search as analysis
from hwbench.analysis.statistics import HALF, central_range, mean_interval
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
from hwbench.report.candidates import candidates_block
from hwbench.report.search import figures
from hwbench.results.names import SEARCH_FRONTS, SEARCHES, SEARCHES_VERIFIED
from hwbench.results.run import Run, TargetWords
from hwbench.wording import counted

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
        "seeds, bands reach from the lower to the upper quartile, thin dotted lines are means. A "
        "key switches a strategy on or off in every figure."
    )
    blocks: list[Block] = [Text(text), *candidates_block(run, "search")]
    failures = _failures(run)
    if failures:
        blocks.append(
            Notice(
                f"Left out: {counted(len(failures), 'search', 'searches')} that failed.",
                "Which, and why",
                failures,
            )
        )
    blocks += [
        Group(
            "Hypervolume against evaluations",
            hypervolume_figures(run, entries),
            legend,
            _hypervolume_words(run),
        ),
        Group(
            "Regret against evaluations",
            _regret(run, entries, limits),
            legend,
            "How far the best accuracy found lies below the best there is, under each limit of the "
            "metric.",
        ),
    ]
    blocks += _distances(run, checkpoints)
    for title, own in _attained(run, entries, checkpoints):
        blocks.append(
            Group(
                f"Fronts: {title}",
                own,
                (*legend, figures.TRUTH),
                "Empirical attainment surfaces: lines are what half of a strategy's seeds "
                "attained, bands reach from what a quarter attained to what three quarters did.",
            )
        )
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
                "random candidates; thin dotted lines are means.",
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
        share = "share" if rows["share"].notna().all() else "published_share"
        scores = {str(name): own for name, own in rows.groupby("strategy", sort=False)}
        if not scores:
            continue
        ordered = sorted(
            scores, key=lambda name: (-scores[name][share].median(), -scores[name][share].mean())
        )
        best, rest = ordered[0], ordered[1:]
        sentence = Markup(
            "After {} evaluations <b>{}</b> has the largest share of the true front's "
            "hypervolume{}: {}"
        ).format(
            f"{last:,}",
            best,
            ", on normalised objectives" if share == "share" else ", as published",
            _share(scores[best], share),
        )
        if rest:
            sentence += Markup("; {} has {}").format(rest[0], _share(scores[rest[0]], share))
        baseline = next((name for name in rest[1:] if name.casefold().startswith("random")), None)
        if baseline is not None:
            sentence += Markup("; {} has {}").format(baseline, _share(scores[baseline], share))
        title = f"{run.target(str(metric)).with_unit}, {GOALS.get(str(goal), str(goal))}"
        found.append(Finding(title, (sentence + Markup("."),)))
    return found


def _share(rows: pd.DataFrame, share: str) -> Markup:
    """The median share with its quartiles, its mean, and the published one's median."""
    lower, median, upper = central_range(rows[share], HALF)
    published = ""
    if share != "published_share":
        published = f", {central_range(rows['published_share'], HALF)[1]:.3f} as published"
    if len(rows) == 1:
        return Markup("<b>{:.3f}</b> (one seed{})").format(median, published)
    return Markup(
        '<b>{:.3f}</b> <span class="interval">(median of {} seeds, quartiles {:.3f} to {:.3f}, '
        "mean {:.3f}{})</span>"
    ).format(median, len(rows), lower, upper, rows[share].mean(), published)


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


SHARES = {
    "share": ("", "share of the true front's hypervolume, normalised"),
    "published_share": ("-published", "share of the true front's hypervolume, as published"),
}
"""Columns of shares: what their figures' names end in, and what they are."""


def hypervolume_figures(run: Run, entries: Mapping[str, Entry]) -> list[Figure]:
    """Share of the true front's hypervolume against evaluations, a figure a metric and goal."""
    made = []
    for share, (ending, words) in SHARES.items():
        curves = analysis.hypervolume_curves(*_frames(run), share)
        groups = curves.groupby(["metric_target", "goal"], sort=False)
        for i, ((metric, goal), rows) in enumerate(groups):
            if goal == "limits":
                continue
            title = _title(curves, run.target(metric), goal)
            made.append(
                figures.anytime_figure(
                    f"search-hypervolume{ending}-{i}",
                    ", ".join(part for part in (title, words.partition(", ")[2]) if part),
                    rows,
                    entries,
                    words,
                    digits=4,
                )
            )
    return made


def _hypervolume_words(run: Run) -> str:
    """What is normalised by what, with the numbers of each metric."""
    known = analysis.true_fronts(_frames(run)[1])
    boxes = []
    for metric, front in known.items():
        target = run.target(metric)
        (best, least), (worst, most) = front.ideal, front.nadir
        boxes.append(
            f"{target.title}: ideal {best:.2f} % at {target.amount(f'{least:.4g}')}, nadir "
            f"{worst:.2f} % at {target.amount(f'{most:.4g}')}"
        )
    return (
        "Normalised: accuracy and metric run from 0 at the ideal, the best of both on the true "
        "front, to 1 at the nadir, the worst of both on that front, and area counts up to 1.1. "
        f"({'; '.join(boxes) or 'This run does not say them.'}) As published: area counts down to "
        "accuracy 0 and up to 1.1 times the largest standardised metric, so that nearly every "
        "search has nearly all of it."
    )


DISTANCES = {"igd_plus": "IGD+", "epsilon_additive": "additive epsilon"}


def _distances(run: Run, checkpoints: Sequence[int]) -> list[DataTable]:
    """How far from the true front the searches of each metric were at every checkpoint."""
    found = analysis.front_distances(*_frames(run), checkpoints)
    made = []
    for i, ((metric, goal), rows) in enumerate(
        found.groupby(["metric_target", "goal"], sort=False)
    ):
        columns = [Column("strategy", "strategy", numeric=False)]
        columns += [
            Column(f"{title}, {checkpoint:,} evaluations", f"{name}_{checkpoint}")
            for checkpoint in checkpoints
            for name, title in DISTANCES.items()
        ]
        lines = [
            Row(
                str(strategy),
                tuple(
                    _distance(own.loc[own["evaluation"] == checkpoint, name])
                    for checkpoint in checkpoints
                    for name in DISTANCES
                ),
            )
            for strategy, own in rows.groupby("strategy", sort=False)
        ]
        lines.sort(key=lambda row: float(row.cells[-2].value or 0))
        title = f"{run.target(str(metric)).title}, {GOALS.get(str(goal), str(goal))}"
        made.append(
            DataTable(
                f"search-distances-{i}",
                f"Distance from the true front: {title}",
                tuple(columns),
                tuple(lines),
                note="Median over seeds, below it the quartiles and the mean; 0 is the true front. "
                "On normalised objectives: IGD+ is the mean distance from the true front's points "
                "to what was found, additive epsilon by how much all of that must improve in both "
                "objectives to be as good everywhere.",
                folded=i > 0,
            )
        )
    return made


def _distance(values: pd.Series) -> Cell:
    lower, median, upper = central_range(values, HALF)
    if np.isnan(median):
        return EMPTY
    mean = float(values.mean())
    small = f"{lower:.3f} to {upper:.3f}, mean {mean:.3f}" if len(values) > 1 else ""
    more = {"lower_quartile": lower, "upper_quartile": upper, "mean": mean}
    return Cell(f"{median:.3f}", median, small, more=more)


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


def _attained(
    run: Run, entries: Mapping[str, Entry], checkpoints: Sequence[int]
) -> list[tuple[str, list[Figure]]]:
    made = []
    evaluations, fronts = _frames(run)
    of_front = evaluations[evaluations["goal"] == "front"]
    for i, (metric, rows) in enumerate(of_front.groupby("metric_target", sort=False)):
        target = run.target(metric)
        front = fronts[fronts["metric_target"] == metric]
        own = [
            figures.attainment_figure(
                f"search-attainment-{i}-{checkpoint}",
                f"after {checkpoint:,} evaluations, {rows['seed'].nunique()} seeds",
                analysis.attainment_surfaces(rows[rows["evaluation"] <= checkpoint]),
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
