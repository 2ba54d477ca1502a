"""`hwbench tables`: list, show, verify, merge and export tables; the group of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli import completion, tables_import, tables_make, tables_measure
from hwbench.cli.output import AsJson, listed, print_json, print_listing, tell
from hwbench.cli.output_paths import FRAME, output_file
from hwbench.cli.table_files import (
    Description,
    Licence,
    Replace,
    TableName,
    TablePath,
    Title,
    new_table_path,
    pairs,
    say_made,
)
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.tables import Table
    from hwbench.tables.card import NoiseCard

app = typer.Typer(
    help="Look at tables of measured and trained metrics, and make them.\n\nhwbench tables list",
    no_args_is_help=True,
)

app.command()(tables_measure.measure)
app.command()(tables_make.train)
app.command()(tables_measure.runtimes)
app.command(name="import")(tables_import.import_)
app.command()(tables_import.fetch)
app.command()(tables_import.benchmarks)

OneTable = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="A table's name (hwbench tables list), or the path of its file.",
        autocompletion=completion.tables,
    ),
]


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List the tables that are there.

    hwbench tables list
    """
    from hwbench.assets import TABLES
    from hwbench.tables.library import table_files
    from hwbench.tables.table_file import read_card

    files = table_files()

    def row(name: str) -> dict[str, Any]:
        card = read_card(files[name])
        return {
            "name": name,
            "title": card.title,
            "space": card.space,
            "columns": list(card.columns),
            "path": str(files[name]),
        }

    rows = listed(files, row, hidden=TABLES.hidden())
    print_listing(rows, ["name", "space", "title"], as_json=as_json)


@app.command()
def show(
    name: OneTable,
    as_json: AsJson = False,
) -> None:
    """Say what a table holds: units, direction, sources, and the spread of every column.

    hwbench tables show nb201-digits
    """
    from hwbench.files import file_digest
    from hwbench.tables.library import load_table, table_path

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
    tell(f"{card.name}: {card.title}")
    tell(
        f"{len(table)} of the {table.space.n_architectures} architectures of {card.space}, "
        f"made {card.created}, licence {card.licence}, {path.stat().st_size / 1e6:.2f} MB at {path}"
    )
    if card.description:
        tell(card.description)
    for column in columns:
        column["better"] = "smaller" if column["direction"] == "minimize" else "larger"
        column |= {key: f"{column[key]:.5g}" for key in ("min", "median", "max")}
        if column["tau ceiling"] is not None:
            column["tau ceiling"] = f"{column['tau ceiling']:.3f}"
    shown = ["column", "unit", "better", "min", "median", "max", "missing"]
    if any("noise" in column for column in columns):
        shown.append("tau ceiling")
    print_listing(columns, shown, as_json=False, wrap=False)
    for column in columns:
        about = [str(column[key]) for key in ("dataset", "split", "source") if key in column]
        tell(f"{column['column']}: {column['title']}; {', '.join(about)}")
    for name, meaning in card.columns.items():
        if meaning.noise is not None:
            tell(f"{name}: {_noise_words(meaning.noise, meaning.unit)}")
    for recipe in card.recipes:
        for file in recipe.get("files") or ():
            tell(f"from {_origin_words(file)}")


def _origin_words(file: Mapping[str, Any]) -> str:
    """Where a file that numbers are from was published, as the table's card tells it."""
    place = file.get("url") or file.get("name")
    if file.get("repository"):
        place = f"{file['repository']}, {file['path']} at {str(file['commit'])[:12]}"
    licence = f", licence {file['licence']}" if file.get("licence") else ""
    return f"{place}{licence}, sha256 {file.get('sha256')}"


def _spread(table: Table, column: str) -> dict[str, float | int | None]:
    import numpy as np

    values = table.column(column)
    known = values[np.isfinite(values)]
    low, middle, high = np.percentile(known, [0, 50, 100]) if len(known) else [np.nan] * 3
    noise = table.card.columns[column].noise
    return {
        "min": float(low),
        "median": float(middle),
        "max": float(high),
        "missing": len(values) - len(known),
        "tau ceiling": None if noise is None else noise.tau_ceiling,
    }


def _noise_words(noise: NoiseCard, unit: str) -> str:
    compared = {
        "twins": f"{noise.n_pairs} pairs of architectures that are one network",
        "halves": f"the two halves of the rounds on {noise.n_pairs} architectures",
        "seeds": f"two trainings of {noise.n_pairs} architectures",
        "repeats": f"measurements of {noise.n_pairs} architectures, drawn by their repeats,",
        "deviations": f"measurements of {noise.n_pairs} architectures, drawn by their deviations,",
    }[noise.method]
    return (
        f"{compared} agree with tau {noise.kendall_tau:.3f}; noise {noise.deviation:.3g} {unit}; "
        f"a perfect predictor can be expected to score tau {noise.tau_ceiling:.3f}"
        f"{' or more' if noise.method == 'halves' else ''}"
    )


@app.command()
def verify(
    name: OneTable,
    as_json: AsJson = False,
) -> None:
    """Check that a table's file is whole: checksums, strings, values, estimates.

    hwbench tables verify nb201-digits
    """
    from hwbench.tables.library import table_path
    from hwbench.tables.verify import verify_table

    path = table_path(name)
    checks = verify_table(path)
    rows = [
        {
            "check": check.what,
            "result": "passed" if check.passed else "FAILED",
            "found": check.found,
        }
        for check in checks
    ]
    print_listing(rows, ["check", "result", "found"], as_json=as_json)
    failed = [check.what for check in checks if not check.passed]
    if failed:
        raise HwbenchError(
            f"{path}: failed {', '.join(failed)}; make, import or fetch the table again"
        )


@app.command()
def merge(
    tables: Annotated[
        list[str],
        typer.Argument(
            metavar="TABLE...",
            help="Names of tables, or paths of their files.",
            autocompletion=completion.tables,
        ),
    ],
    name: TableName,
    output: TablePath = None,
    title: Title = None,
    description: Description = None,
    licence: Licence = "unspecified",
    prefix: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE=PREFIX",
            help="What stands before those of a table's columns that clash with an earlier "
            "table's; by default clashes are refused; repeatable.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Join tables of one space side by side into a new one.

    hwbench tables merge nb201-digits mine.parquet --name both
    """
    from hwbench.tables.library import load_table
    from hwbench.tables.noise import with_twin_noise
    from hwbench.tables.table import merge_tables

    parts = [load_table(table) for table in tables]
    path = new_table_path(name, output)
    card = parts[0].card.model_copy(
        update={
            "name": name,
            "title": title or " + ".join(part.card.title for part in parts),
            "description": description or " ".join(part.card.description for part in parts),
            "licence": licence,
            "created": max(part.card.created for part in parts),
        }
    )
    merged = merge_tables(
        parts,
        card,
        prefixes=pairs(
            "--prefix", prefix, "TABLE=PREFIX", known=[part.card.name for part in parts]
        ),
    )
    merged = with_twin_noise(merged)
    merged.save(path)
    say_made(merged, path, as_json=as_json)


@app.command()
def part(
    table: OneTable,
    space: Annotated[
        str,
        typer.Argument(
            metavar="SPACE",
            help="A space whose architectures are some of the table's, such as nasbench1shot1_1.",
            autocompletion=completion.spaces,
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The name of the table to make; by default the space's."),
    ] = None,
    output: TablePath = None,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Make the table of a space that is a part of a table's space.

    Every architecture of the part has the numbers of the same network in the table.

    hwbench tables part nb101.parquet nasbench1shot1_1 --name one-shot-1
    """
    from hwbench.spaces import get_space
    from hwbench.tables.library import load_table

    wanted = get_space(space)
    path = new_table_path(name or wanted.name, output, replace=replace)
    made = load_table(table).seen_from(wanted).renamed(name or wanted.name)
    made.save(path)
    say_made(made, path, as_json=as_json)


@app.command()
def export(
    name: OneTable,
    output: Annotated[Path, output_file("The .csv or .parquet file to write.", suffixes=FRAME)],
    as_json: AsJson = False,
) -> None:
    """Write a table's rows as CSV, or the whole table as Parquet.

    hwbench tables export nb201-digits -o nb201-digits.csv
    """
    from hwbench.results.frames import write_frame
    from hwbench.tables.library import load_table

    table = load_table(name)
    if output.suffix == ".csv":
        write_frame(output, table.frame)
    else:
        table.save(output)
    if as_json:
        print_json({"table": table.card.name, "rows": len(table), "file": str(output)})
        return
    typer.echo(f"{len(table)} rows: {output}")
