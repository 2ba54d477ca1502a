"""`hwbench benchmark`: study, simulation and report in one go."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from hwbench.cli.output import RunFolder, Workers, run_folder, stage_bars, worker_count


def benchmark(
    scenario: Annotated[
        str, typer.Argument(metavar="[SCENARIO]", help="A scenario's name or TOML file.")
    ] = "quick",
    output: RunFolder = None,
    workers: Workers = None,
) -> None:
    """Run a scenario, print what it found, and write its HTML report."""
    from hwbench.cli.search import print_search
    from hwbench.cli.summary import print_simulation, print_study
    from hwbench.report import write_report
    from hwbench.runs import run_scenario

    start = time.monotonic()
    with stage_bars() as stage:
        folder = run_scenario(
            scenario,
            run_folder(scenario, output),
            workers=worker_count(workers),
            stage=stage,
        )
    page = write_report(folder)
    print_study(folder)
    print_simulation(folder)
    print_search(folder)
    typer.echo(f"took {time.monotonic() - start:.0f} s")
    typer.echo(f"report: {page.resolve()}")
