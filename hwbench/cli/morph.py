"""`hwbench morph`: a trained network that grows and computes what it did before."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hwbench.cli.output import AsJson, print_json, print_listing
from hwbench.errors import HwbenchError


def morph(
    folder: Annotated[
        Path,
        typer.Argument(help="Of a training, RUN/retraining/LABEL, or of a network morphed before."),
    ],
    morphism: Annotated[
        str | None,
        typer.Argument(
            help="add_bias, add_scale, dilate, grow_kernel, insert, net2deeper, net2wider, "
            "shrink_kernel or widen; without one the network's layers are listed."
        ),
    ] = None,
    layer: Annotated[
        str | None, typer.Option(help="The layer to change, by the name that it is listed by.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder of the new network.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, help="Of grow_kernel, shrink_kernel: the new kernel's.")
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=1, help="Of widen, net2wider: the new outputs.")
    ] = None,
    dilation: Annotated[int | None, typer.Option(min=1, help="Of dilate.")] = None,
    kernel_size: Annotated[
        int | None, typer.Option(min=1, help="Of insert, net2deeper: of the new convolution.")
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help="Of insert: relu, interpolated or ptanh.")
    ] = None,
    separable: Annotated[
        bool | None,
        typer.Option("--separable/--whole", help="Of insert: depthwise and pointwise, or one."),
    ] = None,
    normalised: Annotated[
        bool | None,
        typer.Option("--normalised/--bare", help="Of insert: whether it ends in normalisation."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of new weights and of the images.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Change one layer of a trained network, and say how much its outputs change.

    The new folder holds a network as `hwbench live retrain` writes one, with what its optimiser has
    learned of the weights that stay. Outputs are compared on random images, in evaluation and in
    training mode.
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
    typer.echo(
        f"{morphism} of {layer}: {change.parameters_before:,} parameters before, "
        f"{change.parameters_after:,} now"
    )
    typer.echo(
        f"greatest difference of outputs, over the greatest output: {change.evaluation:.2g} in "
        f"evaluation mode, {change.training:.2g} in training mode"
    )
    if change.carried:
        typer.echo(f"the optimiser's state of {change.carried} parameters went along")
    typer.echo(f"written: {output}")


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
