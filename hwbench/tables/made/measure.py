"""Measuring latency and peak memory of the architectures of a space on this machine.

Every architecture is visited once a round, in a new random order each round, so that a slow minute
of the machine falls on different architectures each time. A visit builds the network, runs it some
times unrecorded and some times recorded.
"""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import NonNegativeInt, PositiveInt

from hwbench.arguments import check_fields, one_of
from hwbench.code_version import code_version
from hwbench.environment import available_cores, describe_machine, describe_versions
from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent
from hwbench.spaces import Space
from hwbench.spaces.base import SkeletonValue
from hwbench.tables.made.journal import Journal, digest_of
from hwbench.tables.made.runtimes import DEVICES, DTYPES, RUNTIMES, check_runtime

if TYPE_CHECKING:
    import torch

VISITS_PER_COLLECTION = 32  # the cyclic collector is off while timing, so it is called by hand


@dataclass(frozen=True)
class MeasureRecipe:
    """How latency is measured.

    Attributes
    ----------
    runtime : what executes the network, one of `RUNTIMES`.
    rounds : visits to each architecture.
    warmup : unrecorded runs at the start of a visit.
    repeats : recorded runs of a visit.
    threads : threads that compute, each pinned to a core of its own where the system allows it.
    batch_size : images in one run.
    dtype : of weights and images, one of `DTYPES`.
    device : "cpu" or "cuda".
    seed : of the visiting order, the weights and the input.
    skeleton : changes to the space's official skeleton.
    """

    runtime: Annotated[str, one_of(RUNTIMES)] = "torch-eager"
    rounds: PositiveInt = 5
    warmup: NonNegativeInt = 1
    repeats: PositiveInt = 2
    threads: PositiveInt = 1
    batch_size: PositiveInt = 1
    dtype: Annotated[str, one_of(DTYPES)] = "float32"
    device: Annotated[str, one_of(DEVICES)] = "cpu"
    seed: NonNegativeInt = 0
    skeleton: Mapping[str, SkeletonValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fields(self, "measure")
        if self.threads > available_cores():
            raise HwbenchError(
                f"measure: {self.threads} threads on {available_cores()} cores would measure "
                "their waiting for each other; use fewer"
            )


@dataclass(frozen=True)
class Measurements:
    """Every recorded run of every architecture.

    Attributes
    ----------
    milliseconds : float64 of shape (rounds, n_archs, repeats).
    peak_memory : MiB, float64 of shape (n_archs,); None where PyTorch did not run the network
        as it is.
    """

    milliseconds: NDArray[np.float64]
    peak_memory: NDArray[np.float64] | None


def measure(
    space: Space,
    recipe: MeasureRecipe,
    journal_path: Path,
    *,
    archs: ArrayLike | None = None,
    progress: Progress = silent,
) -> Measurements:
    """Measure architectures of a space on this machine; continues where a killed call stopped.

    The same recipe with more rounds continues a finished measurement.

    Parameters
    ----------
    space : the search space.
    recipe : how to measure.
    journal_path : file that keeps every result as it comes.
    archs : integers of shape (n_archs, n_positions); all of the space by default.
    progress : called with (visits done, visits in all).

    Returns
    -------
    What was measured, in the order of `archs`.

    Raises
    ------
    HwbenchError
        Where the runtime does not work here, an architecture is given twice, or the journal
        belongs to another recipe, machine, set of architectures or code, or cannot be written.
    """
    with quiet_profiler():
        return _measure(space, recipe, journal_path, archs, progress)


def _measure(
    space: Space,
    recipe: MeasureRecipe,
    journal_path: Path,
    archs: ArrayLike | None,
    progress: Progress,
) -> Measurements:
    import torch

    check_runtime(recipe.runtime, recipe.dtype, recipe.device)
    chosen = space.all_architectures() if archs is None else space.check(archs)
    _refuse_repeats(space, chosen)
    skeleton = space.skeleton(**recipe.skeleton)
    machine = describe_machine()
    description = {
        "kind": "measure",
        "space": space.name,
        "n_archs": len(chosen),
        "archs_digest": digest_of(chosen),
        **asdict(recipe),
        "processor": machine["processor"],
        "torch": describe_versions()["torch"],
        "code": code_version(__name__, type(space).__module__),
    }
    del description["rounds"]  # more rounds continue the same measurement
    if recipe.device == "cuda":
        description["accelerator"] = torch.cuda.get_device_name()
    with Journal(journal_path, description) as journal:
        done = {
            (record["round"], record["row"])
            for record in journal.records
            if record["round"] < recipe.rounds
        }
        total = recipe.rounds * len(chosen)
        progress(len(done), total)
        with quiet_process(recipe.threads), torch.inference_mode():
            images = torch.randn(
                (
                    recipe.batch_size,
                    skeleton.input_channels,
                    skeleton.input_size,
                    skeleton.input_size,
                ),
                generator=torch.Generator().manual_seed(recipe.seed),
            ).to(recipe.device, getattr(torch, recipe.dtype))
            for round_number in range(recipe.rounds):
                order = np.random.default_rng([recipe.seed, round_number]).permutation(len(chosen))
                for row in order.tolist():
                    if (round_number, row) in done:
                        continue
                    network = space.network(chosen[row], seed=recipe.seed, **recipe.skeleton)
                    record = _visit(network, recipe, images, with_memory=round_number == 0)
                    journal.append({"round": round_number, "row": row, **record})
                    done.add((round_number, row))
                    if len(done) % VISITS_PER_COLLECTION == 0:
                        gc.collect()
                    progress(len(done), total)
        records = [record for record in journal.records if record["round"] < recipe.rounds]
        return _collect(records, len(chosen))


def _refuse_repeats(space: Space, archs: np.ndarray) -> None:
    if not len(archs):
        raise HwbenchError("measure: no architecture is given")
    _, first, times = np.unique(archs, axis=0, return_index=True, return_counts=True)
    if (times > 1).any():
        twice = space.to_string(archs[first[times.argmax()]])
        raise HwbenchError(f"measure: architecture {twice} is given more than once")


def _visit(
    network: torch.nn.Module, recipe: MeasureRecipe, images: torch.Tensor, *, with_memory: bool
) -> dict[str, Any]:
    network = network.eval().to(images.device, images.dtype)
    record: dict[str, Any] = {}
    if with_memory and recipe.runtime == "torch-eager":
        record["bytes"] = peak_memory(network, images)
    run = RUNTIMES[recipe.runtime](network, images, recipe.threads)
    for _ in range(recipe.warmup):
        run()
    milliseconds = []
    for _ in range(recipe.repeats):
        start = time.perf_counter_ns()
        run()
        milliseconds.append((time.perf_counter_ns() - start) / 1e6)
    record["ms"] = [round(value, 5) for value in milliseconds]
    return record


def peak_memory(network: torch.nn.Module, images: torch.Tensor) -> int:
    """Weights plus the most bytes that one forward pass holds at a time, workspaces included.

    Parameters
    ----------
    network : a module in evaluation mode.
    images : float tensor of shape (batch, channels, height, width).
    """
    import torch

    weights = [*network.parameters(), *network.buffers()]
    weight_bytes = sum(tensor.numel() * tensor.element_size() for tensor in weights)
    if images.is_cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        network(images)
        return torch.cuda.max_memory_allocated() - before + weight_bytes
    activities = [torch.profiler.ProfilerActivity.CPU]
    with (
        torch.inference_mode(),
        torch.profiler.profile(activities=activities, profile_memory=True) as profiler,
    ):
        network(images)
    held = most = 0
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most + weight_bytes


def _collect(records: list[dict[str, Any]], n_archs: int) -> Measurements:
    rounds = 1 + max(record["round"] for record in records)
    milliseconds = np.empty((rounds, n_archs, len(records[0]["ms"])))
    peak_memory = np.full(n_archs, np.nan)
    for record in records:
        milliseconds[record["round"], record["row"]] = record["ms"]
        if "bytes" in record:
            peak_memory[record["row"]] = record["bytes"] / 2**20
    return Measurements(milliseconds, None if np.isnan(peak_memory).any() else peak_memory)


@contextlib.contextmanager
def quiet_process(threads: int) -> Iterator[None]:
    """Pin the process to as many cores as it has threads, and stop what disturbs timings."""
    import torch

    with contextlib.ExitStack() as stack:
        stack.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(threads)
        stack.callback(torch.set_flush_denormal, _flushes_denormals())
        torch.set_flush_denormal(True)
        if gc.isenabled():
            stack.callback(gc.enable)
        gc.collect()
        gc.disable()
        if not gc.get_freeze_count():  # else what lives now is the caller's to thaw
            stack.callback(gc.unfreeze)
            gc.freeze()  # what lives now need not be looked at in the collections between visits
        if hasattr(os, "sched_getaffinity"):
            cores = os.sched_getaffinity(0)
            stack.callback(os.sched_setaffinity, 0, cores)
            os.sched_setaffinity(0, sorted(cores)[-threads:])
        yield


def _flushes_denormals() -> bool:
    """Whether numbers too small for full precision are taken as 0 now; torch does not say."""
    import torch

    smallest = torch.full((1,), torch.finfo(torch.float64).tiny, dtype=torch.float64)
    return float((smallest / 2).item()) == 0.0


@contextlib.contextmanager
def quiet_profiler() -> Iterator[None]:
    """Keep the memory profiler, which is chatty on stderr, quiet where nobody has asked it."""
    name = "KINETO_LOG_LEVEL"
    given = name in os.environ
    os.environ.setdefault(name, "99")
    try:
        yield
    finally:
        if not given:
            os.environ.pop(name, None)
