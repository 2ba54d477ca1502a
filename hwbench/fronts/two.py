"""Fronts of two objectives: an accuracy to maximise and a metric to minimise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwbench.arrays import Floats


def pareto_front(accuracy: Floats, metric: Floats) -> NDArray[np.int64]:
    """Indices of the non-dominated points, by rising metric.

    A point is dominated where another is at least as good in both objectives and better in one. Of
    points that are equal in both, the first in the given order represents all.

    Parameters
    ----------
    accuracy : float64 of shape (n,), larger is better.
    metric : float64 of shape (n,), smaller is better.

    Returns
    -------
    int64 array of shape (n_front,); metric and accuracy rise strictly along it.
    """
    # One stable sort, about as fast as moocore: a second key for ties would take as long again.
    order = np.argsort(metric, kind="stable")
    by_metric = accuracy[order]
    best = np.maximum.accumulate(by_metric)
    better = np.empty(len(order), dtype=bool)
    better[:1] = True
    np.greater(by_metric[1:], best[:-1], out=better[1:])
    rising = order[better]
    # Of equal metrics the last that is better than all before is the most accurate.
    front_metric = metric[rising]
    last = np.empty(len(rising), dtype=bool)
    last[-1:] = True
    np.not_equal(front_metric[1:], front_metric[:-1], out=last[:-1])
    return rising[last].astype(np.int64, copy=False)


def hypervolume(
    accuracy: Floats, metric: Floats, *, reference_accuracy: float, reference_metric: float
) -> float:
    """Area that points dominate, up to a reference point.

    Parameters
    ----------
    accuracy, metric : float64 of shape (n,); the points need not be a front.
    reference_accuracy, reference_metric : the reference point; points beyond it add nothing.
    """
    inside = (accuracy > reference_accuracy) & (metric < reference_metric)
    kept_accuracy, kept_metric = accuracy[inside], metric[inside]
    front = pareto_front(kept_accuracy, kept_metric)
    widths = np.diff(np.append(kept_metric[front], reference_metric))
    return float(np.sum(widths * (kept_accuracy[front] - reference_accuracy)))
