"""`hwbench tables train`, and what it shares with `hwbench tables measure`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from hwbench.cli import completion, fit_options
from hwbench.cli.output import (
    AsJson,
    Workers,
    interruptible,
    progress_bar,
    same_command,
    warn,
    worker_count,
)
from hwbench.cli.table_files import TableName, TablePath, new_table_path, say_made
from hwbench.cli.torch_options import WhereComputed
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.arrays import IntArray
    from hwbench.images.fit import Precision
    from hwbench.spaces import Space

SpaceName = Annotated[
    str,
    typer.Argument(
        metavar="SPACE",
        help="A search space, see `hwbench spaces list`.",
        autocompletion=completion.spaces,
    ),
]
MOST_BYTES = 64 * 2**20
"""Of a file of architectures."""

Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=2,
        metavar="N",
        help="Take only so many architectures, drawn by the seed; by default all of the space.",
    ),
]
Architectures = Annotated[
    Path | None,
    typer.Option(
        "--architectures",
        metavar="FILE",
        help="Take only the architectures of a text file, a string of the space on each line; by "
        "default all of the space.",
    ),
]


def train(
    space: SpaceName,
    name: TableName,
    output: TablePath = None,
    limit: Limit = None,
    architectures: Architectures = None,
    images: Annotated[
        str,
        typer.Option(
            metavar="SET",
            help="The image set: a name, such as digits or cifar10 (hwbench images list), or a "
            ".npz file.",
        ),
    ] = "digits",
    seeds: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Trainings of each architecture, with the seeds 0 to N-1."
        ),
    ] = 2,
    epochs: Annotated[
        int, typer.Option(metavar="EPOCHS", help="Passes over the training images.")
    ] = 1,
    batch_size: Annotated[int, typer.Option(metavar="N", help="Images in a step.")] = 64,
    optimiser: Annotated[str, fit_options.OPTIMISER] = "sgd",
    learning_rate: Annotated[
        float,
        typer.Option(metavar="RATE", help="The learning rate at the start of the half cosine."),
    ] = 0.1,
    constant_rate: Annotated[bool, fit_options.CONSTANT_RATE] = False,
    warm_up_epochs: Annotated[float, fit_options.WARM_UP_EPOCHS] = 0.0,
    momentum: Annotated[float, fit_options.MOMENTUM] = 0.9,
    nesterov: Annotated[bool, fit_options.NESTEROV] = True,
    weight_decay: Annotated[float, fit_options.WEIGHT_DECAY] = 5e-4,
    gradient_clip: Annotated[float, fit_options.GRADIENT_CLIP] = 0.0,
    label_smoothing: Annotated[float, fit_options.LABEL_SMOOTHING] = 0.0,
    shift: Annotated[int, fit_options.SHIFT] = 0,
    flip: Annotated[bool, fit_options.FLIP] = False,
    cutout: Annotated[int, fit_options.CUTOUT] = 0,
    precision: Annotated[str, fit_options.PRECISION] = "float32",
    channels: Annotated[int, typer.Option(metavar="N", help="Output channels of the stem.")] = 8,
    depth: Annotated[
        int, typer.Option(metavar="N", help="How many times a stage repeats a choice.")
    ] = 1,
    skeleton: Annotated[list[str] | None, fit_options.SKELETON] = None,
    statistics_batch: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Images of a pass that tests or sets batch normalisation's statistics.",
        ),
    ] = 1024,
    device: WhereComputed = "cpu",
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Train a space's architectures on an image set; equal functions are trained once.

    hwbench tables train nasbench201 --name trained --limit 20 --epochs 1

    Stopped at any moment, the same command goes on where it was.
    """
    from hwbench.spaces import get_space
    from hwbench.tables.made.train import TrainRecipe
    from hwbench.tables.made.trained_table import trained_table

    found = get_space(space)
    recipe = TrainRecipe(
        images=images,
        seeds=tuple(range(seeds)),
        epochs=epochs,
        batch_size=batch_size,
        optimiser=cast("Literal['sgd', 'adam']", optimiser),
        learning_rate=learning_rate,
        constant_rate=constant_rate,
        warm_up_epochs=warm_up_epochs,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=weight_decay,
        gradient_clip=gradient_clip,
        label_smoothing=label_smoothing,
        shift=shift,
        flip=flip,
        cutout=cutout,
        precision=cast("Precision", precision),  # the recipe says what is wrong with it
        skeleton={**fit_options.skeleton_of(skeleton), "channels": channels, "depth": depth},
        statistics_batch=statistics_batch,
        device=device,
    )
    path = new_table_path(name, output)
    journal = path.with_suffix(".journal")
    with progress_bar(f"training {space}") as progress, resumable(journal):
        table = trained_table(
            found,
            recipe,
            name=name,
            journal_path=journal,
            archs=chosen_architectures(found, limit, architectures, seed=0),
            workers=worker_count(workers),
            progress=progress,
        )
    table.save(path)
    journal.unlink()
    missing = int(table.frame["test_accuracy"].isna().sum())
    if missing:
        warn(
            f"{missing} of {len(table)} architectures have no accuracy, since trainings of theirs "
            "diverged; take a smaller --learning-rate"
        )
    say_made(table, path, as_json=as_json)


def chosen_architectures(
    space: Space, limit: int | None, path: Path | None, seed: int
) -> IntArray | None:
    """Those of a file, or drawn; None for all of the space."""
    if path is not None:
        if limit is not None:
            raise HwbenchError("--limit and --architectures: give one of them")
        return _listed(space, path)
    if limit is None or limit == space.n_architectures:
        return None
    if limit > space.n_architectures:
        raise HwbenchError(
            f"--limit {limit:,}: {space.name} has {space.n_architectures:,} architectures; leave "
            "--limit out to take all of them"
        )
    return space.sample(limit, seed)


def _listed(space: Space, path: Path) -> IntArray:
    """The architectures of a text file, each once, in its order."""
    import numpy as np

    from hwbench.regular_files import read_regular

    try:
        text = read_regular(path, most_bytes=MOST_BYTES).decode("utf-8")
    except UnicodeDecodeError as error:
        raise HwbenchError(f"{path}: is no text in UTF-8") from error
    found: dict[bytes, IntArray] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            arch = space.from_string(line.strip())
        except HwbenchError as error:
            raise HwbenchError(f"{path}, line {number}: {error}") from error
        found.setdefault(arch.tobytes(), arch)
    if len(found) < 2:
        raise HwbenchError(f"{path}: lists {len(found)} architectures; a table needs two at least")
    return np.stack(list(found.values()))


@contextmanager
def resumable(journal: Path) -> Iterator[None]:
    """Told to stop, say that nothing is lost."""
    with interruptible(f"{same_command()} (what was done is kept in {journal})"):
        yield
