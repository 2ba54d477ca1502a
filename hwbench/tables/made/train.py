"""Training every architecture of a space on an image set.

A training is short on purpose: trained to the end on small images, nearly all architectures reach
the same accuracy, and a table of equal values ranks nothing.

Architectures that compute the same function are trained once: the first of each class in the
space's order stands for all of it. Every training is a pure function of architecture, seed and
recipe, so the number of workers changes nothing but the time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from pydantic import NonNegativeInt, PositiveInt
from torch import nn

from hwbench.arguments import Positive, one_of
from hwbench.code_version import code_version
from hwbench.environment import describe_versions
from hwbench.errors import HwbenchError
from hwbench.images.events import check_events
from hwbench.images.fit import DivergedError, Schedule, evaluate_network
from hwbench.images.image_set import ImageSet
from hwbench.images.parts import Part, parts_of
from hwbench.images.recipe import FitRecipe
from hwbench.images.sets import load_images, reader_module
from hwbench.optimisation import chained_half_cosine, half_cosine
from hwbench.progress import Progress, silent
from hwbench.spaces import Space, get_space
from hwbench.spaces.base import SkeletonValue
from hwbench.tables.made.devices import DEVICES, check_device
from hwbench.tables.made.journal import Journal, digest_of
from hwbench.workers.pool import Ended, run_units


@dataclass(frozen=True, kw_only=True)
class TrainRecipe(FitRecipe):
    """How architectures are trained; see `hwbench.images.recipe.FitRecipe` for what is not here.

    Without warm-up the learning rates are those of torch's `CosineAnnealingLR`, bit by bit.

    Attributes
    ----------
    images : name of the image set.
    seeds : a training for each; a seed sets initial weights, the order of images and the draws of
        their augmentation.
    skeleton : changes to the space's official skeleton; image shape and classes follow the images.
    statistics_batch : images of a pass that sets the statistics of batch normalisation, and of a
        pass that tests. Where the training images are more, the statistics are the mean over
        batches, each weighted by its images.
    device : "cpu" or "cuda".
    """

    owner: ClassVar[str] = "train"

    images: str = "digits"
    seeds: tuple[NonNegativeInt, ...] = (0, 1)
    epochs: PositiveInt = 1
    batch_size: PositiveInt = 64
    learning_rate: Positive = 0.1
    nesterov: bool = True
    skeleton: Mapping[str, SkeletonValue] = field(
        default_factory=lambda: {"channels": 8, "depth": 1}
    )
    statistics_batch: PositiveInt = 1024
    device: Annotated[str, one_of(DEVICES)] = "cpu"

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise HwbenchError("train: give at least one seed, and none twice")
        super().__post_init__()

    def falling_rate(self) -> Schedule:
        """The learning rate after the rise, as torch's scheduler computes it."""
        chained = chained_half_cosine(self.learning_rate)
        return half_cosine(self.learning_rate) if self.warm_up_epochs else chained


def train(
    space: Space,
    recipe: TrainRecipe,
    journal_path: Path,
    *,
    archs: ArrayLike | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Train architectures of a space; continues where a killed call stopped.

    Parameters
    ----------
    space : the search space.
    recipe : how to train.
    journal_path : file that keeps every result as it comes.
    archs : integers of shape (n_archs, n_positions); all of the space by default.
    workers : processes that train, one thread each.
    progress : called with (trainings done, trainings in all).

    Returns
    -------
    A frame with a row an architecture, in the order given: `index` (place in the space's
    lexicographic order), `test_accuracy` (mean over the seeds) and `test_accuracy_seed<s>`, in %;
    and for each of `Space.measured` likewise NAME and NAME_seed<s>, means over test images. What is
    of a training that diverged is missing (NaN), and so is the mean over seeds that it is one of.

    Raises
    ------
    HwbenchError
        Where the image set or a skeleton option is unknown, or the journal belongs to another
        recipe, set of architectures, images or code, or cannot be written; where the device is not
        there; and where trainings ended with the process they ran in, after all others were kept.
    """
    check_device(recipe.device, owner="train")
    images = _cached_images(recipe.images)
    check_events(images, space)
    space.skeleton(**training_skeleton(images, recipe))
    wanted = space.all_architectures() if archs is None else space.check(archs)
    classes = space.function_classes(wanted)
    representatives = np.unique(classes)
    description = {
        "kind": "train",
        "space": space.name,
        "archs_digest": digest_of(representatives),
        **asdict(recipe),
        "images_sha256": images.sha256,
        "torch": describe_versions()["torch"],
        "code": code_version(__name__, type(space).__module__, reader_module(recipe.images)),
    }
    if recipe.device == "cuda":
        description["accelerator"] = torch.cuda.get_device_name()
    with Journal(journal_path, description) as journal:
        done = {(record["index"], record["seed"]) for record in journal.records}
        total = len(representatives) * len(recipe.seeds)
        todo = [
            (index, seed)
            for index in representatives.tolist()
            for seed in recipe.seeds
            if (index, seed) not in done
        ]
        progress(total - len(todo), total)
        finished = total - len(todo)
        lost: list[Ended] = []
        work = _Training(space.name, recipe)
        with closing(run_units(work, todo, workers=workers)) as stream:
            for ended in stream:
                if ended is None:
                    continue
                if ended.lost is not None:
                    lost.append(ended)
                    continue
                index, seed = ended.unit
                journal.append({"index": index, "seed": seed, **ended.result})
                finished += 1
                progress(finished, total)
        if lost:
            raise _without_result(lost, len(todo), space, journal_path)
        columns = {"accuracy": "test_accuracy", **{name: name for name in space.measured}}
        found = _summarise(journal.records, recipe.seeds, columns, classes)
        return pd.DataFrame({"index": space.indices_of(wanted), **found})


def train_one(space: Space, index: int, seed: int, recipe: TrainRecipe) -> dict[str, float]:
    """Train one architecture and test it.

    Parameters
    ----------
    space : the search space.
    index : the architecture's place in the lexicographic order.
    seed : of weights and image order.
    recipe : how to train.

    Returns
    -------
    `accuracy` on test images in %, and what else the space's networks measure on them, means; all
    NaN where the training diverges: what it then labels rightly says nothing of the architecture.
    """
    images, device = _cached_images(recipe.images), torch.device(recipe.device)
    train, test = (part.to(device) for part in parts_of(images))
    network = space.network(
        space.architectures_at([index])[0], seed=seed, **training_skeleton(images, recipe)
    ).to(device)
    order = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        optimizer = recipe.optimizer(network.parameters())
        try:
            recipe.fit(network.train(), optimizer, train, generator=order)
        except DivergedError:
            return dict.fromkeys(("accuracy", *space.measured), math.nan)
    _reestimate_batch_norm(network, train, recipe.statistics_batch, order)
    tested = evaluate_network(network.eval(), test, recipe.statistics_batch)
    return {"accuracy": tested.right / tested.images * 100.0, **tested.measured}


def _reestimate_batch_norm(
    network: nn.Module, images: Part, batch_size: int, order: torch.Generator
) -> None:
    """Set the statistics of batch normalisation to those of all training images.

    After few steps the running averages still hold much of their initial values; tested with
    those, the accuracy would say how fast they forget rather than what was learned.

    All images in one pass would take gigabytes for a layer: where they are more than a batch, the
    statistics are the mean over batches. An image set may be sorted by its labels, and a batch of
    one label normalises unlike the others: batches are drawn.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    if len(images) > batch_size:
        rows = torch.randperm(len(images), generator=order).to(images.labels.device)
    else:
        rows = torch.arange(len(images), device=images.labels.device)
    seen = 0
    network.train()
    with torch.inference_mode():
        for some in torch.split(rows, batch_size):
            seen += len(some)
            for layer in layers:
                layer.momentum = len(some) / seen
            network(images.images[some])


def training_skeleton(images: ImageSet, recipe: TrainRecipe) -> dict[str, SkeletonValue]:
    """The recipe's skeleton with image shape and classes of the image set."""
    return {
        **recipe.skeleton,
        "input_channels": images.channels,
        "input_size": images.size,
        "classes": images.classes,
    }


@cache
def _cached_images(name: str) -> ImageSet:
    return load_images(name)


@dataclass(frozen=True)
class _Training:
    """What each training needs besides architecture and seed."""

    space_name: str
    recipe: TrainRecipe

    def __call__(self, unit: tuple[int, int]) -> dict[str, float]:
        index, seed = unit
        return train_one(get_space(self.space_name), index, seed, self.recipe)


def _without_result(
    lost: list[Ended], begun: int, space: Space, journal_path: Path
) -> HwbenchError:
    first = min(lost, key=lambda ended: ended.place)
    index, seed = first.unit
    reason = first.lost.reason if first.lost is not None else ""
    arch = space.to_string(space.architectures_at([index])[0])
    return HwbenchError(
        f"train: {len(lost)} of {begun} trainings have no result, the first of {arch} with seed "
        f"{seed} ({reason}); all others are kept in {journal_path}, the same command goes on with "
        "it"
    )


def _summarise(
    records: list[dict[str, Any]],
    seeds: tuple[int, ...],
    columns: Mapping[str, str],
    classes: np.ndarray,
) -> dict[str, np.ndarray]:
    """For each column that stands for a number of records its mean, then its values by seed."""
    of_training = {(record["index"], record["seed"]): record for record in records}
    found: dict[str, np.ndarray] = {}
    for number, column in columns.items():
        by_seed = {
            f"{column}_seed{seed}": np.array(
                [of_training[index, seed][number] for index in classes.tolist()]
            )
            for seed in seeds
        }
        found |= {column: np.mean(list(by_seed.values()), axis=0), **by_seed}
    return found
