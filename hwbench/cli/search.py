"""`hwbench search`: search architectures on tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from hwbench.cli.estimated import totals
from hwbench.cli.output import (
    AsJson,
    RunFolder,
    ScenarioName,
    Workers,
    listed,
    print_json,
    print_listing,
    print_notes,
    progress_bar,
    run_part,
    say,
    tell,
    worker_count,
)
from hwbench.errors import HwbenchError
from hwbench.results.names import SEARCH_FRONTS, SEARCHES, SEARCHES_VERIFIED
from hwbench.results.record import notes_of, read_record, spec_of
from hwbench.wording import counted, duration, shared_work

app = typer.Typer(
    help="Compare search strategies at equal numbers of evaluations.\n\nhwbench search list",
    no_args_is_help=True,
)


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the strategies and their parameters.

    hwbench search list
    """
    from hwbench.search.registry import (
        STRATEGIES,
        list_strategies,
        strategy_class,
        strategy_parameters,
    )

    def row(name: str) -> dict[str, Any]:
        strategy = strategy_class(name)
        parameters = strategy_parameters(name)
        return {
            "name": name,
            "title": strategy.title,
            "family": strategy.family,
            "paper": strategy.paper,
            "parameters": parameters if as_json else _text(parameters),
        }

    rows = listed(list_strategies(), row, hidden=STRATEGIES.hidden())
    print_listing(rows, ["name", "title", "family", "parameters", "paper"], as_json=as_json)


@app.command()
def run(
    scenario: ScenarioName,
    output: RunFolder = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Run the searches of a scenario and write their results into a run folder.

    What was stopped goes on with the same command.

    hwbench search run search-quick -o runs/searches
    """
    from hwbench.cli.run_results import run_results

    folder = run_part("search", scenario, output, workers)
    if as_json:
        print_json(run_results(folder, "search"))
        return
    print_search(folder)
    print_notes(notes_of(read_record(folder)))
    tell(f"results: {folder}")


@app.command()
def estimate(scenario: ScenarioName, workers: Workers = None, as_json: AsJson = False) -> None:
    """Say what the searches of a scenario will cost, from a part of one of each that is run now.

    hwbench search estimate search-quick
    """
    from hwbench.runs.scenario import is_shipped, load_scenario
    from hwbench.search.estimate import estimate_search

    spec = load_scenario(scenario).search
    if spec is None:
        raise HwbenchError(f"scenario {scenario} has no section [search]")
    spec, missing = spec.installed(without_missing=is_shipped(scenario))
    for sentence in missing:
        say(sentence)
    with progress_bar("timing searches") as progress:
        found = estimate_search(spec, progress=progress)
    cpu_seconds, slowest = float(found["seconds"].sum()), float(found["slowest"].max())
    total = {
        "searches": int(found["searches"].sum()),
        "evaluations": int(found["searches"].sum()) * spec.evaluations,
        **totals(cpu_seconds, worker_count(workers), slowest),
    }
    if as_json:
        print_json({**total, "strategies": found.to_dict("records")})
        return
    rows = [
        {
            "strategy": row.strategy,
            "searches": f"{row.searches:,}",
            **({"fits": f"{row.fits:,}"} if found["fits"].any() else {}),
            "one at most": duration(row.slowest),
            "in all": duration(row.seconds),
        }
        for row in found.itertuples()
    ]
    print_listing(rows, list(rows[0]), as_json=False, wrap=False)
    for row in found[found["error"].notna()].itertuples():
        tell(f"{row.strategy} fails, and is not counted: {row.error}")
    evaluations = counted(total["evaluations"], "evaluation")
    searches = counted(total["searches"], "search", "searches")
    tell(f"{searches}, {evaluations}, {shared_work(total)}")


def print_search(folder: Path) -> None:
    """Print hypervolume, distances and best accuracies of every strategy, and predicting's cost."""
    if not (folder / SEARCHES).exists():
        return
    from hwbench.analysis.search import (
        best_under_limits,
        front_distances,
        hypervolume_shares,
        true_best_under_limit,
    )
    from hwbench.results.columns import SEARCH_COLUMNS, SEARCH_FRONT_COLUMNS
    from hwbench.results.frames import read_rows
    from hwbench.results.run import Run

    record = read_record(folder) or {}
    spec = spec_of(record, "search")
    evaluations = read_rows(folder / SEARCHES, SEARCH_COLUMNS)
    fronts = read_rows(folder / SEARCH_FRONTS, SEARCH_FRONT_COLUMNS)
    if spec is None or evaluations is None or fronts is None:
        return
    _print_shares(hypervolume_shares(evaluations, fronts, spec["checkpoints"]))
    _print_distances(front_distances(evaluations, fronts, spec["checkpoints"]))
    limits = Run(folder, record).search_limits
    bests = best_under_limits(evaluations, limits, spec["checkpoints"][:2][-1:])
    for (metric, goal), group in bests.groupby(["metric_target", "goal"], sort=False):
        checkpoint = group["evaluation"].iloc[0]
        title = f"{metric}: best accuracy under each limit, {checkpoint} evaluations, goal {goal}"
        truth = {
            limit: true_best_under_limit(fronts, str(metric), float(limit))
            for limit in group["limit"].unique()
        }
        _print_means(group, "accuracy", "limit", title, digits=2, truth=truth)
    _print_verified(folder / SEARCHES_VERIFIED)
    failures = record.get("search_failures") or []
    if failures:
        reason = failures[0]["error"].strip().splitlines()[-1]
        failed = counted(len(failures), "search", "searches")
        tell(f"{failed} failed, the first ({failures[0]['strategy']}): {reason}")


def _print_shares(shares: Any) -> None:
    """Shares of the true front's hypervolume: normalised, and as published."""
    seeds = shares["seed"].nunique()
    kinds = {
        "share": "on objectives normalised by the true front (ideal 0, nadir 1)",
        "published_share": "as published, down to accuracy 0",
    }
    for column, kind in kinds.items():
        known = shares[shares[column].notna() & (shares["goal"] == "front")]
        if known.empty:  # an older run that does not say what to normalise by
            continue
        tell(
            f"Share of the true front's hypervolume by evaluations, {kind}: median of {seeds} "
            "seeds (quartiles), mean"
        )
        for metric, group in known.groupby("metric_target", sort=False):
            _print_spreads(group, [column], str(metric), digits=4, best_first=-1)


def _print_distances(distances: Any) -> None:
    """IGD+ and additive epsilon to the true front, at the last checkpoint."""
    of_front = distances[distances["goal"] == "front"]
    if of_front.empty:
        return
    last = of_front["evaluation"].max()
    tell(
        f"Distance from the true front after {last} evaluations, normalised, 0 is best: median of "
        "seeds (quartiles), mean"
    )
    names = {"igd_plus": "IGD+", "epsilon_additive": "additive epsilon"}
    rows = of_front[of_front["evaluation"] == last].rename(columns=names)
    for metric, group in rows.groupby("metric_target", sort=False):
        _print_spreads(group, list(names.values()), str(metric), digits=4, best_first=1)


def _print_spreads(
    rows: Any, measures: list[str], title: str, *, digits: int, best_first: int
) -> None:
    """A table of medians with quartiles and means over seeds: a row a strategy, the best first.

    Parameters
    ----------
    measures : columns of `rows`; a single one is shown at each evaluation.
    best_first : 1 where less is better, else -1.
    """
    from hwbench.analysis.statistics import HALF, central_range

    places = sorted(rows["evaluation"].unique())
    lines: list[dict[str, str]] = []
    order: list[tuple[float, float, int]] = []
    for name, own in rows.groupby("strategy", sort=False):
        line = {"strategy": str(name)}
        for place in places:
            for measure in measures:
                values = own.loc[own["evaluation"] == place, measure]
                low, median, high = central_range(values, HALF)
                heading = f"{place:g}" if len(measures) == 1 else measure
                line[heading] = f"{median:.{digits}f} ({low:.{digits}f} .. {high:.{digits}f})"
                line[f"mean, {heading}"] = f"{values.mean():.{digits}f}"
        last = own.loc[own["evaluation"] == places[-1], measures[0]]
        order.append((best_first * last.median(), best_first * last.mean(), len(order)))
        lines.append(line)
    lines = [lines[place] for *_, place in sorted(order)]
    print_listing(lines, list(lines[0]), as_json=False, title=title, wrap=False)


def _print_means(
    rows: Any,
    value: str,
    column: str,
    title: str,
    *,
    digits: int,
    truth: dict[float, float] | None = None,
) -> None:
    """A table of means over seeds: a row a strategy, the best last column first."""
    means = rows.pivot_table(index="strategy", columns=column, values=value, dropna=False)
    means = means.sort_values(means.columns[-1], ascending=False)
    lines = [
        {"strategy": name, **{f"{key:g}": f"{row[key]:.{digits}f}" for key in means.columns}}
        for name, row in means.iterrows()
    ]
    if truth is not None:
        lines.append(
            {
                "strategy": "(best there is)",
                **{f"{k:g}": f"{v:.{digits}f}" for k, v in truth.items()},
            }
        )
    columns = ["strategy", *(f"{key:g}" for key in means.columns)]
    print_listing(lines, columns, as_json=False, title=title, wrap=False)


def _print_verified(path: Path) -> None:
    from hwbench.results.columns import SEARCH_VERIFIED_COLUMNS
    from hwbench.results.frames import read_frame

    verified = read_frame(path, SEARCH_VERIFIED_COLUMNS)
    if verified is None:
        return
    tell(
        "Searching with a predicted metric, verified at the end: measurements of the metric for "
        "the fit, to verify and saved; accuracy lost (MRA, points), really and as simulated: "
        "medians (quartiles), and means"
    )
    measures = {"mra_all": "of all selected", "mra_pareto": "of verified picks"}
    for metric, of_metric in verified.groupby("metric_target", sort=False):
        for measure, title in measures.items():
            rows = [
                _verified_row(str(strategy), int(size), group, measure)
                for (strategy, size), group in of_metric.groupby(["strategy", "training_size"])
            ]
            title = f"{metric}, MRA {title}"
            print_listing(rows, list(rows[0]), as_json=False, title=title, wrap=False)


def _verified_row(strategy: str, size: int, group: Any, measure: str) -> dict[str, Any]:
    from hwbench.analysis.statistics import HALF, central_range

    mean = group.mean(numeric_only=True)
    low, median, high = central_range(group[measure], HALF)
    expected = {}
    if f"{measure}_expected_median" in mean:
        expected["simulated"] = f"{mean[f'{measure}_expected_median']:.2f}"
    return {
        "strategy": strategy,
        "fitted to": size,
        "verified": f"{mean['n_selected']:.1f}",
        "saved": f"{mean['evaluations'] - size - mean['n_selected']:.0f}",
        "tau": f"{mean['kendall_tau']:.3f}",
        "MRA": f"{median:.2f} ({low:.2f} .. {high:.2f})",
        **expected,
        "mean": f"{mean[measure]:.2f}",
        "simulated mean": f"{mean[f'{measure}_expected']:.2f}",
    }


def _text(parameters: dict[str, Any]) -> str:
    parts = []
    for name, value in parameters.items():
        shown = f"{value[0]} .. {value[-1]}" if isinstance(value, tuple) else value
        parts.append(f"{name}={'card' if shown is None else shown}")
    return ", ".join(parts)
