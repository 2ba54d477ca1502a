"""What a search that selects by the model's predictions is expected to lose.

The architectures are those of a table with accuracies. Their metric is what the model predicts
(what was measured, where it was), as nothing better is known; the predictor that a search uses errs
as the model did out of fold, with deviations scaled so that it orders the table as well as is
promised (see `hwbench.simulation`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hwbench.advise.measurements import Measurements
from hwbench.advise.promise import Estimate
from hwbench.analysis.statistics import central_range
from hwbench.arrays import Floats
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.simulation.conventions import Conventions
from hwbench.simulation.deviations import DeviationModel, draw_deviations
from hwbench.simulation.expect import deviation_for_tau
from hwbench.simulation.landscape import Landscape
from hwbench.simulation.measures import MEASURES
from hwbench.simulation.selection import Options, evaluate_selection, simulate
from hwbench.tables.pairs import Accuracies

DEFAULT_ACCURACY = {
    "nasbench101": "nasbench101:test_accuracy",
    "nasbench201": "hw-nas-bench:cifar10.test_accuracy",
    "nasbench_macro": "nasbench-macro:test_accuracy",
    "transnas_macro": "transnas-macro:class_object.test_top1",
    "transnas_micro": "transnas-micro:class_object.test_top1",
}
"""Accuracies that come with hwbench, by search space."""

CANDIDATES = 1000
REPEATS = 400
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

    Attributes
    ----------
    accuracy : "table:column" of the accuracies.
    notes : what was done to them, see `hwbench.tables.pairs`.
    n_candidates, repeats : of the simulation.
    deviation : of the errors, in standard deviations of the metric.
    mra_all, mra_verified : mean reduction of accuracy in percentage points, of all that is
        selected, and of what stays after measuring it; the interval is that of tau.
    hypervolume_lost : in % of the true front's, after measuring; the interval likewise.
    ranges : of the same three, by name, what nine in ten single selections lie between and their
        median: 5 %, 50 % and 95 % quantiles at the promised tau.
    n_selected : architectures that look Pareto-optimal, on average.
    budgets : the loss by the number of picks that are measured, the most accurate first.
    verify : how many to measure.
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
    ranges: Mapping[str, tuple[float, float, float]]
    n_selected: float
    budgets: tuple[BudgetLoss, ...]
    verify: int
    example: pd.DataFrame


def default_accuracy(space: str) -> str | None:
    """The accuracies that come with hwbench for a search space, None where none do."""
    return DEFAULT_ACCURACY.get(space)


def expected_selection(
    measurements: Measurements,
    model: ArchitectureRegressor,
    residuals: Floats,
    tau: Estimate,
    accuracies: Accuracies,
    *,
    seed: int = 0,
) -> Selection | None:
    """Simulate selections by the model.

    Parameters
    ----------
    measurements : what the model is fitted to.
    model : fitted.
    residuals : its out-of-fold errors, float64 of shape (n,), in the metric's unit.
    tau : what is promised of it.
    accuracies : of the same space.
    seed : of the simulation.

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

    def losses(quality: float) -> tuple[float, Floats]:
        """The deviation that gives a tau, and the simulated selections."""
        options = Options(errors, Conventions(), with_tau=False)
        bounded = min(max(quality, SMALLEST_TAU), LARGEST_TAU)
        tau_options = Options(errors, Conventions())
        size = deviation_for_tau(landscape, bounded, n, tau_options, seed=seed)
        return size, simulate(landscape, n, [size], options, repeats=REPEATS, seed=seed)

    deviation, selections = losses(tau.value)
    central, worse, better = (
        _means(each) for each in (selections, losses(tau.low)[1], losses(tau.high)[1])
    )
    budgets = _budgets(landscape, n, deviation, errors, central, seed)
    all_picks = central[_LOST]
    verify = next(each.budget for each in budgets if each.lost <= all_picks + ENOUGH)
    return Selection(
        accuracy=accuracies.target,
        notes=accuracies.notes,
        n_candidates=n,
        repeats=REPEATS,
        deviation=deviation,
        mra_all=_between(central[0], better[0], worse[0]),
        mra_verified=_between(central[1], better[1], worse[1]),
        hypervolume_lost=_between(central[_LOST], better[_LOST], worse[_LOST]),
        ranges=_ranges(selections),
        n_selected=float(central[_SELECTED]),
        budgets=tuple(budgets),
        verify=verify,
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


_LOST, _SELECTED = 2, 3


def _means(result: Floats) -> Floats:
    """Means of MRA of all, of MRA of the verified, of the hypervolume lost, and of the count."""
    selected = result[:, 0, MEASURES.index("n_selected")]
    return np.array([np.nanmean(each) for each in (*_losses(result).values(), selected)])


def _losses(result: Floats) -> dict[str, Floats]:
    """MRA of all, of the verified, and the hypervolume lost of each simulated selection."""
    names = ("mra_all", "mra_pareto", "hypervolume", "hypervolume_true")
    every, verified, found, true = (result[:, 0, MEASURES.index(name)] for name in names)
    lost = 100 * (1 - found / true)
    return {"mra_all": every, "mra_verified": verified, "hypervolume_lost": lost}


def _ranges(result: Floats) -> dict[str, tuple[float, float, float]]:
    return {name: central_range(values) for name, values in _losses(result).items()}


def _between(value: float, better: float, worse: float) -> Estimate:
    return Estimate(
        float(value), float(min(better, value, worse)), float(max(better, value, worse))
    )


def _budgets(
    landscape: Landscape,
    n: int,
    deviation: float,
    errors: DeviationModel,
    central: Floats,
    seed: int,
) -> list[BudgetLoss]:
    """Losses by budget, up to one with which all picks are measured."""
    found = []
    for budget in BUDGETS:
        options = Options(errors, Conventions(), budget=budget, with_tau=False)
        result = simulate(landscape, n, [deviation], options, repeats=REPEATS, seed=seed)
        found.append(BudgetLoss(budget, float(_means(result)[_LOST])))
        if found[-1].lost <= central[_LOST] + 1e-9:
            return found
    everything = int(np.ceil(central[_SELECTED] * 2))
    return [*found, BudgetLoss(max(everything, BUDGETS[-1] + 1), float(central[_LOST]))]


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
