"""The accuracy and the metric of every architecture, from one table or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, NonNegativeInt

from hwbench.arrays import Floats
from hwbench.errors import HwbenchError, unknown_name
from hwbench.simulation.deviations import spread_by_metric
from hwbench.spaces import Space
from hwbench.tables import load_table
from hwbench.tables.library import split_target
from hwbench.toml import FrozenModel


class Region(FrozenModel):
    """Architectures that a predictor errs on more or less than on others.

    Attributes
    ----------
    operation : of the space.
    count : how often an architecture of the region has it.
    spread : size of the errors there, relative to those elsewhere.
    """

    operation: str
    count: NonNegativeInt
    spread: NonNegativeFloat


@dataclass(frozen=True)
class Objectives:
    """Accuracy and metric of the architectures that have both, in the space's order.

    Attributes
    ----------
    accuracy_target, metric_target : "table:column".
    space : of the architectures.
    archs : their strings, shape (n_archs,).
    accuracy : in %, float64 of shape (n_archs,).
    metric : to minimise, float64 of shape (n_archs,), in its unit; negated where larger is better.
    sign : -1 where the metric has been negated, else 1.
    """

    accuracy_target: str
    metric_target: str
    space: Space
    archs: NDArray[np.object_]
    accuracy: Floats
    metric: Floats
    sign: int

    def __len__(self) -> int:
        return len(self.accuracy)

    @cached_property
    def architectures(self) -> NDArray[np.int64]:
        """Operation indices, int64 of shape (n_archs, n_positions)."""
        return self.space.from_strings(self.archs)

    def spread(self, error_growth: float, regions: Sequence[Region]) -> Floats | None:
        """Relative size of every architecture's error, or None where it is the same everywhere.

        Raises
        ------
        HwbenchError
            Where the space has no such operation or no counts of them, or errors cannot grow so.
        """
        if error_growth == 0 and not regions:
            return None
        sizes = spread_by_metric(self.metric, error_growth)
        for region in regions:
            if region.operation not in self.space.operations:
                raise unknown_name(
                    f"operation of space {self.space.name}", region.operation, self.space.operations
                )
            column = self.space.feature_names("counts").index(f"n({region.operation})")
            counts = self.space.encode(self.architectures, "counts")[:, column]
            sizes = np.where(counts == region.count, sizes * region.spread, sizes)
        return sizes


def load_objectives(accuracy: str, metric: str) -> Objectives:
    """Pair the accuracy and the metric of each architecture.

    Architectures that lack either are left out. A metric whose card says that larger is better
    enters negated.

    Raises
    ------
    HwbenchError
        Where a target is unknown, the spaces differ, or no two architectures have both values.
    """
    accuracy_table = load_table(split_target(accuracy)[0])
    metric_name, metric_column = split_target(metric)
    metric_table = load_table(metric_name)
    accuracies = accuracy_table.column(split_target(accuracy)[1])
    metrics = metric_table.column(metric_column)
    if accuracy_table.card.space != metric_table.card.space:
        raise HwbenchError(
            f"{accuracy} is of space {accuracy_table.card.space}, {metric} of "
            f"{metric_table.card.space}; accuracy and metric must describe the same architectures"
        )
    paired = (
        pd.merge(
            pd.DataFrame({"key": accuracy_table.keys, "accuracy": accuracies}),
            pd.DataFrame(
                {"key": metric_table.keys, "metric": metrics, "arch": metric_table.frame["arch"]}
            ),
            on="key",
        )
        .dropna()
        .sort_values("key")
    )
    if len(paired) < 2:
        raise HwbenchError(f"{accuracy} and {metric} have no architectures in common")
    sign = -1 if metric_table.card.columns[metric_column].direction == "maximize" else 1
    return Objectives(
        accuracy,
        metric,
        metric_table.space,
        paired["arch"].to_numpy(),
        paired["accuracy"].to_numpy(),
        sign * paired["metric"].to_numpy(),
        sign,
    )


def load_joint_objectives(accuracy: str, metrics: Sequence[str]) -> tuple[Floats, Floats]:
    """Accuracy and several metrics of the architectures that have them all.

    Returns
    -------
    float64 of shapes (n_archs,) and (n_archs, n_metrics), in the space's order; metrics whose card
    says that larger is better are negated.

    Raises
    ------
    HwbenchError
        See `load_objectives`.
    """
    each = [load_objectives(accuracy, metric) for metric in metrics]
    columns = [pd.Series(one.metric, index=pd.Index(one.archs)) for one in each]
    frame = pd.concat(
        [pd.Series(each[0].accuracy, index=pd.Index(each[0].archs)), *columns], axis=1, join="inner"
    )
    if len(frame) < 2:
        raise HwbenchError(f"{', '.join(metrics)} have no architectures in common")
    values = frame.to_numpy(dtype=np.float64)
    return values[:, 0], values[:, 1:]
