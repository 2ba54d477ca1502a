"""`hwbench spaces`: the search spaces."""

from __future__ import annotations

import typer

from hwbench.cli.output import AsJson, print_listing

app = typer.Typer(help="The search spaces.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the search spaces."""
    from hwbench.spaces import get_space, list_spaces

    rows = []
    for name in list_spaces():
        space = get_space(name)
        rows.append(
            {
                "name": name,
                "title": space.title,
                "architectures": len(space),
                "positions": space.n_positions,
                "operations": ", ".join(space.operations),
                "example": space.to_string(space.architectures_at([len(space) // 2])[0]),
            }
        )
    columns = ["name", "architectures", "positions", "operations", "example"]
    print_listing(rows, columns, as_json=as_json)
