"""`hwbench morph`: a trained network that grows and computes what it did before."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hwbench.cli.output import AsJson, Seed, print_json, print_listing, tell
from hwbench.cli.output_paths import output_folder
from hwbench.errors import HwbenchError


def morph(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="The folder of a training, RUN/retraining/LABEL, or of a network morphed before.",
        ),
    ],
    morphism: Annotated[
        str | None,
        typer.Argument(
            metavar="MORPHISM",
            help="The change: add_bias, add_scale, dilate, grow_kernel, insert, net2deeper, "
            "net2wider, shrink_kernel or widen; by default none, and the layers are listed.",
        ),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The layer to change, by the name that it is listed by; by default none.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        output_folder("The folder of the new network; by default none, where layers are listed."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="PIXELS",
            help="The side of the new kernel, in pixels, for grow_kernel and shrink_kernel; by "
            "default none.",
        ),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How many outputs the layer gets, for widen and net2wider; by default none.",
        ),
    ] = None,
    dilation: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="PIXELS",
            help="The new dilation, in pixels, for dilate; by default none.",
        ),
    ] = None,
    kernel_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="PIXELS",
            help="The side of the new convolution's kernel, in pixels, for insert and net2deeper; "
            "by default that of the morphism.",
        ),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What insert puts behind the convolution: relu, interpolated or ptanh; by default "
            "that of the morphism.",
        ),
    ] = None,
    separable: Annotated[
        bool | None,
        typer.Option(
            "--separable/--whole",
            help="Whether insert puts in a depthwise and a pointwise convolution, or one; by "
            "default as the morphism does.",
        ),
    ] = None,
    normalised: Annotated[
        bool | None,
        typer.Option(
            "--normalised/--bare",
            help="Whether what insert puts in ends in normalisation; by default as the morphism "
            "does.",
        ),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Change one layer of a trained network, and say how much its outputs change.

    The new folder holds a network as `hwbench live retrain` writes one, with what its optimiser has
    learned of the weights that stay. Outputs are compared on random images, in evaluation and in
    training mode.

    hwbench morph runs/best/retraining/darts-0

    hwbench morph runs/best/retraining/darts-0 widen --layer stem.0 --width 32 -o runs/wider
    """
    from hwbench.live.morphed import morph_saved

    if morphism is None:
        _list(folder, as_json)
        return
    if layer is None or output is None:
        raise HwbenchError(
            f"morph: say which layer and where to, --layer NAME -o FOLDER; hwbench morph {folder} "
            "lists the layers"
        )
    given = {
        "size": size,
        "width": width,
        "dilation": dilation,
        "kernel_size": kernel_size,
        "activation": activation,
        "separable": separable,
        "normalised": normalised,
    }
    arguments = {name: value for name, value in given.items() if value is not None}
    change = morph_saved(
        folder, output, morphism=morphism, layer=layer, arguments=arguments, seed=seed
    )
    if as_json:
        print_json({**asdict(change), "folder": str(output)})
        return
    tell(
        f"{morphism} of {layer}: {change.parameters_before:,} parameters before, "
        f"{change.parameters_after:,} now"
    )
    tell(
        f"greatest difference of outputs, over the greatest output: {change.evaluation:.2g} in "
        f"evaluation mode, {change.training:.2g} in training mode"
    )
    if change.carried:
        tell(f"the optimiser's state of {change.carried} parameters went along")
    tell(f"written: {output}")


def _list(folder: Path, as_json: bool) -> None:
    """The layers that morphisms can change."""
    from hwbench.live.morphisms.catalogue import layers_of
    from hwbench.live.retrained import load_retrained

    found = load_retrained(folder)
    rows = [
        {
            "layer": name,
            "is": type(each).__name__,
            "made of": each.extra_repr(),
            "parameters": sum(parameter.numel() for parameter in each.parameters()),
        }
        for name, each in layers_of(found.network)
    ]
    print_listing(rows, ["layer", "is", "made of", "parameters"], as_json=as_json)
