"""What to expect of a predictor: from its tau, or from fitting it, to what a selection loses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from hwbench.analysis.statistics import central_range, mean_interval
from hwbench.arguments import checks_arguments, one_of
from hwbench.errors import HwbenchError
from hwbench.simulation.conventions import Conventions
from hwbench.simulation.deviations import deviation_model
from hwbench.simulation.landscape import Landscape
from hwbench.simulation.selection import Options, simulate
from hwbench.tables.pairs import Pair

LARGEST_DEVIATION = 1000.0
REPEATS_TO_INVERT = 40
TOLERANCE = 1e-3
EQUIVALENCE_MEASURES = ("hypervolume_space", "hypervolume")


@dataclass(frozen=True)
class Equivalence:
    """How good a predictor must be to make up for measuring.

    Attributes
    ----------
    n_measured, n_predicted : candidates with measured, and with predicted metrics.
    hypervolume : of the best selection from the measured ones, mean over tables and repeats.
    deviation, tau : of the predictor with which the predicted ones give as much; None where even
        guessing gives more.
    """

    n_measured: int
    n_predicted: int
    hypervolume: float
    deviation: float | None
    tau: float | None


@checks_arguments("simulation")
def deviation_for_tau(
    landscape: Landscape,
    tau: Annotated[float, Field(gt=0, le=1)],
    n_candidates: int,
    options: Options,
    *,
    repeats: int = REPEATS_TO_INVERT,
    seed: int | Sequence[int] = 0,
) -> float:
    """The deviation with which a simulated predictor reaches a Kendall's tau on a table.

    Parameters
    ----------
    landscape : accuracy and metric of a table.
    tau : mean Kendall's tau that is wanted, more than 0 and at most 1.
    n_candidates : architectures that are ranked.
    options : how the predictor errs.
    repeats, seed : of the simulations that the answer is searched with.

    Raises
    ------
    HwbenchError
        Where tau is out of range, or no deviation gives it.
    """

    def surplus(deviation: float) -> float:
        result = simulate(landscape, n_candidates, [deviation], options, repeats=repeats, seed=seed)
        return float(result[:, 0, _measure("kendall_tau")].mean()) - tau

    deviation = _falling_root(surplus)
    if deviation is None:
        raise HwbenchError(f"no simulated predictor has a Kendall's tau as small as {tau}")
    return deviation


def expect_selection(
    pair: Pair,
    n_candidates: int,
    options: Options,
    *,
    tau: float | None = None,
    deviation: float | None = None,
    repeats: int = 1000,
    seed: int = 0,
) -> tuple[float, pd.DataFrame]:
    """Simulate selections by predictors of one quality.

    Parameters
    ----------
    pair : accuracy and metric of a table.
    n_candidates : architectures to select from.
    options : how the predictor errs, and the conventions.
    tau, deviation : its quality, one of the two.
    repeats, seed : of the simulation.

    Returns
    -------
    The deviation, and the selections as from `simulate_selection`.

    Raises
    ------
    HwbenchError
        Where neither or both of tau and deviation are given, or something is out of range.
    """
    from hwbench.simulation.selection import as_frame

    if (tau is None) == (deviation is None):
        raise HwbenchError("give either tau or deviation")
    pair.check_candidates(n_candidates)
    landscape = Landscape.of(pair.accuracy, pair.metric, options.conventions.pairing)
    size = (
        deviation
        if deviation is not None
        else deviation_for_tau(landscape, float(tau or 0.0), n_candidates, options, seed=seed)
    )
    result = simulate(landscape, n_candidates, [size], options, repeats=repeats, seed=seed)
    return float(size), as_frame(result[:, 0])


def summarise(selections: pd.DataFrame) -> pd.DataFrame:
    """Median and mean of every measure, and what nine in ten selections lie between.

    Returns
    -------
    A row a measure (the index) that is not missing throughout: `mean`, `low`, `high` (95 % interval
    of the mean), `least`, `median` and `most` (the 5 %, 50 % and 95 % quantiles of single
    selections).
    """
    rows = {}
    for name in selections:
        values = selections[name].dropna()
        if values.empty:
            continue
        mean, low, high = mean_interval(values)
        rows[name] = (mean, low, high, *central_range(values))
    return pd.DataFrame.from_dict(
        rows, orient="index", columns=["mean", "low", "high", "least", "median", "most"]
    )


@checks_arguments("simulation")
def equivalent_predictor(
    pairs: Sequence[Pair],
    n_measured: int,
    n_predicted: int,
    conventions: Conventions,
    *,
    measure: Annotated[str, one_of(EQUIVALENCE_MEASURES)] = "hypervolume_space",
    model: str = "mixed",
    repeats: int = 200,
    seed: int = 0,
) -> Equivalence:
    """The worst predictor that makes up for measuring fewer candidates (LAUBE 5.6, Fig. 5.7).

    Its selections from `n_predicted` candidates dominate, on average, as much hypervolume as the
    best selections from `n_measured` candidates whose metric is known.

    Parameters
    ----------
    pairs : accuracy and metric of one or several tables; hypervolumes are averaged.
    n_measured, n_predicted : numbers of candidates, the second the larger.
    conventions : see there.
    measure : "hypervolume_space", whose reference is the same for both numbers of candidates, or
        "hypervolume", whose reference moves with the candidates as in the publication.
    model : how the predictor errs.
    repeats, seed : of the simulations, on each table.

    Raises
    ------
    HwbenchError
        Where the numbers are out of range or the measure is none of the two.
    """
    if not 2 <= n_measured < n_predicted:
        raise HwbenchError(
            f"the number of measured candidates must lie in 2 .. {n_predicted - 1}, not "
            f"{n_measured}"
        )
    for pair in pairs:
        pair.check_candidates(n_predicted)
    landscapes = [Landscape.of(pair.accuracy, pair.metric, conventions.pairing) for pair in pairs]
    volumes = Options(deviation_model(model), conventions, with_tau=False)
    taus = Options(deviation_model(model), conventions)

    def means(n: int, deviation: float, options: Options, column: str, count: int) -> float:
        found = [
            simulate(landscape, n, [deviation], options, repeats=count, seed=(seed, number))
            for number, landscape in enumerate(landscapes)
        ]
        return float(np.mean([each[:, 0, _measure(column)].mean() for each in found]))

    wanted = means(n_measured, 0.0, volumes, measure, repeats)
    deviation = _falling_root(
        lambda size: means(n_predicted, size, volumes, measure, repeats) - wanted
    )
    if deviation is None:
        return Equivalence(n_measured, n_predicted, wanted, None, None)
    tau = means(n_predicted, deviation, taus, "kendall_tau", min(repeats, REPEATS_TO_INVERT))
    return Equivalence(n_measured, n_predicted, wanted, deviation, tau)


def _measure(name: str) -> int:
    from hwbench.simulation.measures import MEASURES

    return MEASURES.index(name)


def _falling_root(function: Callable[[float], float]) -> float | None:
    """Where a function of the deviation that falls on the whole passes 0; None: nowhere."""
    from scipy.optimize import brentq

    if function(0.0) <= 0.0:
        return 0.0
    high = 0.5
    while function(high) > 0.0:
        high *= 2.0
        if high > LARGEST_DEVIATION:
            return None
    return float(brentq(function, 0.0, high, xtol=TOLERANCE))
