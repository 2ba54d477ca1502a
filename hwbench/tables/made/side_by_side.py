"""Latency of a few networks beside one another, so that their ratios can be trusted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent
from hwbench.tables.made.measure import MeasureRecipe, quiet_process
from hwbench.tables.made.runtimes import RUNTIMES, check_runtime

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
        Where there is no network, or the runtime does not work here.
    """
    import copy

    import torch

    if not networks:
        raise HwbenchError("measure: no network is given")
    check_runtime(recipe.runtime, recipe.dtype, recipe.device)
    with quiet_process(recipe.threads), torch.inference_mode():
        images = torch.randn(
            (recipe.batch_size, *image_shape), generator=torch.Generator().manual_seed(recipe.seed)
        ).to(recipe.device, getattr(torch, recipe.dtype))
        runs = [
            RUNTIMES[recipe.runtime](
                copy.deepcopy(each).eval().to(images.device, images.dtype), images, recipe.threads
            )
            for each in networks.values()
        ]
        found = np.empty((recipe.rounds, len(runs)))
        done = 0
        progress(done, found.size)
        for round_number in range(recipe.rounds):
            order = np.random.default_rng([recipe.seed, round_number]).permutation(len(runs))
            for place in order.tolist():
                for _ in range(recipe.warmup):
                    runs[place]()
                times = []
                for _ in range(recipe.repeats):
                    start = time.perf_counter_ns()
                    runs[place]()
                    times.append((time.perf_counter_ns() - start) / 1e6)
                found[round_number, place] = min(times)
                done += 1
                progress(done, found.size)
    return found
