"""Latency of a few networks beside one another, so that their ratios can be trusted."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent
from hwbench.tables.made.quiet import quiet_process
from hwbench.tables.made.recipe import MeasureRecipe, check_runtime
from hwbench.tables.made.runtimes.base import MeasureError, Work, make_runtime
from hwbench.tables.made.visit import timed

if TYPE_CHECKING:
    import torch


def measure_beside(
    networks: Mapping[str, torch.nn.Module],
    image_shape: tuple[int, int, int],
    recipe: MeasureRecipe,
    *,
    progress: Progress = silent,
) -> NDArray[np.float64]:
    """Measure networks on this machine, each of them once a round in a new random order.

    A slow moment of the machine falls on all of them alike: the ratio of two is taken round by
    round.

    Parameters
    ----------
    networks : from images to logits, by name; they are left as they are.
    image_shape : (channels, height, width) of an image.
    recipe : how; its skeleton is not used.
    progress : called with (visits done, visits in all).

    Returns
    -------
    Milliseconds of shape (rounds, networks): the fastest run of each visit.

    Raises
    ------
    HwbenchError
        Where there is no network, or the runtime does not work here or on one of them.
    """
    import copy

    import torch

    if not networks:
        raise HwbenchError("measure: no network is given")
    check_runtime(recipe)
    runtime = make_runtime(recipe.runtime, recipe.options)
    with (
        quiet_process(runtime.cores(recipe.threads))
        if runtime.in_process
        else contextlib.nullcontext(),
        torch.inference_mode(),
        tempfile.TemporaryDirectory(prefix="hwbench-") as folder,
    ):
        images = torch.randn(
            (recipe.batch_size, *image_shape), generator=torch.Generator().manual_seed(recipe.seed)
        ).to(recipe.device, getattr(torch, recipe.dtype))
        runs = []
        for place, (name, each) in enumerate(networks.items()):
            own = Path(folder) / str(place)
            own.mkdir()
            work = Work(
                network=copy.deepcopy(each).eval().to(images.device, images.dtype),
                images=images,
                name=name,
                threads=recipe.threads,
                warmup=recipe.warmup,
                repeats=recipe.repeats,
                seed=recipe.seed,
                folder=own,
                kept=own / "kept",
                timeout=recipe.timeout,
            )
            with _naming(name):
                runs.append(runtime.prepare(work))
        names = list(networks)
        found = np.empty((recipe.rounds, len(runs)))
        done = 0
        progress(done, found.size)
        for round_number in range(recipe.rounds):
            order = np.random.default_rng([recipe.seed, round_number]).permutation(len(runs))
            for place in order.tolist():
                with _naming(names[place]):
                    times = timed(runtime, runs[place], recipe.warmup, recipe.repeats)
                found[round_number, place] = min(times)
                done += 1
                progress(done, found.size)
    return found


@contextlib.contextmanager
def _naming(network: str) -> Iterator[None]:
    """Here one network that fails ends all: there is nothing to compare it by."""
    try:
        yield
    except MeasureError as error:
        raise HwbenchError(f"measure: {network} cannot be measured: {error}") from error
