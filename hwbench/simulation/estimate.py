"""What a simulation will cost, from a few selections and fits that are timed."""

from __future__ import annotations

import time

import pandas as pd

from hwbench.pilot import PILOT_LONGEST, PILOT_SECONDS, Clock, power_law, timed_pieces
from hwbench.progress import Progress, silent
from hwbench.simulation.fitted import select_by_fitted
from hwbench.simulation.landscape import Landscape
from hwbench.simulation.run import load_pairs, options_of
from hwbench.simulation.selection import block_length, simulate
from hwbench.simulation.spec import SimulationSpec
from hwbench.tables.pairs import Pair
from hwbench.threads import one_thread


def estimate_simulation(
    spec: SimulationSpec, *, progress: Progress = silent, clock: Clock = time.perf_counter
) -> pd.DataFrame:
    """Time some selections and fits on the first metric, and scale them to all.

    Selections are timed from the smallest and the largest number of candidates; those between grow
    by a power law. Fits of each predictor are timed at growing training sizes, until they get long.

    Parameters
    ----------
    spec : what would be simulated.
    progress : called with (kinds of work timed, kinds in all).
    clock : that the pieces are timed by.

    Returns
    -------
    A row for each number of candidates, and for each predictor and training size: `predictor` (None
    for simulated ones), `size` (candidates, or the training size), `number` (selections, or fits),
    `seconds` (of one core, all together), and `slowest` (s, of one).

    Raises
    ------
    HwbenchError
        As `run_simulation`, before anything is simulated; also where a fit fails.
    """
    pairs = load_pairs(spec)
    kinds = 1 + len(spec.predictors)
    progress(0, kinds)
    with one_thread():
        rows = _selections(spec, pairs[0], clock)
        progress(1, kinds)
        for place, predictor in enumerate(spec.predictors, start=2):
            rows += _fits(spec, pairs[0], predictor, clock)
            progress(place, kinds)
    return pd.DataFrame(rows)


def _selections(spec: SimulationSpec, pair: Pair, clock: Clock) -> list[dict[str, object]]:
    """Rows of simulated predictors."""
    conventions = spec.conventions[0]
    landscape = Landscape.of(pair.accuracy, pair.metric, conventions.pairing)
    options = options_of(spec, pair, conventions)

    def repeats_timed(n_candidates: int) -> float:
        """Seconds of one repeat: one selection for each deviation."""

        def work(repeats: int) -> None:
            simulate(
                landscape,
                n_candidates,
                spec.deviations,
                options,
                repeats=repeats,
                seed=(spec.seed, 0),
            )

        most = min(spec.repeats, block_length(n_candidates, options.model))
        work(1)  # compiles
        repeats, seconds = timed_pieces([1], work, clock=clock)
        if most > 1 and seconds[0] < PILOT_SECONDS:
            # All random numbers of a block are drawn at once: only whole blocks tell of them.
            repeats, seconds = timed_pieces([most], work, clock=clock)
        return seconds[0] / repeats[0]

    ends = sorted({min(spec.n_candidates), max(spec.n_candidates)})
    law = power_law(ends, [repeats_timed(each) for each in ends])
    repeats = len(spec.metrics) * len(spec.conventions) * spec.repeats
    return [
        {
            "predictor": None,
            "size": size,
            "number": repeats * len(spec.deviations),
            "seconds": repeats * law(size),
            "slowest": law(size),
        }
        for size in spec.n_candidates
    ]


def _fits(
    spec: SimulationSpec, pair: Pair, predictor: str, clock: Clock
) -> list[dict[str, object]]:
    """Rows of a real predictor."""

    def work(size: int) -> None:
        select_by_fitted(
            pair,
            predictor,
            size,
            spec.n_candidates,
            repeat=0,
            seed=(spec.seed, 0),
            conventions=spec.conventions[0],
            limit=spec.limits.get(pair.metric_target),
            budget=spec.budget,
        )

    sizes = sorted(spec.training_sizes)
    start = clock()
    work(sizes[0])
    timed, seconds = [sizes[0]], [clock() - start]
    if seconds[0] < PILOT_LONGEST:  # else that it imported a library is no matter
        timed, seconds = timed_pieces(sizes, work, clock=clock)
    law = power_law(timed, seconds)
    fits = len(spec.metrics) * spec.fits
    return [
        {
            "predictor": predictor,
            "size": size,
            "number": fits,
            "seconds": fits * law(size),
            "slowest": law(size),
        }
        for size in sizes
    ]
