"""`hwbench predictors`: the zoo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hwbench.cli import completion
from hwbench.cli.output import NEEDS, AsJson, listed, print_json, print_listing, tell
from hwbench.cli.output_paths import output_file

app = typer.Typer(
    help="Look at the predictor zoo.\n\nhwbench predictors list", no_args_is_help=True
)


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List all predictors.

    hwbench predictors list
    """
    from hwbench.assets import PREDICTORS
    from hwbench.predictors import list_predictors, predictor_card
    from hwbench.predictors.installed import missing_for

    def row(name: str) -> dict[str, Any]:
        card = predictor_card(name)
        lacks = missing_for(name, card)
        needs = {} if lacks is None else {NEEDS: f"hwbench[{lacks.extra}]"}
        return {"name": name, **card.model_dump(mode="json"), **needs}

    rows = listed(list_predictors(), row, hidden=PREDICTORS.hidden())
    print_listing(rows, ["name", "title", "family"], as_json=as_json)


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="PREDICTOR",
            help="A predictor's name (hwbench predictors list), or the path of its card.",
            autocompletion=completion.predictors,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Show a predictor's card.

    hwbench predictors show xgboost
    """
    from hwbench.predictors import predictor_card

    found = predictor_card(name)
    card = {"when": found.when, **found.model_dump(mode="json")}
    if as_json:
        print_json({"name": name, **card})
        return
    search = card.pop("search")
    defaults = card.pop("defaults")
    rows = [{"key": key, "value": value} for key, value in card.items() if value]
    print_listing(rows, ["key", "value"], as_json=False, title=card["title"])
    parameters = [
        {
            "hyper-parameter": parameter,
            "default": defaults.get(parameter),
            "searched": _describe_range(search.get(parameter)),
        }
        for parameter in dict.fromkeys([*defaults, *search])
    ]
    if parameters:
        print_listing(parameters, ["hyper-parameter", "default", "searched"], as_json=False)


@app.command()
def operators(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help='A .json or .yaml file of what each operator takes: {"conv": {"mean": 1.2}, ...}, '
            'or by position {"0->1=conv": 1.2}; "base" is the rest of the network.',
        ),
    ],
    space: Annotated[
        str,
        typer.Option(
            metavar="SPACE",
            help="The search space of the operators.",
            autocompletion=completion.spaces,
        ),
    ],
    output: Annotated[Path, output_file("The .hwb file to write.", suffixes=(".hwb",))],
    unit: Annotated[str, typer.Option(metavar="UNIT", help="The unit of the numbers.")] = "ms",
    as_json: AsJson = False,
) -> None:
    """Make a lookup table of operators that were measured one by one.

    hwbench predictors operators board.json --space nasbench201 -o board.hwb
    """
    from hwbench.predictors.operator_table import operator_model
    from hwbench.spaces import get_space

    found = get_space(space)
    operator_model(found, file, unit=unit, target=file.stem).save(output)
    if as_json:
        print_json(
            {"predictor": "lookup_table", "space": found.name, "unit": unit, "model": str(output)}
        )
        return
    tell(f"lookup table of {file} for {space}, in {unit}; model: {output}")


def _describe_range(found: dict[str, object] | None) -> str:
    if found is None:
        return ""
    if found["choices"] is not None:
        return f"one of {found['choices']}"
    return f"{found['low']} .. {found['high']}{' (logarithmic)' if found['log'] else ''}"
