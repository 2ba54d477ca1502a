"""What `hwbench spaces show` says of a space, and of one of its architectures."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import typer

from hwbench.cli.output import print_json, print_listing

if TYPE_CHECKING:
    from hwbench.arrays import IntArray
    from hwbench.spaces import Space

LONGEST = 300
"""Characters of an example or of a list of operations; `--json` gives all."""


def show_space(space: Space, skeleton: dict[str, int], *, as_json: bool) -> None:
    """Print what a space is, an example of it, the tables that hold it, and what to do next."""
    facts = facts_of(space, skeleton)
    commands = next_commands(space, facts)
    if as_json:
        print_json({**facts, "next": commands})
        return
    shown = {**facts, "operations": _operations(space)}
    shown |= {f"{key} of the example": value for key, value in shown.pop("example costs").items()}
    shown |= {key: ", ".join(facts[key]) for key in ("encodings", "formats", "tables")}
    rows = [
        {"key": key, "value": _short(in_words(value))}
        for key, value in shown.items()
        if key not in ("space", "title") and value not in (None, "", [], {})
    ]
    print_listing(rows, ["key", "value"], as_json=False, title=f"{space.name}: {space.title}")
    typer.echo("Next:")
    for what, command in commands.items():
        typer.echo(f"  {what}:\n    {command}")


def facts_of(space: Space, skeleton: dict[str, int]) -> dict[str, Any]:
    """What is known of a space without an architecture of one's own."""
    from hwbench.spaces.reading import codes_of

    arch = space.sample(1, 0)[0]
    return {
        "space": space.name,
        "title": space.title,
        "architectures": space.n_architectures,
        "positions": space.n_positions,
        "operations": {
            position: list(choices)
            for position, choices in zip(space.positions, space.choices, strict=True)
        },
        "example": space.to_string(arch),
        "example reads": dict(zip(space.positions, _names(space, arch), strict=True)),
        "example costs": costs_of(space, arch, skeleton),
        "encodings": list(space.encodings),
        "formats": list(codes_of(space)),
        "larger space": space.larger_space,
        "tables": _tables_of(space),
    }


def next_commands(space: Space, facts: dict[str, Any]) -> dict[str, str]:
    """What can be done with a space: what each command is for, and the command."""
    name = shlex.quote(space.name)
    found = {
        "what one architecture is and costs": (
            f"hwbench spaces show {name} {shlex.quote(facts['example'])}"
        ),
        "the codes that architectures are read in": f"hwbench spaces formats {name}",
        "advice on measurements of your own": f"hwbench advise my.csv --space {name}",
        "which architectures to measure first": (
            f"hwbench advise --space {name} --suggest --budget 40"
        ),
    }
    if facts["tables"]:
        found["what is measured of it"] = f"hwbench tables show {facts['tables'][0]}"
    if "network" in facts["example costs"]:
        found["networks as files for a board"] = f"hwbench export --space {name} --limit 10"
        found["measure it here"] = f"hwbench tables measure {name} --name mine --limit 20"
    return found


def _tables_of(space: Space) -> list[str]:
    """Names of the tables of a space, or of the larger one that it is a part of."""
    from hwbench.errors import HwbenchError
    from hwbench.tables.library import table_files
    from hwbench.tables.table_file import read_card

    found = []
    for name, path in table_files().items():
        try:
            held = read_card(path).space
        except HwbenchError:  # `hwbench tables list` names it
            continue
        if held in (space.name, space.larger_space):
            found.append(name)
    return found


def _names(space: Space, arch: IntArray) -> list[str]:
    return [space.choices[position][op] for position, op in enumerate(arch)]


def _operations(space: Space) -> str:
    """The operations: once where every position has the same, else by position."""
    if len(set(space.choices)) == 1:
        return f"at each of {space.n_positions}: {', '.join(space.choices[0])}"
    return "; ".join(
        f"{position}: {', '.join(choices)}"
        for position, choices in zip(space.positions, space.choices, strict=True)
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def place_of(space: Space, arch: IntArray) -> dict[str, Any]:
    """Where an architecture stands in its space, if its places have numbers."""
    if not space.indexed:
        return {}
    first = space.architectures_at(space.function_classes([arch]))[0]
    official = space.has_official_index
    return {
        "index": int(space.indices_of([arch])[0]),
        **({"official index": int(space.official_index([arch])[0])} if official else {}),
        "first of the same function": space.to_string(first),
    }


def costs_of(space: Space, arch: IntArray, skeleton: dict[str, int]) -> dict[str, Any]:
    """The network and what it costs, as far as the space says."""
    from hwbench.spaces import SpaceLacksError

    facts: dict[str, Any] = {}
    try:
        facts["network"] = vars(space.skeleton(**skeleton))
    except SpaceLacksError:
        if skeleton:
            raise  # what was asked about is not there
    for name, count in (("parameters", space.parameters), ("flops", space.flops)):
        try:
            facts[name] = int(count([arch], **skeleton)[0])
        except SpaceLacksError:
            continue
    return facts


def in_words(value: object) -> str:
    """A fact for people."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)
