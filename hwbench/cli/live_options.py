"""How commands on live searches are told which one."""

from __future__ import annotations

from typing import Annotated

import typer

from hwbench.cli import completion

SearchName = Annotated[
    str,
    typer.Argument(
        metavar="SEARCH",
        help="A search's name (hwbench live list), or the path of its TOML file.",
        autocompletion=completion.searches,
    ),
]
Recipe = Annotated[
    str,
    typer.Option(
        metavar="RECIPE",
        help="The settings: published; cpu, for minutes of one core on CIFAR-10 of 16 pixels; or "
        "small, a smoke test.",
    ),
]
