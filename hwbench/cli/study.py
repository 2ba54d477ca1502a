"""`hwbench study`: compare predictors."""

from __future__ import annotations

from typing import Annotated, Any

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
def run(
    scenario: ScenarioName,
    output: RunFolder = None,
    workers: Workers = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME",
            help="Compare predictors on these features: onehot, counts, live, path, graph. "
            "By default each has its card's.",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(min=1, help="Search hyper-parameters in every fit: so many configurations."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.001, help="And for so long at most, a fit.")
    ] = None,
    search: Annotated[
        str, typer.Option(help='How to search: "random", or "tpe" (extra hwbench[tpe]).')
    ] = "random",
) -> None:
    """Run the study of a scenario and write its results into a run folder."""
    from hwbench.cli.summary import print_study

    changes: dict[str, Any] = {}
    if encoding is not None:
        changes["encodings"] = [name.strip() for name in encoding.split(",") if name.strip()]
    if trials is not None or seconds is not None:
        limits = {"trials": trials, "seconds": seconds, "method": search}
        changes["tuning"] = {name: value for name, value in limits.items() if value is not None}
    elif search != "random":
        raise typer.BadParameter("--search needs --trials or --seconds")
    folder = run_part("study", scenario, output, workers, changes)
    print_study(folder)
    typer.echo(f"results: {folder}")
