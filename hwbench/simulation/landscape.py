"""A table's accuracy and metric, prepared for selections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import Floats
from hwbench.errors import HwbenchError
from hwbench.fronts.two import pareto_front


@dataclass(frozen=True)
class Landscape:
    """A table's accuracy and metric, prepared once for any number of selections.

    Attributes
    ----------
    order : rows of the table by falling accuracy, ties by row, int64 of shape (n_archs,).
    accuracy, metric : in that order, float64; accuracy in %, the metric standardised.
    rank : of each metric in the order of metrics, int32.
    space_accuracy, space_metric : the front of the whole table, both falling.
    mean, scale : what the metric was standardised with.
    """

    order: NDArray[np.int64]
    accuracy: Floats
    metric: Floats
    rank: NDArray[np.int32]
    space_accuracy: Floats
    space_metric: Floats
    mean: float
    scale: float

    @classmethod
    def of(cls, accuracy: ArrayLike, metric: ArrayLike, pairing: str = "true") -> Landscape:
        """Check, standardise and sort.

        Parameters
        ----------
        accuracy : true accuracies in %, shape (n_archs,).
        metric : true values of a metric to minimise, shape (n_archs,), any unit.
        pairing : see `Conventions`.

        Raises
        ------
        HwbenchError
            Where shapes differ, a value is missing or infinite, or the metric is constant.
        """
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
        mean, scale = float(values.mean()), float(values.std())
        if not np.isfinite(scale):
            raise HwbenchError("metric: values are too far apart to be standardised")
        if np.ptp(values) == 0 or scale == 0:
            raise HwbenchError("metric: all values are equal, so there is nothing to predict")
        if pairing == "as_published":
            values = np.sort(values)
        order = np.argsort(-accuracies, kind="stable")
        by_accuracy, standardised = accuracies[order], (values[order] - mean) / scale
        rank = np.empty(len(order), dtype=np.int32)
        rank[np.argsort(standardised, kind="stable")] = np.arange(len(order), dtype=np.int32)
        front = pareto_front(by_accuracy, standardised)[::-1]
        return cls(
            order,
            by_accuracy,
            standardised,
            rank,
            by_accuracy[front],
            standardised[front],
            mean,
            scale,
        )

    def __len__(self) -> int:
        return len(self.order)

    @property
    def hypervolume_limit(self) -> float:
        """The metric up to which the hypervolume of the space counts: 1.1 times the largest."""
        return 1.1 * float(self.metric.max())
