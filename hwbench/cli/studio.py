"""`hwbench studio`: runs, comparisons, config trees and tables in a browser."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from hwbench.cli.output import AsJson, print_json
from hwbench.extras import EXTRAS, MissingExtraError

DEFAULT_PORT = 8642


def studio(
    runs: Annotated[
        Path, typer.Option("--runs", help="The folder of run folders; no other is read.")
    ] = Path("runs"),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port to listen at; 0 for any that is free.")
    ] = DEFAULT_PORT,
    host: Annotated[
        str,
        typer.Option(
            help="The address to listen at; other than the loopback it is seen by other machines."
        ),
    ] = "127.0.0.1",
    edit: Annotated[
        bool,
        typer.Option("--edit", help="Let pages start, stop and resume runs, and write configs."),
    ] = False,
    browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Watch, compare and begin runs in a browser; Ctrl-C ends the studio, and no run.

    It listens on this machine alone, sends nothing anywhere, and asks for the token that stands in
    the address it prints. Without --edit it only reads.

    hwbench studio --runs runs
    """
    missing = [name for name in EXTRAS["studio"] if find_spec(name) is None]
    if missing:
        raise MissingExtraError("studio", missing[0])
    from hwbench.studio.server import serve

    def ready(address: str) -> None:
        if as_json:
            print_json({"address": address, "runs": str(runs), "edit": edit})
            return
        typer.echo(f"studio of {runs} ({'edits' if edit else 'reads only'}): {address}")
        if host not in ("127.0.0.1", "::1", "localhost"):
            typer.echo("others can reach this address, and read along: it is not encrypted")
        typer.echo("Ctrl-C ends it; runs go on")
        if browser:
            import webbrowser

            webbrowser.open(address)

    try:
        serve(runs, host=host, port=port, edit=edit, ready=ready)
    except KeyboardInterrupt:
        typer.echo("studio closed", err=True)
