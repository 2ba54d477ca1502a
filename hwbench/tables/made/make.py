"""Making tables out of measurements and trainings, with cards that say how they were made."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from hwbench.environment import describe_machine, describe_versions
from hwbench.files import today
from hwbench.images.recipe import changes_in_words
from hwbench.images.sets import load_images
from hwbench.progress import Progress, silent
from hwbench.spaces import Space
from hwbench.spaces.base import Measurement, Skeleton, SpaceLacksError
from hwbench.tables.card import ColumnCard, NoiseCard, TableCard
from hwbench.tables.made.measure import MeasureRecipe, measure
from hwbench.tables.made.train import TrainRecipe, train, training_skeleton
from hwbench.tables.noise import halves_noise, with_twin_noise
from hwbench.tables.table import Table


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
    space, recipe, journal_path, archs, progress : see `hwbench.tables.made.measure.measure`.
    name : of the table.

    Returns
    -------
    A table with the columns `latency`, `latency_min` and `latency_iqr` (ms), `peak_memory` (MiB,
    where PyTorch runs the network as it is), `parameters` and `flops` (where the space counts
    them). Of all runs of all rounds the median, the fastest and the interquartile range are kept:
    whatever else a machine does only adds time, so on a busy one the fastest run says most about
    the architecture.
    """
    chosen = space.all_architectures() if archs is None else space.check(archs)
    measured = measure(space, recipe, journal_path, archs=chosen, progress=progress)
    skeleton = space.skeleton(**recipe.skeleton)
    machine = describe_machine()
    size = skeleton.input_size
    images = f"{recipe.batch_size} image{'s' if recipe.batch_size > 1 else ''} of {size}x{size}"
    kind = "" if recipe.dtype == "float32" else f" {recipe.dtype},"
    how = (
        f"{recipe.runtime},{kind} {images} pixels, {recipe.threads} thread"
        f"{'s' if recipe.threads > 1 else ''} on {_device_name(recipe, machine)}"
    )
    latency_cards, latencies = _latency_columns(
        recipe, measured.milliseconds, how, _device_name(recipe, machine)
    )
    columns: dict[str, ColumnCard] = {**latency_cards}
    metrics: dict[str, NDArray[Any]] = {**latencies}
    if measured.peak_memory is not None:
        metrics["peak_memory"] = measured.peak_memory
        columns["peak_memory"] = ColumnCard(
            title="peak memory",
            unit="MiB",
            direction="minimize",
            source=f"weights plus the most that one forward pass holds at a time; {how}",
        )
    with contextlib.suppress(SpaceLacksError):
        metrics["parameters"] = space.parameters(chosen, **asdict(skeleton))
        metrics["flops"] = space.flops(chosen, **asdict(skeleton))
        source = f"formula, network of {skeleton.channels} channels on {images} pixels"
        columns.update(_count_cards(source))
    card = TableCard(
        name=name,
        title=f"{space.title} measured on {_device_name(recipe, machine)}",
        space=space.name,
        description=f"Latency of {len(chosen)} architectures; {how}.",
        created=today(),
        recipes=(_record("measure", asdict(recipe), skeleton=asdict(skeleton)),),
        columns=columns,
    )
    return with_twin_noise(Table.from_archs(chosen, pd.DataFrame(metrics), card))


def _latency_columns(
    recipe: MeasureRecipe, milliseconds: NDArray[np.float64], how: str, device: str
) -> tuple[dict[str, ColumnCard], dict[str, NDArray[np.float64]]]:
    """Cards and values of what is kept of all runs, of shape (rounds, n_archs, repeats)."""
    together = milliseconds.transpose(1, 0, 2).reshape(milliseconds.shape[1], -1)
    least, low, median, high = np.percentile(together, [0, 25, 50, 75], axis=1)
    noise: dict[str, NoiseCard | None] = {"latency": None, "latency_min": None}
    part = len(milliseconds) // 2
    if part:
        halves = (milliseconds[: 2 * part : 2], milliseconds[1 : 2 * part : 2])
        longer = len(milliseconds) / part
        medians = [np.median(half, axis=(0, 2)) for half in halves]
        noise["latency"] = halves_noise(*medians, longer=longer)
        fastest = [half.min(axis=(0, 2)) for half in halves]
        noise["latency_min"] = halves_noise(*fastest, longer=longer)
    runs = f"{recipe.rounds} rounds x {recipe.repeats} runs in interleaved random order"
    shared: dict[str, Any] = {"unit": "ms", "direction": "minimize", "device": device}
    cards = {
        "latency": ColumnCard(
            title="latency",
            source=f"median of {runs}; {how}",
            noise=noise["latency"],
            **shared,
        ),
        "latency_min": ColumnCard(
            title="latency of the fastest run",
            source=f"least disturbed of {runs}; {how}",
            noise=noise["latency_min"],
            **shared,
        ),
        "latency_iqr": ColumnCard(
            title="interquartile range of latency", source=f"spread of {runs}; {how}", **shared
        ),
    }
    return cards, {"latency": median, "latency_min": least, "latency_iqr": high - low}


def _device_name(recipe: MeasureRecipe, machine: dict[str, Any]) -> str:
    if recipe.device == "cpu":
        return str(machine["processor"])
    import torch

    return torch.cuda.get_device_name()


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
    and `flops`, which are counted.
    """
    trained = train(space, recipe, journal_path, archs=archs, workers=workers, progress=progress)
    indices = trained["index"].to_numpy()
    images = load_images(recipe.images)
    skeleton = training_skeleton(images, recipe)
    how = (
        f"{recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''} of {recipe.batch_size} images "
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
        counted = space.architectures_at(indices)
        trained["parameters"] = space.parameters(counted, **skeleton)
        trained["flops"] = space.flops(counted, **skeleton)
        columns |= _count_cards(f"formula, network of {skeleton['channels']} channels")
    n_trained = len(np.unique(space.function_classes(space.architectures_at(indices))))
    card = TableCard(
        name=name,
        title=f"{space.title} trained on {recipe.images}",
        space=space.name,
        description=(
            f"Test accuracy of {len(indices)} architectures on {images.title}; {how}. "
            f"{n_trained} functions were trained: architectures that compute the same share theirs."
        ),
        created=today(),
        recipes=(_record("train", asdict(recipe), skeleton=skeleton, image_set=images.about()),),
        columns=columns,
    )
    return with_twin_noise(Table.from_indices(indices, trained.drop(columns="index"), card))


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
