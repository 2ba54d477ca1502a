"""Training a found architecture from scratch with the recipe of DARTS (CHOE 471-493)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from numpy.typing import ArrayLike
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from hwbench.arguments import NotNegative, Positive, check_fields
from hwbench.images.image_set import ImageSet
from hwbench.live.data import Augmentation, Part
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
    shift, flip, cutout : see `hwbench.live.data.Augmentation`.
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
    progress : called with (epochs done, epochs in all).

    Returns
    -------
    `test_accuracy` in %, `train_loss` of the last epoch, and `parameters` of the network.
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
    parts = (images.train_images, images.train_labels, images.test_images, images.test_labels)
    tensors = [torch.from_numpy(array).to(place) for array in parts]
    train, test = Part(tensors[0], tensors[1]), Part(tensors[2], tensors[3])
    weights = [*network.parameters(), *(head.to(place).parameters() if head else [])]
    optimizer = torch.optim.SGD(
        weights,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        foreach=True,
    )
    augmentation = Augmentation(shift=recipe.shift, flip=recipe.flip, cutout=recipe.cutout)
    steps = train.steps(recipe.batch_size)
    progress(0, recipe.epochs)
    losses: list[float] = []
    for epoch in range(recipe.epochs):
        network.train()
        losses = []
        for path in paths:
            path.probability = recipe.drop_path * epoch / recipe.epochs
        for step, batch in enumerate(train.shuffled(recipe.batch_size)):
            share = (epoch * steps + step) / (recipe.epochs * steps)
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * 0.5 * (1.0 + math.cos(math.pi * share))
            optimizer.zero_grad()
            loss = cross_entropy(network(augmentation(batch.images)), batch.labels)
            losses.append(float(loss.detach()))
            if head is not None:
                auxiliary = cross_entropy(head(features.pop()), batch.labels)
                loss = loss + recipe.auxiliary_weight * auxiliary
            loss.backward()  # type: ignore[no-untyped-call]
            if recipe.gradient_clip:
                nn.utils.clip_grad_norm_(weights, recipe.gradient_clip)
            optimizer.step()
        progress(epoch + 1, recipe.epochs)
    network.eval()
    with torch.inference_mode():
        right = sum(
            int((network(batch.images).argmax(dim=1) == batch.labels).sum())
            for batch in test.batches(256)
        )
    return {
        "test_accuracy": 100.0 * right / len(test),
        "train_loss": sum(losses) / len(losses),
        "parameters": float(parameters),
    }


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
