"""`hwbench spaces`: the search spaces."""

from __future__ import annotations

from typing import Annotated

import typer

from hwbench.cli.output import (
    AsJson,
    Channels,
    Classes,
    Depth,
    InputSize,
    print_json,
    print_listing,
    skeleton_changes,
)

app = typer.Typer(help="The search spaces.", no_args_is_help=True)


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
                "architectures": space.n_architectures,
                "positions": space.n_positions,
                "operations": ", ".join(space.operations),
                "example": space.to_string(space.architectures_at([space.n_architectures // 2])[0]),
            }
        )
    columns = ["name", "architectures", "positions", "operations", "example"]
    print_listing(rows, columns, as_json=as_json)


@app.command()
def show(
    space: Annotated[str, typer.Argument(metavar="SPACE", help="A search space.")],
    architecture: Annotated[
        str, typer.Argument(metavar="ARCH", help="An architecture in the benchmark's own string.")
    ],
    channels: Channels = None,
    depth: Depth = None,
    input_size: InputSize = None,
    classes: Classes = None,
    as_json: AsJson = False,
) -> None:
    """Show what one architecture is and what its network costs."""
    from hwbench.spaces import get_space

    found = get_space(space)
    arch = found.from_string(architecture)
    skeleton = skeleton_changes(channels, depth, input_size, classes)
    first = found.architectures_at(found.function_classes([arch]))[0]
    facts = {
        "architecture": found.to_string(arch),
        "operations": dict(
            zip(found.positions, (found.choices[p][op] for p, op in enumerate(arch)), strict=True)
        ),
        "index": int(found.indices_of([arch])[0]),
        "first of the same function": found.to_string(first),
        "network": vars(found.skeleton(**skeleton)),
        "parameters": int(found.parameters([arch], **skeleton)[0]),
        "flops": int(found.flops([arch], **skeleton)[0]),
    }
    if as_json:
        print_json(facts)
        return
    rows = [{"key": key, "value": _describe(value)} for key, value in facts.items()]
    print_listing(rows, ["key", "value"], as_json=False)


def _describe(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)
