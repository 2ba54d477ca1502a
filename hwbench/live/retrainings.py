"""Training architectures from scratch into a run folder: each by itself, several side by side."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hwbench.devices import choose_device, device_title, seeded
from hwbench.environment import describe_machine, describe_versions
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.images.image_set import ImageSet
from hwbench.images.sets import load_images
from hwbench.live.config import load_config
from hwbench.live.retrain import NamedRecipe, Retrained, retrain, training_of
from hwbench.live.retrained import export_retrained
from hwbench.live.search import load_image_set
from hwbench.live.truth import accuracy_column, published_accuracy, same_images, stand_in
from hwbench.locks import only_writer
from hwbench.optimisation import denormals_flushed
from hwbench.progress import StageProgress, silent_stage
from hwbench.results.frames import write_frame
from hwbench.results.names import (
    CONFIG,
    LIVE_RESULT,
    RETRAINED_NETWORK,
    RETRAINING_CHECKPOINT,
    RETRAINING_EPOCHS,
    RETRAINING_RESULT,
    RETRAININGS,
)
from hwbench.results.retrainings import Retraining, TableValue
from hwbench.results.texts import read_object
from hwbench.spaces import Space, get_space
from hwbench.tables import load_table, load_target
from hwbench.tables.pairs import Accuracies, load_accuracies
from hwbench.toml import validated


def retrain_run(
    folder: Path,
    recipe: NamedRecipe,
    *,
    archs: Sequence[str] = (),
    data: str | None = None,
    data_folder: Path | None = None,
    table: str | None = None,
    **options: Any,
) -> list[Retraining]:
    """Train what a finished run found, or other architectures of its space, from scratch.

    Parameters
    ----------
    folder : the run folder.
    recipe : how to train.
    archs : strings of other architectures of the space; what was found by default.
    data, data_folder : of `load_images`; those of the search by default.
    table : see `retrain_archs`.
    **options : the other options of `retrain_archs`.

    Returns
    -------
    As `retrain_archs`.

    Raises
    ------
    HwbenchError
        Where the folder holds no finished run; and as `retrain_archs`.
    """
    if not (folder / LIVE_RESULT).exists():
        raise HwbenchError(
            f"{folder}: holds no finished search; use hwbench live run first, or train "
            f"architectures without one: hwbench live retrain -o {folder} --space SPACE --arch ARCH"
        )
    config = load_config(str(folder / CONFIG))
    wanted = archs or [read_object(folder / LIVE_RESULT)["architecture"]]
    images = load_image_set(config) if data is None else load_images(data, data_folder)
    return retrain_archs(
        folder, get_space(config.space.name), wanted, images, recipe, table=table, **options
    )


def retrain_archs(
    folder: Path,
    space: Space,
    archs: Sequence[str],
    images: ImageSet,
    recipe: NamedRecipe,
    *,
    seeds: Sequence[int] = (0,),
    table: str | None = None,
    test_every_epoch: bool = False,
    device: str | None = None,
    threads: int = 1,
    deterministic: bool = False,
    fresh: bool = False,
    stage: StageProgress = silent_stage,
) -> list[Retraining]:
    """Train architectures from scratch; each with each seed into a folder of its own.

    These are `retraining/LABEL` in the folder, see `hwbench.results.retrainings`; what has ended is
    not trained again. Stopped at any moment, the same call goes on with the epoch that it stopped
    in. Several processes may train different seeds into one folder at the same time.

    Parameters
    ----------
    folder : a run folder, or any other; made if missing.
    space : of the architectures.
    archs : their strings.
    images : the image set.
    recipe : how to train.
    seeds : of weights and draws.
    table : "table:column", or a table's name for its test accuracies on the images, whose values
        stand beside the results; by default those of the space's public benchmark on the same
        images, if there are any.
    test_every_epoch : whether networks are tested after every epoch and not at their end alone.
    device, threads, deterministic : as for `hwbench.live.run.run_live`.
    fresh : whether what the folder holds of these trainings is removed first.
    stage : makes a progress function for each training.

    Returns
    -------
    What each came to: for each architecture one a seed.

    Raises
    ------
    HwbenchError
        Where an architecture is none of the space, none or one is given twice, seeds are, the table
        is unknown or of another space, or the folder holds what was trained by other code.
    """
    wanted = [space.to_string(space.from_string(text)) for text in archs]
    if not wanted or len(set(wanted)) < len(wanted):
        raise HwbenchError("retraining: give at least one architecture, and none twice")
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise HwbenchError("retraining: give at least one seed from 0 on, and none twice")
    values = _TableValues.of(space, images, table)
    place = choose_device(device)
    computing = {"device": device_title(place), "deterministic": deterministic}
    units = [(arch, seed) for arch in wanted for seed in seeds]
    found = []
    for number, (arch, seed) in enumerate(units, start=1):
        job = _Job(space, arch, images, recipe, seed, computing)
        own = folder / RETRAININGS / job.label
        with only_writer(own) as claim:
            if fresh:
                _remove(own)
            if not (own / RETRAINING_RESULT).exists():
                which = f" {number} of {len(units)}" if len(units) > 1 else ""
                with (
                    seeded(seed, place, threads, deterministic=deterministic),
                    denormals_flushed(),
                ):
                    trained = retrain(
                        space,
                        space.from_string(arch),
                        images,
                        recipe.recipe,
                        seed=seed,
                        device=place,
                        checkpoint=own / RETRAINING_CHECKPOINT,
                        test_every_epoch=test_every_epoch,
                        after_epoch=partial(write_frame, own / RETRAINING_EPOCHS),
                        progress=stage(f"training from scratch{which}"),
                    )
                claim.check()
                job.keep(own, trained)
            found.append(_kept(own, job, values.of_arch(arch)))
    return found


def chosen_cells(
    table: str, images: str, *, best: int | None = None, sample: int | None = None, seed: int = 0
) -> tuple[Space, list[str]]:
    """Architectures of a table: its best, or some drawn at random.

    Of architectures that compute the same function one is taken.

    Parameters
    ----------
    table : "table:column", or a table's name for its test accuracies on the images.
    images : the name of the image set.
    best, sample : how many; one of the two.
    seed : of the drawing.

    Returns
    -------
    Their space, and their strings, the best first, or as they were drawn.

    Raises
    ------
    HwbenchError
        Where the table is unknown, has no accuracies or fewer architectures, or not one of `best`
        and `sample` is given.
    """
    count = best if sample is None else sample
    if best is not None and sample is not None:
        raise HwbenchError(f"table {table}: --best and --sample: give one of them, not both")
    if count is None:
        raise HwbenchError(
            f"table {table}: say which of its architectures, --best N or --sample N, or name them "
            "with --arch"
        )
    known = _accuracies(table, images)
    order = (
        np.argsort(-known.values, kind="stable")
        if sample is None
        else np.random.default_rng(seed).permutation(len(known))
    )
    _, first = np.unique(known.space.function_classes(known.archs[order]), return_index=True)
    rows = order[np.sort(first)]
    if not 1 <= count <= len(rows):
        raise HwbenchError(
            f"table {known.target}: {count} architectures asked for, it has {len(rows):,} that "
            "compute different functions"
        )
    return known.space, known.space.to_strings(known.archs[rows[:count]])


@dataclass(frozen=True)
class _Job:
    """One training: of an architecture by a recipe with a seed, on a device."""

    space: Space
    arch: str
    images: ImageSet
    recipe: NamedRecipe
    seed: int
    computing: dict[str, Any]

    @property
    def training(self) -> dict[str, Any]:
        """What determines it; plain values."""
        arch = self.space.from_string(self.arch)
        return training_of(self.space, arch, self.images, self.recipe.recipe, self.seed)

    @property
    def label(self) -> str:
        """Name of its folder: the same training has the same, and no other has."""
        given = (self.space.name, self.arch, self.images.name, asdict(self.recipe.recipe))
        digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:8]
        return f"{self.recipe.name}-{digest}-seed{self.seed}"

    def keep(self, own: Path, trained: Retrained) -> None:
        """Write what the training came to, the result last."""
        result = {
            "label": self.label,
            **self.training,
            "recipe_title": self.recipe.title,
            "test_accuracy": trained.test_accuracy,
            "train_loss": trained.train_loss,
            "parameters": trained.parameters,
            "measured": dict(trained.measured),
        }
        about = {
            "image_set": self.images.about(),
            **self.computing,
            "machine": describe_machine(),
            "versions": describe_versions(),
        }
        export_retrained(
            trained.network,
            own / RETRAINED_NETWORK,
            space=self.space,
            architecture=self.arch,
            skeleton={
                **self.recipe.recipe.skeleton,
                "channels": self.recipe.recipe.channels,
                "depth": self.recipe.recipe.depth,
                "input_channels": self.images.channels,
                "input_size": self.images.size,
                "classes": self.images.classes,
            },
            training={**result, **about},
            optimiser=trained.optimiser,
        )
        _write(own, {**result, **about})
        (own / RETRAINING_CHECKPOINT).unlink(missing_ok=True)


@dataclass(frozen=True, eq=False)
class _TableValues:
    """What a table says of architectures; nothing where none is asked."""

    accuracies: Accuracies | None = None
    about: TableValue | None = None

    @classmethod
    def of(cls, space: Space, images: ImageSet, table: str | None) -> _TableValues:
        if table is None:
            published = published_accuracy(space.name, images.base)
            if published is None:
                return cls()
            dataset = load_target(published, missing="keep").card.dataset
            if not same_images(dataset or "", images.base):
                return cls()
            table = published
        known = _accuracies(table, images.base, space)
        column = load_target(known.target, missing="keep")
        short = stand_in(column)
        about = TableValue(
            target=known.target,
            title=column.title,
            dataset=column.card.dataset or "",
            value=None,
            short_epochs=None if short is None else short.epochs,
        )
        return cls(known, about)

    def of_arch(self, arch: str) -> TableValue | None:
        """The value of one architecture, by its string."""
        if self.accuracies is None or self.about is None:
            return None
        row = self.accuracies.space.from_string(arch)[None, :]
        value = float(self.accuracies.values_of(row)[0])
        return self.about.model_copy(update={"value": value if np.isfinite(value) else None})


def _accuracies(table: str, images: str, space: Space | None = None) -> Accuracies:
    """The accuracies of "table:column", or of a table those on the images."""
    name, column = table, None
    if ":" in table:
        name, _, column = table.rpartition(":")
    column = column or accuracy_column(name, images)
    if column is None:
        raise HwbenchError(
            f"table {name}: has no column of test accuracies in %; name one with --table "
            f"{name}:COLUMN (hwbench tables show {name})"
        )
    whose = load_table(name).card.space if space is None else space.name
    return load_accuracies(f"{name}:{column}", whose)


def _kept(own: Path, job: _Job, value: TableValue | None) -> Retraining:
    """What a folder holds, if it is of this training, beside what a table says."""
    path = own / RETRAINING_RESULT
    there = read_object(path)
    wanted = json.loads(json.dumps(job.training))
    others = [key for key in wanted if there.get(key) != wanted[key]]
    if others:
        raise HwbenchError(
            f"{own}: holds a training of other {', '.join(others)}; choose another folder with -o, "
            "or replace it with --fresh"
        )
    table = None if value is None else value.model_dump(mode="json")
    if table is not None and there.get("table") != table:
        there["table"] = table
        _write(own, there)
    return validated(there, Retraining, where=str(path))


def _write(own: Path, result: dict[str, Any]) -> None:
    text = json.dumps(result, indent=2) + "\n"
    write_text(own / RETRAINING_RESULT, text, durable=True)


def _remove(own: Path) -> None:
    """Remove what an earlier training left in its folder."""
    try:
        for name in (RETRAINING_RESULT, RETRAINING_CHECKPOINT, RETRAINING_EPOCHS):
            (own / name).unlink(missing_ok=True)
        if (own / RETRAINED_NETWORK).exists():
            shutil.rmtree(own / RETRAINED_NETWORK)
    except OSError as error:
        raise HwbenchError(f"{own}: cannot be written ({error.strerror})") from error
