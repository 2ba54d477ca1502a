"""Where in a space errors are larger or smaller than elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import NonNegativeFloat, NonNegativeInt

from hwbench.arrays import Floats
from hwbench.errors import unknown_name
from hwbench.simulation.deviations import spread_by_metric
from hwbench.tables.pairs import Pair
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


def error_spread(pair: Pair, error_growth: float, regions: Sequence[Region]) -> Floats | None:
    """Relative size of every architecture's error, or None where it is the same everywhere.

    Parameters
    ----------
    pair : accuracy and metric of a table.
    error_growth : errors grow with this power of the metric.
    regions : where they are larger or smaller.

    Returns
    -------
    float64 of shape (n_archs,).

    Raises
    ------
    HwbenchError
        Where the space has no such operation or no counts of them, or errors cannot grow so.
    """
    if error_growth == 0 and not regions:
        return None
    space = pair.space
    sizes = spread_by_metric(pair.metric, error_growth)
    for region in regions:
        if region.operation not in space.operations:
            raise unknown_name(
                f"operation of space {space.name}", region.operation, space.operations
            )
        column = space.feature_names("counts").index(f"n({region.operation})")
        counts = space.encode(pair.archs, "counts")[:, column]
        sizes = np.where(counts == region.count, sizes * region.spread, sizes)
    return sizes
