"""What a search that selects by the model's predictions is expected to lose.

The architectures are those of known accuracy, of the user's file or of a table. Their metric is
what the model predicts (what was measured, where it was), as nothing better is known; the predictor
that a search uses errs as the model did out of fold, with deviations scaled so that it orders the
table as well as is promised (see `hwbench.simulation`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hwbench.advise.measurements import Measurements
from hwbench.advise.promise import Estimate, Promise
from hwbench.analysis.statistics import central_range
from hwbench.arrays import Floats
from hwbench.fronts.two import pareto_front
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.progress import Progress, silent
from hwbench.simulation.conventions import Conventions
from hwbench.simulation.deviations import DeviationModel, draw_deviations
from hwbench.simulation.expect import deviation_for_tau
from hwbench.simulation.landscape import Landscape
from hwbench.simulation.measures import MEASURES
from hwbench.simulation.selection import Options, evaluate_selection, simulate
from hwbench.tables.pairs import Accuracies

CANDIDATES = 1000
REPEATS = 400
"""Simulated selections for each of `LEVELS`."""

LEVELS = (0.01, 0.2, 0.5, 0.8, 0.99)
"""Probabilities below which the taus lie that selections are simulated with."""

SIMULATED_SHARE = 0.96
"""Of simulated selections that the interval of nine in ten real ones holds: the errors of a real
model are alike for like architectures, those that are drawn are not, and real losses vary more."""

BUDGETS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)
ENOUGH = 1.0
"""Verifying more picks is advised until the hypervolume lost, in % of the true front's, is within
so much of what it is when all picks are measured."""

SMALLEST_TAU = 0.05
LARGEST_TAU = 0.995


@dataclass(frozen=True)
class BudgetLoss:
    """Hypervolume lost, in % of the true front's, when so many of the picks are measured."""

    budget: int
    lost: float


@dataclass(frozen=True, eq=False)
class Selection:
    """What a search is expected to lose.

    Losses are medians over single selections, with what nine in ten real ones are to lie between:
    taus are taken from all of what is believed of it, so that both what is not known of the model
    and the luck of one selection are in the interval.

    Attributes
    ----------
    accuracy : where the accuracies are from.
    notes : what was done to them, see `hwbench.tables.pairs`.
    n_candidates, repeats : of the simulation.
    deviation : of the errors, in standard deviations of the metric, at the median of tau.
    mra_all : mean reduction of accuracy in percentage points, of all that is selected.
    mra_verified : of what stays after measuring `verify` of it.
    hypervolume_lost : in % of the true front's, after measuring `verify` of what is selected.
    n_selected : architectures that look Pareto-optimal, the median.
    budgets : the loss by the number of picks that are measured, the most accurate first.
    verify : how many to measure; all picks where it is `n_selected`.
    picks : the architectures that a search among all of known accuracy picks by the model's
        predictions, the most accurate first, `verify` of them at most: frame of `arch`, `accuracy`
        and `predicted`.
    example : one selection: frame of `accuracy`, `metric`, `selected`, `front`.
    """

    accuracy: str
    notes: tuple[str, ...]
    n_candidates: int
    repeats: int
    deviation: float
    mra_all: Estimate
    mra_verified: Estimate
    hypervolume_lost: Estimate
    n_selected: int
    budgets: tuple[BudgetLoss, ...]
    verify: int
    picks: pd.DataFrame
    example: pd.DataFrame

    @property
    def all_picks(self) -> bool:
        """Whether all picks are to be measured."""
        return self.verify >= self.n_selected


def expected_selection(
    measurements: Measurements,
    model: ArchitectureRegressor,
    residuals: Floats,
    promised: Promise,
    accuracies: Accuracies,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> Selection | None:
    """Simulate selections by the model.

    Parameters
    ----------
    measurements : what the model is fitted to.
    model : fitted.
    residuals : its out-of-fold errors, float64 of shape (n,), in the metric's unit.
    promised : what is believed of its tau.
    accuracies : of the same space.
    seed : of the simulation.
    progress : is told of simulations done.

    Returns
    -------
    None where the model predicts one value for all, or errs nowhere: nothing can be simulated.
    """
    metric = _metric(measurements, model, accuracies)
    if np.ptp(metric) == 0 or np.ptp(residuals) == 0:
        return None
    landscape = Landscape.of(accuracies.values, metric)
    n = min(CANDIDATES, len(landscape))
    errors = smoothed_model(residuals)
    total = 2 * len(LEVELS) + 1
    progress(0, total)
    deviations = []
    for done, tau in enumerate(promised.taus(LEVELS), start=1):
        bounded = min(max(tau, SMALLEST_TAU), LARGEST_TAU)
        options = Options(errors, Conventions())
        deviations.append(deviation_for_tau(landscape, bounded, n, options, seed=seed))
        progress(done, total)
    deviation = deviations[len(LEVELS) // 2]
    budgets, n_selected, enough = _budgets(landscape, n, deviation, errors, seed)
    verify = min(enough, n_selected)
    progress(len(LEVELS) + 1, total)
    every: list[Floats] = []
    measured: list[Floats] = []
    for done, each in enumerate(deviations, start=len(LEVELS) + 2):
        for found, budget in ((every, None), (measured, enough)):
            options = Options(errors, Conventions(), budget=budget, with_tau=False)
            found.append(simulate(landscape, n, [each], options, repeats=REPEATS, seed=seed)[:, 0])
        progress(done, total)
    all_of, after = np.concatenate(every), np.concatenate(measured)
    return Selection(
        accuracy=accuracies.target,
        notes=accuracies.notes,
        n_candidates=n,
        repeats=len(all_of),
        deviation=deviation,
        mra_all=_estimate(all_of[:, MEASURES.index("mra_all")]),
        mra_verified=_estimate(after[:, MEASURES.index("mra_pareto")]),
        hypervolume_lost=_estimate(_lost(after)),
        n_selected=n_selected,
        budgets=tuple(budgets),
        verify=verify,
        picks=_picks(measurements, metric, accuracies, verify),
        example=_example(landscape, errors, deviation, n, measurements, seed),
    )


def smoothed_model(residuals: Floats) -> DeviationModel:
    """Errors like those given: drawn with replacement, and smoothed by a normal kernel.

    Without that, architectures that draw the same of a few errors would keep their order, and no
    simulated predictor could be as bad as one fitted to ten measurements may be.

    Parameters
    ----------
    residuals : float64 of shape (n,), not all equal; their size does not matter.
    """
    width = 1.06 * float(residuals.std()) * len(residuals) ** -0.2  # Silverman's rule

    def draw(generator: np.random.Generator, shape: tuple[int, int]) -> Floats:
        drawn = residuals[generator.integers(len(residuals), size=shape)]
        return np.asarray(drawn + width * generator.standard_normal(shape))

    return DeviationModel(draw)


def _estimate(values: Floats) -> Estimate:
    """The median, and what nine in ten real selections are to lie between."""
    low, median, high = central_range(values, SIMULATED_SHARE)
    return Estimate(median, low, high)


def _lost(result: Floats) -> Floats:
    """Hypervolume lost in %, of results of shape (n, n_measures)."""
    found, true = (result[:, MEASURES.index(each)] for each in ("hypervolume", "hypervolume_true"))
    return np.asarray(100 * (1 - found / true))


def _budgets(
    landscape: Landscape, n: int, deviation: float, errors: DeviationModel, seed: int
) -> tuple[list[BudgetLoss], int, int]:
    """Median losses by budget, up to that of all picks; how many these are; what is enough."""

    def simulated(budget: int | None) -> Floats:
        options = Options(errors, Conventions(), budget=budget, with_tau=False)
        return simulate(landscape, n, [deviation], options, repeats=REPEATS, seed=seed)[:, 0]

    everything = simulated(None)
    least = float(np.nanmedian(_lost(everything)))
    counts = everything[:, MEASURES.index("n_selected")]
    n_selected, most = int(np.median(counts)), int(counts.max())
    found = []
    for budget in (*[each for each in BUDGETS if each < most], most):
        lost = float(np.nanmedian(_lost(simulated(budget))))
        found.append(BudgetLoss(budget, lost))
        if lost <= least + 1e-9:
            break
    enough = next(each.budget for each in found if each.lost <= least + ENOUGH)
    return found, n_selected, enough


def _picks(
    measurements: Measurements, metric: Floats, accuracies: Accuracies, count: int
) -> pd.DataFrame:
    """What looks Pareto-optimal of all architectures of known accuracy, the most accurate first."""
    front = pareto_front(accuracies.values, metric)[::-1][:count]
    sign = 1.0 if measurements.direction == "minimize" else -1.0
    return pd.DataFrame(
        {
            "arch": accuracies.space.to_strings(accuracies.archs[front]),
            "accuracy": accuracies.values[front],
            "predicted": sign * metric[front],
        }
    )


def _metric(
    measurements: Measurements, model: ArchitectureRegressor, accuracies: Accuracies
) -> Floats:
    """The metric to minimise of the architectures of known accuracy."""
    metric = np.asarray(model.predict(accuracies.archs), dtype=np.float64)
    places = measurements.space.rows_among(measurements.archs, accuracies.keys)
    metric[places[places >= 0]] = measurements.values[places >= 0]
    return metric if measurements.direction == "minimize" else -metric


def _example(
    landscape: Landscape,
    errors: DeviationModel,
    deviation: float,
    n: int,
    measurements: Measurements,
    seed: int,
) -> pd.DataFrame:
    """One selection, the metric in its own unit."""
    generator = np.random.default_rng([seed, 29])
    chosen = generator.choice(len(landscape), size=n, replace=False)
    chosen.sort()  # by falling accuracy, as the landscape is
    metric = landscape.metric[chosen]
    predicted = metric + draw_deviations(errors, n, deviation, generator)
    accuracies = landscape.accuracy[chosen]
    frame = pd.DataFrame({"accuracy": accuracies, "selected": False, "front": False})
    sign = 1.0 if measurements.direction == "minimize" else -1.0
    frame["metric"] = sign * (metric * landscape.scale + landscape.mean)
    frame["predicted"] = sign * (predicted * landscape.scale + landscape.mean)
    frame.loc[evaluate_selection(accuracies, metric, predicted)["selected"], "selected"] = True
    frame.loc[evaluate_selection(accuracies, metric, metric)["selected"], "front"] = True
    return frame
