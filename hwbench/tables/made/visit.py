"""One visit to an architecture: its network built, run, and timed."""

from __future__ import annotations

import contextlib
import gc
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError, one_line
from hwbench.spaces import Space
from hwbench.tables.made.energy import ENERGY_METERS
from hwbench.tables.made.energy.base import EnergyMeter, energy_of
from hwbench.tables.made.quiet import quiet_process
from hwbench.tables.made.runtimes.base import MeasureError, Run, Runtime, Work, make_runtime

if TYPE_CHECKING:
    import torch

    from hwbench.tables.made.recipe import MeasureRecipe

VISITS_PER_COLLECTION = 32
"""The cyclic collector is off while timing, so it is called by hand."""


@dataclass(frozen=True)
class Visit:
    """What is to be visited.

    Attributes
    ----------
    round, row : which round, and which of the architectures.
    arch : int64 of shape (n_positions,).
    batch_size : images of a run.
    first : whether nothing is known of the architecture yet: what does not depend on the moment is
        measured once.
    """

    round: int
    row: int
    arch: NDArray[np.int64]
    batch_size: int
    first: bool


@dataclass(frozen=True)
class Visitor:
    """Visits architectures; it can be pickled.

    Attributes
    ----------
    space, recipe : what is measured, and how.
    kept : a folder for what runtimes keep between visits.
    """

    space: Space
    recipe: MeasureRecipe
    kept: Path

    @cached_property
    def runtime(self) -> Runtime:
        """What runs the networks."""
        return make_runtime(self.recipe.runtime, self.recipe.options)

    @cached_property
    def meter(self) -> EnergyMeter | None:
        """What reads energy, where it is asked for."""
        return None if not self.recipe.energy else make_meter(self.recipe.energy)

    def __call__(self, visit: Visit) -> dict[str, Any]:
        """What came of a visit, as JSON has it.

        Returns
        -------
        "ms", the milliseconds of each recorded run, and where it applies "bytes" of peak memory,
        "mj" of energy and "outcomes" of the runtime; or "failure", the reason why there is nothing.

        Raises
        ------
        HwbenchError
            Where nothing can be measured at all.
        """
        import torch

        try:
            with (
                torch.inference_mode(),
                tempfile.TemporaryDirectory(prefix="hwbench-", ignore_cleanup_errors=True) as name,
            ):
                return self._record(visit, Path(name))
        except HwbenchError:
            raise
        except MeasureError as error:
            return {"failure": one_line(error, 300)}
        except Exception as error:  # noqa: BLE001  runtimes raise errors of many libraries
            return {"failure": one_line(f"{type(error).__name__}: {error}", 300)}

    def _record(self, visit: Visit, folder: Path) -> dict[str, Any]:
        recipe = self.recipe
        images = self._images[visit.batch_size]
        network = self.space.network(visit.arch, seed=recipe.seed, **recipe.skeleton)
        network = network.eval().to(images.device, images.dtype)
        work = Work(
            network=network,
            images=images,
            name=self.space.to_string(visit.arch),
            threads=recipe.threads,
            warmup=recipe.warmup,
            repeats=recipe.repeats,
            seed=recipe.seed,
            folder=folder,
            kept=self.kept / f"{visit.row}-{visit.batch_size}",
            timeout=recipe.timeout,
        )
        record: dict[str, Any] = {}
        if visit.first and recipe.runtime == "torch-eager":
            record["bytes"] = peak_memory(network, images)
        run = self.runtime.prepare(work)
        milliseconds = timed(self.runtime, run, recipe.warmup, recipe.repeats)
        record["ms"] = [float(f"{value:.8g}") for value in milliseconds]
        if self.meter is not None:
            record["mj"] = energy_of(self.meter, run)
        if visit.first and self.runtime.outcomes:
            record["outcomes"] = self.runtime.outcomes_of(work, run)
        return record

    @cached_property
    def _images(self) -> dict[int, torch.Tensor]:
        """What every network is given, by the batch size."""
        import torch

        recipe = self.recipe
        skeleton = self.space.skeleton(**recipe.skeleton)
        size = (skeleton.input_channels, skeleton.input_size, skeleton.input_size)
        return {
            each: torch.randn(
                (each, *size), generator=torch.Generator().manual_seed(recipe.seed)
            ).to(recipe.device, getattr(torch, recipe.dtype))
            for each in recipe.batch_sizes
        }


class QuietVisitor:
    """A visitor for a process of its own, which is kept quiet from its start to its end.

    What it needs is loaded when it gets there: the first visit must not be charged for that.
    """

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        for library in self.visitor.runtime.libraries:
            import_module(library)
        self._visits = 0
        self._quiet = contextlib.ExitStack()
        threads = self.visitor.recipe.threads
        self._quiet.enter_context(quiet_process(self.visitor.runtime.cores(threads)))

    def __call__(self, visit: Visit) -> dict[str, Any]:
        self._visits += 1
        if self._visits % VISITS_PER_COLLECTION == 0:
            gc.collect()
        return self.visitor(visit)


def make_meter(name: str) -> EnergyMeter:
    """The energy meter of that name.

    Raises
    ------
    HwbenchError
        Where there is none, or nothing can be read here.
    """
    meter: EnergyMeter = ENERGY_METERS.load(name, where="measure")()
    return meter


def timed(runtime: Runtime, run: Run, warmup: int, repeats: int) -> list[float]:
    """Milliseconds of the recorded runs of a visit.

    Parameters
    ----------
    runtime, run : what runs, and what it has prepared.
    warmup, repeats : unrecorded and recorded runs.
    """
    unrecorded, recorded = runtime.calls(warmup, repeats)
    for _ in range(unrecorded):
        run()
    milliseconds: list[float] = []
    for _ in range(recorded):
        start = time.perf_counter_ns()
        told = run()
        elapsed = (time.perf_counter_ns() - start) / 1e6
        milliseconds += [elapsed] if runtime.in_process else told
    return milliseconds


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
