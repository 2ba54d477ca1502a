"""`hwbench report`: pages for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Write a run's HTML page.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command()
def write(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The page; RUN/report.html by default."),
    ] = None,
) -> None:
    """Write one self-contained HTML page about a run."""
    from hwbench.report import write_report

    typer.echo(f"report: {write_report(folder, output)}")
