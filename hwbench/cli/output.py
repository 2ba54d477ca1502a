"""What the commands share: options, listings, progress."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from hwbench.cli import completion
from hwbench.cli.output_paths import output_folder, usable_folder
from hwbench.cli.progress_lines import progress_lines
from hwbench.errors import HwbenchError, one_line
from hwbench.extras import MissingExtraError
from hwbench.progress import Progress, StageProgress

NEEDS = "needs"
"""Key of a listing's row that names the extra without which it is of no use: "hwbench[torch]"."""

MEASURED_ON = 2
"""Cores on which scenarios say how long they take."""
NO_BAR, FULL_BAR = 60, 100
"""Columns below which there is no bar, and from which it is as long as it can be."""

AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document, and nothing else, on standard output."),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        "-w",
        min=1,
        metavar="PROCESSES",
        help="How many processes work; by default one for each core that this process may use.",
    ),
]
ScenarioName = Annotated[
    str,
    typer.Argument(
        metavar="SCENARIO",
        help="A scenario's name (hwbench scenarios list), or the path of its TOML file.",
        autocompletion=completion.scenarios,
    ),
]
RunFolder = Annotated[
    Path | None,
    output_folder("The run folder; by default runs/SCENARIO."),
]

Channels = Annotated[
    int | None,
    typer.Option(metavar="N", help="Output channels of the stem; by default the space's own."),
]
Depth = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="How many times a stage repeats a choice; by default as the space says."
    ),
]
InputSize = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS",
        help="Height and width of an image, in pixels; by default the space's own.",
    ),
]
Classes = Annotated[
    int | None,
    typer.Option(metavar="N", help="Outputs of the classifier; by default the space's own."),
]
Seed = Annotated[
    int, typer.Option(min=0, metavar="SEED", help="The seed of everything that is drawn.")
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Remove what the folder holds, and begin anew.")
]
SpaceOption = Annotated[
    str | None,
    typer.Option(
        metavar="SPACE",
        help="The search space of the architectures (hwbench spaces list); by default none is "
        "taken for granted.",
        autocompletion=completion.spaces,
    ),
]


def skeleton_changes(
    channels: int | None, depth: int | None, input_size: int | None, classes: int | None
) -> dict[str, int]:
    """The options of the network's skeleton that were given."""
    given = {"channels": channels, "depth": depth, "input_size": input_size, "classes": classes}
    return {key: value for key, value in given.items() if value is not None}


def run_folder(scenario: str, output: Path | None) -> Path:
    """The folder a scenario's results go to, where it can be written."""
    return output if output is not None else usable_folder(Path("runs") / Path(scenario).stem)


def planned_seconds(scenario: str, workers: int | None) -> float | None:
    """About how long a scenario takes, by what it took on two cores; None: nobody measured it."""
    from hwbench.runs.scenario import load_scenario

    minutes = load_scenario(scenario).minutes
    return None if minutes is None else 60 * minutes * MEASURED_ON / worker_count(workers)


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
    """Print data as one JSON document, in which what is no finite number is null."""
    typer.echo(json.dumps(plain(data), indent=2, allow_nan=False))


def plain(data: Any) -> Any:
    """Data as JSON can hold them: of numpy, paths and numbers that are not finite too."""
    if isinstance(data, dict):
        return {str(key): plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple, set, frozenset)):
        return [plain(each) for each in data]
    if data is None or isinstance(data, (str, bool, int)):
        return data
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if hasattr(data, "tolist"):  # of numpy
        return plain(data.tolist())
    return str(data)


def print_listing(
    rows: Sequence[dict[str, Any]],
    columns: Sequence[str],
    *,
    as_json: bool,
    title: str = "",
    wrap: bool = True,
) -> None:
    """Print rows as a table for people, or all of what they hold as JSON.

    A table that has no room in the terminal's width is wrapped, but for the first column; numbers
    are not, they stand in several tables below each other. Where words would be cut, each row is a
    record. What is written to a file or a pipe without COLUMNS keeps numbers in one table. Rows of
    what an extra is missing for are greyed, and say which.
    """
    if as_json:
        print_json(list(rows))
        return
    from rich.console import Console

    from hwbench.cli import table_layout

    console = Console(highlight=False)
    texts = [_cells(row, columns) for row in rows]
    whole = list(range(len(columns)))
    natural = table_layout.table_width(table_layout.natural_widths(columns, texts))
    if not wrap and not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = max(console.width, natural)
    least = table_layout.table_width(table_layout.least_widths(columns, texts))
    if natural <= console.width or (wrap and least <= console.width):
        groups = [whole]
    else:
        groups = [] if wrap else table_layout.column_groups(columns, texts, console.width)
    if not groups:
        for line in [title] * bool(title) + table_layout.records(columns, texts, console.width):
            typer.echo(line)
    wrapped = wrap and natural > console.width
    widths = table_layout.wrapped_widths(columns, texts, console.width) if wrapped else None
    for group in groups:
        table = _table(columns, texts, group, title if group is groups[0] else "", widths)
        for place, row in enumerate(rows):
            table.rows[place].style = "dim" if row.get(NEEDS) else ""
        console.print(table)


def _table(
    columns: Sequence[str],
    texts: Sequence[Sequence[str]],
    places: Sequence[int],
    title: str,
    widths: Sequence[int] | None,
) -> Any:
    """Some columns as a table, wrapped to widths if there are any; no bracket in it is markup."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title) if title else None, title_justify="left")
    for place in places:
        heading = Text(columns[place])
        table.add_column(
            heading,
            overflow="fold",
            no_wrap=place == places[0] or widths is None,
            width=None if widths is None else widths[place],
        )
    for row in texts:
        table.add_row(*[Text(row[place]) for place in places])
    return table


def _cells(row: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """The cells of a row; what lacks an extra says so in the first that is empty, or the second."""
    cells = ["" if row.get(column) is None else str(row[column]) for column in columns]
    if row.get(NEEDS):
        place = cells.index("") if "" in cells else min(1, len(cells) - 1)
        cells[place] = f"{cells[place]} needs {row[NEEDS]}".strip()
    return cells


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


def tell(text: str) -> None:
    """Print prose, wrapped where the terminal's width is known, else in one line for programs."""
    import shutil
    import textwrap

    if "COLUMNS" not in os.environ and not sys.stdout.isatty():
        typer.echo(text)
        return
    columns = shutil.get_terminal_size().columns
    for line in text.splitlines() or [""]:
        if re.search(r"\bhwbench [a-z]", line):  # a command to copy stays whole
            typer.echo(line)
            continue
        typer.echo(
            textwrap.fill(
                line,
                columns,
                break_on_hyphens=False,
                break_long_words=False,
                subsequent_indent="  ",
                replace_whitespace=False,
            )
        )


def print_notes(notes: Iterable[str]) -> None:
    """Print what was done to the columns behind a result, a line a note."""
    for note in notes:
        tell(f"Note: {note}")


@contextmanager
def progress_bar(
    title: str, *, seconds: float | None = None, counted: bool = True
) -> Iterator[Progress]:
    """A bar with the time left on a terminal; elsewhere silence, or lines where they are asked for.

    Parameters
    ----------
    title : of what is done.
    seconds : that all of it is planned to take, where no earlier run tells.
    counted : whether it has units that are counted.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.table import Column
    from rich.text import Text

    from hwbench.cli import pace

    console = Console(stderr=True)
    if not console.is_terminal:
        yield progress_lines(title, counted=counted)
        return
    stage = f"{command_words()}: {title}"
    timed = pace.Pace(pace.earlier(stage), in_all=seconds)

    class TimeLeft(ProgressColumn):
        def render(self, _task: object) -> Text:
            return Text(pace.left_in_words(timed))

    whole = Column(no_wrap=True)
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False),
        *([MofNCompleteColumn(table_column=whole)] if counted else []),
        TimeLeft(table_column=whole),
    ]
    if console.width >= NO_BAR:
        columns.insert(1, BarColumn(bar_width=16 if console.width < FULL_BAR else 40))
        columns.insert(-1, TimeElapsedColumn(table_column=whole))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None)

        def update(done: int, total: int) -> None:
            timed.update(done, total)
            if counted:
                bar.update(task, completed=done, total=total)

        try:
            yield update
        finally:
            pace.keep(stage, timed.measured)


@contextmanager
def working(title: str, *, seconds: float | None = None) -> Iterator[None]:
    """A sign of life on a terminal while something takes time that cannot be counted.

    Parameters
    ----------
    title : of what is done.
    seconds : that it is planned to take, where no earlier run tells.
    """
    with progress_bar(title, seconds=seconds, counted=False) as update:
        update(0, 1)
        yield
        update(1, 1)


def command_words() -> str:
    """The command that runs and its first argument, by which its pace is known again."""
    named = [word for word in sys.argv[1:] if not word.startswith("-")]
    return " ".join(named[:3])


@contextmanager
def stage_bars(*, seconds: float | None = None) -> Iterator[StageProgress]:
    """A progress bar for each stage of a run, one after the other.

    Parameters
    ----------
    seconds : that the first stage, the longest, is planned to take, where no earlier run tells.
    """
    from contextlib import ExitStack

    planned = [seconds]
    with ExitStack() as stack:

        def stage(title: str) -> Progress:
            stack.close()
            return stack.enter_context(
                progress_bar(title, seconds=planned.pop() if planned else None)
            )

        yield stage


def say_written(path: Path, what: str, *, as_json: bool, **more: Any) -> None:
    """Tell which file or folder a command has written.

    Parameters
    ----------
    path : of what was written.
    what : the word before the path, and its key in JSON.
    more : what JSON says besides.
    """
    if as_json:
        print_json({what: str(path), **more})
    else:
        typer.echo(f"{what}: {path}")


def say(text: str) -> None:
    """Tell in one line what somebody who waits should know."""
    typer.echo(text, err=True)


def same_command() -> str:
    """The command line that goes on with what this process does."""
    import shlex

    return shlex.join(["hwbench", *(each for each in sys.argv[1:] if each != "--fresh")])


@contextmanager
def interruptible(command: str, *, kept: bool = True) -> Iterator[None]:
    """Told to stop, say with which command to go on, and end with the exit code of that.

    Parameters
    ----------
    command : a whole one, and in brackets behind it what else there is to say.
    kept : whether what is done is kept, so that it need not be done again.
    """
    from hwbench.cli.signals import exit_code

    try:
        yield
    except KeyboardInterrupt:
        how = "go on with" if kept else "nothing was written, begin again with"
        typer.echo(f"stopped; {how}: {command}", err=True)
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
    planned = planned_seconds(scenario, workers)
    with interruptible(same_command()), stage_bars(seconds=planned) as stage:
        return run_scenario(
            scenario,
            folder,
            parts=(part,),
            workers=worker_count(workers),
            stage=stage,
        )
