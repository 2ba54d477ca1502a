"""What other devices measured, for predictors that learn from them: one device is left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.predictors.transfer import SourceMetrics
from hwbench.tables import Table, load_table
from hwbench.tables.library import split_target


def sources_for(target: str, table: Table, sources: Sequence[str]) -> SourceMetrics:
    """The sources that a target's device had no part in.

    Parameters
    ----------
    target : "table:column".
    table : the target's table.
    sources : "table:column" each.

    Raises
    ------
    HwbenchError
        Where a source or the target does not say its device, is of another space, is unknown, or
        all sources are of the target's device.
    """
    own_device = _device(target, table)
    values: dict[str, pd.Series] = {}
    for source in sources:
        name, column = split_target(source)
        other = load_table(name)
        if other.space.name != table.space.name:
            raise HwbenchError(
                f"source {source}: its architectures are of {other.space.name}, those of {target} "
                f"are of {table.space.name}"
            )
        if _device(source, other) != own_device:
            values[source] = pd.Series(other.column(column), index=pd.Index(other.keys))
    if not values:
        raise HwbenchError(f"target {target}: all sources are of its own device, {own_device}")
    frame = pd.DataFrame(values)
    archs = (
        table.space.architectures_at(frame.index.to_numpy())
        if table.space.indexed
        else table.space.from_strings(frame.index)
    )
    return SourceMetrics(table.space, archs, frame.to_numpy(dtype=np.float64), tuple(values))


def _device(target: str, table: Table) -> str:
    column = split_target(target)[1]
    table.column(column)  # an unknown column is said with the nearest one
    device = table.card.columns[column].device
    if device is None:
        raise HwbenchError(
            f"{target}: its card does not say the device, so it cannot be left out of the sources"
        )
    return device
