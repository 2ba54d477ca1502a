"""`hwbench compress`: smaller dense networks out of trained ones, and how much faster they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli.output import (
    AsJson,
    Fresh,
    interruptible,
    listed,
    print_json,
    print_listing,
    same_command,
    say_written,
    stage_bars,
    tell,
)
from hwbench.cli.output_paths import HTML, output_file, output_folder, usable_folder
from hwbench.cli.torch_options import Deterministic, Threads, WhereComputed

if TYPE_CHECKING:
    from hwbench.compress.spec import CompressSpec
    from hwbench.results.compressions import Compressions

app = typer.Typer(
    help="Make a network smaller: leave units out, rewire it densely, measure it before and after."
    "\n\nhwbench compress run lenet_300_100 --budget 0.03",
    no_args_is_help=True,
)

Given = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="A network's name (hwbench compress parts), FILE.py:FUNCTION or module:function of "
        "your own, or a TOML file that says all.",
    ),
]


@app.command()
def parts(as_json: AsJson = False) -> None:
    """List networks, methods and recipes.

    hwbench compress parts
    """
    from hwbench.compress.known import NETWORKS, RECIPE_NAMES
    from hwbench.compress.methods import METHODS

    rows = []
    for registry in (NETWORKS, METHODS):
        rows += listed(
            registry,
            lambda name, registry=registry: {  # type: ignore[misc]
                "part": registry.kind,
                "name": name,
                "what": (registry.load(name).__doc__ or "").partition("\n")[0],
            },
            known={"part": registry.kind},
            hidden=registry.hidden(),
        )
    rows += listed(RECIPE_NAMES, _about_recipe, known={"part": "recipe"})
    print_listing(rows, ["name", "part", "what"], as_json=as_json)


def _about_recipe(name: str) -> dict[str, Any]:
    from hwbench.compress.recipe import RECIPES

    recipe = RECIPES[name]
    words = (
        f"{recipe.epochs} epochs: {recipe.first_epochs} first, {recipe.loops} loops of "
        f"{recipe.loop_epochs}, {recipe.last_epochs} last"
    )
    return {"part": "recipe", "name": name, "what": words}


@app.command()
def run(
    network: Given,
    output: Annotated[
        Path | None,
        output_folder("The run folder; by default runs/compress-NETWORK."),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            metavar="SET",
            help="The image set to train on (hwbench images list); by default the network's own.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The recipe: published, cpu or small (hwbench compress parts); by default that of "
            "the specification.",
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A method of compression (hwbench compress parts); by default all of them; "
            "repeatable.",
        ),
    ] = None,
    budget: Annotated[
        list[float] | None,
        typer.Option(
            metavar="SHARE",
            help="The share of the FLOPs that may be left, such as 0.1; 0 where only units go that "
            "have become zero; by default as the specification says; repeatable.",
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How many trainings of each, with the seeds 0, 1 and so on; by default as the "
            "specification says.",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Another value of the specification, such as training.epochs=60, options.width=16 "
            "or strengths.group_lasso=[1e-3,3e-3]; by default it stays; repeatable.",
        ),
    ] = None,
    runtime: Annotated[
        str | None,
        typer.Option(
            metavar="RUNTIME",
            help="What latency is measured with (hwbench tables runtimes), none for no latency; by "
            "default as the specification says.",
        ),
    ] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write each network as ONNX too.")] = False,
    device: WhereComputed = "cpu",
    threads: Threads = 1,
    deterministic: Deterministic = False,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> None:
    """Compress a network by several methods under equal budgets; stopped, the same command goes on.

    Experimental: the recipe 'published' has not been run to its end by the authors.

    hwbench compress run lenet_300_100 --budget 0.03 --seeds 5

    hwbench compress run mine.py:network --images cifar10-16 --budget 0.25 --onnx
    """
    from hwbench.compress.run import run_compressions
    from hwbench.results.compressions import read_compressions

    given = {
        "images": images,
        "recipe": recipe,
        "methods": method or None,
        "budgets": budget or None,
        "seeds": None if seeds is None else list(range(seeds)),
    }
    spec = _spec(network, given, changes or [], runtime)
    name = Path(network.partition(":")[0]).stem if ":" in network else Path(network).stem
    folder = output or usable_folder(Path("runs") / f"compress-{name}")
    with interruptible(same_command()), stage_bars() as stage:
        run_compressions(
            spec,
            folder,
            device=device,
            threads=threads,
            deterministic=deterministic,
            fresh=fresh,
            onnx=onnx,
            stage=stage,
        )
    _print(read_compressions(folder), as_json=as_json)


@app.command()
def report(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Folders that hwbench compress run has written."),
    ],
    output: Annotated[
        Path | None,
        output_file("The page; by default report.html in the first folder.", suffixes=HTML),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write one HTML page: how much smaller and faster, at what loss, and beside the baselines.

    hwbench compress report runs/compress-lenet_300_100
    """
    from hwbench.report.compress import write_compress_report

    say_written(write_compress_report(folders, output), "report", as_json=as_json)


def _spec(
    network: str, given: dict[str, Any], changes: list[str], runtime: str | None
) -> CompressSpec:
    """The specification that a command line comes to."""
    from hwbench.compress.spec import CompressSpec, load_spec
    from hwbench.toml import set_in, validated

    tree = load_spec(network).model_dump(mode="json", exclude_none=True)
    tree |= {key: value for key, value in given.items() if value is not None}
    for each in changes:
        set_in(tree, each, option="--set")
    if runtime == "none":
        tree["latency"] = {**tree["latency"], "rounds": 0}
    elif runtime is not None:
        tree["latency"] = {**tree["latency"], "runtime": runtime}
    return validated(tree, CompressSpec, where="compress")


def _known(value: float, shape: str) -> str:
    """A number in a shape, "" for none."""
    return "" if value != value else shape.format(value)


def _print(found: Compressions, *, as_json: bool) -> None:
    from hwbench.analysis.compression import summary, with_losses

    rows = summary(with_losses(found)).to_dict("records")
    if as_json:
        print_json(rows)
        return
    shown = [
        {
            "method": row["title"],
            "accuracy %": _known(row["accuracy"], "{:.2f}"),
            "points lost": _known(row["lost"], "{:.2f}"),
            "FLOPs %": _known(100 * row["flops_share"], "{:.2f}"),
            "parameters": _known(row["parameters"], "{:,.0f}"),
            "latency %": _known(100 * row["latency_ratio"], "{:.1f}"),
            "seeds": f"{row['seeds']}"
            + (f", {row['diverged']} diverged" if row["diverged"] else ""),
        }
        for row in rows
    ]
    print_listing(shown, list(shown[0]), as_json=False, wrap=False)
    tell(f"networks: {found.folder / 'networks'}")
    tell(f"for a page: hwbench compress report {found.folder}")
