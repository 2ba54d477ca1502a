"""`hwbench tables measure`, and `runtimes`: what it can measure with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwbench.cli.output import (
    NEEDS,
    AsJson,
    Channels,
    Classes,
    Depth,
    InputSize,
    Seed,
    listed,
    print_listing,
    progress_bar,
    same_command,
    skeleton_changes,
    warn,
)
from hwbench.cli.table_files import (
    Rounds,
    RunsOfVisit,
    TableName,
    TablePath,
    Warmup,
    new_table_path,
    say_made,
)
from hwbench.cli.tables_make import (
    Architectures,
    Limit,
    SpaceName,
    chosen_architectures,
    resumable,
)
from hwbench.cli.torch_options import Threads, WhereComputed
from hwbench.errors import HwbenchError

if TYPE_CHECKING:
    from hwbench.tables.made.recipe import MeasureRecipe
    from hwbench.tables.table import Table

_COMMAND = "A command of one's own"
SHOWN_FAILURES = 5


def measure(
    space: SpaceName,
    name: TableName,
    output: TablePath = None,
    limit: Limit = None,
    architectures: Architectures = None,
    runtime: Annotated[
        str | None,
        typer.Option(
            metavar="RUNTIME",
            help="What executes the networks, see `hwbench tables runtimes`; by default "
            "torch-eager, command where there is a --command.",
        ),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="An option of the runtime, such as graph_optimisation=basic; by default each is "
            "the runtime's own; repeatable.",
        ),
    ] = None,
    rounds: Rounds = 5,
    warmup: Warmup = 1,
    repeats: RunsOfVisit = 2,
    threads: Threads = 1,
    batch_size: Annotated[
        list[int] | None,
        typer.Option(
            metavar="N",
            help="Images in a run; by default 1; repeatable, with columns for each.",
        ),
    ] = None,
    percentiles: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Make columns for percentiles of all runs, such as 50,90,99; by default none.",
        ),
    ] = None,
    energy: Annotated[
        str | None,
        typer.Option(
            metavar="METER",
            help="Measure the energy of a run too: rapl (processor) or nvml (GPU); by default not.",
        ),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Seconds of a visit, or of a call of --command, before it counts as failed; "
            "networks then run in a process of their own; by default no limit, for --command 600.",
        ),
    ] = None,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Measure again what failed, and write the table anew."),
    ] = False,
    dtype: Annotated[
        str, typer.Option(metavar="TYPE", help="The type of weights and images.")
    ] = "float32",
    device: WhereComputed = "cpu",
    device_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What it is measured on, for the table; by default it is found out.",
        ),
    ] = None,
    seed: Seed = 0,
    channels: Channels = None,
    depth: Depth = None,
    input_size: InputSize = None,
    classes: Classes = None,
    command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="What measures a network and prints the time, such as 'bench --model {onnx}'; by "
            "default none, and --runtime measures.",
            rich_help_panel=_COMMAND,
        ),
    ] = None,
    read: Annotated[
        str | None,
        typer.Option(
            metavar="WHICH",
            help="Which number that it prints: only, the one there is (the default), first, last, "
            "or all, each a run.",
            rich_help_panel=_COMMAND,
        ),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Where the number stands, such as 'mean = ([0-9.]+)'; by default anywhere.",
            rich_help_panel=_COMMAND,
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="The key of the JSON that it prints, such as latency.p50; by default none.",
            rich_help_panel=_COMMAND,
        ),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT",
            help="The unit of the number: s, ms, us or ns; by default what stands beside it, else "
            "ms.",
            rich_help_panel=_COMMAND,
        ),
    ] = None,
    shell: Annotated[
        bool,
        typer.Option("--shell", help="Let a shell run the command.", rich_help_panel=_COMMAND),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure latency, memory and energy of a space's architectures, here or by a command.

    Stopped at any moment, the same command goes on where it was.

    hwbench tables measure nasbench201 --name mine --limit 20

    hwbench tables measure nasbench201 --name board --limit 20 --command 'bench --model {onnx}'
    """
    from hwbench.spaces import get_space
    from hwbench.tables.made.measured_table import failure_lines, measured_table
    from hwbench.tables.made.recipe import MeasureRecipe
    from hwbench.tables.made.remedy import RemedyError

    with _whole_commands():
        skeleton = skeleton_changes(channels, depth, input_size, classes)
        found = get_space(space)
        found.skeleton(**skeleton)
        runtime, options = _runtime(
            runtime,
            changes or [],
            {
                "command": command,
                "read": read,
                "pattern": pattern,
                "key": key,
                "unit": unit,
                "in_shell": shell or None,
            },
        )
        sizes = batch_size or [1]
        recipe = MeasureRecipe(
            runtime=runtime,
            options=options,
            rounds=rounds,
            warmup=warmup,
            repeats=repeats,
            threads=threads,
            batch_size=sizes[0],
            further_batch_sizes=tuple(sizes[1:]),
            percentiles=_percentiles(percentiles),
            energy=energy or "",
            timeout=timeout,
            dtype=dtype,
            device=device,
            device_name=device_name or "",
            seed=seed,
            skeleton=skeleton,
        )
        path = new_table_path(name, output, replace=retry_failed)
        journal = path.with_suffix(".journal")
        if retry_failed and not journal.exists():
            raise RemedyError(
                f"--retry-failed: there is no {journal}, so nothing that failed is known",
                "measure everything",
                {"--retry-failed": ""},
            )
        with progress_bar(f"measuring {space}") as progress, resumable(journal):
            table = measured_table(
                found,
                recipe,
                name=name,
                journal_path=journal,
                archs=chosen_architectures(found, limit, architectures, seed),
                retry_failed=retry_failed,
                progress=progress,
            )
        table.save(path)
        _say_few_runs(recipe)
        failures = failure_lines(table)
        if failures:
            _say_failures(failures, table)
        else:
            journal.unlink()
        say_made(table, path, as_json=as_json, failures=failures)


@contextmanager
def _whole_commands() -> Iterator[None]:
    """Refusals that say what to change name the whole command to type."""
    from hwbench.tables.made.remedy import RemedyError

    try:
        yield
    except RemedyError as error:
        raise HwbenchError(error.text(["hwbench", *sys.argv[1:]])) from error


def _runtime(
    runtime: str | None, changes: list[str], of_command: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The runtime and its options, of which those of a command have flags of their own."""
    from hwbench.tables.made.remedy import RemedyError
    from hwbench.toml import set_in

    options: dict[str, Any] = {}
    for each in changes:
        set_in(options, each, option="--set")
    given = {name: value for name, value in of_command.items() if value is not None}
    if given and runtime not in (None, "command"):
        raise RemedyError(
            f"--{next(iter(given)).removeprefix('in_')} is for a command of one's own, and the "
            f"runtime is {runtime}",
            "let the command measure",
            {"--runtime": "command"},
        )
    if (given or runtime == "command") and "command" not in {**options, **given}:
        raise RemedyError(
            "there is no --command that would be run",
            "give one, such as",
            {"--command": "bench --model {onnx}"},
        )
    chosen = "command" if given else runtime or "torch-eager"
    return chosen, {**options, **given}


def _percentiles(text: str | None) -> tuple[float, ...]:
    """Numbers of a list such as "50,90,99" or "p50,p90"."""
    found = []
    for word in (text or "").split(","):
        if not word.strip():
            continue
        try:
            found.append(float(word.strip().removeprefix("p")))
        except ValueError as error:
            raise HwbenchError(
                f"--percentiles {text!r}: {word.strip()!r} is no number; give such as 50,90,99"
            ) from error
    return tuple(dict.fromkeys(found))


def _say_few_runs(recipe: MeasureRecipe) -> None:
    """Tell of percentiles that so few runs cannot know."""
    runs = recipe.rounds * recipe.repeats
    few = [each for each in recipe.percentiles if runs * min(each, 100 - each) < 100]
    if few:
        needed = max(100 / min(each, 100 - each) for each in few)
        names = " and ".join(f"p{each:g}" for each in few)
        warn(
            f"{names} of {runs} runs: about the slowest or fastest of them; {needed:.0f} runs can "
            f"tell, such as --rounds {recipe.rounds} --repeats {-(-needed // recipe.rounds):.0f}"
        )


def _say_failures(failures: list[str], table: Table) -> None:
    """Tell what could not be measured, and how to try again."""
    for line in failures[:SHOWN_FAILURES]:
        warn(f"failed: {line}")
    if len(failures) > SHOWN_FAILURES:
        more = len(failures) - SHOWN_FAILURES
        warn(f"failed: {more} more, see failures in: hwbench tables show {table.card.name} --json")
    command = same_command()
    again = command if "--retry-failed" in command else f"{command} --retry-failed"
    warn(
        f"{len(failures)} of {len(table)} architectures failed at least once; when that is mended, "
        f"measure them again with: {again}"
    )


def runtimes(as_json: AsJson = False) -> None:
    """List what networks can be measured with, and the options of each.

    hwbench tables runtimes
    """
    from hwbench.tables.made.runtimes import RUNTIMES

    rows = listed(RUNTIMES, _about_runtime, hidden=RUNTIMES.hidden())
    shown = ["runtime", "what it is", "installed", "options"]
    print_listing(
        rows if as_json else [{**row, "options": _options_in_words(row)} for row in rows],
        shown,
        as_json=as_json,
    )


def _options_in_words(row: dict[str, Any]) -> str:
    """Each option with its default."""
    words = [
        f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in row["options"].items()
        if value not in (None, "")
    ]
    return ", ".join(words)


def _about_runtime(name: str) -> dict[str, Any]:
    from inspect import Parameter

    from hwbench.arguments import parameters_of
    from hwbench.extras import extra_of
    from hwbench.tables.made.runtimes import RUNTIMES

    part = RUNTIMES.load(name)
    options = {
        key: None if each.default is Parameter.empty else each.default
        for key, each in parameters_of(part).items()
    }
    missing = part.missing_libraries()
    needs = {NEEDS: f"hwbench[{extra_of(missing[0])}]"} if missing else {}
    return {
        "runtime": name,
        "from": RUNTIMES.origin(name),
        "what it is": str(part.__doc__ or "").strip().partition("\n")[0],
        "installed": "" if missing else "yes",
        "dtypes": list(part.dtypes),
        "devices": list(part.devices),
        "options": options,
        **needs,
    }
