"""Training a found architecture from scratch with the recipe of DARTS (CHOE 471-493)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import torch
from numpy.typing import ArrayLike
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hwbench.arguments import NotNegative, Positive, check_fields
from hwbench.code_version import code_version
from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.images.fit import (
    Descent,
    Epoch,
    Stateful,
    evaluate,
    fit,
    restore,
    sgd,
    state_of,
)
from hwbench.images.image_set import ImageSet
from hwbench.images.parts import Part, parts_of
from hwbench.images.sets import reader_module
from hwbench.live.supernets.export import read_tensors, write_tensors
from hwbench.optimisation import half_cosine
from hwbench.progress import Progress, silent
from hwbench.spaces import Space
from hwbench.spaces.darts.network import Cell, DARTSNetwork


@dataclass(frozen=True)
class RetrainRecipe:
    """How an architecture is trained from scratch; the defaults are DARTS's on CIFAR-10.

    Attributes
    ----------
    channels, depth : of the skeleton; 36 and 6 make the 20 cells of DARTS.
    epochs, batch_size : passes over all training images, and images of a step.
    learning_rate : at the start; falls to zero along a half cosine, step by step.
    momentum, weight_decay : of stochastic gradient descent.
    gradient_clip : largest norm of all gradients together; 0 for no limit.
    drop_path : probability at the end of training, from 0 at the start, with which an operation's
        output is left out for an image. In DARTS cells only.
    auxiliary_weight : of the loss of a second classifier behind the second reduction cell. In DARTS
        cells on images of 32 pixels only; 0 for none.
    shift, flip, cutout : see `hwbench.images.augmentation.Augmentation`.
    """

    channels: PositiveInt = 36
    depth: PositiveInt = 6
    epochs: PositiveInt = 600
    batch_size: PositiveInt = 96
    learning_rate: Positive = 0.025
    momentum: NotNegative = 0.9
    weight_decay: NotNegative = 3e-4
    gradient_clip: NotNegative = 5.0
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.2
    auxiliary_weight: NotNegative = 0.4
    shift: NonNegativeInt = 4
    flip: bool = True
    cutout: NonNegativeInt = 16

    def __post_init__(self) -> None:
        check_fields(self, "retraining")


class DropPath(nn.Module):
    """Leaves an operation's output out for some images, and scales that of the others up."""

    def __init__(self, operation: nn.Module) -> None:
        super().__init__()
        self.operation = operation
        self.probability = 0.0

    def forward(self, x: Tensor) -> Tensor:
        output = self.operation(x)
        if not self.training or self.probability == 0:
            return output
        kept = 1.0 - self.probability
        mask = torch.empty(len(x), 1, 1, 1, device=x.device).bernoulli_(kept)
        return output * mask / kept


class AuxiliaryHead(nn.Module):
    """A classifier for features of 8x8 pixels, as in DARTS."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(),
            nn.AvgPool2d(5, stride=3, count_include_pad=False),
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(768, classes),
        )

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)


def retrain(
    space: Space,
    arch: ArrayLike,
    images: ImageSet,
    recipe: RetrainRecipe,
    *,
    seed: int = 0,
    device: torch.device | None = None,
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> dict[str, float]:
    """Train one architecture on all training images and test it.

    Draws come from torch's default generator, which `hwbench.live.search.seeded` seeds.

    Parameters
    ----------
    space, arch : the architecture, integers of shape (n_positions,).
    images : the image set.
    recipe : how to train.
    seed : of the initial weights.
    device : where; the CPU by default.
    checkpoint : file that gets the state after each epoch; where it holds one of the same training
        by the same code, that goes on exactly where it stopped. None for no such file.
    progress : called with (epochs done, epochs in all).

    Returns
    -------
    `test_accuracy` in %, `train_loss` of the last epoch, and `parameters` of the network.

    Raises
    ------
    HwbenchError
        Where the checkpoint is damaged, of another version, or of other images of that name.
    """
    place = device or torch.device("cpu")
    network = space.network(
        arch,
        seed=seed,
        channels=recipe.channels,
        depth=recipe.depth,
        input_channels=images.channels,
        input_size=images.size,
        classes=images.classes,
    )
    parameters = sum(weight.numel() for weight in network.parameters())
    paths = _add_drop_paths(network) if recipe.drop_path else []
    head, features = _add_auxiliary_head(network, images, recipe)
    # Channels behind one another in memory, as in supernets: a step takes 0.65 to 0.8 of the time.
    network.to(place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    train, test = (part.to(place) for part in parts_of(images))
    weights = [*network.parameters(), *(head.to(place).parameters() if head else [])]
    optimizer = sgd(
        weights,
        learning_rate=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )

    def auxiliary_loss(batch: Part) -> Tensor:
        logits = cast("AuxiliaryHead", head)(features.pop())
        return recipe.auxiliary_weight * cross_entropy(logits, batch.labels)

    def before_epoch(epoch: int) -> None:
        for path in paths:
            path.probability = recipe.drop_path * epoch / recipe.epochs

    parts: dict[str, Stateful] = {"network": network, "optimizer": optimizer}
    parts |= {} if head is None else {"head": head}
    training = {
        "space": space.name,
        "architecture": space.to_string(arch),
        "images": images.name,
        "images_sha256": images.sha256,
        "seed": seed,
        "recipe": asdict(recipe),
        "code": code_version(__name__, type(space).__module__, reader_module(images.name)),
    }
    done, train_loss = _go_on(checkpoint, training, parts)

    def after_epoch(epoch: int, found: Epoch) -> None:
        nonlocal train_loss
        train_loss = sum(found.losses.tolist()) / len(found.losses)
        if checkpoint is not None:
            state = {"training": training, "epochs_done": epoch + 1, "train_loss": train_loss}
            write_tensors(checkpoint, {**state, **state_of(**parts)})
        progress(epoch + 1, recipe.epochs)

    progress(done, recipe.epochs)
    network.train()
    fit(
        Descent(
            network=network,
            optimizer=optimizer,
            gradient_clip=recipe.gradient_clip,
            auxiliary_loss=None if head is None else auxiliary_loss,
        ),
        train,
        optimizer,
        half_cosine(recipe.learning_rate),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        augmentation=Augmentation(shift=recipe.shift, flip=recipe.flip, cutout=recipe.cutout),
        first_epoch=done,
        before_epoch=before_epoch,
        after_epoch=after_epoch,
    )
    return {
        "test_accuracy": evaluate(network.eval(), test).accuracy,
        "train_loss": train_loss,
        "parameters": float(parameters),
    }


def _go_on(
    checkpoint: Path | None, training: dict[str, Any], parts: dict[str, Stateful]
) -> tuple[int, float]:
    """Restore what a checkpoint of the same training holds.

    Returns
    -------
    The epochs done, and the loss of the last of them; 0 and NaN where there is none.
    """
    if checkpoint is None or not checkpoint.exists():
        return 0, math.nan
    state: dict[str, Any] = read_tensors(checkpoint)
    begun = state.get("training")
    if begun != training:
        _refuse_other_images(checkpoint, begun, training)
        return 0, math.nan
    try:
        restore(state, **parts)
        return int(state["epochs_done"]), float(state["train_loss"])
    except Exception as error:  # what torch makes of what it is given is its own affair
        raise HwbenchError(
            f"{checkpoint}: is of another version of hwbench; remove it to train from the start"
        ) from error


def _refuse_other_images(checkpoint: Path, begun: Any, training: dict[str, Any]) -> None:
    """Tell apart a training whose images alone have changed from another training."""
    key = "images_sha256"
    if isinstance(begun, dict) and {**begun, key: training[key]} == training:
        raise HwbenchError(
            f"{checkpoint}: was trained so far on other images of the name {training['images']} "
            f"(sha256 {str(begun.get(key))[:12]} then, {training[key][:12]} now); put those back, "
            "or remove it to train from the start"
        )


def _add_drop_paths(network: nn.Module) -> list[DropPath]:
    """Wrap the operations of DARTS cells, but those that only pass on what they are given."""
    paths = []
    for cell in network.modules():
        if isinstance(cell, Cell):
            for place, operation in enumerate(cell.operations):
                if not isinstance(operation, nn.Identity):
                    path = DropPath(operation)
                    cell.operations[place] = path
                    paths.append(path)
    return paths


def _add_auxiliary_head(
    network: nn.Module, images: ImageSet, recipe: RetrainRecipe
) -> tuple[AuxiliaryHead | None, list[Tensor]]:
    """A head, and the list that a training pass puts the features for it in."""
    features: list[Tensor] = []
    if not recipe.auxiliary_weight or not isinstance(network, DARTSNetwork) or images.size != 32:
        return None, features

    def keep(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if network.training:
            features.append(output)

    cell = network.cells[2 * recipe.depth + 1]
    cell.register_forward_hook(keep)
    channels = 4 * 4 * recipe.channels  # four nodes, at four times the first channels
    return AuxiliaryHead(channels, images.classes), features
