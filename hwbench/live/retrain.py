"""Training an architecture from scratch: recipes, and the training of one with one seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, cast

import pandas as pd
import torch
from numpy.typing import ArrayLike
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from hwbench.arguments import NotNegative, Positive
from hwbench.code_version import code_version
from hwbench.errors import HwbenchError, unknown_name
from hwbench.images.events import check_events
from hwbench.images.fit import Epoch, Stateful, evaluate_network, restore, state_of
from hwbench.images.image_set import ImageSet
from hwbench.images.parts import Part, parts_of
from hwbench.images.recipe import FitRecipe, changes_in_words
from hwbench.images.sets import reader_module
from hwbench.live.optimiser_state import States, states_of
from hwbench.live.retrain_network import add_drop_paths, auxiliary_head, remove_drop_paths
from hwbench.progress import Progress, silent
from hwbench.spaces import Space
from hwbench.spaces.base import SkeletonValue, check_further
from hwbench.tensor_files import read_tensors, write_tensors
from hwbench.version import __version__


@dataclass(frozen=True, kw_only=True)
class RetrainRecipe(FitRecipe):
    """How an architecture is trained from scratch; the defaults are DARTS's on CIFAR-10.

    See `hwbench.images.recipe.FitRecipe` for what is not here.

    Attributes
    ----------
    channels, depth : of the skeleton; 36 and 6 make the 20 cells of DARTS.
    skeleton : what else the space's skeleton has, such as the time steps of spiking networks.
    drop_path : probability at the end of training, from 0 at the start, with which an operation's
        output is left out for an image. In cells of DARTS, ExtCells and ShuffleNASNet only.
    auxiliary_weight : of the loss of a second classifier behind the second reduction cell. In DARTS
        cells on images of 32 pixels only; 0 for none.
    """

    owner: ClassVar[str] = "retraining"

    channels: PositiveInt = 36
    depth: PositiveInt = 6
    skeleton: Mapping[str, SkeletonValue] = field(default_factory=dict)
    epochs: PositiveInt = 600
    batch_size: PositiveInt = 96
    learning_rate: Positive = 0.025
    weight_decay: NotNegative = 3e-4
    gradient_clip: NotNegative = 5.0
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.2
    auxiliary_weight: NotNegative = 0.4
    shift: NonNegativeInt = 4
    flip: bool = True
    cutout: NonNegativeInt = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        check_further(self.skeleton, self.owner)


RECIPES: Mapping[str, RetrainRecipe] = {
    # Liu et al. 2019, CIFAR-10 (CHOE 471-493).
    "darts": RetrainRecipe(),
    # Dong and Yang 2020, Table 2: the same for all three image sets of NAS-Bench-201.
    "nasbench201": RetrainRecipe(
        channels=16,
        depth=5,
        epochs=200,
        batch_size=256,
        learning_rate=0.1,
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
        gradient_clip=0.0,
        drop_path=0.0,
        auxiliary_weight=0.0,
        shift=4,
        flip=True,
        cutout=0,
    ),
    # NA 1480-1500: every spiking network, found or made by hand, on CIFAR-10.
    "autosnn": RetrainRecipe(
        channels=16,
        depth=1,
        epochs=600,
        batch_size=96,
        optimiser="adam",
        learning_rate=1e-3,
        constant_rate=True,
        weight_decay=0.0,
        gradient_clip=0.0,
        drop_path=0.0,
        auxiliary_weight=0.0,
        shift=4,
        flip=True,
        cutout=16,
    ),
}
"""Published recipes by name."""


@dataclass(frozen=True)
class NamedRecipe:
    """A published recipe, as it is or with some of its fields changed.

    Attributes
    ----------
    name : one of `RECIPES`.
    recipe : how to train.
    """

    name: str
    recipe: RetrainRecipe

    @classmethod
    def of(cls, name: str = "darts", **changes: Any) -> NamedRecipe:
        """The recipe of a name, with some of its fields changed.

        Raises
        ------
        HwbenchError
            Where there is none of that name, or no such field (the message names the nearest), or a
            value is out of range.
        """
        if name not in RECIPES:
            raise unknown_name("recipe", name, RECIPES)
        known = [each.name for each in fields(RetrainRecipe)]
        for field_name in changes:
            if field_name not in known:
                raise unknown_name("field of a recipe", field_name, known)
        return cls(name, replace(RECIPES[name], **changes))

    @property
    def title(self) -> str:
        """In words: "darts, epochs 100, cutout 0"."""
        return ", ".join([self.name, *changes_in_words(self.recipe, RECIPES[self.name])])


@dataclass(frozen=True, eq=False)
class Retrained:
    """A network that was trained from scratch.

    Attributes
    ----------
    network : in evaluation mode, on the device.
    test_accuracy : of it in %.
    measured : what else its passes on test images measured, means, see `Space.measured`.
    train_loss : of the last epoch, mean over the steps, with smoothed labels where they are.
    parameters : of the network.
    epochs : see `hwbench.results.retrainings.EPOCH_COLUMNS`.
    optimiser : what the optimiser knows of each parameter after the last step, by name.
    """

    network: nn.Module
    test_accuracy: float
    measured: Mapping[str, float]
    train_loss: float
    parameters: int
    epochs: pd.DataFrame
    optimiser: States


def _check_used(recipe: RetrainRecipe, name: str, used: float) -> None:
    """See that a field is used if it is no published one, which counts where it can."""
    given = getattr(recipe, name)
    if given != used and given not in [getattr(each, name) for each in RECIPES.values()]:
        raise HwbenchError(
            f"retraining: {name} = {given:g} does nothing for networks of this space and images of "
            f"this size; leave --{name.replace('_', '-')} out"
        )


def retrain(
    space: Space,
    arch: ArrayLike,
    images: ImageSet,
    recipe: RetrainRecipe,
    *,
    seed: int = 0,
    device: torch.device | None = None,
    checkpoint: Path | None = None,
    test_every_epoch: bool = False,
    after_epoch: Callable[[pd.DataFrame], None] | None = None,
    progress: Progress = silent,
) -> Retrained:
    """Train one architecture on all training images and test it.

    Draws come from torch's default generator, which `hwbench.devices.seeded` seeds.

    Parameters
    ----------
    space, arch : the architecture, integers of shape (n_positions,).
    images : the image set.
    recipe : how to train.
    seed : of the initial weights.
    device : where; the CPU by default.
    checkpoint : file that gets the state after each epoch; where it holds one of the same training
        by the same code, that goes on exactly where it stopped. None for no such file.
    test_every_epoch : whether the network is tested after every epoch and not at its end alone; it
        changes none of the other numbers.
    after_epoch : called with what `Retrained.epochs` will be, as far as it is.
    progress : called with (epochs done, epochs in all).

    Raises
    ------
    HwbenchError
        Where the checkpoint is damaged, of another training, or of other code.
    """
    check_events(images, space)
    place = device or torch.device("cpu")
    network = space.network(
        arch,
        seed=seed,
        **recipe.skeleton,
        channels=recipe.channels,
        depth=recipe.depth,
        input_channels=images.channels,
        input_size=images.size,
        classes=images.classes,
    )
    parameters = sum(weight.numel() for weight in network.parameters())
    paths = add_drop_paths(network) if recipe.drop_path else []
    wants_head = recipe.auxiliary_weight > 0
    head = auxiliary_head(network, images.size, images.classes) if wants_head else None
    _check_used(recipe, "auxiliary_weight", 0.0 if head is None else recipe.auxiliary_weight)
    _check_used(recipe, "drop_path", recipe.drop_path if paths else 0.0)
    # Channels behind one another in memory, as in supernets: a step takes 0.65 to 0.8 of the time.
    network.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    train, test = (part.to(place) for part in parts_of(images))
    optimizer = recipe.optimizer(
        [*network.parameters(), *(head.to(place).parameters() if head else [])]
    )
    parts: dict[str, Stateful] = {"network": network, "optimizer": optimizer}
    parts |= {} if head is None else {"head": head}
    training = training_of(space, arch, images, recipe, seed)
    code = code_version(__name__, type(space).__module__, reader_module(images.name))
    rows = _go_on(checkpoint, training, code, parts)
    start = 0.0

    def auxiliary_loss(batch: Part) -> Tensor:
        logits = cast("nn.Module", head)()
        return recipe.auxiliary_weight * recipe.loss(logits, batch.labels)

    def before(epoch: int) -> None:
        nonlocal start
        start = time.monotonic()
        for path in paths:
            path.probability = recipe.drop_path * epoch / recipe.epochs

    def after(epoch: int, found: Epoch) -> None:
        row = _row(epoch, found, time.monotonic() - start)
        if test_every_epoch:
            tested = evaluate_network(network.eval(), test)
            network.train()
            row |= {"test_loss": tested.loss, "test_accuracy": tested.accuracy}
        rows.append(row)
        if checkpoint is not None:
            state = {"training": training, "code": code, "hwbench": __version__, "epochs": rows}
            write_tensors(checkpoint, {**state, **state_of(**parts)})
        if after_epoch is not None:
            after_epoch(_frame(rows))
        progress(len(rows), recipe.epochs)

    progress(len(rows), recipe.epochs)
    recipe.fit(
        network.train(),
        optimizer,
        train,
        first_epoch=len(rows),
        auxiliary_loss=None if head is None else auxiliary_loss,
        before_epoch=before,
        after_epoch=after,
    )
    if head is not None:
        head.remove()
    remove_drop_paths(network)
    tested = evaluate_network(network.eval(), test)
    return Retrained(
        network=network,
        test_accuracy=tested.accuracy,
        measured=tested.measured,
        train_loss=rows[-1]["train_loss"],
        parameters=parameters,
        epochs=_frame(rows),
        optimiser=states_of(optimizer, network),
    )


def training_of(
    space: Space, arch: ArrayLike, images: ImageSet, recipe: RetrainRecipe, seed: int
) -> dict[str, Any]:
    """What determines a training but for the code; plain values."""
    return {
        "space": space.name,
        "architecture": space.to_string(arch),
        "images": images.name,
        "images_sha256": images.sha256,
        "seed": seed,
        # A table without entries is none in a file, and files are compared with this.
        "recipe": {name: value for name, value in asdict(recipe).items() if value != {}},
    }


def _row(epoch: int, found: Epoch, seconds: float) -> dict[str, float]:
    losses, accuracies = found.losses.tolist(), found.accuracies.tolist()
    return {
        "epoch": epoch,
        "learning_rate": found.learning_rate,
        "train_loss": sum(losses) / len(losses),
        "train_accuracy": 100.0 * sum(accuracies) / len(accuracies),
        "seconds": seconds,
    }


def _frame(rows: list[dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows).astype({"epoch": "int64"})


def _go_on(
    checkpoint: Path | None, training: dict[str, Any], code: str, parts: dict[str, Stateful]
) -> list[dict[str, float]]:
    """Restore what a checkpoint of the training holds; the numbers of the epochs that are done."""
    if checkpoint is None or not checkpoint.exists():
        return []
    state: dict[str, Any] = read_tensors(checkpoint)
    there = state.get("training")
    if isinstance(there, dict) and there != training:
        keys = sorted(key for key in {*there, *training} if there.get(key) != training.get(key))
        raise HwbenchError(
            f"{checkpoint}: is of another training ({', '.join(keys)} differ); train into another "
            "folder, or begin again with --fresh"
        )
    if state.get("code") != code:
        raise HwbenchError(
            f"{checkpoint}: was trained so far by other code, that of hwbench "
            f"{state.get('hwbench', '0.1.0')}; go on with that, or begin again with --fresh"
        )
    try:
        rows: list[dict[str, float]] = list(state["epochs"])
        restore(state, **parts)
    except Exception as error:  # what torch makes of what it is given is its own affair
        raise HwbenchError(
            f"{checkpoint}: is of another version of hwbench; begin again with --fresh"
        ) from error
    return rows
