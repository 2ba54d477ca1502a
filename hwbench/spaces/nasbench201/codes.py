"""Other codes of NAS-Bench-201 cells: the benchmark's own numbers, and NASLib's indices."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces.code_values import whole_numbers
from hwbench.spaces.edge_cell import EDGES

# NASLib orders the operations: skip, none, convolution 3x3, convolution 1x1, pooling; and the edges
# by their source.
_NASLIB_OPERATIONS = np.array([1, 0, 3, 2, 4])
_NASLIB_EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
_NASLIB_ORDER = [_NASLIB_EDGES.index(edge) for edge in EDGES]


@cache
def official_order() -> IntArray:
    """The place in hwbench's order of each of the benchmark's numbers, int64 of shape (15625,).

    The numbers are those of `NAS-Bench-201-v1_1-096897.pth` and its successors (Dong and Yang
    2020), in whose list the cells stand in no order that a rule would give.
    """
    path = Path(__file__).with_name("official_order.npy")
    order = np.load(path, allow_pickle=False).astype(np.int64)
    order.setflags(write=False)
    return order


def from_naslib(indices: Any) -> IntArray:
    """Cells out of NASLib's indices.

    Parameters
    ----------
    indices : integers 0 .. 4 of shape (n_archs, 6).

    Returns
    -------
    int64 array of shape (n_archs, 6), in hwbench's code.
    """
    rows = np.asarray(indices, dtype=np.int64).reshape(-1, len(EDGES))
    return np.asarray(_NASLIB_OPERATIONS[rows][:, _NASLIB_ORDER], dtype=np.int64)


def from_naslib_value(value: Any) -> IntArray:
    """One cell out of a list of NASLib's indices, int64 of shape (6,).

    Raises
    ------
    HwbenchError
        Where it is no list of six numbers 0 .. 4.
    """
    numbers = whole_numbers(value)
    if numbers is None and isinstance(value, str) and value.isdigit():
        numbers = [int(digit) for digit in value]
    if numbers is None or len(numbers) != len(EDGES) or not all(0 <= op <= 4 for op in numbers):
        raise HwbenchError(f"{str(value)[:60]!r} must be {len(EDGES)} numbers 0 .. 4")
    return from_naslib([numbers])[0]
