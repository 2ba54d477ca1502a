"""Cells of NAS-Bench-101 as matrix and operations, as files and scripts hold them."""

from __future__ import annotations

from typing import Any

from hwbench.spaces.code_values import mapping_of, texts_in, value_of

_MATRIX = ("matrix", "module_adjacency", "adjacency", "adj", "adjacency_matrix", "original_matrix")
_OPERATIONS = ("ops", "module_operations", "operations", "labels", "original_ops")


def matrix_and_operations(value: Any) -> tuple[Any, list[str]] | None:
    """The matrix and the operations' names in a dictionary or a pair; None where there are none.

    A matrix may be a text of its own, as a cell of a table is.
    """
    found = mapping_of(value)
    if found is not None:
        lowered = {key.lower(): each for key, each in found.items()}
        matrix = next((lowered[key] for key in _MATRIX if key in lowered), None)
        operations = next((lowered[key] for key in _OPERATIONS if key in lowered), None)
    elif isinstance(value, list | tuple) and len(value) == 2:
        matrix, operations = value
    else:
        return None
    rows, names = value_of(matrix), texts_in(value_of(operations))
    if not isinstance(rows, list | tuple) or not rows or names is None:
        return None
    if not all(isinstance(row, list | tuple) for row in rows):
        return None
    return rows, names
