"""`hwbench live retrain`: architectures trained from scratch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli import completion, fit_options
from hwbench.cli.output import (
    AsJson,
    interruptible,
    print_json,
    print_listing,
    same_command,
    stage_bars,
    tell,
)
from hwbench.cli.output_paths import output_folder
from hwbench.cli.torch_options import DataFolder, Deterministic, Device, Seeds, Threads
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.live.retrain import NamedRecipe
    from hwbench.results.retrainings import Retraining

DEFAULT_IMAGES = "cifar10"
"""Of architectures that no search has found."""


def retrain(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN",
            help="The run folder of a finished search; by default none, and -o says the folder.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        output_folder("A folder for what no search has found; by default that of the search."),
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(
            metavar="SPACE",
            help="The search space of --arch; by default that of the search or the table.",
            autocompletion=completion.spaces,
        ),
    ] = None,
    arch: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ARCH",
            help="An architecture to train; by default what the search found; repeatable.",
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE[:COLUMN]",
            help="A table of true values to stand beside, from which --best and --sample choose; "
            "by default none.",
            autocompletion=completion.tables,
        ),
    ] = None,
    best: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Train so many architectures, the best of the table; by default none.",
        ),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Train so many architectures of the table, drawn at random; by default none.",
        ),
    ] = None,
    sample_seed: Annotated[
        int, typer.Option(min=0, metavar="SEED", help="The seed by which --sample draws.")
    ] = 0,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="SET",
            help="The image set; by default the search's own, without a search cifar10.",
        ),
    ] = None,
    data_folder: DataFolder = None,
    recipe: Annotated[
        str,
        typer.Option(
            metavar="RECIPE",
            help="The recipe: darts, nasbench201 or autosnn; the options below change it.",
        ),
    ] = "darts",
    channels: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Channels of the first cells; by default the recipe's own."
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Cells of a stage; by default the recipe's own."),
    ] = None,
    skeleton: Annotated[list[str] | None, fit_options.SKELETON] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="EPOCHS",
            help="Passes over the training images; by default the recipe's own.",
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Images of a step; by default the recipe's own."),
    ] = None,
    optimiser: Annotated[str | None, fit_options.OPTIMISER] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="The learning rate at the start of the half cosine; by default the recipe's own.",
        ),
    ] = None,
    constant_rate: Annotated[bool | None, fit_options.CONSTANT_RATE] = None,
    warm_up_epochs: Annotated[float | None, fit_options.WARM_UP_EPOCHS] = None,
    momentum: Annotated[float | None, fit_options.MOMENTUM] = None,
    nesterov: Annotated[bool | None, fit_options.NESTEROV] = None,
    weight_decay: Annotated[float | None, fit_options.WEIGHT_DECAY] = None,
    gradient_clip: Annotated[float | None, fit_options.GRADIENT_CLIP] = None,
    label_smoothing: Annotated[float | None, fit_options.LABEL_SMOOTHING] = None,
    drop_path: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="The share of dropped paths at the end, in cells, not in chains; by default the "
            "recipe's own.",
        ),
    ] = None,
    auxiliary_weight: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="WEIGHT",
            help="The weight of a second classifier's loss, in DARTS cells on 32 pixels; by "
            "default the recipe's own.",
        ),
    ] = None,
    shift: Annotated[int | None, fit_options.SHIFT] = None,
    flip: Annotated[bool | None, fit_options.FLIP] = None,
    cutout: Annotated[int | None, fit_options.CUTOUT] = None,
    precision: Annotated[str | None, fit_options.PRECISION] = None,
    seed: Seeds = None,
    test_every_epoch: Annotated[
        bool,
        typer.Option("--test-every-epoch", help="Test after every epoch, not only at the end."),
    ] = False,
    device: Device = None,
    threads: Threads = 1,
    deterministic: Deterministic = False,
    fresh: Annotated[
        bool,
        typer.Option("--fresh", help="Remove what the folder holds of these trainings first."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train what a search found from scratch, or any architectures, as DARTS or NAS-Bench-201 do.

    Each architecture, recipe and seed has a folder of its own in FOLDER/retraining: result, numbers
    of every epoch, trained weights. Stopped at any moment, the same command goes on. Without a
    search: -o FOLDER, and --space with --arch, or --table with --best or --sample.

    hwbench live retrain runs/live-darts --epochs 50

    hwbench live retrain -o runs/best --table nb201-digits --best 3 --recipe nasbench201

    Experimental: the published 600 epochs have not been run by the authors.
    """
    from hwbench.live.retrain import NamedRecipe

    given = {
        "channels": channels,
        "depth": depth,
        "skeleton": fit_options.skeleton_of(skeleton) or None,
        "epochs": epochs,
        "batch_size": batch_size,
        "optimiser": optimiser,
        "learning_rate": learning_rate,
        "constant_rate": constant_rate,
        "warm_up_epochs": warm_up_epochs,
        "momentum": momentum,
        "nesterov": nesterov,
        "weight_decay": weight_decay,
        "gradient_clip": gradient_clip,
        "label_smoothing": label_smoothing,
        "drop_path": drop_path,
        "auxiliary_weight": auxiliary_weight,
        "shift": shift,
        "flip": flip,
        "cutout": cutout,
        "precision": precision,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    chosen = NamedRecipe.of(recipe, **changes)
    with interruptible(same_command()), stage_bars() as stage:
        found = _trained(
            chosen,
            folder,
            output,
            space=space,
            archs=arch or [],
            table=table,
            best=best,
            sample=sample,
            sample_seed=sample_seed,
            data=data,
            data_folder=data_folder,
            options={
                "seeds": seed or [0],
                "test_every_epoch": test_every_epoch,
                "device": device,
                "threads": threads,
                "deterministic": deterministic,
                "fresh": fresh,
                "stage": stage,
            },
        )
    _print(found, folder or output, as_json)


def _trained(
    recipe: NamedRecipe,
    folder: Path | None,
    output: Path | None,
    *,
    space: str | None,
    archs: list[str],
    table: str | None,
    best: int | None,
    sample: int | None,
    sample_seed: int,
    data: str | None,
    data_folder: Path | None,
    options: dict[str, Any],
) -> list[Retraining]:
    """Train what the options name."""
    from hwbench.images.sets import base_of, load_images
    from hwbench.live.retrainings import chosen_cells, retrain_archs, retrain_run
    from hwbench.spaces import get_space

    from_table = best is not None or sample is not None
    if from_table and (archs or table is None):
        raise HwbenchError(
            "retrain: --best and --sample choose from --table TABLE, and take no --arch beside them"
        )
    if folder is not None:
        if output is not None:
            raise _no_folder()
        if space is not None or from_table:
            raise HwbenchError(
                f"retrain: {folder} says the space and what was found; for --space, --best or "
                "--sample name a folder with -o instead"
            )
        return retrain_run(
            folder, recipe, archs=archs, data=data, data_folder=data_folder, table=table, **options
        )
    if output is None:
        raise _no_folder()
    images = data or DEFAULT_IMAGES
    if table is not None and not archs:
        base = base_of(images, data_folder)
        found, archs = chosen_cells(table, base, best=best, sample=sample, seed=sample_seed)
        if space is not None and get_space(space).name != found.name:
            raise HwbenchError(f"retrain: the table {table} is of the space {found.name}")
    elif space is None or not archs:
        raise HwbenchError(
            "retrain: name a space and architectures of it, --space SPACE --arch ARCH, or a table "
            "and which of its architectures, --table TABLE --best 3"
        )
    else:
        found = get_space(space)
        archs = found.to_strings(found.from_strings(archs))
    return retrain_archs(
        output, found, archs, load_images(images, data_folder), recipe, table=table, **options
    )


def _no_folder() -> HwbenchError:
    return HwbenchError(
        "retrain: name either the run folder of a finished search, hwbench live retrain RUN, or a "
        "folder for other architectures: hwbench live retrain -o FOLDER --space SPACE --arch ARCH, "
        "or -o FOLDER --table TABLE --best 3"
    )


def _print(found: list[Retraining], folder: Path | None, as_json: bool) -> None:
    from hwbench.results.retrainings import over_seeds

    summary = over_seeds(found)
    if as_json:
        plain = [each.model_dump(mode="json") for each in found]
        print_json({"summary": [each.plain() for each in summary], "retrainings": plain})
        return
    for each in summary:
        beside = "" if each.first.table is None else f"; {each.first.table.words}"
        tell(f"{each.first.architecture}")
        tell(f"  trained from scratch ({each.how}): {each.accuracy} on test images{beside}")
    rows = [
        {
            "seed": each.seed,
            "test accuracy, %": f"{each.test_accuracy:.2f}",
            "train loss": "" if each.train_loss is None else f"{each.train_loss:.4g}",
            **{name.replace("_", " "): f"{value:.4g}" for name, value in each.measured.items()},
            "folder": each.label,
        }
        for each in found
    ]
    print_listing(rows, list(rows[0]), as_json=False, wrap=False)
    tell(f"written: {folder}/retraining")
