"""Training every architecture of a space on an image set.

A training is short on purpose: trained to the end on small images, nearly all architectures reach
the same accuracy, and a table of equal values ranks nothing.

Architectures that compute the same function are trained once: the first of each class in the
space's order stands for all of it. Every training is a pure function of architecture, seed and
recipe, so the number of workers changes nothing but the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pydantic import NonNegativeInt, PositiveInt

from hwbench.arguments import NotNegative, Positive, check_fields
from hwbench.code_version import code_version
from hwbench.environment import describe_versions
from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet
from hwbench.images.sets import load_images, reader_module
from hwbench.progress import Progress, silent
from hwbench.spaces import Space, get_space
from hwbench.tables.made.journal import Journal, digest_of
from hwbench.workers.pool import Ended, run_units

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class TrainRecipe:
    """How architectures are trained.

    Attributes
    ----------
    images : name of the image set.
    seeds : a training for each; a seed sets initial weights and the order of images.
    epochs : passes over the training images.
    batch_size : images in a step.
    learning_rate : at the start; falls to zero along a half cosine, step by step.
    momentum : Nesterov momentum of stochastic gradient descent.
    weight_decay : on all weights.
    skeleton : changes to the space's official skeleton; image shape and classes follow the images.
    """

    images: str = "digits"
    seeds: tuple[NonNegativeInt, ...] = (0, 1)
    epochs: PositiveInt = 1
    batch_size: PositiveInt = 64
    learning_rate: Positive = 0.1
    momentum: NotNegative = 0.9
    weight_decay: NotNegative = 5e-4
    skeleton: Mapping[str, int] = field(default_factory=lambda: {"channels": 8, "depth": 1})

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise HwbenchError("train: give at least one seed, and none twice")
        check_fields(self, "train")


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
    lexicographic order), `test_accuracy` (mean over the seeds) and `test_accuracy_seed<s>`, in %.

    Raises
    ------
    HwbenchError
        Where the image set or a skeleton option is unknown, or the journal belongs to another
        recipe, set of architectures or code, or cannot be written; and where trainings ended with
        the process they ran in, after all others were kept.
    """
    images = _cached_images(recipe.images)
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
                journal.append({"index": index, "seed": seed, "accuracy": ended.result})
                finished += 1
                progress(finished, total)
        if lost:
            raise _without_result(lost, len(todo), space, journal_path)
        return _summarise(journal.records, recipe, space.indices_of(wanted), classes)


def train_one(space: Space, index: int, seed: int, recipe: TrainRecipe) -> float:
    """Train one architecture and return its test accuracy in %.

    Parameters
    ----------
    space : the search space.
    index : the architecture's place in the lexicographic order.
    seed : of weights and image order.
    recipe : how to train.
    """
    import torch

    from hwbench.images.fit import Descent, evaluate, fit, sgd
    from hwbench.images.parts import parts_of
    from hwbench.optimisation import chained_half_cosine

    images = _cached_images(recipe.images)
    train, test = parts_of(images)
    network = space.network(
        space.architectures_at([index])[0], seed=seed, **training_skeleton(images, recipe)
    )
    optimizer = sgd(
        network.parameters(),
        learning_rate=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
        weight_decay=recipe.weight_decay,
    )
    network.train()
    fit(
        Descent(network=network, optimizer=optimizer),
        train,
        optimizer,
        chained_half_cosine(recipe.learning_rate),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        generator=torch.Generator().manual_seed(seed),
    )
    _reestimate_batch_norm(network, train.images)
    tested = evaluate(network.eval(), test, len(test))
    return tested.right / tested.images * 100.0


def _reestimate_batch_norm(network: torch.nn.Module, images: torch.Tensor) -> None:
    """Set the statistics of batch normalisation to those of all training images.

    After few steps the running averages still hold much of their initial values; tested with
    those, the accuracy would say how fast they forget rather than what was learned.
    """
    import torch

    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.inference_mode():
        network.train()(images)


def training_skeleton(images: ImageSet, recipe: TrainRecipe) -> dict[str, int]:
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

    def __call__(self, unit: tuple[int, int]) -> float:
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
    recipe: TrainRecipe,
    indices: np.ndarray,
    classes: np.ndarray,
) -> pd.DataFrame:
    accuracy = {(record["index"], record["seed"]): record["accuracy"] for record in records}
    by_seed = {
        f"test_accuracy_seed{seed}": np.array([accuracy[index, seed] for index in classes.tolist()])
        for seed in recipe.seeds
    }
    mean = np.mean(list(by_seed.values()), axis=0)
    return pd.DataFrame({"index": indices, "test_accuracy": mean, **by_seed})
