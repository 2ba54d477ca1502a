"""Selecting architectures by predictions, and what that loses (LAUBE 5.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hwbench.errors import HwbenchError, unknown_name
from hwbench.simulation.deviations import check_deviation, deviation_model
from hwbench.simulation.pareto import Floats, hypervolume, pareto_front, reachable_accuracy

REFERENCE_FRONTS = ("candidates", "space")
HYPERVOLUME_REFERENCES = ("candidates", "front")
PAIRINGS = ("true", "as_published")


@dataclass(frozen=True)
class Conventions:
    """Choices on which the published text and the published code differ.

    Attributes
    ----------
    reference_front : the true front that accuracies are compared with: of the "candidates"
        (published code) or of the whole "space" (as the text reads).
    hypervolume_reference : the reference metric is 1.1 times the largest standardised metric of
        the "candidates" (published code) or of their true "front" (text). The reference accuracy
        is 0.
    pairing : "true" pairs each architecture's accuracy with its own metric. "as_published"
        repeats an error of the published code: the metric values are sorted first.
    """

    reference_front: str = "candidates"
    hypervolume_reference: str = "candidates"
    pairing: str = "true"

    def __post_init__(self) -> None:
        for name, valid in (
            ("reference_front", REFERENCE_FRONTS),
            ("hypervolume_reference", HYPERVOLUME_REFERENCES),
            ("pairing", PAIRINGS),
        ):
            if getattr(self, name) not in valid:
                raise unknown_name(name, getattr(self, name), valid)


def simulate_selection(
    accuracy: ArrayLike,
    metric: ArrayLike,
    *,
    n_candidates: int,
    deviation: float,
    repeats: int = 1000,
    seed: int = 0,
    deviations: str = "mixed",
    reference_front: str = "candidates",
    hypervolume_reference: str = "candidates",
    pairing: str = "true",
) -> pd.DataFrame:
    """Select architectures by a simulated predictor, many times.

    Each repeat draws candidates, adds deviations to their true standardised metric, takes the
    Pareto set of accuracy (maximised) and predicted metric (minimised), and compares what was
    selected with the candidates' true front.

    Parameters
    ----------
    accuracy : true accuracies in %, shape (n_archs,).
    metric : true values of a metric to minimise, shape (n_archs,), any unit. Where
        pairing="as_published", rows must be in lexicographic order to repeat the publication.
    n_candidates : architectures in a repeat, drawn without replacement.
    deviation : standard deviation of the predictor's errors, in standard deviations of the metric.
    repeats : how many selections.
    seed : repeat i depends on (seed, i) alone.
    deviations : "mixed" (LAUBE A.5) or "normal".
    reference_front, hypervolume_reference, pairing : see `Conventions`.

    Returns
    -------
    A frame with a row a repeat: `mra_all` and `mra_pareto`, the mean reduction of accuracy in
    percentage points over all selected architectures, and over those that stay non-dominated
    under their true metrics; `hypervolume` of the selected under true values (accuracy as a
    fraction, metric standardised) and `hypervolume_true` of the candidates' true front;
    `kendall_tau` of predicted and true metric; `n_selected` and `n_selected_pareto`.

    Raises
    ------
    HwbenchError
        Where shapes differ, a value is missing or infinite, the metric is constant, or an option
        is out of range.
    """
    conventions = Conventions(reference_front, hypervolume_reference, pairing)
    true_accuracy, standardised = _prepare(accuracy, metric, conventions)
    draw = deviation_model(deviations)
    spread = check_deviation(deviation)
    if not 2 <= n_candidates <= len(true_accuracy):
        raise HwbenchError(
            f"n_candidates must lie in 2 .. {len(true_accuracy)}, not {n_candidates}"
        )
    if repeats < 1:
        raise HwbenchError("repeats must be at least 1")
    reference = None
    if conventions.reference_front == "space":
        front = pareto_front(true_accuracy, standardised)
        reference = true_accuracy[front], standardised[front]
    rows = []
    for repeat in range(repeats):
        generator = np.random.default_rng([seed, repeat])
        chosen = generator.permutation(len(true_accuracy))[:n_candidates]
        candidate_accuracy, candidate_metric = true_accuracy[chosen], standardised[chosen]
        predicted = candidate_metric + draw(n_candidates, spread, generator)
        rows.append(
            evaluate_selection(
                candidate_accuracy,
                candidate_metric,
                predicted,
                reference=reference,
                hypervolume_reference=conventions.hypervolume_reference,
            )
        )
    return pd.DataFrame(rows)


def evaluate_selection(
    accuracy: Floats,
    metric: Floats,
    predicted: Floats,
    *,
    reference: tuple[Floats, Floats] | None = None,
    hypervolume_reference: str = "candidates",
) -> dict[str, Any]:
    """Select by predictions and measure what that loses.

    Parameters
    ----------
    accuracy : true accuracies in %, float64 of shape (n_candidates,).
    metric : true standardised metric, float64 of shape (n_candidates,).
    predicted : predicted standardised metric, float64 of shape (n_candidates,).
    reference : accuracies and metrics, by rising metric, of the front to compare with; the
        candidates' own true front by default.
    hypervolume_reference : see `Conventions`.

    Returns
    -------
    The measures of `simulate_selection` for one selection.
    """
    selected = pareto_front(accuracy, predicted)
    front = pareto_front(accuracy, metric)
    front_accuracy, front_metric = reference or (accuracy[front], metric[front])
    lost = reachable_accuracy(front_accuracy, front_metric, metric[selected]) - accuracy[selected]
    verified = pareto_front(accuracy[selected], metric[selected])
    largest = metric.max() if hypervolume_reference == "candidates" else metric[front].max()

    def volume(rows: NDArray[np.int64]) -> float:
        return hypervolume(
            accuracy[rows] / 100,
            metric[rows],
            reference_accuracy=0.0,
            reference_metric=float(1.1 * largest),
        )

    return {
        "mra_all": float(lost.mean()),
        "mra_pareto": float(lost[verified].mean()),
        "hypervolume": volume(selected),
        "hypervolume_true": volume(front),
        "kendall_tau": float(stats.kendalltau(metric, predicted).statistic),
        "n_selected": len(selected),
        "n_selected_pareto": len(verified),
    }


def _prepare(
    accuracy: ArrayLike, metric: ArrayLike, conventions: Conventions
) -> tuple[Floats, Floats]:
    accuracies = np.asarray(accuracy, dtype=np.float64)
    values = np.asarray(metric, dtype=np.float64)
    if accuracies.ndim != 1 or accuracies.shape != values.shape:
        raise HwbenchError(
            f"accuracy and metric must be of one shape (n_archs,), not {accuracies.shape} "
            f"and {values.shape}"
        )
    for name, array in (("accuracy", accuracies), ("metric", values)):
        if not np.isfinite(array).all():
            raise HwbenchError(f"{name}: a value is missing or infinite")
    if np.ptp(values) == 0:
        raise HwbenchError("metric: all values are equal, so there is nothing to predict")
    if conventions.pairing == "as_published":
        values = np.sort(values)
    return accuracies, (values - values.mean()) / values.std()
