"""`hwbench report`: pages for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwbench.cli.output import AsJson, say_written, working
from hwbench.cli.output_paths import HTML, output_file

app = typer.Typer(
    help="Write HTML pages about runs.\n\nhwbench report write runs/quick", no_args_is_help=True
)


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
        output_file("The page; by default RUN/report.html.", suffixes=HTML),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write one self-contained HTML page about a run, or about several runs.

    hwbench report write runs/quick

    hwbench report write runs/quick runs/good -o both.html
    """
    from hwbench.report import write_report

    with working("writing the page"):
        page = write_report(folders, output)
    say_written(page, "report", as_json=as_json)


@app.command()
def compare(
    one: Annotated[Path, typer.Argument(metavar="RUN_A", help="The run folder of the first run.")],
    other: Annotated[
        Path, typer.Argument(metavar="RUN_B", help="The run folder of the other run.")
    ],
    output: Annotated[Path, output_file("The page to write.", suffixes=HTML)] = Path(
        "compare.html"
    ),
    as_json: AsJson = False,
) -> None:
    """Write a page that compares two runs: what differs, and which differences are significant.

    hwbench report compare runs/before runs/after -o compare.html
    """
    from hwbench.report import write_comparison

    with working("writing the page"):
        page = write_comparison(one, other, output)
    say_written(page, "report", as_json=as_json)
