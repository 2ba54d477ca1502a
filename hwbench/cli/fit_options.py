"""Options of how a network is trained on images: of `tables train` and of `live retrain`."""

from __future__ import annotations

from typing import Any

import typer

OPTIMISER = typer.Option(help="sgd, or adam.")
CONSTANT_RATE = typer.Option(
    "--constant-rate/--falling-rate", help="Whether the learning rate stays, or falls to zero."
)
SKELETON = typer.Option(
    metavar="OPTION=VALUE",
    help="Another option of the space's networks, such as time_steps=4; repeatable.",
)
WARM_UP_EPOCHS = typer.Option(min=0, help="In which the learning rate first rises from zero.")
MOMENTUM = typer.Option(min=0, help="Of stochastic gradient descent.")
NESTEROV = typer.Option("--nesterov/--no-nesterov", help="Whether it is Nesterov's momentum.")
WEIGHT_DECAY = typer.Option(min=0, help="On all weights.")
GRADIENT_CLIP = typer.Option(min=0, help="Largest norm of all gradients together; 0 for no limit.")
LABEL_SMOOTHING = typer.Option(min=0, help="Share of a label that goes to all classes alike.")
SHIFT = typer.Option(min=0, help="Pixels an image is moved by at most.")
FLIP = typer.Option("--flip/--no-flip", help="Mirror images at random.")
CUTOUT = typer.Option(min=0, help="Side of the square set to zero; 0 for none.")
PRECISION = typer.Option(help="float32, or bfloat16: training's passes in mixed precision.")


def skeleton_of(given: list[str] | None) -> dict[str, Any]:
    """The options that repeated `--skeleton OPTION=VALUE` give.

    Raises
    ------
    HwbenchError
        Where one has not that form, or an option of its own.
    """
    from hwbench.spaces.base import check_further
    from hwbench.toml import set_in

    options: dict[str, Any] = {}
    for each in given or []:
        set_in(options, each, option="--skeleton")
    check_further(options, "--skeleton")
    return options
