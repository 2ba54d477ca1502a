"""`hwbench study`: compare predictors."""

from __future__ import annotations

import typer

from hwbench.cli.output import (
    RunFolder,
    ScenarioName,
    Workers,
    run_part,
)

app = typer.Typer(help="Compare predictors at every training size.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command()
def run(scenario: ScenarioName, output: RunFolder = None, workers: Workers = None) -> None:
    """Run the study of a scenario and write its results into a run folder."""
    from hwbench.cli.summary import print_study

    folder = run_part("study", scenario, output, workers)
    print_study(folder)
    typer.echo(f"results: {folder}")
