"""Reading the predictions of a study, of which there may be more than memory holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from hwbench.errors import HwbenchError
from hwbench.results.frames import readable
from hwbench.results.names import PREDICTIONS, STUDY
from hwbench.results.study_columns import TEXT
from hwbench.results.study_reading import (
    as_frame,
    beside_a_writer,
    last_places,
    list_parts,
    of_place,
    schema_names,
)

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
    (`arch_index` or `arch`), `truth` and `prediction` in the target's unit. Rows of a trial stand
    together, in the order of its test set. Trials stand in the order of their keys once a study has
    ended; while it runs, in that in which they ended. `iter_predictions` gives the same rows where
    they are too many for memory.

    Raises
    ------
    HwbenchError
        Where the folder holds no results, a file is broken, or lacks a column.
    """
    with _opened(Path(folder), columns) as files:
        shown = _shown(files, columns)
        tables = (table for each in files for table in each.rows(shown, filters, ROWS_AT_ONCE))
        return _gathered(tables, shown, categories=categories)


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
        """Its columns."""
        names: list[str] = self.content.physical_schema.names
        return names

    def rows(
        self, columns: Sequence[str], filters: pc.Expression | None, most: int
    ) -> Iterator[pa.Table]:
        """Rows that fit, without those that later parts replace; missing columns are null."""
        wanted = list(columns) if self.last is None else [*dict.fromkeys([*columns, "trial"])]
        with readable(self.path):
            batches = self.content.to_batches(
                columns=[name for name in wanted if name in self.names],
                filter=filters,
                batch_size=most,
                batch_readahead=1,
                fragment_scan_options=ds.ParquetFragmentScanOptions(pre_buffer=False),
                use_threads=False,
            )
            for batch in batches:
                table = pa.Table.from_batches([batch])
                if self.last is not None:
                    table = of_place(table, self.place, self.last)
                for name in columns:
                    if name not in table.column_names:
                        table = table.append_column(name, pa.nulls(len(table)))
                if len(table):
                    yield table.select(list(columns))


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
                names = schema_names(path)
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
    tables: Iterable[pa.Table], columns: Sequence[str], *, categories: bool
) -> pd.DataFrame:
    """Tables as one frame, which is all that memory holds of them in the end.

    Arrow's own way holds the whole table beside the whole frame.
    """
    pieces: dict[str, list[pa.Array | np.ndarray]] = {name: [] for name in columns}
    for table in tables:
        for name in columns:
            column = table[name].combine_chunks()
            is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
            pieces[name].append(column.to_numpy(zero_copy_only=False) if is_number else column)
    return pd.DataFrame(
        {name: _column(pieces.pop(name), categories=categories) for name in columns}, copy=False
    )


def _column(
    pieces: list[pa.Array | np.ndarray], *, categories: bool
) -> pd.Categorical | np.ndarray | pd.Series:
    """One column of all pieces."""
    if all(isinstance(piece, np.ndarray) for piece in pieces):
        return np.concatenate(pieces) if pieces else np.empty(0)
    arrays = [pa.array(each) if isinstance(each, np.ndarray) else each for each in pieces]
    table = pa.concat_tables(
        [pa.table({"texts": each}) for each in arrays], promote_options="permissive"
    ).unify_dictionaries()
    if categories:
        return table.to_pandas()["texts"]
    return as_frame(table)["texts"]
