"""How a network is trained while units are left out, and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from pydantic import NonNegativeInt, PositiveInt

from hwbench.arguments import NotNegative, Positive, one_of
from hwbench.compress.groups import KINDS
from hwbench.errors import HwbenchError, unknown_name
from hwbench.images.recipe import FitRecipe


@dataclass(frozen=True, kw_only=True)
class CompressRecipe(FitRecipe):
    """Epochs of a compression; of all methods, and the network that stays whole, the same.

    See `hwbench.images.recipe.FitRecipe` for what is not here. The learning rate falls over all
    epochs together.

    Attributes
    ----------
    epochs : in all: those before the first loop, the loops, and `last_epochs`.
    loops : after each of which units are left out.
    loop_epochs : of each.
    last_epochs : of fine-tuning, in which no more are.
    groups : that are penalised, of `hwbench.compress.groups.KINDS`.
    curvature_images : training images that curvatures are taken of, drawn anew in each loop.
    curvature_draws : labels drawn for each, see `hwbench.compress.curvature.layer_curvatures`; 0
        for all classes.
    """

    owner: ClassVar[str] = "compress"

    epochs: PositiveInt = 40
    loops: PositiveInt = 6
    loop_epochs: PositiveInt = 4
    last_epochs: NonNegativeInt = 8
    batch_size: PositiveInt = 64
    learning_rate: Positive = 0.1
    weight_decay: NotNegative = 5e-4
    groups: tuple[Annotated[str, one_of(KINDS)], ...] = ("output", "input")
    curvature_images: PositiveInt = 512
    curvature_draws: NonNegativeInt = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.optimiser != "sgd":
            raise HwbenchError("compress: proximal steps are those of sgd; use optimiser = sgd")
        if self.first_epochs < 1:
            raise HwbenchError(
                f"compress: {self.epochs} epochs are too few for {self.loops} loops of "
                f"{self.loop_epochs} and {self.last_epochs} last ones, with one before them; "
                "use more epochs, or fewer loops"
            )
        if not self.groups:
            raise HwbenchError(f"compress: groups must name some of {', '.join(KINDS)}")

    @property
    def first_epochs(self) -> int:
        """Epochs before the first loop."""
        return self.epochs - self.loops * self.loop_epochs - self.last_epochs

    def loop_of(self, epoch: int) -> int | None:
        """The loop that an epoch belongs to, None for those before and after them."""
        loop = (epoch - self.first_epochs) // self.loop_epochs
        return loop if 0 <= loop < self.loops else None

    def ends_loop(self, epoch: int) -> bool:
        """Whether units are left out after an epoch."""
        return self.loop_of(epoch) is not None and self.loop_of(epoch + 1) != self.loop_of(epoch)


RECIPES: Mapping[str, CompressRecipe] = {
    # YANG A-2: T = 10 loops of 10 epochs. Not stated: all else.
    "published": CompressRecipe(
        epochs=160,
        loops=10,
        loop_epochs=10,
        last_epochs=40,
        batch_size=128,
        shift=0,
        curvature_images=2048,
    ),
    # Minutes of one core, on some thousand images.
    "cpu": CompressRecipe(),
    # Seconds: to see that all works.
    "small": CompressRecipe(epochs=6, loops=2, loop_epochs=1, last_epochs=2, curvature_images=64),
}
"""Recipes by name; none is published in full."""


def recipe_of(name: str, changes: Mapping[str, Any]) -> CompressRecipe:
    """The recipe of a name with some of its fields changed.

    Raises
    ------
    HwbenchError
        Where there is none of that name, it has no such field, or a value is out of range.
    """
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES)
    known = RECIPES[name].__dataclass_fields__
    for key in changes:
        if key not in known:
            raise unknown_name("key", key, known, where="training")
    return replace(RECIPES[name], **changes)
