"""`hwbench new` and `hwbench check`: parts of one's own, from the first file to a passing check."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwbench.cli.output import AsJson, print_json
from hwbench.cli.output_paths import output_folder
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.scaffold import Kind
    from hwbench.testing import Check

_KINDS = (
    "predictor, encoding, space, strategy, architecture-strategy, selection, runtime or converter"
)


def _kinds(incomplete: str) -> list[str]:
    from hwbench.scaffold import KINDS

    return [name for name in KINDS if name.startswith(incomplete)]


KindName = Annotated[
    str, typer.Argument(metavar="KIND", help=f"What to begin: {_KINDS}.", autocompletion=_kinds)
]


def new(
    kind: KindName,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the part is to be called.")],
    output: Annotated[
        Path | None,
        output_folder(
            "The folder to make; by default NAME. With --card-only, the card's file or folder."
        ),
    ] = None,
    graph: Annotated[
        bool, typer.Option("--graph", help="A space of graphs rather than of layers.")
    ] = False,
    card_only: Annotated[
        bool,
        typer.Option(
            "--card-only",
            help="A card without code: a predictor from a library, or a space of layers.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Begin a part of your own: a small package that works, with its check.

    hwbench new predictor my_model

    hwbench new space my_cells --graph
    """
    from hwbench.scaffold import find_kind, write_card, write_package

    found = find_kind(kind, graph=graph)
    if graph and found.name != "space":
        raise HwbenchError(f"new {kind}: --graph is of spaces alone; leave it out")
    if card_only:
        if graph:
            raise HwbenchError("new space: a space of graphs needs code; leave out --card-only")
        path = write_card(found, name, output)
        steps = _card_steps(found, name, None if output is None else path)
        if as_json:
            _print_made(found, name, path.parent, [path], steps)
            return
        typer.echo(f"{found.noun} {name}: {path}\n")
        _print_steps(steps)
        return
    made = write_package(found, name, Path(name) if output is None else output)
    go_there = ("go there", f"cd {shlex.quote(str(made.folder))}")
    if as_json:
        _print_made(found, name, made.folder, made.files, [go_there, *made.steps])
        return
    typer.echo(f"{found.noun} {name}: {len(made.files)} files in {made.folder}")
    for path in made.files:
        typer.echo(f"  {path}{'    the part: change this' if path == made.part else ''}")
    typer.echo("")
    _print_steps([go_there, *made.steps])


def _print_made(
    kind: Kind, name: str, folder: Path, files: Iterable[Path], steps: Iterable[tuple[str, str]]
) -> None:
    print_json(
        {
            "kind": kind.name,
            "name": name,
            "folder": str(folder),
            "files": [str(path) for path in files],
            "next": [command for _, command in steps],
        }
    )


def _card_steps(kind: Kind, name: str, elsewhere: Path | None) -> list[tuple[str, str]]:
    """What to type next, of a card that lies in `HWBENCH_HOME` or elsewhere."""
    from hwbench.assets import home

    listing = "hwbench predictors list" if kind.name == "predictor" else "hwbench spaces list"
    steps = [("see it", listing), ("check it", f"hwbench check {kind.name} {name}")]
    if elsewhere is None:
        return steps
    folder = shlex.quote(str(home() / kind.card_folder))
    copied = f"mkdir -p {folder} && cp {shlex.quote(str(elsewhere))} {folder}/"
    return [("put it where it is found", copied), *steps]


def _print_steps(steps: list[tuple[str, str]]) -> None:
    width = max(len(what) for what, _ in steps)
    typer.echo("next:")
    for what, command in steps:
        typer.echo(f"  {what:<{width}}  {command}")


def check(
    kind: KindName,
    part: Annotated[
        str,
        typer.Argument(
            metavar="PART",
            help='Its name, or "module:Class"; of a predictor also the path of its card. Modules '
            "of the current folder are found.",
        ),
    ],
    space: Annotated[
        str | None,
        typer.Option(help="The search space to check it on; by default one that suits its kind."),
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file to check a converter on; may be repeated; by default none is read."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold a part against everything that the rest of hwbench relies on.

    hwbench check predictor ridge

    hwbench check strategy my_module:MyStrategy
    """
    from hwbench.scaffold import find_kind

    name = find_kind(kind).name
    sys.path.insert(0, "")
    options: dict[str, object] = {}
    if space is not None:
        options = _space_option(name, space)
    if file or name == "converter":
        if name != "converter":
            raise HwbenchError(f"check {kind}: --file is of converters alone; leave it out")
        options["files"] = file or []
    checks = _checks_of(name)(part, **options)
    found: list[dict[str, object]] = []
    for each in checks:
        try:
            each()
        except AssertionError as error:
            found.append({"promise": each.what, "kept": False, "why": str(error)})
        else:
            found.append({"promise": each.what, "kept": True, "why": None})
        if not as_json:
            why = f": {found[-1]['why']}" if found[-1]["why"] is not None else ""
            typer.echo(f"{'kept  ' if found[-1]['kept'] else 'broken'}  {each.what}{why}")
    broken = sum(not each["kept"] for each in found)
    if as_json:
        print_json(found)
        if broken:
            raise typer.Exit(1)
        return
    if broken:
        typer.echo(f"{broken} of {len(checks)} promises are broken")
        raise typer.Exit(1)
    typer.echo(f"all {len(checks)} promises are kept")


def _space_option(kind: str, space: str) -> dict[str, object]:
    if kind in ("space", "architecture-strategy", "converter"):
        raise HwbenchError(f"check {kind}: takes no --space; leave it out")
    return {"spaces": (space,)} if kind == "encoding" else {"space": space}


def _checks_of(kind: str) -> Callable[..., list[Check]]:
    from hwbench import testing

    return {
        "predictor": testing.predictor_checks,
        "encoding": testing.encoding_checks,
        "space": testing.space_checks,
        "strategy": testing.search_strategy_checks,
        "architecture-strategy": testing.architecture_strategy_checks,
        "selection": testing.selection_checks,
        "runtime": testing.runtime_checks,
        "converter": testing.converter_checks,
    }[kind]
