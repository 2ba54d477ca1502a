"""The Parquet file of a table: its card at once, its columns when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pydantic

from hwbench.errors import HwbenchError
from hwbench.files import atomic_path
from hwbench.formats.parquet_files import ParquetReader, plain_column, readable
from hwbench.tables.card import TableCard

CARD_KEY = b"hwbench.table"
_FORMER = {"hwbench_index": "arch_index"}  # names of columns in files of earlier versions
LARGE = 100_000  # rows from which on the best compression takes longer than it is worth


class TableFile:
    """A table's file as it was when it was opened; one that replaces it later does not show.

    Parameters
    ----------
    path : of the file.

    Attributes
    ----------
    schema : the Arrow schema.

    Raises
    ------
    HwbenchError
        Where the file is missing, truncated, no Parquet, or holds no hwbench table.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = ParquetReader(path, checksums=True)
        self.schema = _present_names(self._reader.schema)

    def __reduce__(self) -> tuple[Any, ...]:
        # By place, not from where the last read ended: threads may send one table at a time each.
        source = self._reader.source
        return TableFile._from_content, (self.path, source.read_at(source.size(), 0))

    @classmethod
    def _from_content(cls, path: Path, content: bytes) -> TableFile:
        file = cls.__new__(cls)
        file.path = path
        file._reader = ParquetReader(path, content, checksums=True)
        file.schema = _present_names(file._reader.schema)
        return file

    def __len__(self) -> int:
        return self._reader.n_rows

    @cached_property
    def card(self) -> TableCard:
        """The card in the schema's metadata."""
        content = (self.schema.metadata or {}).get(CARD_KEY)
        if content is None:
            raise HwbenchError(
                f"{self.path}: a Parquet file, but no hwbench table (its schema holds no card)"
            )
        try:
            return TableCard.model_validate_json(content)
        except pydantic.ValidationError as error:
            first = error.errors(include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise HwbenchError(
                f"{self.path}: its card is broken at '{place}': {first['msg']}"
            ) from error

    def read(self, columns: Sequence[str]) -> pd.DataFrame:
        """Decode columns, in the order given, checking the checksums of their pages.

        Raises
        ------
        HwbenchError
            Where the file is damaged there.
        """
        there = self._reader.schema.names
        names = {name: _FORMER.get(name, name) if name not in there else name for name in columns}
        content = self._reader.read(list(names.values()))
        with readable(self.path):
            found = {name: plain_column(content[names[name]]) for name in columns}
            return pd.DataFrame(found)


def _present_names(schema: pa.Schema) -> pa.Schema:
    """The schema of a file of any version of hwbench, its columns named as they are now."""
    for name, former in _FORMER.items():
        if former in schema.names and name not in schema.names:
            place = schema.get_field_index(former)
            schema = schema.set(place, schema.field(place).with_name(name))
    return schema


def write_table_file(path: Path, content: pa.Table, card: TableCard) -> None:
    """Write columns and their card as one Parquet file, atomically."""
    metadata = {**(content.schema.metadata or {}), CARD_KEY: card.model_dump_json().encode()}
    with atomic_path(path, durable=True) as temporary:
        pq.write_table(
            content.replace_schema_metadata(metadata),
            temporary,
            compression="zstd",
            compression_level=19 if content.num_rows < LARGE else 9,
            write_page_checksum=True,
        )


def read_card(path: Path) -> TableCard:
    """Read only the card of a table's Parquet file.

    Raises
    ------
    HwbenchError
        As `TableFile`.
    """
    return TableFile(path).card
