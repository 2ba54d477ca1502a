"""`hwbench images`: what can be trained on by name, fetched, and made of one's own pictures."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from hwbench.cli import completion
from hwbench.cli.output import (
    AsJson,
    Seed,
    listed,
    print_json,
    print_listing,
    print_notes,
    progress_bar,
    tell,
)
from hwbench.cli.output_paths import checked_folder, output_file
from hwbench.wording import counted

app = typer.Typer(
    help="Image sets to train on: list, fetch, make them of your own pictures.\n\n"
    "hwbench images list",
    no_args_is_help=True,
)


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the image sets that can be trained on by name, and how to get the files of each.

    hwbench images list
    """
    from hwbench.images.catalogue import describe_set
    from hwbench.images.sets import IMAGE_SETS, list_image_sets

    def row(name: str) -> dict[str, Any]:
        return describe_set(name)

    rows = listed(list_image_sets(), row, hidden=IMAGE_SETS.hidden())
    shown = rows if as_json else [_for_people(row) for row in rows]
    columns = ["name", "size", "channels", "images", "classes", "there", "get it by"]
    print_listing(shown, columns, as_json=as_json, wrap=False)


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    parts = (row["train_images"], row["test_images"])
    there = {True: "yes", False: "no", None: ""}[row["there"]]
    return {
        **row,
        "images": "" if None in parts else f"{parts[0]:,} + {parts[1]:,}",
        "there": there,
        "get it by": row["get"] if row["there"] is False else "",
    }


@app.command()
def fetch(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="SET",
            help="A published image set, see `hwbench images list`.",
            autocompletion=completion.published_images,
        ),
    ],
    copy: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="PLACE",
            help="A copy that you have: the file, a folder of the files, or an address of either; "
            "by default the public address.",
        ),
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            envvar="HWBENCH_MIRROR",
            help="A folder or address with copies under <host>/<path of the address>; by default "
            "none.",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            callback=checked_folder,
            help="Where the files go; by default the folder images under HWBENCH_HOME.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a published image set's files.

    hwbench images fetch cifar10

    A cut download goes on where it was; every file is checked against its known checksum.
    """
    from hwbench.images.fetching import fetch_images

    said = context.get_parameter_source("mirror")
    if copy is not None and said is not None and said.name == "ENVIRONMENT":
        mirror = None
    with progress_bar(f"fetching {name}") as progress:
        paths = fetch_images(name, copy=copy, mirror=mirror, folder=folder, progress=progress)
    if as_json:
        print_json({"name": name, "files": [str(path) for path in paths]})
        return
    for path in paths:
        tell(f"image set {name}: {path}")
    if not paths:
        tell(f"image set {name}: comes with a library, nothing is to be fetched")


@app.command()
def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder of pictures (a folder a class, within train and test, or to be split), "
            "Parquet, .npz, a folder of IDX files, or a published image set by name.",
            autocompletion=completion.published_images,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The name to train on it by; by default SOURCE-SIZE."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="PIXELS",
            help="Height and width of all images, in pixels; by default they stay as they are.",
        ),
    ] = None,
    images: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Training images drawn, as many of each class; by default all."
        ),
    ] = None,
    seed: Seed = 0,
    test_share: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="The share of each class to set aside for tests, where the source is not split; "
            "by default 0.2.",
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="SET",
            help="The published image set that these are images of, whose true values hold; by "
            "default that of the source.",
            autocompletion=completion.published_images,
        ),
    ] = None,
    label_column: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="The column of labels in Parquet; by default it is found."
        ),
    ] = None,
    image_column: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="The column of images in Parquet; by default it is found."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        output_file(
            "The .npz file to write; by default the set joins yours under HWBENCH_HOME.",
            suffixes=(".npz",),
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Make the set again where there is one of that name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an image set to train on out of images in another form, or of another size.

    Smaller images are means of areas, larger ones bicubic. The same source and options give the
    same file.

    hwbench images convert cifar10 --size 16

    hwbench images convert photos --size 32 --name photos
    """
    from hwbench.images.convert.convert import Conversion, convert_images

    conversion = Conversion(
        size=size,
        images=images,
        seed=seed,
        test_share=test_share,
        base=base,
        label_column=label_column,
        image_column=image_column,
    )
    with progress_bar(f"converting {source}") as progress:
        made = convert_images(
            source, conversion, name=name, output=output, replace=replace, progress=progress
        )
    about = made.about
    if as_json:
        print_json({**about.model_dump(mode="json"), "path": str(made.path), "notes": made.notes})
        return
    tell(
        f"{about.train_images:,} images to train on and {about.test_images:,} to test on, "
        f"{about.size}x{about.size} pixels, {counted(about.channels, 'channel')}, "
        f"{counted(about.classes, 'class', 'classes')}: {made.path}"
    )
    called = str(made.path) if output is not None else made.path.stem
    tell(
        f'To search on it: [data] name = "{called}"; to train a table: --images '
        f"{shlex.quote(called)}"
    )
    print_notes(made.notes)
