"""`hwbench scenarios`: what can be run by name."""

from __future__ import annotations

from typing import Any

import typer

from hwbench.cli.output import AsJson, ScenarioName, listed, print_json, print_listing
from hwbench.cli.words import duration_in_words

app = typer.Typer(
    help="Look at scenarios: studies, simulations and searches that are run by name.\n\n"
    "hwbench scenarios list",
    no_args_is_help=True,
)

PARTS = ("study", "simulation", "search")


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the scenarios that can be run by name, and about how long each takes on two cores.

    hwbench scenarios list
    """
    from hwbench.assets import SCENARIOS
    from hwbench.runs.scenario import load_scenario, scenario_files

    def row(name: str) -> dict[str, Any]:
        scenario = load_scenario(name)
        return {
            "name": name,
            "parts": [part for part in PARTS if getattr(scenario, part) is not None],
            "minutes": scenario.minutes,
            "title": scenario.title,
        }

    rows = listed(scenario_files(), row, hidden=SCENARIOS.hidden())
    if as_json:
        print_json(rows)
        return
    shown = [
        {
            **row,
            "parts": ", ".join(row["parts"]),
            "takes": "" if row["minutes"] is None else duration_in_words(row["minutes"]),
        }
        for row in rows
    ]
    print_listing(shown, ["name", "parts", "takes", "title"], as_json=False)


@app.command()
def show(name: ScenarioName, as_json: AsJson = False) -> None:
    """Print a scenario's file, to copy and change.

    hwbench scenarios show quick
    """
    from hwbench.runs.scenario import load_scenario, scenario_path

    path = scenario_path(name)
    scenario = load_scenario(name)
    if as_json:
        print_json({"name": name, "path": str(path), **scenario.model_dump(mode="json")})
        return
    typer.echo(path.read_text(encoding="utf-8"), nl=False)
