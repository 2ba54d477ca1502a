"""Reading Parquet files: what they claim is held against limits before memory is given to it.

A few bytes of Parquet can stand for many rows, and for long texts many times over. Numbers of
columns, of cells and of unpacked bytes must be in proportion to the file, and texts are read as
dictionaries, so that a text that is repeated stands in memory once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hwbench.errors import HwbenchError, one_line
from hwbench.formats.parquet_claims import row_groups, unpacked_bytes
from hwbench.regular_files import check_regular

MOST_COLUMNS = 10_000
MOST_FOOTER_BYTES = 1 << 24
MOST_CONTAINER = 1_000_000  # entries of a list in the footer
CELL_FLOOR, CELL_RATIO = 1 << 26, 2
UNPACKED_FLOOR, UNPACKED_RATIO = 1 << 28, 4
"""A file may always hold so many cells and unpacked bytes, and so many for each of its own bytes:
large files of predictions have one cell and two or three unpacked bytes for each."""
_MAGIC = b"PAR1"
_END = 4 + len(_MAGIC)  # bytes behind the footer: its length, and the magic


class ParquetReader:
    """A Parquet file of flat columns; nothing of its columns is read when it is opened.

    Columns of other kinds, but for those of bytes if they are asked for, are refused.

    Parameters
    ----------
    path : of the file.
    content : its bytes, where they are at hand.
    checksums : compare the checksums of pages when they are read.
    blobs : allow columns of bytes, and of structs of bytes and text. `read` and `batches` take the
        columns that they name, and others may be of any kind.

    Attributes
    ----------
    path : as given.
    source : the opened file.
    schema : the Arrow schema.
    n_rows : as the footer says.

    Raises
    ------
    HwbenchError
        Where it is no regular file, no Parquet or damaged; or claims more columns, cells or bytes
        than a file of its size may hold.
    """

    def __init__(
        self,
        path: Path,
        content: bytes | None = None,
        *,
        checksums: bool = False,
        blobs: bool = False,
    ) -> None:
        self.path = path
        self._blobs = blobs
        self._options: dict[str, Any] = {
            "page_checksum_verification": checksums,
            "thrift_string_size_limit": MOST_FOOTER_BYTES,
            "thrift_container_size_limit": MOST_CONTAINER,
        }
        if content is None:
            check_regular(path)
        with readable(path):
            self.source = pa.OSFile(str(path)) if content is None else pa.BufferReader(content)
            self._size: int = self.source.size()
            self._groups = row_groups(self._footer())
            self._file = pq.ParquetFile(self.source, **self._options)
            self.schema: pa.Schema = self._file.schema_arrow
            self.n_rows = int(self._file.metadata.num_rows)
            self._n_leaves = int(self._file.metadata.num_columns)
            self._check_claims()

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Columns in the order given, all by default; texts are dictionaries.

        Raises
        ------
        HwbenchError
            Where the file is damaged there, or unpacks to more than a file of its size may hold.
        """
        with readable(self.path):
            self.check_pages(columns)
            names = self.schema.names if columns is None else list(columns)
            texts = [name for name in names if is_text(self.schema.field(name).type)]
            file = pq.ParquetFile(
                self.source, metadata=self._file.metadata, read_dictionary=texts, **self._options
            )
            table = file.read(columns=names, use_threads=len(names) > 1)
            table.validate(full=True)  # Arrow does not see by itself that an index is none
            return table

    def batches(self, column: str, n_rows: int) -> Iterator[pa.Array]:
        """A column, so many rows at a time; errors as `read`."""
        with readable(self.path):
            self.check_pages([column])
            for batch in self._file.iter_batches(batch_size=n_rows, columns=[column]):
                found = batch.column(0)
                found.validate(full=True)
                yield found

    def check_pages(self, columns: Sequence[str] | None = None) -> None:
        """Hold what the pages of columns, by default of all, claim to unpack to against the limit.

        Raises
        ------
        HwbenchError
            Where it is too much, or the header of a page is damaged.
        """
        chosen = None if columns is None else set(columns)
        leaves = [self._file.schema.column(place).path for place in range(self._n_leaves)]
        wanted = [
            place
            for place, path in enumerate(leaves)
            if chosen is None or path in chosen or path.partition(".")[0] in chosen
        ]

        def read_at(n_bytes: int, offset: int) -> bytes:
            return self.source.read_at(n_bytes, offset)

        unpacked = 0
        with readable(self.path):
            for group in self._groups:
                for place in wanted:
                    unpacked += unpacked_bytes(read_at, group.chunks[place])
                    self._check_unpacked(unpacked)

    def _footer(self) -> bytes:
        end = self.source.read_at(_END, max(0, self._size - _END))
        length = int.from_bytes(end[:4], "little")
        if len(end) < _END or end[4:] != _MAGIC:
            raise HwbenchError("it is none, or was not written to its end")
        if length > MOST_FOOTER_BYTES:
            raise HwbenchError(
                f"{self.path}: claims a footer of {length:,} bytes, more than the "
                f"{MOST_FOOTER_BYTES:,} that are read"
            )
        if length > self._size - _END:
            raise HwbenchError("its footer is longer than the file")
        footer: bytes = self.source.read_at(length, self._size - _END - length)
        return footer

    def _check_claims(self) -> None:
        about = self._file.metadata
        if about.num_columns > MOST_COLUMNS:
            raise HwbenchError(
                f"{self.path}: {about.num_columns:,} columns are too many, at most "
                f"{MOST_COLUMNS:,} are read"
            )
        for field in self.schema:
            if not self._blobs and not _is_flat(field.type):
                raise HwbenchError(
                    f"{self.path}: the column '{one_line(field.name, 80)}' is of type "
                    f"{one_line(field.type, 80)}, neither numbers nor text; leave it out of "
                    "the file"
                )
        cells = unpacked = 0
        most = CELL_FLOOR + CELL_RATIO * self._size
        for group in self._groups:
            if len(group.chunks) != about.num_columns:
                raise HwbenchError("a row group has not a part of each column")
            # What is read of a column is what its chunk claims, not what the file does.
            cells += sum(max(group.n_rows, chunk.n_values) for chunk in group.chunks)
            unpacked += max(group.unpacked, sum(chunk.unpacked for chunk in group.chunks))
            self._check_unpacked(unpacked)
        cells = max(cells, self.n_rows * about.num_columns)
        if cells > most:
            raise HwbenchError(
                f"{self.path}: claims {self.n_rows:,} rows of {about.num_columns:,} columns, more "
                f"than the {most:,} cells that are read of a file of its size"
            )

    def _check_unpacked(self, n_bytes: int) -> None:
        most = UNPACKED_FLOOR + UNPACKED_RATIO * self._size
        if n_bytes > most:
            raise HwbenchError(
                f"{self.path}: claims {n_bytes:,} bytes once unpacked, more than the {most:,} that "
                "are read of a file of its size"
            )


def check_parquet(path: Path) -> ParquetReader:
    """See that a library may read a Parquet file by its name; errors as `ParquetReader.read`.

    Its texts must be read as dictionaries, see `text_columns`.
    """
    reader = ParquetReader(path)
    reader.check_pages()
    return reader


def text_columns(schema: pa.Schema) -> list[str]:
    """The columns of text."""
    return [field.name for field in schema if is_text(field.type)]


def is_text(kind: pa.DataType) -> bool:
    """Whether a column's type is text, as it is or as a dictionary."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return str(kind) in ("string", "large_string", "string_view")


def _is_flat(kind: pa.DataType) -> bool:
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    others = (pa.types.is_boolean, pa.types.is_temporal, pa.types.is_null, is_text)
    return any(is_kind(kind) for is_kind in (*numbers, *others))


def plain_column(column: pa.ChunkedArray) -> pd.Series:
    """A column for pandas: numbers of numpy's, or texts as objects, equal ones the same."""
    if pa.types.is_temporal(column.type):
        # No metric whatever it is; so there is no calendar and no time zone to look up.
        return pd.Series([f"a {column.type}"] * len(column), dtype=object)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    # Architecture strings are all different: looking for equal ones would only cost time.
    found: pd.Series = column.to_pandas(deduplicate_objects=False)
    if isinstance(found.dtype, pd.CategoricalDtype | pd.StringDtype):  # the latter in pandas 3
        return found.astype(object).where(found.notna(), None)
    return found


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in one line which Parquet file cannot be read."""
    try:
        yield
    except HwbenchError as error:
        if str(error).startswith(str(path)):
            raise
        raise HwbenchError(f"{path}: cannot be read as Parquet ({error})") from error
    except Exception as error:  # Arrow does not say what damage may raise
        raise HwbenchError(f"{path}: cannot be read as Parquet ({one_line(error)})") from error
