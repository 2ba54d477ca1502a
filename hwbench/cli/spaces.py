"""`hwbench spaces`: the search spaces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hwbench.cli import completion
from hwbench.cli.measurement_files import ArchFormat, complete_commands
from hwbench.cli.output import (
    AsJson,
    Channels,
    Classes,
    Depth,
    InputSize,
    listed,
    print_json,
    print_listing,
    skeleton_changes,
    tell,
)
from hwbench.cli.output_paths import HTML, output_file
from hwbench.cli.space_page import costs_of, in_words, place_of, show_space

OneSpace = Annotated[
    str,
    typer.Argument(
        metavar="SPACE",
        help="A search space's name (hwbench spaces list).",
        autocompletion=completion.spaces,
    ),
]

app = typer.Typer(
    help="Look at search spaces and their architectures.\n\nhwbench spaces list",
    no_args_is_help=True,
)


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the search spaces.

    hwbench spaces list
    """
    from hwbench.assets import SPACES as CARDS
    from hwbench.spaces import list_spaces
    from hwbench.spaces.registry import SPACES

    rows = listed(list_spaces(), _row, hidden=[*CARDS.hidden(), *SPACES.hidden()])
    if not as_json:
        rows = [{**row, "architectures": _rounded(row.get("architectures"))} for row in rows]
    print_listing(rows, ["name", "title", "architectures"], as_json=as_json)


def _row(name: str) -> dict[str, Any]:
    from hwbench.spaces import get_space

    space = get_space(name)
    return {
        "name": name,
        "title": space.title,
        "architectures": space.n_architectures,
        "positions": space.n_positions,
        "operations": ", ".join(space.operations),
        "example": space.to_string(space.sample(1, 0)[0]),
    }


@app.command()
def encodings(as_json: AsJson = False) -> None:
    """List the encodings: those of hwbench, and those of installed packages.

    hwbench spaces encodings
    """
    from hwbench.spaces.encodings import (
        ENCODING_TITLES,
        OWN_ENCODINGS,
        list_encodings,
        own_encoding,
    )

    def row(name: str) -> dict[str, Any]:
        built_in = ENCODING_TITLES.get(name)
        return {
            "name": name,
            "title": built_in if built_in is not None else own_encoding(name).title,
            "from": "hwbench" if built_in is not None else OWN_ENCODINGS.origin(name),
        }

    rows = listed(list_encodings(), row, hidden=OWN_ENCODINGS.hidden())
    print_listing(rows, ["name", "title", "from"], as_json=as_json)


def _rounded(count: int | None) -> str:
    """How many, rounded where it has more than 12 digits; `--json` has them all."""
    if count is None:
        return ""
    return str(count) if count < 10**12 else f"{count:.3g}"


@app.command()
def show(
    space: OneSpace,
    architecture: Annotated[
        str | None,
        typer.Argument(
            metavar="ARCH",
            help="An architecture: the benchmark's string, or another of its codes; by default the "
            "space itself is shown.",
        ),
    ] = None,
    arch_format: ArchFormat = None,
    channels: Channels = None,
    depth: Depth = None,
    input_size: InputSize = None,
    classes: Classes = None,
    as_json: AsJson = False,
) -> None:
    """Show what a search space is, or what one of its architectures is and its network costs.

    hwbench spaces show nasbench201

    hwbench spaces show nasbench_macro 02012100 --channels 16
    """
    from hwbench.spaces import get_space
    from hwbench.tables.own.archs import archs_of_texts

    found = get_space(space)
    skeleton = skeleton_changes(channels, depth, input_size, classes)
    if architecture is None:
        show_space(found, skeleton, as_json=as_json)
        return
    with complete_commands():
        arch = archs_of_texts(found, [architecture], f"spaces show {space}", arch_format)[0]
    facts = {
        "architecture": found.to_string(arch),
        "operations": dict(
            zip(found.positions, (found.choices[p][op] for p, op in enumerate(arch)), strict=True)
        ),
        **place_of(found, arch),
        **costs_of(found, arch, skeleton),
    }
    if as_json:
        print_json(facts)
        return
    rows = [{"key": key, "value": in_words(value)} for key, value in facts.items()]
    print_listing(rows, ["key", "value"], as_json=False)


@app.command()
def formats(
    space: OneSpace,
    as_json: AsJson = False,
) -> None:
    """List the codes in which its architectures are read: what --arch-format may be.

    hwbench spaces formats nasbench201
    """
    from hwbench.spaces import get_space
    from hwbench.spaces.reading import codes_of

    rows = [
        {"format": code.name, "what it is": code.title}
        for code in codes_of(get_space(space)).values()
    ]
    print_listing(rows, ["format", "what it is"], as_json=as_json)


@app.command()
def quality(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TABLE:COLUMN...",
            help="Columns of tables of random architectures, one table a space.",
        ),
    ],
    output: Annotated[
        Path | None,
        output_file(
            "An HTML page with the distributions; by default none is written.", suffixes=HTML
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare search spaces by what their random architectures come to (NA Figure 4.2).

    The tables are such as `hwbench tables train --limit 100` or `--architectures FILE` makes.

    hwbench spaces quality ext_cell-10:test_accuracy darts:test_accuracy -o quality.html
    """
    import numpy as np

    from hwbench.analysis.space_quality import SpaceSample
    from hwbench.errors import HwbenchError
    from hwbench.files import write_text
    from hwbench.report.space_quality import quality_page, quality_words
    from hwbench.tables import load_target

    loaded = [load_target(text, missing="keep") for text in targets]
    first = loaded[0].card
    for place, target in enumerate(loaded):
        if (target.card.unit, target.card.direction) != (first.unit, first.direction):
            kinds = [f"{each.card.unit or 'no unit'}, {each.card.direction}" for each in loaded]
            raise HwbenchError(
                f"{target.key} ({kinds[place]}) and {loaded[0].key} ({kinds[0]}) "
                "are of two kinds; compare columns of one unit and direction"
            )
        if not np.isfinite(target.values).any():
            raise HwbenchError(f"{target.key}: holds no value")
    samples = [
        SpaceSample(
            target.key.rpartition(":")[0],
            target.values[np.isfinite(target.values)],
            first.direction == "minimize",
        )
        for target in loaded
    ]
    rows = [
        {"table": each.title, "architectures": len(each.values), **each.quantiles()}
        for each in samples
    ]
    if output is not None:
        write_text(output, quality_page(samples, loaded[0].title, first.unit))
    if as_json:
        print_json(rows)
        return
    shown = [
        {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()}
        for row in rows
    ]
    print_listing(shown, list(rows[0]), as_json=False, wrap=False)
    title = f"{loaded[0].title}, {first.unit}" if first.unit else loaded[0].title
    for sentence in quality_words(samples, title):
        tell(sentence)
    if output is not None:
        tell(f"written: {output}")
