"""`hwbench benchmark`: study, simulation and report in one go."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from hwbench.cli import completion
from hwbench.cli.output import (
    RunFolder,
    Workers,
    interruptible,
    print_notes,
    run_folder,
    say,
    stage_bars,
    worker_count,
)


def benchmark(
    scenario: Annotated[
        str,
        typer.Argument(
            metavar="[SCENARIO]",
            help="A scenario's name or TOML file.",
            autocompletion=completion.scenarios,
        ),
    ] = "quick",
    output: RunFolder = None,
    workers: Workers = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Remove results that the folder holds.")
    ] = False,
) -> None:
    """Run a scenario, print what it found, and write its HTML report.

    Stopped at any moment, the same command goes on where it was.
    """
    from hwbench.cli.search import print_search
    from hwbench.cli.summary import print_simulation, print_study
    from hwbench.report import write_report
    from hwbench.results.record import notes_of, read_record
    from hwbench.runs.run import run_scenario

    start = time.monotonic()
    folder = run_folder(scenario, output)
    with interruptible(f"hwbench benchmark {scenario} -o {folder}"), stage_bars() as stage:
        run_scenario(
            scenario, folder, workers=worker_count(workers), fresh=fresh, stage=stage, note=say
        )
    page = write_report(folder)
    print_study(folder)
    print_simulation(folder)
    print_search(folder)
    print_notes(notes_of(read_record(folder)))
    typer.echo(f"took {time.monotonic() - start:.0f} s")
    typer.echo(f"report: {page.resolve()}")
