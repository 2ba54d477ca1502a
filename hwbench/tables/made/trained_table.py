"""A table of trainings, whose cards say how the networks were trained."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from hwbench.arrays import IntArray
from hwbench.files import today
from hwbench.images.recipe import changes_in_words
from hwbench.images.sets import load_images
from hwbench.progress import Progress, silent
from hwbench.spaces import Space
from hwbench.spaces.base import Measurement, Skeleton
from hwbench.tables.card import ColumnCard, TableCard
from hwbench.tables.made.cards import count_cards, record_of
from hwbench.tables.made.train import TrainRecipe, train, training_skeleton
from hwbench.tables.noise import halves_noise, with_twin_noise
from hwbench.tables.table import Table
from hwbench.wording import counted


def trained_table(
    space: Space,
    recipe: TrainRecipe,
    *,
    name: str,
    journal_path: Path,
    archs: ArrayLike | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> Table:
    """Train architectures on an image set and return them as a table.

    Parameters
    ----------
    space, recipe, journal_path, archs, workers, progress : see `hwbench.tables.made.train.train`.
    name : of the table.

    Returns
    -------
    A table with the columns `test_accuracy` (mean over the seeds) and one a seed, in %; likewise
    what the space's networks measure (`Space.measured`), such as `spikes`, and then `parameters`
    and `flops`, which are counted. Values of trainings that diverged are missing; the card says
    how many there were.
    """
    trained = train(space, recipe, journal_path, archs=archs, workers=workers, progress=progress)
    indices = trained["index"].to_numpy()
    images = load_images(recipe.images)
    skeleton = training_skeleton(images, recipe)
    how = (
        f"{counted(recipe.epochs, 'epoch')} of {recipe.batch_size} images "
        f"a step, {skeleton['channels']} channels, depth {skeleton['depth']}"
    )
    sizes = {each.name for each in fields(Skeleton)}
    further = {key: value for key, value in recipe.skeleton.items() if key not in sizes}
    how = ", ".join([how, *(f"{key.replace('_', ' ')} {value}" for key, value in further.items())])
    said = TrainRecipe(
        images=recipe.images,
        seeds=recipe.seeds,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        skeleton=recipe.skeleton,
    )
    how = ", ".join([how, *changes_in_words(recipe, said)])
    columns: dict[str, ColumnCard] = {}
    kinds = {"test_accuracy": Measurement("test accuracy", "%", "maximize"), **space.measured}
    for column, kind in kinds.items():
        columns |= _trained_columns(column, kind, trained, recipe, how)
    if space.measured:  # beside what a pass costs, what is known without one
        archs = space.architectures_at(indices)
        trained["parameters"] = space.parameters(archs, **skeleton)
        trained["flops"] = space.flops(archs, **skeleton)
        columns |= count_cards(f"formula, network of {skeleton['channels']} channels")
    classes = space.function_classes(space.architectures_at(indices))
    n_trained = len(np.unique(classes))
    card = TableCard(
        name=name,
        title=f"{space.title} trained on {recipe.images}",
        space=space.name,
        description=(
            f"Test accuracy of {len(indices)} architectures on {images.title}; {how}. "
            f"{n_trained} functions were trained: architectures that compute the same share theirs."
            f"{_diverged_in_words(trained, classes, recipe)}"
        ),
        created=today(),
        recipes=(record_of("train", asdict(recipe), skeleton=skeleton, image_set=images.about()),),
        columns=columns,
    )
    return with_twin_noise(Table.from_indices(indices, trained.drop(columns="index"), card))


def _diverged_in_words(trained: pd.DataFrame, classes: IntArray, recipe: TrainRecipe) -> str:
    """How many trainings of functions diverged; empty where none did."""
    of_functions = trained.iloc[np.unique(classes, return_index=True)[1]]
    by_seed = of_functions[[f"test_accuracy_seed{seed}" for seed in recipe.seeds]]
    n_diverged = int(by_seed.isna().to_numpy().sum())
    if not n_diverged:
        return ""
    return (
        f" {n_diverged} of {counted(by_seed.size, 'training')} diverged: what is of them, also "
        "means over seeds, is missing."
    )


def _trained_columns(
    name: str, kind: Measurement, trained: pd.DataFrame, recipe: TrainRecipe, how: str
) -> dict[str, ColumnCard]:
    """Cards of the mean over the seeds, and of each seed, of what trainings came to."""
    shared: dict[str, Any] = {
        "unit": kind.unit,
        "direction": kind.direction,
        "dataset": recipe.images,
        "split": "test",
        "shared_by_function": True,
    }
    by_seed = [f"{name}_seed{seed}" for seed in recipe.seeds]
    pair = [trained[column] for column in by_seed[:2]] if len(by_seed) > 1 else None
    columns = {
        name: ColumnCard(
            title=kind.title,
            seeds=recipe.seeds,
            source=f"mean over {len(recipe.seeds)} trainings; {how}",
            noise=None
            if pair is None
            else halves_noise(*pair, longer=len(by_seed), method="seeds"),
            **shared,
        )
    }
    for seed, column in zip(recipe.seeds, by_seed, strict=True):
        columns[column] = ColumnCard(
            title=f"{kind.title}, seed {seed}",
            seeds=(seed,),
            source=f"one training; {how}",
            noise=None if pair is None else halves_noise(*pair, longer=1, method="seeds"),
            **shared,
        )
    return columns
