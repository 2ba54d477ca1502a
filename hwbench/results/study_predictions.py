"""Reading the predictions of a study, of which there may be more than memory holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from hwbench.errors import HwbenchError
from hwbench.formats.parquet_files import check_parquet
from hwbench.results.frames import readable
from hwbench.results.names import PREDICTIONS, STUDY
from hwbench.results.study_columns import FORMER_KEY, TEXT
from hwbench.results.study_reading import (
    as_frame,
    beside_a_writer,
    last_places,
    list_parts,
    of_place,
    schema_names,
)

KEY_COLUMN = "hwbench_index"
ROWS_AT_ONCE = 2**18
"""Predictions that are given at a time."""


def read_predictions(
    folder: Path | str,
    columns: Sequence[str] | None = None,
    *,
    filters: pc.Expression | None = None,
    categories: bool = False,
) -> pd.DataFrame:
    """The test predictions of a run folder, a row a test architecture of a trial.

    Parameters
    ----------
    folder : the run folder.
    columns : some of the columns; by default all but `trial`.
    filters : an Arrow expression; only what fits it is read, such as
        `pyarrow.compute.field("training_size") == 614`.
    categories : whether texts are of dtype category, a byte or two a row, instead of object, 8
        bytes; `groupby` by them then wants `observed=True`.

    Returns
    -------
    `target`, `predictor`, `encoding`, `training_size`, `seed`, the table's key column
    (`hwbench_index` or `arch`), `truth` and `prediction` in the target's unit. Rows of a trial
    stand together, in the order of its test set. Trials stand in the order of their keys once a
    study has
    ended; while it runs, in that in which they ended. `iter_predictions` gives the same rows where
    they are too many for memory.

    Raises
    ------
    HwbenchError
        Where the folder holds no results, a file is broken, or lacks a column.
    """
    with _opened(Path(folder), columns) as files:
        return _gathered(files, _shown(files, columns), filters, categories=categories)


def iter_predictions(
    folder: Path | str,
    columns: Sequence[str] | None = None,
    *,
    filters: pc.Expression | None = None,
    rows: int = ROWS_AT_ONCE,
) -> Iterator[pd.DataFrame]:
    """The rows that `read_predictions` gives, in the same order, some at a time.

    Parameters
    ----------
    folder, columns, filters : as for `read_predictions`.
    rows : no frame has more; the rows of a trial may stand in two.

    Raises
    ------
    HwbenchError
        As `read_predictions`.
    """
    with _opened(Path(folder), columns) as files:
        shown = _shown(files, columns)
        for each in files:
            for table in each.rows(shown, filters, rows):
                yield as_frame(table)


@dataclass(frozen=True)
class _File:
    """An open file of predictions; it can be read to its end though a writer removes its name.

    Attributes
    ----------
    path : where it is.
    content : of it.
    place : of its part among the folder's.
    last : see `last_places`; None where the part is the only one.
    """

    path: Path
    content: ds.Fragment
    place: int
    last: pd.Series | None

    @property
    def names(self) -> list[str]:
        """Its columns, named as they are now."""
        return _present_names(self.content.physical_schema.names)

    def kind(self, name: str) -> pa.DataType:
        """The type of a column."""
        there = self.content.physical_schema
        return there.field(name if name in there.names else FORMER_KEY).type

    def rows(
        self, columns: Sequence[str], filters: pc.Expression | None, most: int
    ) -> Iterator[pa.Table]:
        """Rows that fit, without those that later parts replace; missing columns are null."""
        wanted = list(columns) if self.last is None else [*dict.fromkeys([*columns, "trial"])]
        with readable(self.path):
            batches = self.content.to_batches(
                columns=self._stored(wanted),
                filter=filters,
                batch_size=most,
                batch_readahead=1,
                fragment_scan_options=ds.ParquetFragmentScanOptions(pre_buffer=False),
                use_threads=False,
            )
            for batch in batches:
                table = pa.Table.from_batches([batch])
                table.validate(full=True)  # Arrow does not see by itself that an index is none
                table = _with_present_names(table)
                if self.last is not None:
                    table = of_place(table, self.place, self.last)
                for name in columns:
                    if name not in table.column_names:
                        table = table.append_column(name, pa.nulls(len(table)))
                if len(table):
                    yield table.select(list(columns))

    def _stored(self, wanted: Sequence[str]) -> list[str]:
        """The columns of the file that hold what is wanted."""
        there = self.content.physical_schema.names
        names = [name for name in wanted if name in there]
        return [*names, *([FORMER_KEY] if KEY_COLUMN in wanted and FORMER_KEY in there else [])]


def _present_names(names: Sequence[str]) -> list[str]:
    return [*dict.fromkeys(KEY_COLUMN if name == FORMER_KEY else name for name in names)]


def _with_present_names(table: pa.Table) -> pa.Table:
    """Rows of any version of hwbench, their columns named as they are now."""
    if FORMER_KEY not in table.column_names:
        return table
    former = table[FORMER_KEY]
    if KEY_COLUMN not in table.column_names:
        place = table.column_names.index(FORMER_KEY)
        return table.set_column(place, KEY_COLUMN, former)
    both = pc.coalesce(table[KEY_COLUMN], former)
    place = table.column_names.index(KEY_COLUMN)
    return table.set_column(place, KEY_COLUMN, both).drop_columns([FORMER_KEY])


@contextlib.contextmanager
def _opened(folder: Path, columns: Sequence[str] | None) -> Iterator[list[_File]]:
    """The files of predictions of a folder, all open, each with the columns asked for."""
    if not folder.is_dir():
        raise HwbenchError(f"{folder}: no such run folder")
    with contextlib.ExitStack() as stack:

        def open_all() -> list[_File]:
            stack.close()
            parts = list_parts(folder)
            last = last_places(parts) if len(parts) > 1 else None
            files = []
            for place, part in enumerate(parts):
                path = part.path(PREDICTIONS)
                if not path.exists():
                    schema_names(part.path(STUDY))  # if that is there all its trials failed
                    continue
                with readable(path):
                    names = _present_names(check_parquet(path).schema.names)
                for name in columns or ():
                    if name not in names:
                        raise HwbenchError(f"{path}: column '{name}' is missing")
                with readable(path):
                    source = stack.enter_context(pa.OSFile(str(path)))
                    texts = [name for name in TEXT if name in names]
                    content = ds.ParquetFileFormat(dictionary_columns=texts).make_fragment(source)
                    files.append(_File(path, content, place, last))
            return files

        files = beside_a_writer(open_all)
        if not files:
            raise HwbenchError(f"{folder}: holds no results of a study; see `hwbench study run`")
        yield files


def _shown(files: Sequence[_File], columns: Sequence[str] | None) -> list[str]:
    """The columns that are given: those asked for, else all of any file but `trial`."""
    if columns is not None:
        return list(columns)
    return [*dict.fromkeys(name for each in files for name in each.names if name != "trial")]


def _gathered(
    files: Sequence[_File],
    columns: Sequence[str],
    filters: pc.Expression | None,
    *,
    categories: bool,
) -> pd.DataFrame:
    """All rows as one frame; memory holds little beside it.

    Arrow's own way holds the whole table beside the whole frame.
    """
    most = sum(each.content.metadata.num_rows for each in files)
    found: dict[str, _Numbers | _Texts] = {}
    for name in columns:
        kinds = [each.kind(name) for each in files if name in each.names]
        numeric = all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds)
        whole = all(pa.types.is_integer(kind) for kind in kinds)
        found[name] = _Numbers(most, whole=whole) if numeric else _Texts(most)
    rows = 0
    for each in files:
        for table in each.rows(columns, filters, ROWS_AT_ONCE):
            for name, column in found.items():
                column.put(rows, table[name].combine_chunks())
            rows += len(table)
    frame = {
        name: column.categories(rows)
        if categories and isinstance(column, _Texts)
        else column.values(rows)
        for name, column in found.items()
    }
    return pd.DataFrame(frame, copy=False)


class _Numbers:
    """A column of numbers; of whole ones as long as none is missing."""

    def __init__(self, most: int, *, whole: bool) -> None:
        self._found = np.empty(most, dtype=np.int64 if whole else np.float64)

    def put(self, first: int, piece: pa.Array) -> None:
        """Take the values from row `first` on."""
        if piece.null_count and self._found.dtype != np.float64:
            self._found = self._found.astype(np.float64)
        if piece.null_count:
            piece = piece.cast(pa.float64()).fill_null(float("nan"))
        self._found[first : first + len(piece)] = piece.to_numpy(zero_copy_only=False)

    def values(self, rows: int) -> np.ndarray:
        """The column."""
        return self._found[:rows]


class _Texts:
    """A column of texts, each of them kept once."""

    def __init__(self, most: int) -> None:
        self._codes = np.empty(most, dtype=np.int32)
        self._code_of: dict[Any, int] = {}

    def put(self, first: int, piece: pa.Array) -> None:
        """Take the values from row `first` on."""
        codes = np.full(len(piece), -1, dtype=np.int32)
        if piece.null_count < len(piece):
            encoded = piece if pa.types.is_dictionary(piece.type) else piece.dictionary_encode()
            own = [
                self._code_of.setdefault(text, len(self._code_of))
                for text in encoded.dictionary.to_pylist()
            ]
            places = encoded.indices.fill_null(-1).to_numpy()
            codes = np.array([*own, -1], dtype=np.int32)[places]
        self._codes[first : first + len(piece)] = codes

    def values(self, rows: int) -> pd.Series:
        """The column, of dtype object; None where there is no text."""
        texts = np.array([*self._code_of, None], dtype=object)
        return pd.Series(texts[self._codes[:rows]], dtype=object, copy=False)

    def categories(self, rows: int) -> pd.Categorical:
        """The column, of dtype category."""
        return pd.Categorical.from_codes(self._codes[:rows], list(self._code_of))
