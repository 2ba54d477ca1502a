"""`hwbench tables`: list, show, make, merge and export tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwbench.cli.output import (
    AsJson,
    Channels,
    Classes,
    Depth,
    InputSize,
    Workers,
    print_json,
    print_listing,
    progress_bar,
    skeleton_changes,
    worker_count,
)
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.spaces import Space
    from hwbench.spaces.base import IntArray
    from hwbench.tables import Table
    from hwbench.tables.card import NoiseCard

app = typer.Typer(help="Tables of measured and trained metrics.", no_args_is_help=True)

SpaceName = Annotated[
    str, typer.Argument(metavar="SPACE", help="A search space, see `hwbench spaces list`.")
]
TableName = Annotated[str, typer.Option("--name", help="Name of the table to make.")]
TablePath = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="The Parquet file to write; by default the table joins yours under HWBENCH_HOME.",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=2, help="Only so many architectures, drawn by the seed."),
]


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the tables that are there."""
    from hwbench.tables.library import table_files
    from hwbench.tables.table import read_card

    rows = []
    for name, path in table_files().items():
        card = read_card(path)
        rows.append(
            {
                "name": name,
                "title": card.title,
                "space": card.space,
                "columns": list(card.columns),
                "path": str(path),
            }
        )
    if as_json:
        print_json(rows)
        return
    shown = [{**row, "columns": ", ".join(row["columns"])} for row in rows]
    print_listing(shown, ["name", "title", "columns"], as_json=False)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A table's name, or the path of its file.")],
    as_json: AsJson = False,
) -> None:
    """Say what a table holds: units, direction, sources, and the spread of every column."""
    from hwbench.tables.library import load_table, table_path
    from hwbench.tables.table import file_digest

    table = load_table(name)
    path = table_path(name)
    columns = [
        {
            "column": column,
            **card.model_dump(mode="json", exclude_none=True),
            **_spread(table, column),
        }
        for column, card in table.card.columns.items()
    ]
    if as_json:
        print_json(
            {
                **table.card.model_dump(mode="json"),
                "rows": len(table),
                "path": str(path),
                "bytes": path.stat().st_size,
                "sha256": file_digest(path),
                "columns": columns,
            }
        )
        return
    card = table.card
    typer.echo(f"{card.name}: {card.title}")
    typer.echo(
        f"{len(table)} of the {len(table.space)} architectures of {card.space}, "
        f"made {card.created}, licence {card.licence}, {path.stat().st_size / 1e6:.2f} MB at {path}"
    )
    if card.description:
        typer.echo(card.description)
    for column in columns:
        column["better"] = "smaller" if column["direction"] == "minimize" else "larger"
    shown = ["column", "unit", "better", "min", "median", "max", "missing"]
    if any("noise" in column for column in columns):
        shown.append("tau ceiling")
    print_listing(columns, shown, as_json=False)
    for column in columns:
        about = [str(column[key]) for key in ("dataset", "split", "source") if key in column]
        typer.echo(f"{column['column']}: {column['title']}; {', '.join(about)}")
    for name, meaning in card.columns.items():
        if meaning.noise is not None:
            typer.echo(f"{name}: {_noise_words(meaning.noise, meaning.unit)}")


def _spread(table: Table, column: str) -> dict[str, str]:
    import numpy as np

    values = table.column(column)
    known = values[np.isfinite(values)]
    low, middle, high = np.percentile(known, [0, 50, 100]) if len(known) else [np.nan] * 3
    noise = table.card.columns[column].noise
    return {
        "min": f"{low:.5g}",
        "median": f"{middle:.5g}",
        "max": f"{high:.5g}",
        "missing": str(len(values) - len(known)),
        "tau ceiling": "" if noise is None else f"{noise.tau_ceiling:.3f}",
    }


def _noise_words(noise: NoiseCard, unit: str) -> str:
    compared = {
        "twins": f"{noise.n_pairs} pairs of architectures that are one network",
        "halves": f"the two halves of the rounds on {noise.n_pairs} architectures",
    }[noise.method]
    return (
        f"{compared} agree with tau {noise.kendall_tau:.3f}; noise {noise.deviation:.3g} {unit}; "
        f"the best any predictor can be expected to score is tau {noise.tau_ceiling:.3f}"
    )


@app.command()
def measure(
    space: SpaceName,
    name: TableName,
    output: TablePath = None,
    limit: Limit = None,
    runtime: Annotated[
        str, typer.Option(help="torch-eager, torch-compile or onnxruntime.")
    ] = "torch-eager",
    rounds: Annotated[int, typer.Option(help="Visits to each architecture.")] = 5,
    warmup: Annotated[int, typer.Option(min=0, help="Unrecorded runs of a visit.")] = 1,
    repeats: Annotated[int, typer.Option(help="Recorded runs of a visit.")] = 2,
    threads: Annotated[int, typer.Option(help="Threads that compute.")] = 1,
    batch_size: Annotated[int, typer.Option(help="Images in a run.")] = 1,
    dtype: Annotated[str, typer.Option(help="Of weights and images.")] = "float32",
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    seed: Annotated[int, typer.Option(min=0, help="Of order, weights and input.")] = 0,
    channels: Channels = None,
    depth: Depth = None,
    input_size: InputSize = None,
    classes: Classes = None,
) -> None:
    """Measure latency and peak memory of a space's architectures on this machine.

    Stopped at any moment, the same command goes on where it was.
    """
    from hwbench.spaces import get_space
    from hwbench.tables.make import measured_table
    from hwbench.tables.measure import MeasureRecipe

    skeleton = skeleton_changes(channels, depth, input_size, classes)
    found = get_space(space)
    found.skeleton(**skeleton)
    recipe = MeasureRecipe(
        runtime=runtime,
        rounds=rounds,
        warmup=warmup,
        repeats=repeats,
        threads=threads,
        batch_size=batch_size,
        dtype=dtype,
        device=device,
        seed=seed,
        skeleton=skeleton,
    )
    path = _new_table_path(name, output)
    journal = path.with_suffix(".journal")
    with progress_bar(f"measuring {space}") as progress, _resumable(journal):
        table = measured_table(
            found,
            recipe,
            name=name,
            journal_path=journal,
            archs=_drawn(found, limit, seed),
            progress=progress,
        )
    _finish(table, path, journal)


@app.command()
def train(
    space: SpaceName,
    name: TableName,
    output: TablePath = None,
    limit: Limit = None,
    images: Annotated[str, typer.Option(help="The image set.")] = "digits",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings: seeds 0 .. N-1.")] = 2,
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 1,
    batch_size: Annotated[int, typer.Option(help="Images in a step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="At the start of the half cosine.")] = 0.1,
    channels: Annotated[int, typer.Option(help="Output channels of the stem.")] = 8,
    depth: Annotated[int, typer.Option(help="How often a choice is repeated in a stage.")] = 1,
    workers: Workers = None,
) -> None:
    """Train a space's architectures on an image set; equal functions are trained once.

    Stopped at any moment, the same command goes on where it was.
    """
    from hwbench.spaces import get_space
    from hwbench.tables.make import trained_table
    from hwbench.tables.train import TrainRecipe

    found = get_space(space)
    recipe = TrainRecipe(
        images=images,
        seeds=tuple(range(seeds)),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        skeleton={"channels": channels, "depth": depth},
    )
    path = _new_table_path(name, output)
    journal = path.with_suffix(".journal")
    with progress_bar(f"training {space}") as progress, _resumable(journal):
        table = trained_table(
            found,
            recipe,
            name=name,
            journal_path=journal,
            archs=_drawn(found, limit, seed=0),
            workers=worker_count(workers),
            progress=progress,
        )
    _finish(table, path, journal)


@app.command()
def merge(
    tables: Annotated[list[str], typer.Argument(metavar="TABLE...", help="Names or files.")],
    name: TableName,
    output: TablePath = None,
    title: Annotated[str | None, typer.Option(help="A line for people.")] = None,
    description: Annotated[str | None, typer.Option(help="What a reader should know.")] = None,
    licence: Annotated[str, typer.Option(help="Licence of the numbers.")] = "unspecified",
    prefix: Annotated[
        list[str] | None,
        typer.Option(help="TABLE=PREFIX, for its columns that clash with an earlier table's."),
    ] = None,
) -> None:
    """Join tables of one space side by side into a new one."""
    from hwbench.tables.library import load_table
    from hwbench.tables.table import merge_tables

    parts = [load_table(table) for table in tables]
    path = _new_table_path(name, output)
    card = parts[0].card.model_copy(
        update={
            "name": name,
            "title": title or " + ".join(part.card.title for part in parts),
            "description": description or " ".join(part.card.description for part in parts),
            "licence": licence,
            "created": max(part.card.created for part in parts),
        }
    )
    merged = merge_tables(parts, card, prefixes=_pairs("--prefix", prefix, "TABLE=PREFIX"))
    merged.save(path)
    typer.echo(f"table {name}: {len(merged)} architectures at {path}")


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="A table's name, or the path of its file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A .csv or .parquet file.")],
) -> None:
    """Write a table's rows as CSV, or the whole table as Parquet."""
    from hwbench.files import atomic_path
    from hwbench.tables.library import load_table

    table = load_table(name)
    if output.suffix == ".csv":
        with atomic_path(output) as temporary:
            table.frame.to_csv(temporary, index=False)
    elif output.suffix == ".parquet":
        table.save(output)
    else:
        raise HwbenchError(f"{output}: the name must end in .csv or .parquet")
    typer.echo(f"{len(table)} rows: {output}")


def _pairs(option: str, given: list[str] | None, form: str) -> dict[str, str]:
    pairs = {}
    for text in given or []:
        key, separator, value = text.partition("=")
        if not separator or not key or not value:
            raise HwbenchError(f"{option} '{text}' must have the form {form}")
        pairs[key] = value
    return pairs


def _drawn(space: Space, limit: int | None, seed: int) -> IntArray | None:
    return None if limit is None or limit >= space.n_architectures else space.sample(limit, seed)


def _new_table_path(name: str, output: Path | None) -> Path:
    """Where a new table goes; an existing one is never overwritten."""
    import re

    from hwbench.tables.library import own_table_path

    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name):
        raise HwbenchError(f"table name '{name}': use lower-case letters, digits, '.', '_' and '-'")
    path = own_table_path(name) if output is None else output
    if path.suffix != ".parquet":
        raise HwbenchError(f"{path}: the name of a table's file must end in .parquet")
    try:
        exists = path.exists()
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be written ({error.strerror})") from error
    if exists:
        raise HwbenchError(f"{path}: exists already; choose another name or remove it first")
    return path


@contextmanager
def _resumable(journal: Path) -> Iterator[None]:
    """Say on an interrupt that nothing is lost."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(
            f"stopped; what was done is kept in {journal}, and the same command goes on", err=True
        )
        raise


def _finish(table: Table, path: Path, journal: Path) -> None:
    table.save(path)
    journal.unlink()
    typer.echo(f"table {table.card.name}: {len(table)} architectures at {path}")
