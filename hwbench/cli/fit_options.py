"""Options of how a network is trained on images: of `tables train` and of `live retrain`."""

from __future__ import annotations

from typing import Any

import typer

RECIPES_OWN = "the recipe's own"
"""The default of a training that follows a named recipe."""


def _of_recipe(*names: str, **options: Any) -> Any:
    return typer.Option(*names, show_default=RECIPES_OWN, **options)


OPTIMISER = _of_recipe(metavar="NAME", help="The optimiser: sgd or adam.")
CONSTANT_RATE = _of_recipe(
    "--constant-rate/--falling-rate", help="Whether the learning rate stays, or falls to zero."
)
SKELETON = typer.Option(
    metavar="OPTION=VALUE",
    help="Another option of the space's networks, such as time_steps=4; by default each is the "
    "space's own; repeatable.",
)
WARM_UP_EPOCHS = _of_recipe(
    min=0, metavar="EPOCHS", help="Epochs in which the learning rate first rises from zero."
)
MOMENTUM = _of_recipe(min=0, metavar="FACTOR", help="The momentum of stochastic gradient descent.")
NESTEROV = _of_recipe("--nesterov/--no-nesterov", help="Whether it is Nesterov's momentum.")
WEIGHT_DECAY = _of_recipe(min=0, metavar="FACTOR", help="The decay of all weights.")
GRADIENT_CLIP = _of_recipe(
    min=0, metavar="NORM", help="The largest norm of all gradients together; 0 for no limit."
)
LABEL_SMOOTHING = _of_recipe(
    min=0, metavar="SHARE", help="The share of a label that goes to all classes alike."
)
SHIFT = _of_recipe(min=0, metavar="PIXELS", help="Pixels that an image is moved by at most.")
FLIP = _of_recipe("--flip/--no-flip", help="Mirror images at random.")
CUTOUT = _of_recipe(
    min=0, metavar="PIXELS", help="The side of the square set to zero, in pixels; 0 for none."
)
PRECISION = _of_recipe(
    metavar="TYPE", help="The precision: float32, or bfloat16 for training in mixed precision."
)


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
