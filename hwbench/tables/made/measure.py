"""Measuring latency, memory and energy of the architectures of a space.

Every architecture is visited once a round, in a new random order each round, so that a slow minute
of the machine falls on different architectures each time. A visit builds the network, runs it some
times unrecorded and some times recorded. What cannot be measured is a failure with its reason, and
the others go on.
"""

from __future__ import annotations

import contextlib
import gc
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.code_version import code_version, module_of
from hwbench.environment import describe_machine, describe_versions
from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent
from hwbench.spaces import Space
from hwbench.tables.made.energy import ENERGY_METERS
from hwbench.tables.made.journal import Journal, digest_of
from hwbench.tables.made.quiet import quiet_process, quiet_profiler
from hwbench.tables.made.recipe import MeasureRecipe, check_runtime
from hwbench.tables.made.remedy import RemedyError
from hwbench.tables.made.runtimes import RUNTIMES
from hwbench.tables.made.visit import (
    VISITS_PER_COLLECTION,
    QuietVisitor,
    Visit,
    Visitor,
    make_meter,
)
from hwbench.workers.pool import run_units

MOST_FAILURES = 10
"""In a row: a board that is unplugged must not make failures of all that is left."""

NOT_MEASURED = ("rounds", "percentiles", "device_name", "timeout")
"""Fields of a recipe that may differ when a measurement goes on: they change no visit."""


@dataclass(frozen=True)
class Failure:
    """A visit that came to nothing.

    Attributes
    ----------
    round, row, batch_size : which visit.
    reason : in one line.
    """

    round: int
    row: int
    batch_size: int
    reason: str


@dataclass(frozen=True)
class Measurements:
    """Every recorded run of every architecture, for one batch size.

    Attributes
    ----------
    milliseconds : float64 of shape (rounds, n_archs, runs), NaN where there is none.
    peak_memory : MiB, float64 of shape (n_archs,); None where PyTorch did not run the networks
        as they are.
    energy : millijoules of a run by the column of the energy meter, each float64 of shape
        (rounds, n_archs).
    outcomes : what the runtime tells of each architecture besides, each float64 of shape
        (n_archs,).
    failures : visits that came to nothing.
    """

    milliseconds: NDArray[np.float64]
    peak_memory: NDArray[np.float64] | None
    energy: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    outcomes: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()


def measure(
    space: Space,
    recipe: MeasureRecipe,
    journal_path: Path,
    *,
    archs: ArrayLike | None = None,
    retry_failed: bool = False,
    progress: Progress = silent,
) -> Measurements:
    """Measure architectures with the recipe's first batch size, see `measure_all`."""
    found = measure_all(
        space, recipe, journal_path, archs=archs, retry_failed=retry_failed, progress=progress
    )
    return found[recipe.batch_size]


def measure_all(
    space: Space,
    recipe: MeasureRecipe,
    journal_path: Path,
    *,
    archs: ArrayLike | None = None,
    retry_failed: bool = False,
    progress: Progress = silent,
) -> dict[int, Measurements]:
    """Measure architectures of a space; continues where a killed call stopped.

    The same recipe with more rounds continues a finished measurement.

    Parameters
    ----------
    space : the search space.
    recipe : how to measure.
    journal_path : file that keeps every result as it comes.
    archs : integers of shape (n_archs, n_positions); all of the space by default.
    retry_failed : whether visits that failed before are made again.
    progress : called with (visits done, visits in all).

    Returns
    -------
    What was measured, in the order of `archs`, for each batch size.

    Raises
    ------
    HwbenchError
        Where the runtime does not work here, an architecture is given twice, the journal belongs
        to another recipe, machine, set of architectures or code, or cannot be written,
        `MOST_FAILURES` architectures fail one after the other, or all fail; the journal is removed
        where it holds nothing but failures.
    """
    check_runtime(recipe)
    if recipe.energy:
        make_meter(recipe.energy)  # says what is wrong with it before anything is measured
    chosen = space.all_architectures() if archs is None else space.check(archs)
    _refuse_repeats(space, chosen)
    with quiet_profiler(), Journal(journal_path, _description(space, recipe, chosen)) as journal:
        done = {
            _key(record, recipe): record
            for record in journal.records
            if record["round"] < recipe.rounds
        }
        if retry_failed:
            done = {key: record for key, record in done.items() if "failure" not in record}
        ended_by = _visit_all(space, recipe, chosen, journal, done, progress)
    if not any("ms" in record for record in journal.records):
        journal_path.unlink()  # it would only stand in the way of another recipe
        tried = {record["row"] for record in journal.records}
        raise RemedyError(
            f"measure: none of the {len(tried)} architectures that were tried could be measured, "
            f"the first failed with: {journal.records[0]['failure']}",
            "nothing is kept, once that is mended measure anew with",
            {"--retry-failed": ""},
        )
    if ended_by:
        raise RemedyError(
            f"measure: {MOST_FAILURES} architectures failed one after the other, the last with: "
            f"{ended_by}",
            "the same command goes on with the others, once that is mended with all",
            {"--retry-failed": None},
        )
    return {
        batch_size: _collect(
            [record for key, record in done.items() if key[2] == batch_size],
            len(chosen),
            batch_size,
        )
        for batch_size in recipe.batch_sizes
    }


_Key = tuple[int, int, int]
_Records = dict[_Key, dict[str, Any]]


def _key(record: Mapping[str, Any], recipe: MeasureRecipe) -> _Key:
    """Round, row and batch size."""
    return record["round"], record["row"], record.get("batch_size", recipe.batch_size)


def _description(space: Space, recipe: MeasureRecipe, chosen: NDArray[Any]) -> dict[str, Any]:
    """What determines the results, for the journal."""
    modules = [__name__, type(space).__module__, module_of(RUNTIMES.path_of(recipe.runtime))]
    if recipe.energy:
        modules.append(module_of(ENERGY_METERS.path_of(recipe.energy)))
    description = {
        "kind": "measure",
        "space": space.name,
        "n_archs": len(chosen),
        "archs_digest": digest_of(chosen),
        **asdict(recipe),
        "processor": describe_machine()["processor"],
        "torch": describe_versions()["torch"],
        "code": code_version(*modules),
    }
    for name in NOT_MEASURED:
        del description[name]
    if recipe.device == "cuda":
        import torch

        description["accelerator"] = torch.cuda.get_device_name()
    return description


def _refuse_repeats(space: Space, archs: np.ndarray) -> None:
    if not len(archs):
        raise HwbenchError("measure: no architecture is given")
    _, first, times = np.unique(archs, axis=0, return_index=True, return_counts=True)
    if (times > 1).any():
        twice = space.to_string(archs[first[times.argmax()]])
        raise HwbenchError(f"measure: architecture {twice} is given more than once")


# ---------------------------------------------------------------------- visits


def _visit_all(
    space: Space,
    recipe: MeasureRecipe,
    chosen: NDArray[Any],
    journal: Journal,
    done: _Records,
    progress: Progress,
) -> str:
    """Make all visits that are left; each goes to the journal and into `done`.

    Returns
    -------
    The reason why `MOST_FAILURES` in a row failed, which ends it; else "".
    """
    total = recipe.rounds * len(chosen) * len(recipe.batch_sizes)
    progress(len(done), total)
    failed = 0
    with contextlib.ExitStack() as stack:
        kept = stack.enter_context(tempfile.TemporaryDirectory(prefix="hwbench-kept-"))
        visitor = Visitor(space, recipe, Path(kept))
        stream = stack.enter_context(closing(_visited(visitor, _visits_left(recipe, chosen, done))))
        for visit, came in stream:
            record = {"round": visit.round, "row": visit.row, **came}
            if recipe.further_batch_sizes:
                record["batch_size"] = visit.batch_size
            journal.append(record)
            done[_key(record, recipe)] = record
            if len(done) % VISITS_PER_COLLECTION == 0:
                gc.collect()
            progress(len(done), total)
            failed = failed + 1 if "failure" in came else 0
            if failed == MOST_FAILURES:
                return str(came["failure"])
    return ""


def _visits_left(recipe: MeasureRecipe, chosen: NDArray[Any], done: _Records) -> Iterator[Visit]:
    """The visits that have not been made, in their order."""
    sizes = recipe.batch_sizes
    for number in range(recipe.rounds):
        order = np.random.default_rng([recipe.seed, number]).permutation(len(chosen) * len(sizes))
        for place in order.tolist():
            row, batch_size = place // len(sizes), sizes[place % len(sizes)]
            if (number, row, batch_size) not in done:
                earlier = [done.get((each, row, batch_size)) for each in range(recipe.rounds)]
                first = all(record is None or "failure" in record for record in earlier)
                yield Visit(number, row, chosen[row], batch_size, first)


@dataclass(frozen=True)
class _Limits:
    seconds: float | None
    memory_mb: None = None


def _visited(
    visitor: Visitor, visits: Iterator[Visit]
) -> Generator[tuple[Visit, dict[str, Any]], None, None]:
    """What comes of each visit: made here, or under a time limit in a process of its own."""
    recipe = visitor.recipe
    if not visitor.runtime.in_process:
        for visit in visits:
            yield visit, visitor(visit)
    elif recipe.timeout is None:
        with quiet_process(visitor.runtime.cores(recipe.threads)):
            for visit in visits:
                yield visit, visitor(visit)
    else:
        stream = run_units(QuietVisitor(visitor), visits, workers=1, limits=_Limits(recipe.timeout))
        with closing(stream):
            for ended in stream:
                if ended is None:
                    continue
                lost = ended.lost
                failure = {"failure": lost.reason} if lost is not None else {}
                yield ended.unit, ended.result or failure


# ---------------------------------------------------------------------- what came of it


def _collect(records: list[dict[str, Any]], n_archs: int, batch_size: int) -> Measurements:
    rounds = 1 + max(record["round"] for record in records)
    runs = max((len(record.get("ms", ())) for record in records), default=0)
    milliseconds = np.full((rounds, n_archs, runs), np.nan)
    peak_memory = np.full(n_archs, np.nan)
    energy: dict[str, NDArray[np.float64]] = {}
    outcomes: dict[str, NDArray[np.float64]] = {}
    failures = []
    for record in records:
        number, row = record["round"], record["row"]
        if "failure" in record:
            failures.append(Failure(number, row, batch_size, record["failure"]))
            continue
        milliseconds[number, row, : len(record["ms"])] = record["ms"]
        if "bytes" in record:
            peak_memory[row] = record["bytes"] / 2**20
        for name, value in record.get("mj", {}).items():
            energy.setdefault(name, np.full((rounds, n_archs), np.nan))[number, row] = value
        for name, value in record.get("outcomes", {}).items():
            outcomes.setdefault(name, np.full(n_archs, np.nan))[row] = value
    return Measurements(
        milliseconds,
        None if np.isnan(peak_memory).all() else peak_memory,
        energy,
        outcomes,
        tuple(failures),
    )
