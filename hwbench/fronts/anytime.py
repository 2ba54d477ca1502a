"""How good a search was after each of its evaluations."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

from hwbench.arrays import Floats


def hypervolumes_so_far(
    accuracy: Floats, metric: Floats, *, reference_accuracy: float, reference_metric: float
) -> Floats:
    """Area that the first 1, 2, ... n points dominate, up to a reference point.

    The front is kept sorted and each point adds what it dominates alone, so that all n areas take
    O(n log n) comparisons instead of n sorts.

    Parameters
    ----------
    accuracy : float64 of shape (n,), larger is better.
    metric : float64 of shape (n,), smaller is better.
    reference_accuracy, reference_metric : the reference point; points beyond it add nothing.

    Returns
    -------
    float64 of shape (n,), rising.
    """
    front_metric: list[float] = []  # rising, and with it the accuracy
    front_accuracy: list[float] = []
    areas = np.empty(len(accuracy))
    area = 0.0
    for place, (a, m) in enumerate(zip(accuracy.tolist(), metric.tolist(), strict=True)):
        if a > reference_accuracy and m < reference_metric:
            before = bisect_right(front_metric, m)  # those at a metric no larger
            floor = front_accuracy[before - 1] if before else reference_accuracy
            if a > floor:
                first = bisect_left(front_metric, m)
                last = bisect_right(front_accuracy, a)  # those it dominates end here
                left, height = m, floor
                for k in range(before, last):
                    area += (front_metric[k] - left) * (a - height)
                    left, height = front_metric[k], front_accuracy[k]
                right = front_metric[last] if last < len(front_metric) else reference_metric
                area += (right - left) * (a - height)
                front_metric[first:last] = [m]
                front_accuracy[first:last] = [a]
        areas[place] = area
    return areas
