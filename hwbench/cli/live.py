"""`hwbench live`: architecture searches that train real networks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hwbench.cli.output import AsJson, interruptible, print_json, print_listing, stage_bars

app = typer.Typer(
    help="Search architectures by training supernets (PyTorch).", no_args_is_help=True
)

Name = Annotated[
    str, typer.Argument(metavar="SEARCH", help="A search's name, or the path of its TOML file.")
]
Recipe = Annotated[
    str,
    typer.Option(help="'published' settings, or 'small' ones for digits and a few minutes."),
]
Device = Annotated[str | None, typer.Option(help="Such as cpu or cuda; CUDA if there is one.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of torch.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Remove what the folder holds first.")]
Seed = Annotated[int | None, typer.Option(min=0, help="In place of the search's seed.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="The run folder; runs/live-SEARCH by default.")
]


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List all searches, strategies and what each recipe trains."""
    from hwbench.live.config import RECIPES, load_config, recipe_files

    rows = []
    for recipe in RECIPES:
        for name in recipe_files(recipe):
            config = load_config(name, recipe)
            rows.append(
                {
                    "name": name,
                    "recipe": recipe,
                    "strategy": config.strategy["name"],
                    "space": config.space.name,
                    "data": config.data.name,
                    "epochs": config.trainer["epochs"],
                    "title": config.title,
                }
            )
    print_listing(rows, ["name", "recipe", "strategy", "space", "data", "epochs"], as_json=as_json)


@app.command()
def show(name: Name, recipe: Recipe = "published", as_json: AsJson = False) -> None:
    """Print a search's complete config tree, to copy and change."""
    from hwbench.live.config import load_config
    from hwbench.live.toml_text import to_toml

    tree = load_config(name, recipe).model_dump(mode="json")
    if as_json:
        print_json(tree)
        return
    typer.echo(to_toml(tree), nl=False)


@app.command()
def run(
    name: Name,
    recipe: Recipe = "published",
    output: Output = None,
    seed: Seed = None,
    device: Device = None,
    threads: Threads = 1,
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> None:
    """Run a search; stopped at any moment, the same command goes on."""
    from hwbench.live.config import load_config, with_change
    from hwbench.live.run import run_live

    config = load_config(name, recipe)
    if seed is not None:
        config = with_change(config, "seed", seed)
    folder = output or Path("runs") / f"live-{Path(name).stem}"
    with interruptible("the same command"), stage_bars() as stage:
        result = run_live(config, folder, device=device, threads=threads, fresh=fresh, stage=stage)
    _print_result(result, folder, as_json)


def _print_result(result: dict[str, Any], folder: Path, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    ranking = result.get("ranking") or {}
    rows = [
        {"what": key.replace("_", " "), "value": _number(value)}
        for key, value in {**result, **ranking}.items()
        if key != "ranking"
    ]
    print_listing(rows, ["what", "value"], as_json=False)
    typer.echo(f"written: {folder}")


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
