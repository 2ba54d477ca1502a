"""What a file or frame holds before anything of it is understood, and how large it may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.errors import HwbenchError

MOST_BYTES = 2**31
MOST_COLUMNS = 10_000
MOST_CELLS = 20_000_000  # as Python texts some 1.5 GB; NAS-Bench-101 with 40 metrics has 18 million
ROW_CELLS = 4  # that a row takes beside its own
MOST_FAULTS = 100_000
MOST_ROW_LETTERS = 2**22  # a row of a text file, however many lines it has

IsArchitecture = Callable[[Any], bool]
"""Whether a cell holds an architecture, in whatever code."""


@dataclass(frozen=True)
class Rows:
    """What a file or frame holds, before anything of it is understood.

    Attributes
    ----------
    frame : the rows; of a text file every cell is a text.
    numbers : int64 of shape (n_rows,), for messages: the line of a text file on which the row
        begins, that of a sheet; the row's place, from 0, of other sources.
    label : what to call the source.
    faults : what is wrong with whole rows, by their places in `frame`.
    notes : what was passed over or taken for granted.
    units : that a line below the header says, by column.
    separator : between the cells of a text file; "" of other sources.
    """

    frame: pd.DataFrame
    numbers: NDArray[np.int64]
    label: str
    faults: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    separator: str = ""


def rows_of_frame(frame: pd.DataFrame, label: str, notes: Iterable[str] = ()) -> Rows:
    """Rows numbered from 0."""
    return Rows(frame, np.arange(len(frame)), label, notes=tuple(notes))


def check_claims(label: str, rows: int, columns: int) -> None:
    """Refuse more rows and columns than are read.

    Raises
    ------
    HwbenchError
        Where there are more.
    """
    if columns > MOST_COLUMNS:
        raise HwbenchError(f"{label}: {columns} columns are too many, at most {MOST_COLUMNS} are")
    if rows * (columns + ROW_CELLS) > MOST_CELLS:
        raise HwbenchError(
            f"{label}: {rows} rows of {columns} columns are more than the {MOST_CELLS} cells "
            "that are read"
        )


def shown_name(name: object) -> str:
    """A column's name as it is shown and looked up: on one line, without control characters."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(name))
    return " ".join(text.split())
