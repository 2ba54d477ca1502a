"""Making tables out of measurements and trainings, with cards that say how they were made."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from hwbench.environment import describe_machine, describe_versions
from hwbench.progress import Progress, silent
from hwbench.spaces import Space
from hwbench.spaces.base import IntArray
from hwbench.tables.card import ColumnCard, TableCard
from hwbench.tables.images import load_images
from hwbench.tables.measure import MeasureRecipe, measure
from hwbench.tables.table import Table
from hwbench.tables.train import TrainRecipe, train, training_skeleton


def measured_table(
    space: Space,
    recipe: MeasureRecipe,
    *,
    name: str,
    journal_path: Path,
    archs: ArrayLike | None = None,
    progress: Progress = silent,
) -> Table:
    """Measure architectures on this machine and return them as a table.

    Parameters
    ----------
    space, recipe, journal_path, archs, progress : see `hwbench.tables.measure.measure`.
    name : of the table.

    Returns
    -------
    A table with the columns `latency`, `latency_min` and `latency_iqr` (ms), `peak_memory` (MiB),
    `parameters` and `flops`.
    """
    measured = measure(space, recipe, journal_path, archs=archs, progress=progress)
    indices = measured["index"].to_numpy()
    skeleton = space.skeleton(**recipe.skeleton)
    machine = describe_machine()
    size = skeleton.input_size
    images = f"{recipe.batch_size} image{'s' if recipe.batch_size > 1 else ''} of {size}x{size}"
    how = (
        f"{recipe.runtime}, {images} pixels, {recipe.threads} thread"
        f"{'s' if recipe.threads > 1 else ''} on {machine['processor']}"
    )
    runs = f"{recipe.rounds} rounds x {recipe.repeats} runs in interleaved random order"
    columns = {
        "latency": ColumnCard(
            title="latency", unit="ms", direction="minimize", source=f"median of {runs}; {how}"
        ),
        "latency_min": ColumnCard(
            title="latency of the fastest run",
            unit="ms",
            direction="minimize",
            source=f"least disturbed of {runs}; {how}",
        ),
        "latency_iqr": ColumnCard(
            title="interquartile range of latency",
            unit="ms",
            direction="minimize",
            source=f"spread of {runs}; {how}",
        ),
        "peak_memory": ColumnCard(
            title="peak memory",
            unit="MiB",
            direction="minimize",
            source=f"weights plus the most that one forward pass holds at a time; {how}",
        ),
        **_count_cards(f"formula, network of {skeleton.channels} channels on {images} pixels"),
    }
    metrics = pd.concat(
        [measured.drop(columns="index"), _counts(space, indices, asdict(skeleton))], axis=1
    )
    card = TableCard(
        name=name,
        title=f"{space.title} measured on {machine['processor']}",
        space=space.name,
        description=f"Latency and peak memory of {len(indices)} architectures; {how}.",
        created=_today(),
        recipes=(_record("measure", asdict(recipe), skeleton=asdict(skeleton)),),
        columns=columns,
    )
    return Table.from_indices(indices, metrics, card)


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
    space, recipe, journal_path, archs, workers, progress : see `hwbench.tables.train.train`.
    name : of the table.

    Returns
    -------
    A table with the columns `test_accuracy` (mean over the seeds) and one a seed, in %.
    """
    trained = train(space, recipe, journal_path, archs=archs, workers=workers, progress=progress)
    indices = trained["index"].to_numpy()
    images = load_images(recipe.images)
    skeleton = training_skeleton(images, recipe)
    how = (
        f"{recipe.epochs} epochs of {recipe.batch_size} images a step, "
        f"{skeleton['channels']} channels, depth {skeleton['depth']}"
    )
    shared: dict[str, Any] = {
        "unit": "%",
        "direction": "maximize",
        "dataset": recipe.images,
        "split": "test",
    }
    columns = {
        "test_accuracy": ColumnCard(
            title="test accuracy",
            seeds=recipe.seeds,
            source=f"mean over {len(recipe.seeds)} trainings; {how}",
            **shared,
        )
    }
    for seed in recipe.seeds:
        columns[f"test_accuracy_seed{seed}"] = ColumnCard(
            title=f"test accuracy, seed {seed}",
            seeds=(seed,),
            source=f"one training; {how}",
            **shared,
        )
    n_trained = len(np.unique(space.function_classes(space.architectures_at(indices))))
    card = TableCard(
        name=name,
        title=f"{space.title} trained on {recipe.images}",
        space=space.name,
        description=(
            f"Test accuracy of {len(indices)} architectures on {images.title}; {how}. "
            f"{n_trained} functions were trained: architectures that compute the same share theirs."
        ),
        created=_today(),
        recipes=(_record("train", asdict(recipe), skeleton=skeleton),),
        columns=columns,
    )
    return Table.from_indices(indices, trained.drop(columns="index"), card)


def _counts(space: Space, indices: IntArray, skeleton: dict[str, int]) -> pd.DataFrame:
    archs = space.architectures_at(indices)
    return pd.DataFrame(
        {
            "parameters": space.parameters(archs, **skeleton),
            "flops": space.flops(archs, **skeleton),
        }
    )


def _count_cards(source: str) -> dict[str, ColumnCard]:
    return {
        "parameters": ColumnCard(
            title="trainable parameters", unit="1", direction="minimize", source=source
        ),
        "flops": ColumnCard(
            title="multiply-adds of one forward pass", unit="1", direction="minimize", source=source
        ),
    }


def _record(command: str, recipe: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "command": command,
        **recipe,
        **changes,
        "machine": describe_machine(),
        "versions": describe_versions(),
    }


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
