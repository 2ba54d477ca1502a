"""What a table knows of architectures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from hwbench.errors import HwbenchError


def true_values(space_name: str, archs: ArrayLike, target: str) -> NDArray[np.float64]:
    """The values of architectures in a table's column, NaN where it has none.

    Parameters
    ----------
    space_name : the space of the architectures.
    archs : integers of shape (n_archs, n_positions).
    target : "table:column".

    Raises
    ------
    HwbenchError
        Where there is no such table or column, or the table is of another space.
    """
    from hwbench.spaces import get_space

    return (
        known_values(space_name, target)
        .reindex(get_space(space_name).keys_of(archs))
        .to_numpy(dtype=np.float64)
    )


def known_values(space_name: str, target: str) -> pd.Series:
    """A table's column by what tells architectures apart, see `hwbench.spaces.Space.keys_of`.

    Raises
    ------
    HwbenchError
        As `true_values`.
    """
    from hwbench.tables import load_table
    from hwbench.tables.library import split_target

    name, column = split_target(target)
    table = load_table(name)
    if table.space.name != space_name:
        raise HwbenchError(f"{target} is of the space {table.space.name}, not {space_name}")
    return pd.Series(table.column(column), index=table.space.keys_of(table.archs))
