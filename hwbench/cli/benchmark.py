"""`hwbench benchmark`: study, simulation and report in one go."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated

import typer

from hwbench.cli import completion
from hwbench.cli.output import (
    AsJson,
    Fresh,
    RunFolder,
    Workers,
    interruptible,
    planned_seconds,
    print_json,
    print_notes,
    run_folder,
    same_command,
    say,
    stage_bars,
    tell,
    worker_count,
)
from hwbench.cli.words import duration_in_words
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
            metavar="SCENARIO",
            help="A scenario's name (hwbench scenarios list), or the path of its TOML file; by "
            "default quick.",
            autocompletion=completion.scenarios,
        ),
    ] = None,
    preset: Annotated[
        Preset | None,
        typer.Option(
            help="How much of the published study to run, in place of a scenario: on two cores "
            "quick takes about 7 minutes, good about 3 hours, paper at most 156 days; by default "
            "quick.",
        ),
    ] = None,
    output: RunFolder = None,
    workers: Workers = None,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> None:
    """Run a scenario, print what it found, and write its HTML report.

    hwbench benchmark quick

    hwbench benchmark --preset good -o runs/good

    Stopped at any moment, the same command goes on where it was.
    """
    from hwbench.cli.run_results import run_results
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
    with interruptible(same_command()), stage_bars(seconds=planned_seconds(name, workers)) as stage:
        run_scenario(
            name, folder, workers=worker_count(workers), fresh=fresh, stage=stage, note=say
        )
    page = write_report(folder)
    if as_json:
        seconds = round(time.monotonic() - start, 1)
        print_json({**run_results(folder), "seconds": seconds, "report": str(page.resolve())})
        return
    print_study(folder)
    print_simulation(folder)
    print_search(folder)
    print_notes(notes_of(read_record(folder)))
    tell(f"took {time.monotonic() - start:.0f} s")
    tell(f"report: {page.resolve()}")


def _chosen(scenario: str | None, preset: Preset | None) -> str:
    if preset is None:
        return scenario or SCENARIO_OF[Preset.quick]
    if scenario is not None:
        raise HwbenchError(
            f"{scenario} and --preset {preset.value}: give one of the two; the preset is the "
            f"scenario {SCENARIO_OF[preset]}"
        )
    return SCENARIO_OF[preset]
