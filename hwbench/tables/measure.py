"""Measuring latency and peak memory of every architecture of a space on this machine.

Every architecture is visited once a round, in a new random order each round, so that a slow minute
of the machine falls on different architectures each time. A visit builds the network, runs it some
times unrecorded and some times recorded. What is kept of all recorded runs of all rounds is the
median, the interquartile range, and the fastest: whatever else a machine does only adds time, so
on a busy one the fastest run says most about the architecture.
"""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from hwbench.environment import available_cores, describe_machine, describe_versions
from hwbench.errors import HwbenchError, unknown_name
from hwbench.progress import Progress, silent
from hwbench.spaces import Space
from hwbench.tables.journal import Journal, digest_of

if TYPE_CHECKING:
    import torch

Runner = Callable[[], object]

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
    seed : of the visiting order, the weights and the input.
    skeleton : changes to the space's official skeleton.
    """

    runtime: str = "torch-eager"
    rounds: int = 5
    warmup: int = 1
    repeats: int = 2
    threads: int = 1
    batch_size: int = 1
    seed: int = 0
    skeleton: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.runtime not in RUNTIMES:
            raise unknown_name("runtime", self.runtime, RUNTIMES)
        for name in ("rounds", "repeats", "threads", "batch_size"):
            if getattr(self, name) < 1:
                raise HwbenchError(f"measure: {name} must be at least 1")
        if self.threads > available_cores():
            raise HwbenchError(
                f"measure: {self.threads} threads on {available_cores()} cores would measure "
                "their waiting for each other; use fewer"
            )


def _torch_eager(network: torch.nn.Module, images: torch.Tensor) -> Runner:
    return lambda: network(images)


RUNTIMES: dict[str, Callable[[torch.nn.Module, torch.Tensor], Runner]] = {
    "torch-eager": _torch_eager,
}


def measure(
    space: Space,
    recipe: MeasureRecipe,
    journal_path: Path,
    *,
    archs: ArrayLike | None = None,
    progress: Progress = silent,
) -> pd.DataFrame:
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
    A frame with a row an architecture, in the order given: `index` (place in the space's
    lexicographic order), `latency`, `latency_min` and `latency_iqr` in ms, `peak_memory` in
    MiB.

    Raises
    ------
    HwbenchError
        Where the journal belongs to another recipe, machine or set of architectures, or cannot
        be written.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the memory profiler is chatty on stderr
    import torch

    indices = np.arange(len(space)) if archs is None else space.indices_of(archs)
    description = {
        "kind": "measure",
        "space": space.name,
        "n_archs": len(indices),
        "archs_digest": digest_of(indices),
        **asdict(recipe),
        "processor": describe_machine()["processor"],
        "torch": describe_versions()["torch"],
    }
    del description["rounds"]  # more rounds continue the same measurement
    skeleton = space.skeleton(**recipe.skeleton)
    with Journal(journal_path, description) as journal:
        done = {
            (record["round"], record["index"])
            for record in journal.records
            if record["round"] < recipe.rounds
        }
        total = recipe.rounds * len(indices)
        progress(len(done), total)
        with _quiet_process(recipe.threads), torch.inference_mode():
            images = torch.randn(
                (
                    recipe.batch_size,
                    skeleton.input_channels,
                    skeleton.input_size,
                    skeleton.input_size,
                ),
                generator=torch.Generator().manual_seed(recipe.seed),
            )
            for round_number in range(recipe.rounds):
                order = np.random.default_rng([recipe.seed, round_number]).permutation(indices)
                for index in order.tolist():
                    if (round_number, index) in done:
                        continue
                    record = _visit(space, index, recipe, images, with_memory=round_number == 0)
                    journal.append({"round": round_number, "index": index, **record})
                    done.add((round_number, index))
                    if len(done) % VISITS_PER_COLLECTION == 0:
                        gc.collect()
                    progress(len(done), total)
        records = [record for record in journal.records if record["round"] < recipe.rounds]
        return _summarise(records, indices)


def _visit(
    space: Space, index: int, recipe: MeasureRecipe, images: torch.Tensor, *, with_memory: bool
) -> dict[str, Any]:
    arch = space.architectures_at([index])[0]
    network = space.network(arch, seed=recipe.seed, **recipe.skeleton).eval()
    run = RUNTIMES[recipe.runtime](network, images)
    for _ in range(recipe.warmup):
        run()
    milliseconds = []
    for _ in range(recipe.repeats):
        start = time.perf_counter_ns()
        run()
        milliseconds.append((time.perf_counter_ns() - start) / 1e6)
    record: dict[str, Any] = {"ms": [round(value, 5) for value in milliseconds]}
    if with_memory:
        record["bytes"] = peak_memory(network, images)
    return record


def peak_memory(network: torch.nn.Module, images: torch.Tensor) -> int:
    """Weights plus the most bytes that one forward pass holds at a time, workspaces included.

    Parameters
    ----------
    network : a module in evaluation mode.
    images : float tensor of shape (batch, channels, height, width).
    """
    import torch

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
    weights = [*network.parameters(), *network.buffers()]
    return most + sum(tensor.numel() * tensor.element_size() for tensor in weights)


def _summarise(records: list[dict[str, Any]], indices: np.ndarray) -> pd.DataFrame:
    milliseconds: dict[int, list[float]] = {}
    memory: dict[int, int] = {}
    for record in records:
        milliseconds.setdefault(record["index"], []).extend(record["ms"])
        if "bytes" in record:
            memory[record["index"]] = record["bytes"]
    values = np.array([milliseconds[index] for index in indices.tolist()])
    least, low, median, high = np.percentile(values, [0, 25, 50, 75], axis=1)
    return pd.DataFrame(
        {
            "index": indices,
            "latency": median,
            "latency_min": least,
            "latency_iqr": high - low,
            "peak_memory": np.array([memory[index] for index in indices.tolist()]) / 2**20,
        }
    )


@contextlib.contextmanager
def _quiet_process(threads: int) -> Iterator[None]:
    """Pin the process to as many cores as it has threads, and stop what disturbs timings."""
    import torch

    threads_before = torch.get_num_threads()
    cores_before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    gc.collect()
    gc.freeze()  # what lives now need not be looked at in the collections between visits
    gc.disable()
    try:
        if cores_before is not None:
            os.sched_setaffinity(0, sorted(cores_before)[-threads:])
        yield
    finally:
        gc.unfreeze()
        gc.enable()
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads_before)
        if cores_before is not None:
            os.sched_setaffinity(0, cores_before)
