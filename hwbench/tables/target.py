"""A target: a column of a table, with all that its numbers mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from hwbench.arrays import Floats
from hwbench.errors import HwbenchError
from hwbench.notebook import panel
from hwbench.spaces import Space, get_space
from hwbench.tables.card import ColumnCard
from hwbench.tables.library import load_table
from hwbench.tables.table import Table
from hwbench.target_text import parse_target

Missing = Literal["refuse", "keep", "drop"]
"""What becomes of a column that holds missing or infinite values: it is refused, it keeps them, or
the architectures that they are of are left out."""


@dataclass(frozen=True, eq=False)
class Target:
    """A column of a table that something is fitted to, selected by or held against.

    Made by `load_target` from its text, or by `Target.of` from a table at hand.

    Attributes
    ----------
    key : the text, "table:column".
    table_name : how the text names the table: its name or its path.
    column : the column's name.
    table : the table.
    values : the column, float64 of shape (n_archs,), in the order of the table's rows.
    """

    key: str
    table_name: str
    column: str
    table: Table
    values: Floats

    @classmethod
    def of(
        cls, table: Table, column: str, *, key: str | None = None, missing: Missing = "refuse"
    ) -> Target:
        """Take a column of a table at hand.

        Parameters
        ----------
        table : the table.
        column : the column's name.
        key : what it is called in specs and results; "table:column" by the table's own name where
            not given.
        missing : "refuse" a column that holds a missing or infinite value, "keep" it, or "drop" the
            architectures that they are of.

        Raises
        ------
        HwbenchError
            As `load_target`.
        """
        text = f"{table.card.name}:{column}" if key is None else key
        values = table.column(column)
        wrong = ~np.isfinite(values)
        if missing == "refuse" and wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise HwbenchError(
                f"target {text}: {int(wrong.sum())} values are missing or infinite, the first in "
                f"row {row} ({table.frame['arch'].iloc[row]})"
            )
        if missing == "drop" and wrong.any():
            table, values = Table(table.frame[~wrong], table.card), values[~wrong]
        return cls(text, (parse_target(text) or (table.card.name,))[0], column, table, values)

    @property
    def card(self) -> ColumnCard:
        """What the table says of the column."""
        return self.table.card.columns[self.column]

    @property
    def title(self) -> str:
        """What the column is, in words."""
        return self.card.title

    @property
    def unit(self) -> str:
        """Of the values, such as "ms", "%", or "1" for counts and fractions."""
        return self.card.unit

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """Which way is better."""
        return self.card.direction

    @property
    def sign(self) -> int:
        """What makes smaller values better when multiplied with: -1 where larger is, else 1."""
        return -1 if self.direction == "maximize" else 1

    @property
    def device(self) -> str | None:
        """What the values were measured on, None where that is not said."""
        return self.card.device

    @property
    def space(self) -> Space:
        """The search space of the table's architectures."""
        return self.table.space

    def check_space(self, name: str, where: str) -> Target:
        """See that the architectures are of a space, and give back the target.

        Parameters
        ----------
        name : of the space.
        where : what an error begins with, such as "cost".

        Returns
        -------
        The target; where the space is a part of the table's, that of the part's architectures.

        Raises
        ------
        HwbenchError
            Where they are of another space.
        """
        if self.space.name == name:
            return self
        space = get_space(name)
        if space.larger_space != self.space.name:
            raise HwbenchError(f"{where}: {self.key} is of the space {self.space.name}, not {name}")
        table = self.table.seen_from(space)
        return replace(self, table=table, values=table.column(self.column))

    def __repr__(self) -> str:
        unit = f" [{self.unit}]" if self.unit else ""
        return f"<Target {self.key}{unit}: {len(self.values)} architectures of {self.space.name}>"

    def _repr_html_(self) -> str:
        there = self.values[np.isfinite(self.values)]
        ends = f"{there.min():.4g} to {there.max():.4g} {self.unit}" if len(there) else ""
        return panel(
            f"{self.key} [{self.unit}]" if self.unit else self.key,
            [
                ("what it is", self.title),
                ("space", self.space.name),
                ("architectures", f"{len(self.values):,}"),
                ("values", ends),
                ("missing", len(self.values) - len(there) or None),
                ("better", {"minimize": "smaller", "maximize": "larger"}.get(self.direction)),
                ("device", self.device),
            ],
        )

    @cached_property
    def _by_key(self) -> pd.Series:
        return pd.Series(self.values, index=pd.Index(self.table.keys))

    def values_of(self, archs: ArrayLike) -> Floats:
        """The values of architectures, NaN where the table has none.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions), or texts, of the target's space.

        Returns
        -------
        float64 of shape (n_archs,).
        """
        return self._by_key.reindex(self.space.keys_of(archs)).to_numpy(dtype=np.float64)


def load_target(text: str, *, missing: Missing = "refuse") -> Target:
    """Open the table that a text "table:column" names, and take the column.

    Parameters
    ----------
    text : "table:column"; the table by its name (see `hwbench tables list`) or the path of its
        `.parquet` file.
    missing : "refuse" a column that holds a missing or infinite value, "keep" it, or "drop" the
        architectures that they are of.

    Returns
    -------
    The `Target`: `.table`, `.values` (float64 of shape (n_archs,)), `.unit`, `.direction` ...

    Raises
    ------
    HwbenchError
        Where the text has not that form, table or column is unknown, or a value is refused.
    """
    parts = parse_target(text)
    if parts is None:
        raise HwbenchError(f"target '{text}' must have the form table:column")
    name, column = parts
    return Target.of(load_table(name), column, key=text, missing=missing)
