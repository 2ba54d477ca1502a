"""What is wrong with rows, kept as it is found and told once for each cause."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.tables.own.rows import Rows, shown_name
from hwbench.wording import counted, some

# Characters. A cell may hold megabytes, and one such text may stand in every row.
LONGEST_PROBLEM = 400

WHOLE_ROW = "(whole row)"

SHOWN = 20
"""Causes that are printed; the report holds every row."""

NAMED = 3
"""Causes that an error names."""

ROWS_SHOWN = 5


@dataclass
class Problems:
    """Problems as they are found, and the rows they make unusable.

    Attributes
    ----------
    numbers : of the rows, for messages, int64 of shape (n_rows,).
    bad : places of the rows that have a problem.
    """

    numbers: NDArray[np.int64]
    bad: set[int] = field(default_factory=set)
    _found: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, place: int, column: str, problem: str) -> None:
        """Keep a problem of the row at `place`, which makes it unusable."""
        self.bad.add(place)
        self.note(int(self.numbers[place]), column, problem)

    def note(self, number: int, column: str, problem: str) -> None:
        """Keep a problem of the row of that number."""
        self._found.append((number, column, shown_name(problem)))

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which rows have no problem, of shape (n_rows,)."""
        usable = np.ones(len(self.numbers), dtype=bool)
        usable[list(self.bad)] = False
        return usable

    def frame(self) -> pd.DataFrame:
        """The columns `row`, `column` and `problem`, by row."""
        in_order = sorted(self._found, key=lambda found: found[0])
        return pd.DataFrame(in_order, columns=["row", "column", "problem"])


def sound_rows(rows: Rows) -> tuple[pd.DataFrame, Problems]:
    """The rows without a fault, numbered anew, and a record with the faults of the others."""
    sound = np.array([place not in rows.faults for place in range(len(rows.frame))], dtype=bool)
    problems = Problems(rows.numbers[sound])
    for place, fault in rows.faults.items():
        problems.note(int(rows.numbers[place]), WHOLE_ROW, fault)
    return rows.frame[sound].reset_index(drop=True), problems


def shortened(text: str) -> str:
    """A problem that is short enough to be told: what is wrong stands at its end."""
    if len(text) <= LONGEST_PROBLEM:
        return text
    half = LONGEST_PROBLEM // 2
    return f"{text[:half]} ... {text[-half:]}"


_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\[[^\]]*\]|-?\d[\d.]*")


def problem_lines(problems: pd.DataFrame) -> list[str]:
    """Problems for people, a line for each cause in a column, with the rows that have it.

    Parameters
    ----------
    problems : the columns `row`, `column` and `problem`.
    """
    causes: dict[tuple[str, str], tuple[str, list[int]]] = {}
    for row, column, problem in problems.itertuples(index=False):
        cause = _QUOTED.sub("*", problem)
        causes.setdefault((column, cause), (problem, []))[1].append(int(row))
    lines = []
    for (column, _), (problem, rows) in causes.items():
        if len(rows) == 1:
            lines.append(f"row {rows[0]}, {column}: {problem}")
        else:
            more = f" and {counted(len(rows) - 1, 'row')} more" if len(rows) > 1 else ""
            others = f" ({some(rows[1:], ROWS_SHOWN)})"
            lines.append(f"row {rows[0]}{more}{others}, {column}: {problem}")
    return lines
