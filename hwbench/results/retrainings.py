"""What was trained from scratch, as run folders hold it.

Every training, of one architecture by one recipe with one seed, has a folder `retraining/LABEL` in
the run's: `result.json` (what it came to), `epochs.parquet` (numbers of every epoch) and `network`
(the trained weights). Older versions kept one training in `retraining.json`, which is read as well.
Reading them imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeInt

from hwbench.errors import HwbenchError
from hwbench.results.frames import Column, Columns, read_frame
from hwbench.results.names import (
    RETRAINING,
    RETRAINING_EPOCHS,
    RETRAINING_RESULT,
    RETRAININGS,
)
from hwbench.results.texts import read_object
from hwbench.toml import validated

EPOCH_COLUMNS: Columns = {
    "epoch": Column("integer", "from 0"),
    "learning_rate": Column("number", "in the last step"),
    "train_loss": Column(
        "number", "mean over the steps; cross-entropy, with smoothed labels where the recipe says"
    ),
    "train_accuracy": Column("number", "in %, of augmented images before their step"),
    "seconds": Column("number", "that the training of the epoch took"),
    "test_loss": Column(
        "number", "cross-entropy after the epoch; only where every epoch is tested", optional=True
    ),
    "test_accuracy": Column("number", "in %, the same", optional=True),
}
"""What a frame of epochs holds, a row for each."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class TableValue(_Part):
    """What a table says of an architecture that was trained.

    Attributes
    ----------
    target : "table:column".
    title : of the column, in words.
    dataset : that the table's networks were trained on; "" where nobody says.
    unit : of the value, such as "%".
    value : of the architecture; None where the table lacks it.
    short_epochs : of the table's trainings where they are too short for true values.
    """

    target: str
    title: str
    dataset: str = ""
    unit: str = "%"
    value: FiniteFloat | None
    short_epochs: NonNegativeInt | None = None

    @property
    def words(self) -> str:
        """The value in a sentence: "true value of the table hw-nas-bench: 93.10 % (...)"."""
        table = self.target.rpartition(":")[0]
        on = f" on {self.dataset}" if self.dataset else ""
        where = f"{self.title.partition(',')[0]}{on}"
        if self.value is None:
            return f"the table {table} lacks it ({where})"
        amount = f"{self.value:.2f} {self.unit}".rstrip()
        if self.short_epochs is None:
            return f"true value of the table {table}: {amount} ({where})"
        plural = "s" * (self.short_epochs != 1)
        return (
            f"the table {table} says {amount} ({where}, trainings of {self.short_epochs} "
            f"epoch{plural}: no true value)"
        )


class Retraining(_Part):
    """What the training of one architecture from scratch came to.

    Attributes
    ----------
    label : name of its folder; "" for one that an older version kept.
    space, architecture : that was trained; "" where an older version did not say the space.
    images : name of the image set.
    seed : of weights and draws.
    recipe_title : the recipe in words, such as "darts, epochs 100".
    recipe : all of it.
    test_accuracy : in %.
    train_loss : of the last epoch.
    parameters : of the network.
    measured : what else its passes on test images measured, means: of spiking networks `spikes`.
    table : what a table says of the architecture; None where none is asked.
    machine, versions : see `hwbench.environment`; empty where an older version did not say.
    """

    label: str = ""
    space: str = ""
    architecture: str
    images: str = ""
    seed: NonNegativeInt
    recipe_title: str = ""
    recipe: dict[str, Any] = Field(default_factory=dict)
    test_accuracy: FiniteFloat
    train_loss: float | None = None
    parameters: FiniteFloat | None = None
    measured: dict[str, FiniteFloat] = Field(default_factory=dict)
    table: TableValue | None = None
    machine: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class SeveralSeeds:
    """Trainings of one architecture on the same images by one recipe, with different seeds.

    Attributes
    ----------
    retrainings : of each seed, ascending.
    """

    retrainings: tuple[Retraining, ...] = field(repr=False)

    @property
    def first(self) -> Retraining:
        """That of the smallest seed: what it says but for its numbers, all say."""
        return self.retrainings[0]

    @property
    def seeds(self) -> list[int]:
        """Of the trainings, ascending."""
        return [each.seed for each in self.retrainings]

    @property
    def mean(self) -> float:
        """Of the test accuracies in %."""
        return mean(each.test_accuracy for each in self.retrainings)

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the test accuracies over the seeds; None for a single one."""
        values = [each.test_accuracy for each in self.retrainings]
        return stdev(values) if len(values) > 1 else None

    @property
    def accuracy(self) -> str:
        """In words: "97.24 ± 0.09 %"."""
        spread = "" if self.deviation is None else f" ± {self.deviation:.2f}"
        return f"{self.mean:.2f}{spread} %"

    @property
    def how(self) -> str:
        """Recipe, images and seeds in words: "darts on cifar10, seeds 0, 1, 2"."""
        seeds = f"seed{'s' * (len(self.seeds) > 1)} {', '.join(map(str, self.seeds))}"
        images = f"on {self.first.images}" if self.first.images else ""
        what = " ".join(each for each in (self.first.recipe_title, images) if each)
        return f"{what}, {seeds}" if what else seeds

    def plain(self) -> dict[str, Any]:
        """As an object of JSON."""
        first = self.first
        return {
            "space": first.space,
            "architecture": first.architecture,
            "images": first.images,
            "recipe": first.recipe_title,
            "seeds": self.seeds,
            "test_accuracy": self.mean,
            "test_accuracy_deviation": self.deviation,
            "table": None if first.table is None else first.table.model_dump(mode="json"),
        }


def over_seeds(retrainings: Sequence[Retraining]) -> list[SeveralSeeds]:
    """Trainings that differ in their seed alone, together; in the order of the first of each."""
    together: dict[str, list[Retraining]] = {}
    for each in retrainings:
        key = str((each.space, each.architecture, each.images, sorted(each.recipe.items())))
        together.setdefault(key, []).append(each)
    return [
        SeveralSeeds(tuple(sorted(those, key=lambda each: each.seed)))
        for those in together.values()
    ]


def retraining_folders(run: Path) -> Sequence[Path]:
    """The folders of the trainings from scratch that have ended, by their names."""
    folder = run / RETRAININGS
    if not folder.is_dir():
        return []
    try:
        return sorted(each for each in folder.iterdir() if (each / RETRAINING_RESULT).is_file())
    except OSError as error:
        raise HwbenchError(f"{folder}: cannot be read ({error.strerror})") from error


def read_retrainings(run: Path) -> tuple[Retraining, ...]:
    """Read what was trained from scratch in a run; of a training under way, nothing.

    Raises
    ------
    HwbenchError
        Where a file is damaged, or lacks something; the message names it.
    """
    paths = [run / RETRAINING] if (run / RETRAINING).is_file() else []
    paths += [folder / RETRAINING_RESULT for folder in retraining_folders(run)]
    return tuple(read_retraining(path) for path in paths)


def read_retraining(path: Path) -> Retraining:
    """Read the result of one training.

    Raises
    ------
    HwbenchError
        Where the file is damaged, or lacks something.
    """
    return validated(read_object(path), Retraining, where=str(path))


def read_epochs(folder: Path) -> pd.DataFrame:
    """Numbers of every epoch of a training, see `EPOCH_COLUMNS`; no rows before the first ended.

    Parameters
    ----------
    folder : of the training, `RUN/retraining/LABEL`.
    """
    frame = read_frame(folder / RETRAINING_EPOCHS, EPOCH_COLUMNS)
    if frame is None:
        return pd.DataFrame(columns=[n for n, each in EPOCH_COLUMNS.items() if not each.optional])
    return frame
