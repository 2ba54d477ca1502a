"""What a search experiment measures: the accuracy and the metric of a table's architectures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.fronts.two import hypervolume, pareto_front
from hwbench.spaces import Space
from hwbench.tables import load_table
from hwbench.tables.library import split_target


@dataclass(frozen=True)
class SearchTable:
    """The architectures of which accuracy and metric are both known.

    Attributes
    ----------
    accuracy_target, metric_target : "table:column".
    space : of the architectures.
    archs : int64 of shape (n_archs, n_positions), in the space's order.
    accuracy : float64 of shape (n_archs,), in %.
    metric : float64 of shape (n_archs,), to be minimised: negated where larger is better.
    """

    accuracy_target: str
    metric_target: str
    space: Space
    archs: IntArray
    accuracy: Floats
    metric: Floats

    def __len__(self) -> int:
        return len(self.archs)

    @cached_property
    def standardised(self) -> Floats:
        """The metric with mean 0 and deviation 1 over the architectures, as in LAUBE 5.6."""
        deviation = self.metric.std()
        return (self.metric - self.metric.mean()) / (deviation if deviation > 0 else 1.0)

    @property
    def reference_metric(self) -> float:
        """The metric of the hypervolume's reference point; its accuracy is 0 (LAUBE 5.6)."""
        return float(1.1 * self.standardised.max())

    def rows_of(self, archs: IntArray) -> NDArray[np.int64]:
        """The places of architectures in this table, int64 of shape (n_archs,)."""
        keys = self.space.keys_of(archs).tolist()
        return np.array([self._row_of_key[key] for key in keys], dtype=np.int64)

    @cached_property
    def _row_of_key(self) -> dict[Any, int]:
        return {key: row for row, key in enumerate(self.space.keys_of(self.archs).tolist())}

    def front(self) -> pd.DataFrame:
        """The true front by rising metric, a row an architecture, and its hypervolume."""
        rows = pareto_front(self.accuracy, self.metric)
        volume = hypervolume(
            self.accuracy / 100,
            self.standardised,
            reference_accuracy=0.0,
            reference_metric=self.reference_metric,
        )
        return pd.DataFrame(
            {
                "accuracy_target": self.accuracy_target,
                "metric_target": self.metric_target,
                "arch": self.space.to_strings(self.archs[rows]),
                "accuracy": self.accuracy[rows],
                "metric": self.metric[rows],
                "hypervolume": volume,
            }
        )


def load_search_table(accuracy: str, metric: str) -> SearchTable:
    """Pair accuracy and metric of the architectures that have both.

    Parameters
    ----------
    accuracy, metric : "table:column". A metric whose card says that larger is better enters
        negated.

    Raises
    ------
    HwbenchError
        Where a target is unknown, the spaces differ, or fewer than two architectures have both.
    """
    (accuracy_table, accuracies), (metric_table, metrics) = _column(accuracy), _column(metric)
    if accuracy_table.card.space != metric_table.card.space:
        raise HwbenchError(
            f"{accuracy} is of space {accuracy_table.card.space}, {metric} of "
            f"{metric_table.card.space}; accuracy and metric must describe the same architectures"
        )
    if metric_table.card.columns[split_target(metric)[1]].direction == "maximize":
        metrics = -metrics
    paired = pd.merge(
        pd.DataFrame({"key": accuracy_table.keys, "accuracy": accuracies}),
        pd.DataFrame({"key": metric_table.keys, "metric": metrics}),
        on="key",
    ).sort_values("key")
    paired = paired[np.isfinite(paired["accuracy"]) & np.isfinite(paired["metric"])]
    if len(paired) < 2:
        raise HwbenchError(f"{accuracy} and {metric} have no architectures in common")
    space = accuracy_table.space
    keys = paired["key"].to_numpy()
    return SearchTable(
        accuracy,
        metric,
        space,
        space.architectures_at(keys) if space.indexed else space.from_strings(keys),
        paired["accuracy"].to_numpy(dtype=np.float64),
        paired["metric"].to_numpy(dtype=np.float64),
    )


def _column(target: str) -> tuple[Any, Floats]:
    name, column = split_target(target)
    table = load_table(name)
    return table, table.column(column)
