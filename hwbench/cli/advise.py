"""`hwbench advise`: from one's own measurements to a predictor, and to what to measure next."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli import completion
from hwbench.cli.measurement_files import (
    ArchColumn,
    ArchFormat,
    BadRows,
    Decimal,
    Direction,
    Duplicates,
    HeaderLine,
    MeasuredValues,
    Metric,
    Missing,
    MissingCells,
    NoHeader,
    Pool,
    Repeats,
    Sheet,
    Thousands,
    Unit,
    Where,
    complete_commands,
    reading_of,
)
from hwbench.cli.next_steps import SUGGESTIONS, next_commands
from hwbench.cli.output import (
    AsJson,
    Seed,
    Workers,
    interruptible,
    print_json,
    same_command,
    stage_bars,
    tell,
    worker_count,
    working,
)
from hwbench.cli.output_paths import output_folder, usable_folder
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.arrays import IntArray
    from hwbench.spaces import Space


def advise(
    measurements: Annotated[
        Path | None,
        typer.Argument(
            metavar="MY.csv",
            help="A file of measurements, of any common kind: a column of architectures and one "
            "of numbers; by default none, for --suggest.",
        ),
    ] = None,
    space: Annotated[
        str,
        typer.Option(
            metavar="SPACE",
            help="The search space of the architectures (hwbench spaces list).",
            show_default="none, it must be given",
            autocompletion=completion.spaces,
        ),
    ] = "",
    accuracy: Annotated[
        str | None,
        typer.Option(
            metavar="[TABLE:]COLUMN",
            autocompletion=completion.columns,
            help="Accuracies, for what a search is expected to lose: a column of the file, or of a "
            "table; by default the file's own, else those that come with hwbench.",
        ),
    ] = None,
    metric: Metric = None,
    unit: Unit = None,
    direction: Direction = None,
    arch_column: ArchColumn = None,
    arch_format: ArchFormat = None,
    duplicates: Duplicates = None,
    bad_rows: BadRows = None,
    missing_values: MissingCells = None,
    where: Where = None,
    pool: Pool = None,
    repeats: Repeats = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    missing: Missing = None,
    measured: MeasuredValues = None,
    no_header: NoHeader = False,
    header_line: HeaderLine = None,
    sheet: Sheet = None,
    predictors: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME",
            help="Choose from these predictors, each NAME or NAME:ENCODING; by default from the "
            "whole zoo.",
        ),
    ] = None,
    work: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="UNITS",
            help="How many units of work go into cross-validation: the same work gives the same "
            "advice on any machine; by default 8000, which takes a minute or two on two cores for "
            "60 architectures.",
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            help="Plan the work for so many minutes on this machine instead; by default --work "
            "says how much. The --work that does the same again is printed.",
        ),
    ] = None,
    seconds: Annotated[float | None, typer.Option(hidden=True)] = None,
    output: Annotated[
        Path | None,
        output_folder("The folder of the advice; by default runs/advise-NAME."),
    ] = None,
    suggest: Annotated[
        bool,
        typer.Option("--suggest", help="Only propose which architectures to measure next."),
    ] = False,
    budget: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How many architectures --suggest proposes; by default none, it must be given "
            "there.",
        ),
    ] = None,
    workers: Workers = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Advise on your measurements: which predictor, how good, at what cost to a search.

    hwbench advise my.csv --space nasbench201

    hwbench advise my.csv --space nasbench201 --budget 40 --suggest

    Rows with the same architecture are repeated measurements and tell how noisy one is. With
    --suggest the file may be left out: then the first architectures to measure are proposed.
    """
    if not space:
        raise HwbenchError("advise: name the search space with --space (hwbench spaces list)")
    if seconds is not None:
        raise HwbenchError(
            f"advise: --seconds is no more; --minutes {seconds / 60:.2g} plans for that time on "
            "this machine, and without it the work is the same on every machine"
        )
    if suggest != (budget is not None):
        raise HwbenchError("advise: --suggest and --budget N go together")
    stem = space if measurements is None else measurements.stem
    folder = usable_folder(output if output is not None else Path("runs") / f"advise-{stem}")
    options = {
        "metric": metric,
        "unit": unit,
        "direction": direction,
        "arch_column": arch_column,
        "duplicates": duplicates,
        "on_bad_rows": bad_rows,
        "missing_values": missing_values,
    }
    reading: dict[str, Any] = {
        **{name: value for name, value in options.items() if value is not None},
        "reading": reading_of(
            arch_format=arch_format,
            decimal=decimal,
            thousands=thousands,
            where=where,
            pool=pool,
            repeats=repeats,
            missing=missing,
            measured=measured,
            no_header=no_header,
            header_line=header_line,
            sheet=sheet,
        ),
    }
    if suggest and budget is not None:
        with complete_commands():
            _suggest(measurements, space, budget, folder, seed, reading, as_json=as_json)
        return
    if measurements is None:
        raise HwbenchError("advise: give a file of measurements, or --budget N --suggest")
    from hwbench.advise import advise_on

    stopped = interruptible(same_command(), kept=False)
    planned = 60 * minutes if minutes is not None else _work_seconds(work, workers)
    with stopped, complete_commands(), stage_bars(seconds=planned) as stage:
        found = advise_on(
            measurements,
            space,
            accuracy=accuracy,
            predictors=[each.strip() for each in predictors.split(",")] if predictors else None,
            work=work,
            minutes=minutes,
            workers=worker_count(workers),
            seed=seed,
            stage=stage,
            **reading,
        )
    paths = found.save(folder)
    if as_json:
        print_json({**found.to_dict(), "files": {key: str(path) for key, path in paths.items()}})
        return
    for line in found.lines():
        tell(line)
    for note in found.measurements.notes:
        tell(f"Note: {note}.")
    done = found.done
    if minutes is not None:
        tell(
            f"Took {found.seconds / 60:.1f} minutes of {minutes:g}; --work {done.limit} in place "
            "of --minutes does the same again, on any machine."
        )
    typer.echo("Next:")
    for what, command in next_commands(found, folder, sys.argv[1:], paths):
        typer.echo(f"  {what}:\n    {command}")
    tell(f"model: {paths['model']}; numbers: {paths['numbers']}; page: {paths['page']}")


def _work_seconds(work: int | None, workers: int | None) -> float:
    """About how long an amount of work takes: that by default a minute and a half on two cores."""
    from hwbench.advise.work import DEFAULT_WORK

    return 90 * 2 / worker_count(workers) * (work or DEFAULT_WORK) / DEFAULT_WORK


def _suggest(
    measurements: Path | None,
    space: str,
    budget: int,
    folder: Path,
    seed: int,
    reading: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    from hwbench.advise import suggest_architectures
    from hwbench.spaces import get_space

    found_space = get_space(space)
    known, values = None, None
    if measurements is not None and not _is_empty(measurements):
        from hwbench.advise.measurements import read_measurements

        measured = read_measurements(measurements, found_space, **reading)
        known, values = measured.archs, measured.values
    with working("choosing"):
        archs = suggest_architectures(found_space, budget, known, values, seed=seed)
    path = _write(found_space, archs, folder / SUGGESTIONS)
    if as_json:
        print_json({"architectures": found_space.to_strings(archs), "file": str(path)})
        return
    n_known = 0 if known is None else len(known)
    basis = (
        f"by what {n_known} measurements leave uncertain" if n_known else "filling the space evenly"
    )
    tell(f"{budget} architectures to measure next, {basis}, the most telling first: {path}")


def _is_empty(path: Path) -> bool:
    """Whether a text file holds a header at most."""
    try:
        return (
            path.suffix.lower() in (".csv", ".tsv", ".txt")
            and path.is_file()
            and len(path.read_bytes()[:65536].split(b"\n", 1)[-1].strip()) == 0
        )
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror})") from error


def _write(space: Space, archs: IntArray, path: Path) -> Path:
    import csv
    import io

    from hwbench.files import write_text

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["arch"])
    writer.writerows([each] for each in space.to_strings(archs))
    write_text(path, text.getvalue())
    return path
