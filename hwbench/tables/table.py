"""A table: one row an architecture, one column a metric, and a card that explains them.

On disk it is one Parquet file. The columns are `arch` (official string), `hwbench_index` (place in
the space's lexicographic order) and the metrics; the card lies in the schema metadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.notebook import MOST_ROWS, listing, panel
from hwbench.spaces import Space
from hwbench.spaces.registry import named_space
from hwbench.tables.card import TableCard
from hwbench.tables.table_file import TableFile, write_table_file

ARCH_COLUMNS = ("arch", "hwbench_index")
AGAIN = " (again)"  # marks a column that stands in both tables while they are merged


class Table:
    """Measured or trained metrics of the architectures of one space.

    Parameters
    ----------
    frame : the columns `arch` (strings), `hwbench_index` (int64; places in hwbench's own order of
        the space, which is not that of a benchmark's publication, see `Space.official_index`;
        absent in spaces too large to be indexed) and the card's metric columns.
    card : what they mean.

    Attributes
    ----------
    card : the `TableCard`.
    space : the `Space` the architectures are of.

    Raises
    ------
    HwbenchError
        Where columns and card disagree, or an architecture stands twice.
    """

    def __init__(self, frame: pd.DataFrame, card: TableCard) -> None:
        self.card = card
        self.space: Space = named_space(card.space)
        self._file: TableFile | None = None
        kinds = {column: dtype.kind for column, dtype in frame.dtypes.items()}
        self._check_columns(kinds, numbers="iuf")
        wanted = frame[[*self._arch_columns, *card.columns]].reset_index(drop=True)
        self._check_keys(wanted[self.key_column], wanted["arch"])
        self.__dict__["frame"] = wanted

    def _check_columns(self, kinds: Mapping[Any, str], numbers: str) -> None:
        for column in [*self._arch_columns, *self.card.columns]:
            if column not in kinds:
                raise self._fault(f"the column '{column}' is missing")
        for column in self.card.columns:
            if kinds[column] not in numbers:
                raise self._fault(f"the column '{column}' holds no numbers")

    def _check_keys(self, keys: pd.Series, strings: pd.Series) -> None:
        twice = keys.duplicated()
        if twice.any():
            raise self._fault(f"architecture {strings[twice].iloc[0]} stands twice")
        most = self.space.n_architectures - 1
        if self.space.indexed and not (keys.dtype.kind in "iu" and keys.between(0, most).all()):
            raise self._fault(
                f"the column 'hwbench_index' must hold places 0 .. {most} of space "
                f"{self.card.space}"
            )

    def _fault(self, what: str) -> HwbenchError:
        place = "" if self._file is None else f"{self._file.path}: "
        return HwbenchError(f"{place}table {self.card.name}: {what}")

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The data as a pandas frame, a row an architecture."""
        frame = self._read([*self._arch_columns, *self.card.columns])
        self._check_keys(frame[self.key_column], frame["arch"])
        return frame

    def _read(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns: of the frame where it is in memory, else of the file."""
        if "frame" in self.__dict__ or self._file is None:
            return self.frame[list(columns)]
        return self._file.read(columns)

    @property
    def _arch_columns(self) -> tuple[str, ...]:
        return ARCH_COLUMNS if self.space.indexed else ARCH_COLUMNS[:1]

    @classmethod
    def from_archs(cls, archs: ArrayLike, metrics: pd.DataFrame, card: TableCard) -> Table:
        """Build a table of architectures.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        metrics : a frame of n_archs rows with the card's columns.
        card : what they mean.
        """
        space = named_space(card.space)
        valid = space.check(archs)
        left = pd.DataFrame({"arch": space.to_strings(valid)})
        if space.indexed:
            left["hwbench_index"] = space.indices_of(valid)
        return cls(pd.concat([left, metrics.reset_index(drop=True)], axis=1), card)

    @classmethod
    def from_indices(cls, indices: ArrayLike, metrics: pd.DataFrame, card: TableCard) -> Table:
        """Build a table from places in the space's order.

        Parameters
        ----------
        indices : int64 of shape (n_archs,).
        metrics : a frame of n_archs rows with the card's columns.
        card : what they mean.
        """
        return cls.from_archs(named_space(card.space).architectures_at(indices), metrics, card)

    @cached_property
    def archs(self) -> IntArray:
        """The architectures, int64 of shape (n_archs, n_positions), in the order of `frame`."""
        return self.space.archs_of(self.keys)

    @cached_property
    def keys(self) -> NDArray[Any]:
        """What tells architectures apart, of shape (n_archs,): see `Space.keys_of`."""
        keys = self._read([self.key_column])[self.key_column]
        self._check_keys(keys, keys)
        return keys.to_numpy()

    @property
    def key_column(self) -> str:
        """The column that holds `keys`."""
        return self._arch_columns[-1]

    def seen_from(self, space: Space) -> Table:
        """The table of a space that is a part of this table's one: of the architectures it knows.

        Parameters
        ----------
        space : whose `larger_space` is that of the table, and small enough to be enumerated.

        Raises
        ------
        HwbenchError
            Where it is no such space.
        """
        if space.larger_space != self.space.name:
            raise self._fault(f"is of the space {self.space.name}; {space.name} is no part of that")
        archs = space.all_architectures()
        rows = self.space.rows_among(space.in_larger_space(archs), self.keys)
        known = rows >= 0
        title = f"{self.card.title}, {space.title}"
        card = self.card.model_copy(update={"space": space.name, "title": title})
        return Table.from_archs(archs[known], self.metrics.iloc[rows[known]], card)

    def renamed(self, name: str) -> Table:
        """The same table under another name."""
        return Table(self.frame, self.card.model_copy(update={"name": name}))

    @property
    def metrics(self) -> pd.DataFrame:
        """The columns of numbers alone, in the order of `frame`."""
        return self.frame[list(self.card.columns)]

    def column(self, name: str) -> NDArray[np.float64]:
        """One metric as float64 of shape (n_archs,).

        Raises
        ------
        HwbenchError
            Where the table has no such column; the message says the nearest one.
        """
        if name not in self.card.columns:
            raise unknown_name(f"column of table {self.card.name}", name, self.card.columns)
        return self._read([name])[name].to_numpy(dtype=np.float64)

    def look_up(self, archs: ArrayLike) -> pd.DataFrame:
        """The rows of architectures, in the order in which they are asked for.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions), or texts, see `Space.check`.

        Returns
        -------
        `frame` with a row for each.

        Raises
        ------
        HwbenchError
            Where the table lacks one; the message names the first.
        """
        wanted = self.space.check(archs)
        rows = self.space.rows_among(wanted, self.keys)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            first = self.space.to_string(wanted[missing[0]])
            raise self._fault(
                f"{len(missing)} of {len(wanted)} architectures are not in it, the first is "
                f"{first}, row {missing[0]}"
            )
        return self.frame.iloc[rows].reset_index(drop=True)

    def __len__(self) -> int:
        return len(self.frame if self._file is None else self._file)

    def __repr__(self) -> str:
        size = f"{len(self)} architectures x {len(self.card.columns)} metrics"
        return f"<Table {self.card.name}: {size}>"

    def _repr_html_(self) -> str:
        rows = [
            [
                name,
                about.unit,
                f"{about.direction[:-3]}ized" if about.direction else "",
                about.device or about.dataset or "",
                *(f"{value:.4g}" for value in _range_of(self.column(name))),
                about.title,
            ]
            for name, about in list(self.card.columns.items())[:MOST_ROWS]
        ]
        more = len(self.card.columns) - len(rows)
        return panel(
            f"{self.card.title} ({self.card.name})",
            [
                ("space", self.card.space),
                ("architectures", f"{len(self):,}"),
                ("metrics", str(len(self.card.columns))),
                ("licence", self.card.licence),
            ],
            listing(
                ("column", "unit", "to be", "on", "least", "median", "most", "what it is"),
                rows,
                note=f"and {more} more: .card.columns" if more > 0 else "",
            ),
        )

    # ------------------------------------------------------------------ files

    def save(self, path: Path) -> None:
        """Write the table as one Parquet file, atomically."""
        write_table_file(path, pa.Table.from_pandas(self.frame, preserve_index=False), self.card)

    @classmethod
    def read(cls, path: Path) -> Table:
        """Open a table's Parquet file; its columns are decoded when they are first used.

        Raises
        ------
        HwbenchError
            Where the file is missing, truncated, no Parquet, or holds no hwbench table. A file
            that is damaged further inside says so when the damaged columns are used.
        """
        table = cls.__new__(cls)
        table._file = TableFile(path)
        table.card = table._file.card
        try:
            table.space = named_space(table.card.space)
        except HwbenchError as error:
            raise HwbenchError(f"{path}: {error}") from error
        kinds = {field.name: _kind(field.type) for field in table._file.schema}
        table._check_columns(kinds, numbers="n")
        if len(table) > table.space.n_architectures:
            raise table._fault(
                f"{len(table):,} rows are more than the {table.space.n_architectures:,} "
                f"architectures of space {table.card.space}"
            )
        return table


def _range_of(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """The least, the median and the most of what was measured."""
    there = values[np.isfinite(values)]
    if not len(there):
        return float("nan"), float("nan"), float("nan")
    return float(there.min()), float(np.median(there)), float(there.max())


def _kind(dtype: pa.DataType) -> str:
    """The letter n for numbers, a question mark for all else."""
    return "n" if pa.types.is_integer(dtype) or pa.types.is_floating(dtype) else "?"


def merge_tables(
    tables: Iterable[Table], card: TableCard, *, prefixes: Mapping[str, str] | None = None
) -> Table:
    """Join tables of one space side by side: the architectures that all of them hold.

    Parameters
    ----------
    tables : at least one table; a column that stands in two with the same values is kept once.
    card : name, title and description of the result; its columns and recipes are taken from the
        tables.
    prefixes : by the name of a table what is put before those of its columns that stand in an
        earlier table with other values.

    Raises
    ------
    HwbenchError
        Where spaces differ, a column has different values in two tables and no prefix, or no
        architecture is common.
    """
    parts = list(tables)
    for name in prefixes or {}:
        if name not in [part.card.name for part in parts]:
            raise unknown_name("table to be merged", name, [part.card.name for part in parts])
    merged = parts[0].frame
    columns = dict(parts[0].card.columns)
    key = parts[0].key_column
    for part in parts[1:]:
        if part.card.space != parts[0].card.space:
            raise HwbenchError(
                f"cannot merge {part.card.name} (space {part.card.space}) with "
                f"{parts[0].card.name} (space {parts[0].card.space})"
            )
        other = part.frame if key == "arch" else part.frame.drop(columns="arch")
        merged = merged.merge(other, on=key, how="inner", validate="1:1", suffixes=("", AGAIN))
        for column, column_card in part.card.columns.items():
            again = column + AGAIN
            if again not in merged:
                columns[column] = column_card
                continue
            values = merged.pop(again)
            if merged[column].equals(values):
                continue
            name = (prefixes or {}).get(part.card.name, "") + column
            if name in merged:
                raise HwbenchError(
                    f"cannot merge: column '{name}' stands in two of the tables with different "
                    f"values; give those of {part.card.name} a prefix"
                )
            merged[name] = values
            columns[name] = column_card
    if merged.empty:
        raise HwbenchError("cannot merge: the tables have no architecture in common")
    recipes = tuple(recipe for part in parts for recipe in part.card.recipes)
    return Table(merged, card.model_copy(update={"columns": columns, "recipes": recipes}))
