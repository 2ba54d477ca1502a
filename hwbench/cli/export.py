"""`hwbench export`: networks of architectures as files for a board, and back."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwbench.cli import completion, fit_options
from hwbench.cli.measurement_files import ArchColumn, ArchFormat, complete_commands, reading_of
from hwbench.cli.output import (
    AsJson,
    Channels,
    Classes,
    Depth,
    InputSize,
    Seed,
    interruptible,
    print_json,
    progress_bar,
    same_command,
    skeleton_changes,
    tell,
)
from hwbench.cli.output_paths import output_folder, usable_folder
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.arrays import IntArray
    from hwbench.export import Exported
    from hwbench.spaces import Space


def export(
    archs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ARCH",
            help="Architectures: the space's strings, or another code; by default those of "
            "--architectures or --limit.",
        ),
    ] = None,
    space: Annotated[
        str,
        typer.Option(
            metavar="SPACE",
            help="The search space of the architectures (hwbench spaces list).",
            show_default="none, it must be given",
            autocompletion=completion.spaces,
        ),
    ] = "",
    to: Annotated[
        str, typer.Option(metavar="FORMAT", help="The format: onnx, torchscript or torch-export.")
    ] = "onnx",
    output: Annotated[
        Path | None,
        output_folder("The folder of the files; by default runs/export-SPACE."),
    ] = None,
    architectures: Annotated[
        Path | None,
        typer.Option(
            "--architectures",
            metavar="FILE",
            help="A file of architectures: what `hwbench advise --suggest` wrote, a .txt file with "
            "one on each line, or a file as measurements are in; by default none.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Draw so many architectures by the seed; by default none is drawn.",
        ),
    ] = None,
    arch_column: ArchColumn = None,
    arch_format: ArchFormat = None,
    batch_size: Annotated[
        int, typer.Option(metavar="N", help="Images that a file takes at once.")
    ] = 1,
    opset: Annotated[
        int, typer.Option(metavar="N", help="The version of ONNX's operators, 11 to 20.")
    ] = 17,
    channels: Channels = None,
    depth: Depth = None,
    input_size: InputSize = None,
    input_channels: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Channels of an image, 3 for colour; by default the space's own."
        ),
    ] = None,
    classes: Classes = None,
    skeleton: Annotated[list[str] | None, fit_options.SKELETON] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Write the networks of architectures as ONNX or torch files, with a manifest to fill in.

    hwbench export --space nasbench201 --architectures suggestions.csv --to onnx -o board

    hwbench export 02012100 12121212 --space nasbench_macro --to torchscript --input-size 64

    Each file is run here and gives torch's outputs. Measured on the board, the column latency_ms of
    board/manifest.csv is filled in, and `hwbench advise board/manifest.csv` goes on from there. The
    same command continues a folder; others add architectures to it.
    """
    if not space:
        raise HwbenchError("export: name the search space with --space (hwbench spaces list)")
    if sum((bool(archs), architectures is not None, limit is not None)) != 1:
        raise HwbenchError(
            "export: give architectures, or --architectures FILE, or --limit N to draw some, as "
            f"in: hwbench export --space {space} --limit 10"
        )
    from hwbench.export import export_networks
    from hwbench.spaces import get_space

    found = get_space(space)
    changes = {
        **fit_options.skeleton_of(skeleton),
        **skeleton_changes(channels, depth, input_size, classes),
        **({} if input_channels is None else {"input_channels": input_channels}),
    }
    if archs or architectures is not None:
        chosen = _chosen(found, archs or [], architectures, arch_column, arch_format)
    else:
        chosen = found.sample(limit or 0, seed)
    folder = output if output is not None else usable_folder(Path("runs") / f"export-{found.name}")
    with interruptible(same_command()), progress_bar(f"exporting {space}") as progress:
        made = export_networks(
            found,
            chosen,
            folder,
            to=to,
            batch_size=batch_size,
            opset=opset,
            seed=seed,
            skeleton=changes,
            progress=progress,
        )
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "manifest": str(made.path),
                "written": list(made.written),
                "kept": made.kept,
                "unchecked": made.unchecked,
            }
        )
        return
    _say(made, space)


def _chosen(
    space: Space,
    texts: list[str],
    path: Path | None,
    column: str | None,
    arch_format: str | None,
) -> IntArray:
    from hwbench.tables.own.archs import archs_of_texts, read_archs

    with complete_commands():
        if path is None:
            return archs_of_texts(space, texts, "export", arch_format)
        return read_archs(space, path, column, reading_of(arch_format=arch_format))


def _say(made: Exported, space: str) -> None:
    from hwbench.wording import counted

    last = made.manifest.iloc[-1]
    kept = f", {made.kept} kept that were there" if made.kept else ""
    tell(
        f"{counted(len(made.written), 'network')} of {space} written as {last['format']} for "
        f"images of {last['input_shape']}{kept}: {made.folder}"
    )
    if made.unchecked:
        tell(
            f"Note: {made.unchecked} files were not held against torch's outputs, as onnxruntime "
            "was not installed; install it with: pip install 'hwbench[onnx]'"
        )
    manifest = shlex.quote(str(made.path))
    tell(
        f"manifest: {made.path}; fill in its column latency_ms, then: hwbench advise {manifest} "
        f"--space {space}"
    )
