"""`hwbench benchmark`: study, simulation and report in one go."""

from __future__ import annotations

import time
from enum import StrEnum
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
from hwbench.errors import HwbenchError


class Preset(StrEnum):
    """How much of the published study to run."""

    quick = "quick"
    good = "good"
    paper = "paper"


SCENARIO_OF = {Preset.quick: "quick", Preset.good: "good", Preset.paper: "paper-hwnas"}


def benchmark(
    scenario: Annotated[
        str | None,
        typer.Argument(
            metavar="[SCENARIO]",
            help="A scenario's name or TOML file; quick by default.",
            autocompletion=completion.scenarios,
        ),
    ] = None,
    preset: Annotated[
        Preset | None,
        typer.Option(
            help="How much of the published study to run, in place of a scenario: on two cores "
            "quick takes about 7 minutes, good about 3 hours, paper at most 156 days.",
        ),
    ] = None,
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
    from hwbench.runs.scenario import load_scenario

    start = time.monotonic()
    name = _chosen(scenario, preset)
    folder = run_folder(name, output)
    minutes = load_scenario(name).minutes
    if minutes is not None:
        say(f"{name}: about {duration_in_words(minutes)} on two cores, in {folder}")
    with interruptible(f"hwbench benchmark {name} -o {folder}"), stage_bars() as stage:
        run_scenario(
            name, folder, workers=worker_count(workers), fresh=fresh, stage=stage, note=say
        )
    page = write_report(folder)
    print_study(folder)
    print_simulation(folder)
    print_search(folder)
    print_notes(notes_of(read_record(folder)))
    typer.echo(f"took {time.monotonic() - start:.0f} s")
    typer.echo(f"report: {page.resolve()}")


def _chosen(scenario: str | None, preset: Preset | None) -> str:
    if preset is None:
        return scenario or SCENARIO_OF[Preset.quick]
    if scenario is not None:
        raise HwbenchError(
            f"{scenario} and --preset {preset.value}: give one of the two; the preset is the "
            f"scenario {SCENARIO_OF[preset]}"
        )
    return SCENARIO_OF[preset]


def duration_in_words(minutes: float) -> str:
    """Minutes as people say them: "7 minutes", "3 hours", "9 days"."""
    if minutes < 120:
        return f"{minutes:g} minutes"
    hours = minutes / 60
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
