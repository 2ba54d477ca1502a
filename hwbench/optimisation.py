"""What all training loops share: the schedule of the learning rate, the order of batches, and
arithmetic that does not slow down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError

Moment = TypeVar("Moment", int, float)
"""When in a training: a step, or an epoch and a fraction of one."""

WARM_UP = 0.05
"""Share of the steps in which the learning rate rises; it then falls along a cosine to zero."""

STEPS_DRAWN_TOGETHER = 64
"""Steps whose batches are drawn at once."""


def learning_rate_share(step: int, steps: int) -> float:
    """Share of the largest learning rate that a step (0 .. steps - 1) takes."""
    share = (step + 1) / (steps + 1)
    if share < WARM_UP:
        return share / WARM_UP
    return 0.5 + 0.5 * float(np.cos(np.pi * (share - WARM_UP) / (1 - WARM_UP)))


def half_cosine(start: float, end: float = 0.0) -> Callable[[float, float], float]:
    """A learning rate that falls from `start` to `end` along a half cosine, step by step.

    Returns
    -------
    The rate of a step (0 .. steps - 1) of so many steps. Both may be in another unit, such as
    epochs and fractions of them: their ratio alone counts.
    """
    span = start - end

    def rate(step: float, steps: float) -> float:
        return end + span * 0.5 * (1.0 + math.cos(math.pi * (step / steps)))

    return rate


def warmed_up(
    schedule: Callable[[Moment, Moment], float], start: float, warm_up: Moment
) -> Callable[[Moment, Moment], float]:
    """A schedule whose rate first rises in a straight line from zero.

    Parameters
    ----------
    schedule : of what comes after the rise: as if the training began there.
    start : the rate that is risen to.
    warm_up : steps of the rise, or epochs where the schedule counts in these; 0 for none.
    """

    def rate(step: Moment, steps: Moment) -> float:
        if step < warm_up:
            return start * (step / warm_up)
        return schedule(step - warm_up, steps - warm_up)

    return rate


def check_warm_up(warm_up: float, epochs: int, owner: str) -> None:
    """Refuse a rise that leaves no epoch for what comes after it.

    Raises
    ------
    HwbenchError
        "schedule: warm_up_epochs must be fewer than the 4 epochs, not 9".
    """
    if warm_up and warm_up >= epochs:
        raise HwbenchError(
            f"{owner}: warm_up_epochs must be fewer than the {epochs} epochs, not {warm_up:g}"
        )


def chained_half_cosine(start: float) -> Callable[[int, int], float]:
    """`half_cosine` to zero, each rate computed from the one before as torch's scheduler does.

    The two differ in their last bits, which a short training makes points of accuracy of: tables
    that were trained by this one are trained on by it.
    """
    return lambda step, steps: _chained_rates(start, steps)[step]


@lru_cache(maxsize=8)
def _chained_rates(start: float, steps: int) -> tuple[float, ...]:
    rates = [start]
    for step in range(1, steps):
        now, before = (1 + math.cos(math.pi * at / steps) for at in (step, step - 1))
        rates.append(now / before * rates[-1])
    return tuple(rates)


def batches(
    rows: Sequence[NDArray[np.int64]],
    batch_size: int,
    steps: int,
    seeds: Sequence[Sequence[int]],
) -> Iterator[NDArray[np.int64]]:
    """Rows of every step for several networks: whole shuffles of each one's rows, cut up.

    Parameters
    ----------
    rows : training rows of each network.
    batch_size, steps : the same for all.
    seeds : of each network; its batches depend on its own rows and seed alone.

    Yields
    ------
    int64 of shape (n_networks, batch_size), `steps` times.
    """
    generators = [np.random.default_rng([*seed, 1]) for seed in seeds]
    waiting = [np.empty(0, dtype=np.int64) for _ in rows]
    for start in range(0, steps, STEPS_DRAWN_TOGETHER):
        n_steps = min(STEPS_DRAWN_TOGETHER, steps - start)
        drawn = []
        for place, own in enumerate(rows):
            while len(waiting[place]) < n_steps * batch_size:
                waiting[place] = np.concatenate(
                    [waiting[place], generators[place].permutation(own)]
                )
            drawn.append(waiting[place][: n_steps * batch_size].reshape(n_steps, batch_size))
            waiting[place] = waiting[place][n_steps * batch_size :]
        yield from np.stack(drawn, axis=1)


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Let numbers smaller than float32's smallest normal one (1.2e-38) count as zero.

    The moments that Adam keeps of units that no longer take part shrink to such numbers after some
    hundred steps, and a processor takes many times as long for them.
    """
    import torch

    before = bool(torch.full((1,), 1e-40) * 1.0 == 0)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
