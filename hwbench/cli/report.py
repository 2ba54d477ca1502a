"""`hwbench report`: pages for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwbench.cli.output import working

app = typer.Typer(help="Write HTML pages about runs.", no_args_is_help=True)


@app.command()
def write(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="A run folder: a scenario's, a live search's or a sweep's; or several, for one "
            "page of all.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The page; RUN/report.html by default."),
    ] = None,
) -> None:
    """Write one self-contained HTML page about a run, or about several runs."""
    from hwbench.report import write_report

    with working("writing the page"):
        page = write_report(folders, output)
    typer.echo(f"report: {page}")


@app.command()
def compare(
    one: Annotated[Path, typer.Argument(metavar="RUN_A", help="A run folder.")],
    other: Annotated[Path, typer.Argument(metavar="RUN_B", help="Another one.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The page.")] = Path(
        "compare.html"
    ),
) -> None:
    """Write a page that compares two runs: what differs, and which differences are significant."""
    from hwbench.report import write_comparison

    with working("writing the page"):
        page = write_comparison(one, other, output)
    typer.echo(f"report: {page}")
