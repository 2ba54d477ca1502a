"""`hwbench live compare`: architectures trained by one recipe and measured, in one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli import completion
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
from hwbench.cli.table_files import Rounds, RunsOfVisit, Warmup
from hwbench.cli.torch_options import DataFolder, Deterministic, Device, Seeds, Threads

if TYPE_CHECKING:
    from hwbench.live.side_by_side import Compared

PUBLISHED = "published_networks"
"""What is compared where no space is named."""


def compare(
    output: Annotated[
        Path, output_folder("The folder of all that is trained; the same one goes on where it was.")
    ],
    space: Annotated[
        str,
        typer.Option(
            metavar="SPACE",
            help="The search space of the architectures.",
            autocompletion=completion.spaces,
        ),
    ] = PUBLISHED,
    arch: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ARCH",
            help="An architecture to train; by default all of a small space; repeatable.",
        ),
    ] = None,
    data: Annotated[
        str, typer.Option(metavar="SET", help="The image set, see `hwbench images list`.")
    ] = "cifar10",
    data_folder: DataFolder = None,
    recipe: Annotated[
        str,
        typer.Option(metavar="RECIPE", help="The recipe: darts, nasbench201 or autosnn."),
    ] = "darts",
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A field of the recipe, such as epochs=20; by default each is the recipe's own; "
            "repeatable.",
        ),
    ] = None,
    seed: Seeds = None,
    runtime: Annotated[
        str,
        typer.Option(
            metavar="RUNTIME", help="What measures the latency, see `hwbench tables runtimes`."
        ),
    ] = "torch-eager",
    rounds: Rounds = 5,
    repeats: RunsOfVisit = 2,
    warmup: Warmup = 1,
    batch_size: Annotated[
        int, typer.Option(metavar="N", help="Images in a run that is measured.")
    ] = 1,
    device: Device = None,
    threads: Threads = 1,
    deterministic: Deterministic = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Remove what the folder holds of the same first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train architectures by one recipe, measure them in turns, and print one table.

    By default the published networks of LAUBE Table 7.1 and ENAS. Beside accuracy and latency stand
    parameters and FLOPs, which cost nothing, and how well they rank both. The folder gets
    comparison.parquet, a table like any other. Stopped at any moment, the same command goes on.

    Experimental, as `hwbench live retrain` is.

    hwbench live compare -o runs/compared --set epochs=20
    """
    from hwbench.images.sets import load_images
    from hwbench.live.retrain import NamedRecipe
    from hwbench.live.side_by_side import compare as compared
    from hwbench.spaces import get_space
    from hwbench.tables.made.recipe import MeasureRecipe
    from hwbench.toml import set_in

    fields: dict[str, Any] = {}
    for each in changes or []:
        set_in(fields, each, option="--set")
    found = get_space(space)
    found.from_strings(arch or [])  # what is no architecture is said before images are read
    chosen = NamedRecipe.of(recipe, **fields)
    measuring = MeasureRecipe(
        runtime=runtime,
        rounds=rounds,
        warmup=warmup,
        repeats=repeats,
        threads=threads,
        batch_size=batch_size,
    )
    with interruptible(same_command()), stage_bars() as stage:
        result = compared(
            output,
            found,
            arch or [],
            load_images(data, data_folder),
            chosen,
            measuring=measuring,
            seeds=seed or [0],
            device=device,
            threads=threads,
            deterministic=deterministic,
            fresh=fresh,
            stage=stage,
        )
    _print(result, output, as_json)


def _print(result: Compared, folder: Path, as_json: bool) -> None:
    from hwbench.results.names import COMPARISON
    from hwbench.results.retrainings import over_seeds

    frame = result.table.frame
    if as_json:
        print_json(
            {
                "title": result.table.card.title,
                "networks": frame.drop(columns="hwbench_index", errors="ignore").to_dict("records"),
                "agreement": result.agreement,
            }
        )
        return
    spread = {each.first.architecture: each.accuracy for each in over_seeds(result.retrainings)}
    rows = [
        {
            "network": row["arch"],
            "test accuracy": spread[row["arch"]],
            "latency, ms": f"{row['latency']:.2f}",
            "fastest, ms": f"{row['latency_min']:.2f}",
            **{
                title: f"{row[name] / 1e6:.3g}"
                for title, name in (("parameters, M", "parameters"), ("FLOPs, M", "flops"))
                if name in row
            },
        }
        for row in frame.to_dict("records")
    ]
    print_listing(rows, list(rows[0]), as_json=False, title=result.table.card.title, wrap=False)
    for pair, tau in result.agreement.items():
        said = "not defined" if tau is None else f"{tau:.2f}"
        words = pair.replace("flops", "FLOPs").replace("_", " ")
        tell(f"Kendall's tau of {words}: {said}")
    tell(f"written: {folder / COMPARISON}")
