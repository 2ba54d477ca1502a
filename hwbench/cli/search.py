"""`hwbench search`: search architectures on tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from hwbench.cli.output import (
    AsJson,
    RunFolder,
    ScenarioName,
    Workers,
    listed,
    print_listing,
    print_notes,
    run_part,
)
from hwbench.results.names import SEARCH_FRONTS, SEARCHES, SEARCHES_VERIFIED
from hwbench.results.record import notes_of, read_record, spec_of

app = typer.Typer(
    help="Compare search strategies at equal numbers of evaluations.", no_args_is_help=True
)


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the strategies and their parameters."""
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
def run(scenario: ScenarioName, output: RunFolder = None, workers: Workers = None) -> None:
    """Run the searches of a scenario and write their results into a run folder.

    What was stopped goes on with the same command.
    """
    folder = run_part("search", scenario, output, workers)
    print_search(folder)
    print_notes(notes_of(read_record(folder)))
    typer.echo(f"results: {folder}")


def print_search(folder: Path) -> None:
    """Print hypervolume and best accuracies of every strategy, and what predicting cost."""
    if not (folder / SEARCHES).exists():
        return
    from hwbench.analysis.search import (
        best_under_limits,
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
    seeds = evaluations["seed"].nunique()
    shares = hypervolume_shares(evaluations, fronts, spec["checkpoints"])
    typer.echo(
        f"Share of the true front's hypervolume by evaluations: median of {seeds} seeds (mean)"
    )
    for (metric, goal), group in shares.groupby(["metric_target", "goal"], sort=False):
        if goal == "front":
            _print_medians(group, "share", "evaluation", str(metric), digits=3)
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
        typer.echo(
            f"{len(failures)} searches failed, the first ({failures[0]['strategy']}): {reason}"
        )


def _print_medians(rows: Any, value: str, column: str, title: str, *, digits: int) -> None:
    """A table of medians over seeds with means behind: a row a strategy, the best last first."""
    pivot = rows.pivot_table(index="strategy", columns=column, values=value, aggfunc="median")
    means = rows.pivot_table(index="strategy", columns=column, values=value, aggfunc="mean")
    pivot = pivot.sort_values(pivot.columns[-1], ascending=False)
    lines = [
        {
            "strategy": name,
            **{
                f"{key:g}": f"{row[key]:.{digits}f} ({means.loc[name, key]:.{digits}f})"
                for key in pivot.columns
            },
        }
        for name, row in pivot.iterrows()
    ]
    shown = ["strategy", *(f"{key:g}" for key in pivot.columns)]
    print_listing(lines, shown, as_json=False, title=title, wrap=False)


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
    typer.echo(
        "Searching with a predicted metric, verified at the end: measurements of the metric for "
        "the fit, to verify and saved; accuracy lost (MRA, points), really and as simulated"
    )
    for metric, of_metric in verified.groupby("metric_target", sort=False):
        rows = []
        for (strategy, size), group in of_metric.groupby(["strategy", "training_size"]):
            mean = group.mean(numeric_only=True)
            rows.append(
                {
                    "strategy": strategy,
                    "fitted to": size,
                    "verified": f"{mean['n_selected']:.1f}",
                    "saved": f"{mean['evaluations'] - size - mean['n_selected']:.0f}",
                    "tau": f"{mean['kendall_tau']:.3f}",
                    "MRA all": f"{mean['mra_all']:.2f}",
                    "simulated": f"{mean['mra_all_expected']:.2f}",
                    "MRA pareto": f"{mean['mra_pareto']:.2f}",
                    "simulated ": f"{mean['mra_pareto_expected']:.2f}",
                }
            )
        print_listing(rows, list(rows[0]), as_json=False, title=str(metric), wrap=False)


def _text(parameters: dict[str, Any]) -> str:
    parts = []
    for name, value in parameters.items():
        shown = f"{value[0]} .. {value[-1]}" if isinstance(value, tuple) else value
        parts.append(f"{name}={'card' if shown is None else shown}")
    return ", ".join(parts)
