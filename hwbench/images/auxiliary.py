"""What an auxiliary network, trained on all of an image set, says of each training image (NA 3.2).

It is trained once for the images themselves and a recipe; what it says is kept under
`HWBENCH_HOME`, in `auxiliary`, and read from there afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar
from zipfile import BadZipFile

import numpy as np
import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor

from hwbench.arguments import Positive
from hwbench.arrays import FloatArray, Floats, IntArray
from hwbench.assets import home
from hwbench.devices import choose_device, forked_random
from hwbench.errors import HwbenchError
from hwbench.files import atomic_path
from hwbench.images.augmentation import Augmentation
from hwbench.images.fit import EVALUATION_BATCH, Descent, fit
from hwbench.images.image_set import ImageSet, arrays_digest
from hwbench.images.parts import Part, parts_of
from hwbench.images.proxy import prediction_entropy
from hwbench.images.recipe import FitRecipe
from hwbench.images.residual import ResNet
from hwbench.optimisation import denormals_flushed

FOLDER = "auxiliary"
VERSION = 2
"""Of what is kept; another is computed anew."""


@dataclass(frozen=True, kw_only=True)
class AuxiliaryRecipe(FitRecipe):
    """How the auxiliary network is trained: a ResNet-20 by default.

    Attributes
    ----------
    channels : of its first stage.
    blocks : a stage, 6 * blocks + 2 layers in all.
    seed : of its weights, the images' order and their augmentation.
    """

    owner: ClassVar[str] = "auxiliary"

    epochs: PositiveInt = 30
    batch_size: PositiveInt = 128
    learning_rate: Positive = 0.1
    shift: NonNegativeInt = 4
    flip: bool = True
    channels: PositiveInt = 16
    blocks: PositiveInt = 3
    seed: NonNegativeInt = 0


@dataclass(frozen=True, eq=False)
class Scores:
    """What the network says of each training image.

    Attributes
    ----------
    entropies : of its predictions in the end, in nats, float64 of shape (n,) (NA eq. 3.1).
    forgotten : how often it was right on an image and then, at the next time, wrong, int64 of shape
        (n,); the passes of training count, augmented as they are.
    features : what its classifier is given in the end, float32 of shape (n, d).
    test_accuracy : in %.
    """

    entropies: Floats
    forgotten: IntArray
    features: FloatArray
    test_accuracy: float


def auxiliary_scores(
    images: ImageSet, recipe: AuxiliaryRecipe = AuxiliaryRecipe(), device: str | None = None
) -> Scores:
    """Train the auxiliary network, or read what it said when it was trained.

    Parameters
    ----------
    images : the image set; all its training images. What is kept is of these arrays, whatever the
        set's name and `ImageSet.sha256`.
    recipe : of the network.
    device : of torch; CUDA where there is one, else the CPU, by default. What is kept is told apart
        by its kind.
    """
    place = choose_device(device)
    path = _path(images, recipe, place)
    if path.exists():
        return _read(path)
    with forked_random(place), denormals_flushed():
        torch.manual_seed(recipe.seed)
        scores = _trained(images, recipe, place)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez(
            file,
            entropies=scores.entropies,
            forgotten=scores.forgotten,
            features=scores.features,
            test_accuracy=scores.test_accuracy,
        )
    return scores


def _path(images: ImageSet, recipe: AuxiliaryRecipe, device: torch.device) -> Path:
    about = {
        "version": VERSION,
        "images": _digest(images),
        "recipe": asdict(recipe),
        "device": device.type,
    }
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    return home() / FOLDER / f"{images.base}-{digest[:24]}.npz"


def _digest(images: ImageSet) -> str:
    """Of all that the network learns from and is tested on; a part of a set has its own."""
    black = np.empty(0, dtype=np.float32) if images.black is None else images.black
    return arrays_digest(
        images.train_images,
        images.train_labels,
        images.test_images,
        images.test_labels,
        black,
        np.array(images.classes),
    )


def _read(path: Path) -> Scores:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return Scores(
                kept["entropies"],
                kept["forgotten"],
                kept["features"],
                float(kept["test_accuracy"]),
            )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise HwbenchError(f"{path}: is damaged; remove it, and it is made again") from error


def _trained(images: ImageSet, recipe: AuxiliaryRecipe, device: torch.device) -> Scores:
    train, test = (part.to(device) for part in parts_of(images))
    network = ResNet(
        images.channels, images.classes, channels=recipe.channels, blocks=recipe.blocks
    )
    network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    memory = _Memory(train.labels)
    optimizer = recipe.optimizer(network.parameters())
    descent = Descent(
        network=network,
        optimizer=optimizer,
        gradient_clip=recipe.gradient_clip,
        loss=memory.loss(recipe),
        precision=recipe.precision,
    )

    def step(batch: Part) -> tuple[Tensor, Tensor]:
        loss, logits = descent(batch)
        memory.take(batch.labels, logits)
        return loss, logits

    rows = torch.arange(len(train), device=device)
    fit(
        step,
        Part(train.images, rows, train.black),
        optimizer,
        recipe.schedule(),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        augmentation=Augmentation(shift=recipe.shift, flip=recipe.flip, cutout=recipe.cutout),
    )
    network.eval()
    logits, features = _passed(network, train)
    right = (_passed(network, test)[0].argmax(dim=1) == test.labels).double().mean()
    return Scores(
        prediction_entropy(logits.double().cpu().numpy()),
        memory.forgotten.cpu().numpy(),
        features.float().cpu().numpy(),
        100.0 * float(right),
    )


def _passed(network: ResNet, part: Part) -> tuple[Tensor, Tensor]:
    """Logits and features of all images."""
    with torch.no_grad():
        features = torch.cat(
            [network.features(batch.images) for batch in part.batches(EVALUATION_BATCH)]
        )
        return network.classifier(features), features


class _Memory:
    """Which images a network is right on, batch by batch; batches carry rows in place of labels."""

    def __init__(self, labels: Tensor) -> None:
        self.labels = labels
        self.right = torch.zeros_like(labels, dtype=torch.bool)
        self.forgotten = torch.zeros_like(labels)

    def loss(self, recipe: AuxiliaryRecipe) -> Callable[[Tensor, Tensor], Tensor]:
        """The loss of logits beside rows."""
        return lambda logits, rows: recipe.loss(logits, self.labels[rows])

    def take(self, rows: Tensor, logits: Tensor) -> None:
        """See what became of images since they were seen before."""
        now = logits.detach().argmax(dim=1) == self.labels[rows]
        self.forgotten[rows] += self.right[rows] & ~now
        self.right[rows] = now
