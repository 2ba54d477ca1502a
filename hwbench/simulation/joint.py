"""Selections by accuracy and several metrics at once, such as latency and energy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import PositiveInt

from hwbench.arguments import checks_arguments
from hwbench.arrays import Floats
from hwbench.errors import HwbenchError
from hwbench.fronts.quality import BEYOND
from hwbench.simulation.deviations import check_deviation, deviation_model, draw_deviations


def pareto_set(accuracy: ArrayLike, metrics: ArrayLike) -> NDArray[np.int64]:
    """Indices of the non-dominated points; of points equal in everything the first.

    Parameters
    ----------
    accuracy : larger is better, shape (n,).
    metrics : smaller is better, shape (n, n_metrics).

    Returns
    -------
    int64 of shape (n_front,), by falling accuracy, ties by index.
    """
    import moocore

    costs = np.column_stack([-np.asarray(accuracy, np.float64), np.asarray(metrics, np.float64)])
    front = np.flatnonzero(moocore.is_nondominated(costs, keep_weakly=False))
    return front[np.argsort(costs[front, 0], kind="stable")]


@checks_arguments("simulation")
def simulate_joint_selection(
    accuracy: ArrayLike,
    metrics: ArrayLike,
    *,
    n_candidates: int,
    deviation: float | Sequence[float],
    repeats: PositiveInt = 100,
    seed: int = 0,
    deviations: str = "mixed",
    budget: PositiveInt | None = None,
) -> pd.DataFrame:
    """Select by accuracy and several predicted metrics, many times.

    Everything that `simulate_selection` does with one metric, with exact fronts and hypervolumes
    of any number of objectives by moocore.

    Parameters
    ----------
    accuracy : true accuracies in %, shape (n_archs,).
    metrics : true values of metrics to minimise, shape (n_archs, n_metrics).
    n_candidates : architectures in a repeat, drawn without replacement.
    deviation : of the predictors' errors, in standard deviations of each metric; one for all
        metrics or one for each. Errors on different metrics are independent.
    repeats : how many selections.
    seed : repeat i depends on (seed, i) alone.
    deviations : name of a deviation model.
    budget : only so many of the selected, the most accurate, are taken on.

    Returns
    -------
    A row a repeat: `mra_all`, `mra_pareto` (against the most accurate of the candidates' true
    Pareto set that is no dearer in any metric), `hypervolume` of the selected under true values
    (accuracy as a fraction, metrics standardised, up to 1.1 times the largest of the candidates
    each) and `hypervolume_true`, `hypervolume_share`, `igd_plus` and `epsilon_additive` to the
    true Pareto set on objectives that its best values normalise to 0 and its worst ones to 1 (see
    `hwbench.fronts.quality`), `front_recall`, `kendall_tau` (mean over metrics), `n_selected`,
    `n_selected_pareto`.

    Raises
    ------
    HwbenchError
        Where shapes differ, a value is missing or infinite, a metric is constant, or an option is
        out of range.
    """
    accuracies = np.asarray(accuracy, dtype=np.float64)
    values = np.asarray(metrics, dtype=np.float64)
    if accuracies.ndim != 1 or values.ndim != 2 or len(values) != len(accuracies):
        raise HwbenchError(
            "accuracy must be of shape (n_archs,) and metrics of (n_archs, n_metrics), not "
            f"{accuracies.shape} and {values.shape}"
        )
    if not (np.isfinite(accuracies).all() and np.isfinite(values).all()):
        raise HwbenchError("accuracy or metrics: a value is missing or infinite")
    if not values.shape[1] or (np.ptp(values, axis=0) == 0).any():
        raise HwbenchError("metrics: all values of one are equal, so there is nothing to predict")
    if not 2 <= n_candidates <= len(values):
        raise HwbenchError(f"n_candidates must lie in 2 .. {len(values)}, not {n_candidates}")
    model = deviation_model(deviations)
    given = np.ravel(deviation)
    if len(given) not in (1, values.shape[1]):
        raise HwbenchError(
            f"deviation: one for all or {values.shape[1]} are needed, not {len(given)}"
        )
    sizes = [check_deviation(size) for size in np.broadcast_to(given, values.shape[1])]
    standardised = (values - values.mean(axis=0)) / values.std(axis=0)
    rows = []
    for repeat in range(repeats):
        generator = np.random.default_rng([seed, repeat])
        chosen = generator.permutation(len(values))[:n_candidates]
        errors = [draw_deviations(model, n_candidates, size, generator) for size in sizes]
        true = standardised[chosen]
        rows.append(_evaluate(accuracies[chosen], true, true + np.column_stack(errors), budget))
    return pd.DataFrame(rows)


def _evaluate(
    accuracy: Floats, metrics: Floats, predicted: Floats, budget: int | None
) -> dict[str, float]:
    from hwbench.simulation.kendall import kendall_tau

    selected = pareto_set(accuracy, predicted)[:budget]
    front = pareto_set(accuracy, metrics)
    lost = _reachable(accuracy[front], metrics[front], metrics[selected]) - accuracy[selected]
    verified = pareto_set(accuracy[selected], metrics[selected])
    reference = 1.1 * metrics.max(axis=0)
    costs = np.column_stack([-accuracy, metrics])
    wanted = {tuple(point) for point in np.column_stack([accuracy, metrics])[front].tolist()}
    got = {tuple(point) for point in np.column_stack([accuracy, metrics])[selected].tolist()}
    return {
        "mra_all": float(lost.mean()),
        "mra_pareto": float(lost[verified].mean()),
        **_hypervolumes(accuracy, metrics, selected, front, reference),
        **_nearness(costs[selected], costs[front], costs.max(axis=0)),
        "front_recall": len(wanted & got) / len(wanted),
        "kendall_tau": float(
            np.mean([kendall_tau(*pair) for pair in zip(metrics.T, predicted.T, strict=True)])
        ),
        "n_selected": len(selected),
        "n_selected_pareto": len(verified),
    }


def _reachable(front_accuracy: Floats, front_metrics: Floats, metrics: Floats) -> Floats:
    """The best accuracy of a front (by falling accuracy) that is no dearer than each point."""
    no_dearer = (front_metrics[None] <= metrics[:, None]).all(axis=2)
    return front_accuracy[no_dearer.argmax(axis=1)]


def _hypervolumes(
    accuracy: Floats,
    metrics: Floats,
    selected: NDArray[np.int64],
    front: NDArray[np.int64],
    reference: Floats,
) -> dict[str, float]:
    import moocore

    costs = np.column_stack([-accuracy / 100.0, metrics])
    point = [0.0, *reference.tolist()]
    true = float(moocore.hypervolume(costs[front], ref=point))
    found = float(moocore.hypervolume(costs[selected], ref=point))
    # Nothing dominates more than the true front: other sums are rounded otherwise.
    return {"hypervolume": min(found, true), "hypervolume_true": true}


def _nearness(selected: Floats, front: Floats, worst: Floats) -> dict[str, float]:
    """How near the selected come to the true front, on normalised objectives.

    Parameters
    ----------
    selected, front : costs of shape (n, n_objectives).
    worst : of all candidates, which stand in where all of the front are equal in an objective.
    """
    import moocore

    ideal, nadir = front.min(axis=0), front.max(axis=0)
    nadir = np.where(nadir > ideal, nadir, worst)
    scale = np.where(nadir > ideal, nadir - ideal, 1.0)
    points, true = (selected - ideal) / scale, (front - ideal) / scale
    has, most = (float(moocore.hypervolume(each, ref=1.0 + BEYOND)) for each in (points, true))
    return {
        "hypervolume_share": min(has / most, 1.0),  # more is rounding: `points` are no better
        "igd_plus": float(moocore.igd_plus(points, ref=true)),
        "epsilon_additive": max(0.0, float(moocore.epsilon_additive(points, ref=true))),
    }
