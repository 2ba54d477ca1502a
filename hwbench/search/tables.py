"""What a search experiment measures: the accuracy and the metric of a table's architectures."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from hwbench.arrays import Floats, IntArray
from hwbench.fronts.quality import TrueFront
from hwbench.fronts.two import hypervolume, pareto_front
from hwbench.tables.pairs import Pair


class SearchTable(Pair):
    """The architectures of which accuracy and metric are both known, and their true front."""

    @cached_property
    def standardised(self) -> Floats:
        """The metric with mean 0 and deviation 1 over the architectures, as in LAUBE 5.6."""
        deviation = self.metric.std()
        return (self.metric - self.metric.mean()) / (deviation if deviation > 0 else 1.0)

    @property
    def reference_metric(self) -> float:
        """The metric of the hypervolume's reference point; its accuracy is 0 (LAUBE 5.6)."""
        return float(1.1 * self.standardised.max())

    @cached_property
    def front_hypervolume(self) -> float:
        """What the true front dominates up to the reference point."""
        return hypervolume(
            self.accuracy / 100,
            self.standardised,
            reference_accuracy=0.0,
            reference_metric=self.reference_metric,
        )

    @cached_property
    def true_front(self) -> TrueFront:
        """The true front with the box that normalises accuracy and metric, in their units."""
        return TrueFront.of(self.accuracy, self.metric)

    def rows_of(self, archs: IntArray) -> IntArray:
        """The places of architectures in this table, int64 of shape (n_archs,)."""
        keys = self.space.keys_of(archs).tolist()
        return np.array([self._row_of_key[key] for key in keys], dtype=np.int64)

    @cached_property
    def _row_of_key(self) -> dict[Any, int]:
        return {key: row for row, key in enumerate(self.keys.tolist())}

    def front(self) -> pd.DataFrame:
        """The true front by rising metric, a row an architecture.

        With its hypervolume, ideal and nadir, see `hwbench.fronts.quality`, the same in all rows.
        """
        rows = pareto_front(self.accuracy, self.metric)
        (best, least), (worst, most) = self.true_front.ideal, self.true_front.nadir
        return pd.DataFrame(
            {
                "accuracy_target": self.accuracy_target,
                "metric_target": self.metric_target,
                "arch": self.space.to_strings(self.archs[rows]),
                "accuracy": self.accuracy[rows],
                "metric": self.metric[rows],
                "hypervolume": self.front_hypervolume,
                "ideal_accuracy": best,
                "ideal_metric": least,
                "nadir_accuracy": worst,
                "nadir_metric": most,
            }
        )
