"""`hwbench simulate`: what a predictor's errors cost a selection."""

from __future__ import annotations

from typing import Annotated

import typer

from hwbench.cli.output import (
    AsJson,
    RunFolder,
    ScenarioName,
    Workers,
    print_json,
    print_listing,
    run_part,
)

app = typer.Typer(help="Simulate what a predictor's errors cost.", no_args_is_help=True)


@app.command()
def run(scenario: ScenarioName, output: RunFolder = None, workers: Workers = None) -> None:
    """Run the simulation of a scenario and write its results into a run folder."""
    from hwbench.cli.summary import print_simulation

    folder = run_part("simulation", scenario, output, workers)
    print_simulation(folder)
    typer.echo(f"results: {folder}")


@app.command()
def select(
    accuracy: Annotated[str, typer.Option(help="table:column of the true accuracy in %.")],
    metric: Annotated[str, typer.Option(help="table:column of the hardware metric.")],
    candidates: Annotated[int, typer.Option(min=2, help="Architectures to select from.")] = 1000,
    deviation: Annotated[
        float, typer.Option(help="Deviation of the errors, in deviations of the metric.")
    ] = 0.2,
    repeats: Annotated[int, typer.Option(min=1, help="Selections to simulate.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of all randomness.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Simulate selections on two columns and print the mean of every measure."""
    from hwbench.simulation.objectives import load_objectives
    from hwbench.simulation.selection import simulate_selection
    from hwbench.statistics import mean_interval

    objectives = load_objectives(accuracy, metric)
    frame = simulate_selection(
        objectives.accuracy,
        objectives.metric,
        n_candidates=candidates,
        deviation=deviation,
        repeats=repeats,
        seed=seed,
    )
    intervals = {column: mean_interval(frame[column]) for column in frame}
    if as_json:
        names = ("mean", "low", "high")
        print_json({key: dict(zip(names, value, strict=True)) for key, value in intervals.items()})
        return
    rows = [
        {"measure": key, "mean": f"{mean:.3f}", "95 % interval": f"{low:.3f} .. {high:.3f}"}
        for key, (mean, low, high) in intervals.items()
    ]
    print_listing(rows, ["measure", "mean", "95 % interval"], as_json=False)
