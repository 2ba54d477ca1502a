"""How near points come to a true front: share of its hypervolume, IGD+ and additive epsilon.

All three are taken on normalised objectives. The *ideal* is the best accuracy and the least metric
of the true front, the *nadir* the worst of both on that front: the ideal is 0 and the nadir 1 in
both objectives, so that neither the unit of the metric nor how hopeless the worst architectures of
a space are decides anything. Hypervolume counts up to 1.1 in both, a tenth beyond the nadir, so
that the ends of the front count too (the custom of Ishibuchi et al. 2018, *How to specify a
reference point in hypervolume calculation for fair performance comparison*, section II).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwbench.arrays import Floats
from hwbench.fronts.two import pareto_front

BEYOND = 0.1
"""How far beyond the nadir hypervolume counts, as a share of the distance from ideal to nadir."""


@dataclass(frozen=True, eq=False)
class TrueFront:
    """A true front of accuracy and metric, and the box that normalises both.

    Attributes
    ----------
    accuracy, metric : of its points, both rising strictly, float64 of shape (n_front,), in any
        unit.
    ideal, nadir : (accuracy, metric) that are normalised to 0 and to 1.
    """

    accuracy: Floats
    metric: Floats
    ideal: tuple[float, float]
    nadir: tuple[float, float]

    @classmethod
    def of(
        cls, accuracy: Floats, metric: Floats, nadir: tuple[float, float] | None = None
    ) -> TrueFront:
        """The true front of some points.

        Where it is a single point, its ends say nothing of a scale: the nadir is then the worst
        accuracy and the worst metric of all points; where even these are those of the front, an
        objective is normalised by 1.

        Parameters
        ----------
        accuracy, metric : float64 of shape (n,), at least one point; larger accuracies and smaller
            metrics are better.
        nadir : accuracy and metric, where it is known otherwise.
        """
        front = pareto_front(accuracy, metric)
        best, least = float(accuracy[front[-1]]), float(metric[front[0]])
        if nadir is None and len(front) > 1:
            nadir = float(accuracy[front[0]]), float(metric[front[-1]])
        elif nadir is None:
            nadir = float(np.min(accuracy)), float(np.max(metric))
        worst, most = nadir
        return cls(
            accuracy[front],
            metric[front],
            (best, least),
            (worst if worst < best else best - 1.0, most if most > least else least + 1.0),
        )

    def normalised(self, accuracy: Floats, metric: Floats) -> Floats:
        """Points as costs between the ideal, (0, 0), and the nadir, (1, 1).

        Returns
        -------
        float64 of shape (n, 2): accuracy and metric, smaller is better in both.
        """
        (best, least), (worst, most) = self.ideal, self.nadir
        return np.column_stack(
            [(best - accuracy) / (best - worst), (metric - least) / (most - least)]
        )

    def hypervolume_share(self, accuracy: Floats, metric: Floats) -> float:
        """Share of this front's hypervolume that points dominate, up to 1.1 in both objectives.

        What they dominate and what they leave to the front are summed side by side, neither can be
        negative, and so the share lies within 0 and 1 whatever is rounded.

        Parameters
        ----------
        accuracy, metric : float64 of shape (n,); the points need not be a front.
        """
        (best, least), (worst, most) = self.ideal, self.nadir
        floor = worst - BEYOND * (best - worst)
        right = most + BEYOND * (most - least)
        inside = (accuracy > floor) & (metric < right)
        own_accuracy, own_metric = accuracy[inside], metric[inside]
        found = pareto_front(own_accuracy, own_metric)
        edges = np.unique(np.concatenate([self.metric, own_metric[found]]))
        edges = edges[(edges >= self.metric[0]) & (edges < right)]
        widths = np.diff(np.append(edges, right))
        highest = _best_within(self.accuracy, self.metric, edges, floor)
        reached = _best_within(own_accuracy[found], own_metric[found], edges, floor)
        has = float(np.sum(widths * (reached - floor)))
        lacks = float(np.sum(widths * np.maximum(highest - reached, 0.0)))
        return has / (has + lacks)

    def hypervolume_shares_so_far(self, accuracy: Floats, metric: Floats) -> Floats:
        """`hypervolume_share` of the first 1, 2, ... n points, float64 of shape (n,), rising."""
        shares = np.zeros(len(accuracy))
        share = 0.0
        kept: list[int] = []  # the front of those so far
        for place, (new_accuracy, new_metric) in enumerate(
            zip(accuracy.tolist(), metric.tolist(), strict=True)
        ):
            if not np.any((accuracy[kept] >= new_accuracy) & (metric[kept] <= new_metric)):
                rows = np.array([*kept, place])
                kept = rows[pareto_front(accuracy[rows], metric[rows])].tolist()
                share = max(share, self.hypervolume_share(accuracy[kept], metric[kept]))
            shares[place] = share
        return shares

    def igd_plus(self, accuracy: Floats, metric: Floats) -> float:
        """Mean distance from this front's points to what points dominate, on normalised objectives.

        IGD+ of Ishibuchi et al. 2015, *Modified distance calculation in generational distance and
        inverted generational distance*: 0 for the whole front.

        Parameters
        ----------
        accuracy, metric : float64 of shape (n,), at least one.
        """
        import moocore

        points = self.normalised(accuracy, metric)
        return float(moocore.igd_plus(points, ref=self.normalised(self.accuracy, self.metric)))

    def epsilon_additive(self, accuracy: Floats, metric: Floats) -> float:
        """By how much all points must improve in both normalised objectives to reach this front.

        The additive epsilon indicator of Zitzler et al. 2003, *Performance assessment of
        multiobjective optimizers*: 0 for the whole front, at most 1 for points within its box.

        Parameters
        ----------
        accuracy, metric : float64 of shape (n,), at least one.
        """
        import moocore

        points = self.normalised(accuracy, metric)
        front = self.normalised(self.accuracy, self.metric)
        return max(0.0, float(moocore.epsilon_additive(points, ref=front)))


def _best_within(accuracy: Floats, metric: Floats, edges: Floats, floor: float) -> Floats:
    """The best accuracy of a front at no more than each metric, at least `floor`."""
    place = np.searchsorted(metric, edges, side="right")
    return np.concatenate([[floor], np.maximum(accuracy, floor)])[place]
