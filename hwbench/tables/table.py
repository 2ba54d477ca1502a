"""A table: one row an architecture, one column a metric, and a card that explains them.

On disk it is one Parquet file. The columns are `arch` (official string), `arch_index` (place in the
space's lexicographic order) and the metrics; the card lies in the schema metadata.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pydantic
from numpy.typing import ArrayLike, NDArray

from hwbench.errors import HwbenchError, unknown_name
from hwbench.files import atomic_path
from hwbench.spaces import Space, get_space
from hwbench.spaces.base import IntArray
from hwbench.tables.card import TableCard

CARD_KEY = b"hwbench.table"
ARCH_COLUMNS = ("arch", "arch_index")
AGAIN = " (again)"  # marks a column that stands in both tables while they are merged


class Table:
    """Measured or trained metrics of the architectures of one space.

    Parameters
    ----------
    frame : the columns `arch` (strings), `arch_index` (int64; places in the space's order, absent
        in spaces too large to be indexed) and the card's metric columns.
    card : what they mean.

    Attributes
    ----------
    frame : the data as a pandas frame, a row an architecture.
    card : the `TableCard`.
    space : the `Space` the architectures are of.

    Raises
    ------
    HwbenchError
        Where columns and card disagree, or an architecture stands twice.
    """

    def __init__(self, frame: pd.DataFrame, card: TableCard) -> None:
        self.card = card
        self.space: Space = get_space(card.space)
        wanted = [*self._arch_columns, *card.columns]
        for column in wanted:
            if column not in frame.columns:
                raise HwbenchError(f"table {card.name}: the column '{column}' is missing")
        keys = frame[self.key_column]
        if keys.duplicated().any():
            twice = frame.loc[keys.duplicated(), "arch"].iloc[0]
            raise HwbenchError(f"table {card.name}: architecture {twice} stands twice")
        most = self.space.n_architectures - 1
        if self.space.indexed and not (keys.dtype.kind in "iu" and keys.between(0, most).all()):
            raise HwbenchError(
                f"table {card.name}: the column 'arch_index' must hold places 0 .. {most} "
                f"of space {card.space}"
            )
        for column in card.columns:
            if frame[column].dtype.kind not in "iuf":
                raise HwbenchError(f"table {card.name}: the column '{column}' holds no numbers")
        self.frame = frame[wanted].reset_index(drop=True)

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
        space = get_space(card.space)
        valid = space.check(archs)
        left = pd.DataFrame({"arch": space.to_strings(valid)})
        if space.indexed:
            left["arch_index"] = space.indices_of(valid)
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
        return cls.from_archs(get_space(card.space).architectures_at(indices), metrics, card)

    @cached_property
    def archs(self) -> IntArray:
        """The architectures, int64 of shape (n_archs, n_positions), in the order of `frame`."""
        if self.space.indexed:
            return self.space.architectures_at(self.frame["arch_index"].to_numpy())
        return self.space.from_strings(self.frame["arch"])

    @property
    def keys(self) -> NDArray[Any]:
        """What tells architectures apart, of shape (n_archs,): see `Space.keys_of`."""
        return self.frame[self.key_column].to_numpy()

    @property
    def key_column(self) -> str:
        """The column that holds `keys`."""
        return self._arch_columns[-1]

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
        return self.frame[name].to_numpy(dtype=np.float64)

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        size = f"{len(self)} architectures x {len(self.card.columns)} metrics"
        return f"<Table {self.card.name}: {size}>"

    # ------------------------------------------------------------------ files

    def save(self, path: Path) -> None:
        """Write the table as one Parquet file, atomically."""
        arrow = pa.Table.from_pandas(self.frame, preserve_index=False)
        metadata = {**(arrow.schema.metadata or {}), CARD_KEY: self.card.model_dump_json().encode()}
        with atomic_path(path) as temporary:
            pq.write_table(
                arrow.replace_schema_metadata(metadata),
                temporary,
                compression="zstd",
                compression_level=19,
            )

    @classmethod
    def read(cls, path: Path) -> Table:
        """Read a table's Parquet file.

        Raises
        ------
        HwbenchError
            Where the file is missing, truncated, no Parquet, or holds no hwbench table.
        """
        try:
            with pq.ParquetFile(path) as file:
                arrow = file.read()
            frame = arrow.to_pandas(ignore_metadata=True)
        except FileNotFoundError as error:
            raise HwbenchError(f"{path}: no such file") from error
        except (OSError, ValueError, pa.ArrowException) as error:
            raise _unreadable(path, error) from error
        card = _parse_card(path, (arrow.schema.metadata or {}).get(CARD_KEY))
        try:
            return cls(frame, card)
        except HwbenchError as error:
            raise HwbenchError(f"{path}: {error}") from error


def read_card(path: Path) -> TableCard:
    """Read only the card of a table's Parquet file, without its data.

    Raises
    ------
    HwbenchError
        As `Table.read`.
    """
    try:
        schema = pq.read_schema(path)
    except FileNotFoundError as error:
        raise HwbenchError(f"{path}: no such file") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    return _parse_card(path, (schema.metadata or {}).get(CARD_KEY))


def _unreadable(path: Path, error: Exception) -> HwbenchError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return HwbenchError(f"{path}: cannot be read as Parquet ({reason})")


def _parse_card(path: Path, content: bytes | None) -> TableCard:
    if content is None:
        raise HwbenchError(
            f"{path}: a Parquet file, but no hwbench table (its schema holds no card)"
        )
    try:
        return TableCard.model_validate_json(content)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise HwbenchError(f"{path}: its card is broken at '{place}': {first['msg']}") from error


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
