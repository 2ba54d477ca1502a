"""`hwbench tables import` and `fetch`: public benchmarks and one's own numbers as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli import completion
from hwbench.cli.measurement_files import (
    READING,
    ArchColumn,
    ArchFormat,
    Decimal,
    HeaderLine,
    MeasuredValues,
    Missing,
    NoHeader,
    Pool,
    Repeats,
    Sheet,
    Thousands,
    Where,
    complete_commands,
    reading_of,
)
from hwbench.cli.output import (
    AsJson,
    listed,
    print_json,
    print_listing,
    print_notes,
    stage_bars,
    tell,
)
from hwbench.cli.table_files import (
    Description,
    Licence,
    Replace,
    TablePath,
    Title,
    new_table_path,
    pairs,
    say_made,
)
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.tables import Table
    from hwbench.tables.own.options import Reading
    from hwbench.tables.public.catalogue import BenchmarkCard, Variant

ImportName = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="The name of the table; by default the benchmark's or the file's.",
    ),
]


def import_(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="[BENCHMARK] PATH...",
            help="A public benchmark's name (see `hwbench tables benchmarks`) and its files or "
            "folders; with --space only the file of your own.",
        ),
    ],
    space: Annotated[
        str | None,
        typer.Option(
            metavar="SPACE",
            help="The search space of the measurements in your own file; by default none, and a "
            "public benchmark is imported.",
            autocompletion=completion.spaces,
        ),
    ] = None,
    name: ImportName = None,
    output: TablePath = None,
    replace: Replace = False,
    unit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=UNIT",
            help="The unit of a column, such as latency=ms; by default what the header says; "
            "repeatable.",
        ),
    ] = None,
    direction: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=WAY",
            help="Whether less is better (minimize) or more (maximize) in a column; by default "
            "what its name tells; repeatable.",
        ),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What it was measured on: a NAME for all columns, COLUMN=NAME, or a pattern such "
            "as '{device}_latency'; by default it is not known; repeatable.",
        ),
    ] = None,
    arch_column: ArchColumn = None,
    arch_format: ArchFormat = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="A column to be left out; by default none; repeatable."
        ),
    ] = None,
    duplicates: Annotated[
        str,
        typer.Option(
            metavar="WAY",
            rich_help_panel=READING,
            help="What to do with an architecture given twice: refuse, first, mean, median or min.",
        ),
    ] = "refuse",
    bad_rows: Annotated[
        str,
        typer.Option(
            metavar="WAY",
            rich_help_panel=READING,
            help="What to do with rows of unknown architectures or without a measurement: refuse "
            "or drop.",
        ),
    ] = "refuse",
    missing_values: Annotated[
        str,
        typer.Option(
            metavar="WAY",
            rich_help_panel=READING,
            help="What to do with cells without a measurement: refuse or keep.",
        ),
    ] = "refuse",
    where: Where = None,
    pivot: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            rich_help_panel=READING,
            help="Make a column for each value of this one, such as device; by default none; "
            "repeatable.",
        ),
    ] = None,
    pool: Pool = None,
    repeats: Repeats = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    missing: Missing = None,
    measured: MeasuredValues = None,
    no_header: NoHeader = False,
    header_line: HeaderLine = None,
    sheet: Sheet = None,
    title: Title = None,
    description: Description = None,
    licence: Licence = "unspecified",
    as_json: AsJson = False,
) -> None:
    """Make a table from files you have: a public benchmark's, or your own measurements.

    hwbench tables import hw-nas-bench HW-NAS-Bench-v1_0.pickle

    hwbench tables import --space nasbench201 my.csv --unit latency=ms
    """
    if space is None:
        _import_benchmark(what, name=name, output=output, replace=replace, as_json=as_json)
        return
    from hwbench.tables.own.table import OwnTableError, own_table

    if len(what) != 1:
        raise HwbenchError(f"tables import --space: give one file, not {len(what)}")
    table_name = _table_name(Path(what[0])) if name is None else name
    path = new_table_path(table_name, output, replace=replace)
    reading = reading_of(
        arch_format=arch_format,
        decimal=decimal,
        thousands=thousands,
        where=where,
        pivot=pivot,
        pool=pool,
        repeats=repeats,
        missing=missing,
        measured=measured,
        no_header=no_header,
        header_line=header_line,
        sheet=sheet,
    )
    with complete_commands():
        columns = _columns(
            Path(what[0]), [*(unit or ()), *(direction or ()), *(device or ())], reading
        )
        try:
            table, report = own_table(
                Path(what[0]),
                space=space,
                name=table_name,
                units=pairs("--unit", unit, "COLUMN=UNIT", known=columns),
                directions=pairs(
                    "--direction", direction, "COLUMN=minimize|maximize", known=columns
                ),
                devices=_devices(device or [], columns),
                arch_column=arch_column,
                ignore=ignore or (),
                duplicates=duplicates,
                on_bad_rows=bad_rows,
                missing_values=missing_values,
                reading=reading,
                title=title,
                description=description or "",
                licence=licence,
            )
        except OwnTableError as error:
            for line in error.report.lines():
                typer.echo(line, err=True)
            raise
    for line in report.lines():
        typer.echo(line, err=as_json)
    table.save(path)
    say_made(table, path, as_json=as_json, notes=report.lines())


def _table_name(path: Path) -> str:
    """A table's name by its file's, without what says how the file is packed."""
    name = path.name.lower()
    for suffix in reversed(path.suffixes[-2:]):
        name = name.removesuffix(suffix.lower())
    return name or path.stem.lower()


def _columns(path: Path, options: list[str], reading: Reading) -> list[str]:
    """The columns of a file, where one of the options may be split in several ways."""
    from hwbench.tables.own.files import no_architecture, read_rows

    if not any(text.count("=") > 1 for text in options):
        return []
    return list(read_rows(path, no_architecture, reading).frame)


def _devices(given: list[str], columns: list[str]) -> dict[str, str] | str:
    """One device for all columns, or one a column."""
    if len(given) == 1 and "=" not in given[0]:
        return given[0]
    form = "COLUMN=NAME, or a single NAME for all columns"
    return pairs("--device", given, form, known=columns)


def _import_benchmark(
    what: list[str], *, name: str | None, output: Path | None, replace: bool, as_json: bool
) -> None:
    from hwbench.tables.public.benchmarks import import_benchmark
    from hwbench.tables.public.catalogue import load_benchmark

    benchmark, *paths = what
    if Path(benchmark).exists() and not paths:
        raise HwbenchError(
            f"tables import {benchmark}: say what it is: the benchmark's name before the path "
            "(hwbench tables benchmarks), or --space SPACE for a file of your own"
        )
    card = load_benchmark(benchmark)
    if not paths:
        raise HwbenchError(
            f"tables import {benchmark}: name its files or a folder of them; "
            f"'hwbench tables fetch {benchmark}' gets public ones"
        )
    table_name = name or _own_name(card, "imported")
    path = new_table_path(table_name, output, replace=replace)
    with stage_bars() as stage:
        table = import_benchmark(benchmark, paths, progress=stage(f"converting {benchmark}"))
    _save(table.renamed(table_name), card, path, output, as_json=as_json)


def _save(
    table: Table, card: BenchmarkCard, path: Path, output: Path | None, *, as_json: bool
) -> None:
    """Write the table of a benchmark, and say what it was made without."""
    table.save(path)
    notes = _absent(card, table, output)
    say_made(table, path, as_json=as_json, notes=notes)
    if not as_json:
        print_notes(notes)


def _absent(card: BenchmarkCard, table: Table, output: Path | None) -> list[str]:
    """Which published files the table was made without, where they are, and the command."""
    absent = card.absent({file["name"] for file in table.card.recipes[0]["files"]})
    if not absent:
        return []
    names = ", ".join(file.name for file in absent)
    first = absent[0]
    folder = Path(first.path or "").parent
    place = "" if output is None else f" -o {output}"
    return [
        f"made without {names}; for a table with them, get them from "
        f"https://github.com/{first.repository}/tree/{first.commit}/{folder} and run: "
        f"hwbench tables import {card.name} FOLDER --name {table.card.name}{place} --replace"
    ]


def _own_name(card: BenchmarkCard, suffix: str) -> str:
    """Name of a user's table of a benchmark: its own, unless the one that comes has that."""
    return f"{card.name}-{suffix}" if card.comes_as == card.name else card.name


def fetch(
    benchmark: Annotated[
        str,
        typer.Argument(
            metavar="BENCHMARK",
            help="A public benchmark, see `hwbench tables benchmarks`.",
            autocompletion=completion.benchmarks,
        ),
    ],
    mirror: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            envvar="HWBENCH_MIRROR",
            help="A folder or address with copies under <owner>/<repository>/<commit>/<path>; by "
            "default none.",
        ),
    ] = None,
    variant: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which of the published sets of files; by default the benchmark's first.",
        ),
    ] = None,
    name: ImportName = None,
    output: TablePath = None,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a public benchmark's files and make its table.

    hwbench tables fetch hw-nas-bench --name mine

    A cut download goes on where it was; every file is checked against its known checksum. Of a
    benchmark that comes with hwbench nothing is fetched, unless its table is given a name or a
    file, or another variant is asked for.
    """
    from hwbench.tables.public.benchmarks import fetch_benchmark
    from hwbench.tables.public.catalogue import load_benchmark

    card = load_benchmark(benchmark)
    if card.comes_as and name is None and output is None and variant is None:
        line = (
            f"{benchmark} comes with hwbench, as the table {card.comes_as}; to make a table of the "
            f"published files: hwbench tables fetch {benchmark} --name NAME"
        )
        if as_json:
            print_json({"table": card.comes_as, "notes": [line]})
        else:
            typer.echo(line)
        return
    table_name = name or _own_name(card, variant or "fetched")
    path = new_table_path(table_name, output, replace=replace)
    with stage_bars() as stage:
        table = fetch_benchmark(benchmark, variant=variant, mirror=mirror, stage=stage)
    _save(table.renamed(table_name), card, path, output, as_json=as_json)


def benchmarks(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="BENCHMARK",
            help="One of them, to see its files and where they are; by default all are listed.",
            autocompletion=completion.benchmarks,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the public benchmarks that can be fetched or imported, or tell all about one.

    hwbench tables benchmarks

    hwbench tables benchmarks hw-nas-bench
    """
    from hwbench.assets import BENCHMARKS
    from hwbench.tables.public.catalogue import benchmark_files, load_benchmark

    cards: dict[str, BenchmarkCard] = {}

    def row(key: str) -> dict[str, Any]:
        cards[key] = load_benchmark(key)
        return {"name": key, **cards[key].model_dump(mode="json")}

    if name is not None:
        shown = [row(name)]
    else:
        shown = listed(benchmark_files(), row, hidden=BENCHMARKS.hidden())
    if as_json:
        print_json(shown)
        return
    if name is not None:
        _tell_all(name, cards[name])
        return
    rows = []
    for key, card in cards.items():
        for variant in card.variant:
            size = variant.bytes
            rows.append(
                {
                    "benchmark": key,
                    "variant": variant.name,
                    "get it by": _way(card, variant),
                    "MB": "" if size is None else f"{size / 1e6:.1f}",
                    "licence": card.licence,
                }
            )
    print_listing(rows, ["benchmark", "variant", "get it by", "MB", "licence"], as_json=False)
    tell("hwbench tables benchmarks NAME tells what each variant holds and where it is")


def _way(card: BenchmarkCard, variant: Variant) -> str:
    if card.comes_as and variant is card.get_variant():
        return f"comes as {card.comes_as}"
    return "fetch" if variant.fetch else "import"


def _tell_all(name: str, card: BenchmarkCard) -> None:
    tell(f"{name}: {card.title}; space {card.space}; licence {card.licence}; {card.paper}")
    tell(card.description.strip())
    if card.comes_as:
        tell(f"comes with hwbench as the table {card.comes_as}")
    for variant in card.variant:
        how = "can be fetched" if variant.fetch else f"to be imported; get it from {variant.where}"
        tell(f"variant {variant.name} ({how}): {variant.note}".rstrip(": "))
        for file in variant.file:
            size = "" if file.bytes is None else f", {file.bytes} bytes"
            digest = f", {file.checksum_kind} {file.checksum}" if file.checksum else ""
            digest += ", may be absent" if file.optional else ""
            tell(f"  {file.url or file.name}{size}{digest}")
