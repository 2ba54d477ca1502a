"""What the commands share: options, listings, progress."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from hwbench.cli import completion
from hwbench.errors import HwbenchError, one_line
from hwbench.extras import MissingExtraError
from hwbench.progress import Progress, StageProgress

NEEDS = "needs"
"""Key of a listing's row that names the extra without which it is of no use: "hwbench[torch]"."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", "-w", min=1, help="Processes; all cores of this process by default."),
]
ScenarioName = Annotated[
    str,
    typer.Argument(
        metavar="SCENARIO",
        help="A scenario's name, or the path of its TOML file.",
        autocompletion=completion.scenarios,
    ),
]
RunFolder = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="The run folder; runs/SCENARIO by default."),
]

Channels = Annotated[int | None, typer.Option(help="Output channels of the stem.")]
Depth = Annotated[int | None, typer.Option(help="How often a choice is repeated in a stage.")]
InputSize = Annotated[int | None, typer.Option(help="Height and width of an image.")]
Classes = Annotated[int | None, typer.Option(help="Outputs of the classifier.")]


def skeleton_changes(
    channels: int | None, depth: int | None, input_size: int | None, classes: int | None
) -> dict[str, int]:
    """The options of the network's skeleton that were given."""
    given = {"channels": channels, "depth": depth, "input_size": input_size, "classes": classes}
    return {key: value for key, value in given.items() if value is not None}


def run_folder(scenario: str, output: Path | None) -> Path:
    """The folder a scenario's results go to."""
    return output if output is not None else Path("runs") / Path(scenario).stem


def worker_count(workers: int | None) -> int:
    """The number of processes to use: what was asked for, else the cores there are."""
    from hwbench.environment import available_cores

    return workers if workers is not None else available_cores()


def checked_frame_path(path: Path) -> Path:
    """The file that rows are to be written to.

    Raises
    ------
    HwbenchError
        Where its name says another format than CSV or Parquet.
    """
    if path.suffix not in (".csv", ".parquet"):
        raise HwbenchError(f"{path}: the name must end in .csv or .parquet")
    return path


def print_json(data: Any) -> None:
    """Print data as JSON."""
    typer.echo(json.dumps(data, indent=2))


def print_listing(
    rows: Sequence[dict[str, Any]],
    columns: Sequence[str],
    *,
    as_json: bool,
    title: str = "",
    wrap: bool = True,
) -> None:
    """Print rows as a table for people, or all of what they hold as JSON.

    Cells are wrapped to the terminal's width, but for the first column; where a table of numbers is
    not to be wrapped, its lines may be longer. Rows of what an extra is missing for are greyed, and
    say which.
    """
    if as_json:
        print_json(list(rows))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0 or not wrap)
    for row in rows:
        needs = row.get(NEEDS)
        cells = [_text(row[column]) for column in columns] if not needs else _greyed(row, columns)
        table.add_row(*cells, style="dim" if needs else None)
    console = Console()
    if not wrap:
        unlimited = Console(width=10_000)
        console.width = max(console.width, unlimited.measure(table).maximum)
    console.print(table)


def listed(
    names: Iterable[str],
    describe: Callable[[str], dict[str, Any]],
    *,
    known: Mapping[str, Any] | None = None,
    hidden: Iterable[str] = (),
) -> list[dict[str, Any]]:
    """Rows of what can be read; what cannot is a line on stderr, and the listing goes on.

    What lacks only an extra of hwbench has a row too, with the extra under `NEEDS`.

    Parameters
    ----------
    names : of what is listed.
    describe : gives the row of a name, and raises `HwbenchError` where it cannot.
    known : what is known of each besides its name, even where it cannot be described.
    hidden : lines on what is left out.
    """
    rows: list[dict[str, Any]] = []
    for name in names:
        try:
            rows.append(describe(name))
        except MissingExtraError as error:
            rows.append({"name": name, **(known or {}), NEEDS: f"hwbench[{error.extra}]"})
        except HwbenchError as error:
            warn(str(error))
        except (Exception, SystemExit) as error:  # noqa: BLE001  of others
            warn(f"{name} cannot be listed: {type(error).__name__}: {one_line(error)}")
    for line in hidden:
        warn(line)
    return rows


def warn(line: str) -> None:
    """Say on stderr what is wrong with a part while the rest works."""
    typer.echo(f"hwbench: warning: {line}", err=True)


@contextmanager
def left_out_said() -> Iterator[None]:
    """Say once, in a line, what a chooser among predictors does without."""
    import warnings

    from hwbench.predictors.left_out import LeftOutWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LeftOutWarning)
        yield
    said = [str(each.message) for each in caught if issubclass(each.category, LeftOutWarning)]
    for each in caught:
        if not issubclass(each.category, LeftOutWarning):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    for line in dict.fromkeys(said):
        warn(line)


def _greyed(row: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """The cells of what lacks an extra, which stands in the first that is empty, or the second."""
    cells = [_text(row.get(column)) for column in columns]
    place = cells.index("") if "" in cells else min(1, len(cells) - 1)
    cells[place] = f"{cells[place]}\n{_text('needs ' + row[NEEDS])}".strip()
    return cells


def _text(value: Any) -> str:
    from rich.markup import escape

    return "" if value is None else escape(str(value))


def print_notes(notes: Iterable[str]) -> None:
    """Print what was done to the columns behind a result, a line a note."""
    for note in notes:
        typer.echo(f"Note: {note}")


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A bar with the time left on a terminal, silence elsewhere."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(title, total=None)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield update


@contextmanager
def working(title: str) -> Iterator[None]:
    """A sign of life on a terminal while something takes seconds that cannot be counted."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(title):
        yield


@contextmanager
def stage_bars() -> Iterator[StageProgress]:
    """A progress bar for each stage of a run, one after the other."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def stage(title: str) -> Progress:
            stack.close()
            return stack.enter_context(progress_bar(title))

        yield stage


def say(text: str) -> None:
    """Tell in one line what somebody who waits should know."""
    typer.echo(text, err=True)


def same_command() -> str:
    """The command line that goes on with what this process does."""
    import shlex
    import sys

    return shlex.join(["hwbench", *(each for each in sys.argv[1:] if each != "--fresh")])


@contextmanager
def interruptible(command: str) -> Iterator[None]:
    """Told to stop, say with which command to go on, and end with the exit code of that."""
    from hwbench.cli.signals import exit_code

    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"stopped; go on with: {command}", err=True)
        raise typer.Exit(exit_code()) from None


def run_part(
    part: str,
    scenario: str,
    output: Path | None,
    workers: int | None,
) -> Path:
    """Run one part of a scenario under a progress bar and return the run folder."""
    from hwbench.runs.run import run_scenario

    folder = run_folder(scenario, output)
    command = {"simulation": "simulate"}.get(part, part)
    again = f"hwbench {command} run {scenario} -o {folder}"
    with interruptible(again), stage_bars() as stage:
        return run_scenario(
            scenario,
            folder,
            parts=(part,),
            workers=worker_count(workers),
            stage=stage,
        )
