"""Architectures as people hand them: texts of any unmistakable code, alone, in lists or frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces.code import AmbiguousCodeError
from hwbench.spaces.reading import lost_zeros, read_code

if TYPE_CHECKING:
    from hwbench.spaces.base import Space

CERTAIN_ARCH_COLUMNS = (
    "arch", "arch_str", "architecture", "arch_string", "architecture_string", "net", "genotype",
)  # fmt: skip
"""Names, in small letters, of a column of architectures, whatever stands there."""

ARCH_COLUMNS = (
    *CERTAIN_ARCH_COLUMNS, "cell", "model", "network", "arch_code", "architecture_code",
    "encoding", "op_indices", "module_hash", "config",
)  # fmt: skip
"""Names of such a column, if architectures stand there."""

LONGEST_SHOWN, LONGEST_REASON = 60, 400
"""Characters of a cell, and of what is wrong with it, that a message holds."""


def given_architectures(space: Space, given: Any) -> Any:
    """What was given for architectures, with texts read: an array, not checked yet.

    Parameters
    ----------
    space : that they are of.
    given : integers of shape (n_archs, n_positions), which come back as they are; a text; a list,
        an array or a pandas Series of texts, or of what `hwbench.spaces.reading` reads else, one an
        architecture; or a frame with a column of these, or of integers alone.

    Returns
    -------
    int64 of shape (n_archs, n_positions) where texts were given, else an array of what was.

    Raises
    ------
    HwbenchError
        Where a text is no architecture (the message says its row, counted from 0), or no column of
        a frame holds them.
    ValueError
        Where lists differ in length.
    """
    if isinstance(given, str):
        return _read(space, [given])
    if hasattr(given, "columns"):
        column = _column(space, given)
        return np.asarray(given) if column is None else _read(space, column)
    if isinstance(given, Iterable) and not hasattr(given, "dtype"):
        given = list(given)
    cells = given.tolist() if getattr(given, "ndim", 0) == 1 else given
    if isinstance(cells, list) and any(isinstance(cell, str | dict) for cell in cells):
        return _read(space, cells)
    array = np.asarray(given)
    if array.shape == (0,):
        return np.empty((0, space.n_positions), dtype=np.int64)
    if array.ndim == 2 and array.size and all(isinstance(cell, str) for cell in array.flat):
        return _read(space, array.tolist())
    return array


def _column(space: Space, frame: Any) -> list[Any] | None:
    """The cells of a frame's column of architectures; None where it holds operations by column."""
    names = [str(name) for name in frame.columns]
    for wanted in (CERTAIN_ARCH_COLUMNS, ARCH_COLUMNS):
        found = [place for place, name in enumerate(names) if name.lower() in wanted]
        if len(found) == 1:
            cells: list[Any] = frame.iloc[:, found[0]].tolist()
            return cells if lost_zeros(space, cells) is None else lost_zeros(space, cells)
    if len(names) == space.n_positions and all(kind.kind in "iu" for kind in frame.dtypes):
        return None
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    raise HwbenchError(
        f"{space.name}: no column of the frame is called 'arch'; there are {shown or 'none'}: give "
        "the one that holds architectures alone, frame['...']"
    )


def _read(space: Space, cells: list[Any]) -> IntArray:
    """The architectures of cells, all at once where they are the space's own strings."""
    try:
        if all(isinstance(cell, str) for cell in cells):
            return space.from_strings(cells)
    except HwbenchError:
        pass  # another code, or a wrong one, which is looked for below
    rows = [_read_one(space, row, cell) for row, cell in enumerate(cells)]
    return np.array(rows, dtype=np.int64).reshape(-1, space.n_positions)


def _read_one(space: Space, row: int, cell: Any) -> IntArray:
    where = f"{space.name}: row {row}"
    if cell is None or cell != cell or (isinstance(cell, str) and not cell.strip()):
        raise HwbenchError(f"{where} is empty: there is no architecture")
    try:
        return read_code(space, cell)
    except AmbiguousCodeError as error:
        raise HwbenchError(
            f"{where}, {_shortened(repr(cell), LONGEST_SHOWN)}, {error}; hwbench.own_table and "
            "space.from_official_index read what is said to be of one"
        ) from error
    except HwbenchError as error:
        reason = str(error).removeprefix(f"{space.name}: ")
        raise HwbenchError(f"{where}: {_shortened(reason, LONGEST_REASON)}") from error


def _shortened(text: str, most: int) -> str:
    """A text without its middle where it is too long: a reason stands behind what is wrong."""
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"
