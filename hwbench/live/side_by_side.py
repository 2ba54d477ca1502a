"""Architectures side by side: trained by one recipe, measured in turns, in one table.

As published networks are compared in LAUBE Table 7.1, where the same data, augmentations and
optimiser leave the architectures alone to differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet
from hwbench.live.retrain import NamedRecipe
from hwbench.live.retrainings import retrain_archs
from hwbench.live.truth import kendall_tau
from hwbench.locks import only_writer
from hwbench.progress import StageProgress, silent_stage
from hwbench.results.names import COMPARISON, LATENCY_JOURNAL
from hwbench.results.retrainings import Retraining, over_seeds
from hwbench.spaces import Space
from hwbench.tables import Table
from hwbench.tables.card import ColumnCard
from hwbench.tables.made.measured_table import measured_table
from hwbench.tables.made.recipe import MeasureRecipe

TEST_ACCURACY = "test_accuracy"

BASELINES = ("parameters", "flops")
"""Columns that cost neither a training nor a measurement."""

MOST_BY_DEFAULT = 50
"""Architectures of a space that are compared where none are named."""


@dataclass(frozen=True)
class Compared:
    """A comparison.

    Attributes
    ----------
    table : a row an architecture: `test_accuracy` (mean over the seeds, %) and one column a seed,
        `latency`, `latency_min` and `latency_iqr` (ms), `peak_memory` (MiB, where PyTorch runs the
        network as it is), `parameters` and `flops`.
    retrainings : of the architectures, one a seed.
    agreement : Kendall's tau of the free baselines, and of the latency, with the test accuracy, and
        of the baselines with the latency, by "parameters with test_accuracy"; None where it is not
        defined.
    """

    table: Table
    retrainings: tuple[Retraining, ...]
    agreement: dict[str, float | None]


def compare(
    folder: Path,
    space: Space,
    archs: Sequence[str],
    images: ImageSet,
    recipe: NamedRecipe,
    *,
    measuring: MeasureRecipe | None = None,
    seeds: Sequence[int] = (0,),
    device: str | None = None,
    threads: int = 1,
    deterministic: bool = False,
    fresh: bool = False,
    stage: StageProgress = silent_stage,
) -> Compared:
    """Measure and train architectures, and put what came of it into one table.

    The networks that are measured are those that are trained, at the size of the images. Stopped at
    any moment, the same call goes on: a journal keeps what was measured, and each training has a
    folder of its own, see `hwbench.live.retrainings.retrain_archs`.

    Parameters
    ----------
    folder : gets `comparison.parquet` and what is needed to go on; made if missing.
    space, archs : the architectures, by their strings; none for all of a small space.
    images : the image set.
    recipe : how to train.
    measuring : how latency is measured; its skeleton is that of the recipe.
    seeds, device, threads, deterministic, stage : as of `retrain_archs`.
    fresh : whether what the folder holds of the same is removed first.

    Raises
    ------
    HwbenchError
        As `retrain_archs` and `measure`, and where no architectures are named in a space of many.
    """
    wanted = [space.to_string(space.from_string(text)) for text in archs] or _all_of(space)
    skeleton = {
        **recipe.recipe.skeleton,
        "channels": recipe.recipe.channels,
        "depth": recipe.recipe.depth,
        "input_channels": images.channels,
        "input_size": images.size,
        "classes": images.classes,
    }
    with only_writer(folder) as claim:
        journal = folder / LATENCY_JOURNAL
        if fresh:
            journal.unlink(missing_ok=True)
        measured = measured_table(
            space,
            replace(measuring or MeasureRecipe(), skeleton=skeleton),
            name="comparison",
            journal_path=journal,
            archs=space.from_strings(wanted),
            progress=stage("measuring latency"),
        )
        retrainings = retrain_archs(
            folder,
            space,
            wanted,
            images,
            recipe,
            seeds=seeds,
            device=device,
            threads=threads,
            deterministic=deterministic,
            fresh=fresh,
            stage=stage,
        )
        claim.check()
        table = _joined(measured, retrainings, images, recipe)
        table.save(folder / COMPARISON)
    return Compared(table, tuple(retrainings), agreement_of(table.metrics))


def _all_of(space: Space) -> list[str]:
    """Every architecture of a small space."""
    if space.n_architectures > MOST_BY_DEFAULT:
        raise HwbenchError(
            f"the space {space.name} has {space.n_architectures:.3g} architectures; name those to "
            "compare with --arch"
        )
    return space.to_strings(space.all_architectures())


def _joined(
    measured: Table, retrainings: Sequence[Retraining], images: ImageSet, recipe: NamedRecipe
) -> Table:
    """The measured table with the accuracies of the trainings, best first."""
    by_arch = {each.first.architecture: each for each in over_seeds(retrainings)}
    frame, several = measured.frame, next(iter(by_arch.values()))
    accuracies: dict[str, list[float]] = {
        TEST_ACCURACY: [
            mean(each.test_accuracy for each in by_arch[arch].retrainings) for arch in frame["arch"]
        ]
    }
    cards = {
        TEST_ACCURACY: _card(
            "test accuracy", several.seeds, images, f"mean over trainings by {recipe.title}"
        )
    }
    for place, seed in enumerate(several.seeds):
        column = f"{TEST_ACCURACY}_seed{seed}"
        accuracies[column] = [
            by_arch[arch].retrainings[place].test_accuracy for arch in frame["arch"]
        ]
        title = f"test accuracy, seed {seed}"
        cards[column] = _card(title, [seed], images, f"a training by {recipe.title}")
    n_archs = f"{len(frame)} architecture{'s' * (len(frame) > 1)}"
    card = measured.card.model_copy(
        update={
            "title": f"{measured.space.title} under one recipe",
            "description": f"{n_archs} trained on {images.title} by {recipe.title}, and measured "
            f"on this machine. {measured.card.description}",
            "recipes": (
                *measured.card.recipes,
                {"command": "compare", **several.first.recipe, "image_set": images.about()},
            ),
            "columns": {**cards, **measured.card.columns},
        }
    )
    joined = pd.concat([pd.DataFrame(accuracies), frame.reset_index(drop=True)], axis=1)
    ordered = joined.sort_values(TEST_ACCURACY, ascending=False, kind="stable", ignore_index=True)
    return Table(ordered, card)


def _card(title: str, seeds: Sequence[int], images: ImageSet, source: str) -> ColumnCard:
    return ColumnCard(
        title=title,
        unit="%",
        direction="maximize",
        dataset=images.name,
        split="test",
        seeds=tuple(seeds),
        source=source,
    )


def agreement_of(metrics: pd.DataFrame) -> dict[str, float | None]:
    """Kendall's tau of what is free with what is not, see `Compared`."""
    pairs = [(name, TEST_ACCURACY) for name in (*BASELINES, "latency")]
    pairs += [(name, "latency") for name in BASELINES]
    return {
        f"{one} with {other}": kendall_tau(
            *(metrics[name].to_numpy(dtype=np.float64) for name in (one, other))
        )
        for one, other in pairs
        if one in metrics
    }
