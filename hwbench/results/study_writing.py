"""Writing the results of a study: parts that any stop leaves whole, see `study_reading`."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hwbench.errors import HwbenchError, one_line
from hwbench.files import atomic_path
from hwbench.locks import only_writer
from hwbench.results.names import PARTS, PREDICTIONS, STUDY
from hwbench.results.study_columns import (
    KEY,
    LATER,
    STUDY_SCHEMA,
    TEXT,
    prediction_schema,
)
from hwbench.results.study_reading import (
    FAN_IN,
    Part,
    last_places,
    list_parts,
    of_place,
    outcomes_of,
    read_part,
    schema_names,
    trial_outcomes,
)
from hwbench.results.study_sorting import SCRATCH, in_order_of_trials

FLUSH_SECONDS = 2.0
"""A result waits no longer than this for others to be written with it."""


FLUSH_TRIALS = 2000
"""Nor for more others than this."""


LOCK_OF_0_1_0 = ".lock"
"""What hwbench 0.1.0 left in a folder of parts."""


ROW_GROUP = 2**20
"""Rows of predictions that are read and written at once."""


def prediction_table(predictions: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Predictions of some trials as rows.

    Parameters
    ----------
    predictions : for each trial `trial` and its key, and arrays of shape (n_test,) of the table's
        keys, `truth` and `prediction`.
    """
    lengths = np.array([len(each["truth"]) for each in predictions])
    columns = {}
    for field in prediction_schema(name for each in predictions for name in each):
        values = [each.get(field.name) for each in predictions]
        if field.name in ("trial", *KEY):
            columns[field.name] = _repeated(values, lengths, field.type)
        else:
            columns[field.name] = pa.chunked_array(
                [
                    pa.nulls(n, field.type) if each is None else pa.array(each, field.type)
                    for each, n in zip(values, lengths, strict=True)
                ]
            )
    return pa.table(columns)


def _repeated(values: list[Any], lengths: np.ndarray, dtype: pa.DataType) -> pa.Array:
    """Each value as often as its length says."""
    if pa.types.is_string(dtype):
        encoded = pa.array(values, dtype).dictionary_encode()
        places = np.repeat(encoded.indices.to_numpy(), lengths)
        return pa.DictionaryArray.from_arrays(pa.array(places), encoded.dictionary)
    return pa.array(np.repeat(np.array(values), lengths), dtype)


def _stream_predictions(parts: Sequence[Part], last: pd.Series | None) -> Iterator[pa.Table]:
    """The predictions of parts, some at a time."""
    for place, part in enumerate(parts):
        path = part.path(PREDICTIONS)
        if not path.exists():
            continue
        texts = [name for name in TEXT if name in schema_names(path)]
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                yield table if last is None else of_place(table, place, last)


def _write_predictions(path: Path, tables: Iterable[pa.Table], names: Iterable[str]) -> None:
    """Write predictions as they come; no file where there are none.

    Parameters
    ----------
    path : the file.
    tables : some rows each.
    names : the columns that any of them has.
    """
    schema = prediction_schema(names)
    stream = (table for table in tables if len(table))
    first = next(stream, None)
    if first is None:
        path.unlink(missing_ok=True)
        return
    absent = {field.name: field.type for field in schema}
    with (
        atomic_path(path, durable=True) as temporary,
        pq.ParquetWriter(
            temporary,
            schema,
            compression="zstd",
            # Predictions hardly ever repeat; their bytes compress better side by side.
            use_dictionary=[name for name in schema.names if name != "prediction"],
            column_encoding={"prediction": "BYTE_STREAM_SPLIT"},
        ) as writer,
    ):
        for table in itertools.chain([first], stream):
            for name in set(schema.names) - set(table.column_names):
                table = table.append_column(name, pa.nulls(len(table), absent[name]))
            writer.write_table(table.select(schema.names).cast(schema), row_group_size=ROW_GROUP)


def _prediction_names(parts: Sequence[Part]) -> set[str]:
    """Columns that the predictions of parts have."""
    paths = [part.path(PREDICTIONS) for part in parts]
    return {name for path in paths if path.exists() for name in schema_names(path)}


def _joined(rows: Sequence[pa.Table], parts: Sequence[Part]) -> pa.Table:
    """The rows of parts in the columns of a study."""
    found = []
    for table, part in zip(rows, parts, strict=True):
        try:
            found.append(_with_later_columns(table).cast(STUDY_SCHEMA))
        except (pa.ArrowException, ValueError) as error:
            raise HwbenchError(
                f"{part.path(STUDY)}: has not the columns of a study ({one_line(error, 200)})"
            ) from error
    return pa.concat_tables(found)


def _with_later_columns(rows: pa.Table) -> pa.Table:
    """Rows of any version in the order of the schema, what earlier ones lack unknown."""
    lacking = [name for name in LATER if name not in rows.column_names]
    for name in lacking:
        rows = rows.append_column(name, pa.nulls(len(rows), STUDY_SCHEMA.field(name).type))
    whole = lacking and set(rows.column_names) == set(STUDY_SCHEMA.names)
    return rows.select(STUDY_SCHEMA.names) if whole else rows


def _write_part(
    part: Part, rows: pa.Table, predictions: Iterable[pa.Table], names: Iterable[str]
) -> None:
    _write_predictions(part.path(PREDICTIONS), predictions, names)
    with atomic_path(part.path(STUDY), durable=True) as temporary:
        pq.write_table(rows, temporary, compression="zstd")


def _unlink(part: Part) -> None:
    part.path(STUDY).unlink()
    part.path(PREDICTIONS).unlink(missing_ok=True)


class StudyStore:
    """A run folder that results are added to; one process at a time.

    Parameters
    ----------
    folder : the run folder; made where it is missing.

    Attributes
    ----------
    failed : for each trial that the folder holds, by identity, whether it failed.
    broken : names of parts that could not be read and were set aside; their trials are to run
        again.

    Raises
    ------
    HwbenchError
        Where another process writes the folder, or it cannot be written or read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rows: dict[str, Mapping[str, Any]] = {}
        self._predictions: dict[str, Mapping[str, Any]] = {}
        self._since = time.monotonic()
        with contextlib.ExitStack() as stack:
            self._claim = stack.enter_context(only_writer(folder))
            self.broken = self._sweep()
            self.failed = trial_outcomes(folder)
            self._parts = [part for part in list_parts(folder) if part.last]
            self._lock = stack.pop_all()

    def _sweep(self) -> list[str]:
        """Remove what a crash left behind; set parts aside that cannot be read."""
        kinds = (STUDY, PREDICTIONS)
        kept = {part.path(kind) for part in list_parts(self.folder) for kind in kinds}
        begun = [path for kind in kinds for path in self.folder.glob(f".{kind}.parquet.*")]
        for path in [*begun, *(self.folder / PARTS).glob("*.parquet")]:
            if path not in kept:
                path.unlink()
        for path in (self.folder / PARTS).glob(f"{SCRATCH}*"):
            shutil.rmtree(path)
        broken = []
        for path in sorted(kept):
            if not path.exists() or path.parent == self.folder:
                continue
            try:
                pq.read_metadata(path)
            except (OSError, pa.ArrowException):
                broken.append(path.name)
        for name in broken:
            # The predictions of a broken part are no use without its trials, nor the other way.
            stem = name.split(".")[0]
            for kind in kinds:
                path = self.folder / PARTS / f"{stem}.{kind}.parquet"
                with contextlib.suppress(FileNotFoundError):
                    path.replace(path.with_suffix(".broken"))
        return broken

    def add(self, row: Mapping[str, Any], predictions: Mapping[str, Any] | None) -> None:
        """Take a result; it is safe after the next `flush`.

        Parameters
        ----------
        row : as `read_trials` gives it.
        predictions : arrays of shape (n_test,) by column.
        """
        trial = row["trial"]
        self._rows[trial] = row
        self._predictions.pop(trial, None)
        if predictions is not None:
            key = {name: row[name] for name in ("trial", *KEY)}
            self._predictions[trial] = {**key, **predictions}

    @property
    def due(self) -> bool:
        """Whether what waits should be flushed now."""
        return bool(self._rows) and (
            len(self._rows) >= FLUSH_TRIALS or time.monotonic() - self._since >= FLUSH_SECONDS
        )

    def flush(self) -> None:
        """Write what waits and wait until it is on the disk: then no stop can lose it.

        Raises
        ------
        HwbenchError
            Where the disk is full, or the folder or the disk gone. What was flushed before is kept,
            but for a folder that is gone.
        """
        self._claim.check()
        if self._rows:
            rows = pa.Table.from_pylist(list(self._rows.values()), schema=STUDY_SCHEMA)
            predicted = list(self._predictions.values())
            tables = [prediction_table(predicted)] if predicted else []
            self._write(rows, tables, tables[0].column_names if tables else ())
            self.failed.update(outcomes_of(rows))
            self._rows, self._predictions = {}, {}
            self._merge_parts()
        self._since = time.monotonic()

    def copy(self, other: Path) -> int:
        """Add the trials of another run folder that this one lacks or that failed here.

        Returns
        -------
        How many were added; they are safe when this returns.
        """
        parts = list_parts(other)
        last = last_places(parts)
        known = {name for name, failed in self.failed.items() if not failed}
        theirs = trial_outcomes(other)
        wanted = {
            name
            for name, failed in theirs.items()
            if name not in known and not (failed and name in self.failed)
        }
        last = last[last.index.isin(wanted)]
        if last.empty:
            return 0
        rows = [read_part(part, at, STUDY, None, None, last) for at, part in enumerate(parts)]
        joined = _joined(rows, parts)
        self._write(joined, _stream_predictions(parts, last), _prediction_names(parts))
        self.failed.update((name, theirs[name]) for name in wanted)
        return len(wanted)

    def remove(self, trials: Collection[str]) -> None:
        """Take out some trials; all others are kept, whenever this is stopped.

        Parameters
        ----------
        trials : their identities.
        """
        self.flush()
        parts = list_parts(self.folder)
        last = last_places(parts)
        last = last[~last.index.isin(trials)]
        if len(last):
            self._merge(parts, Part(0, 0, self.folder), last)
        else:
            for part in parts:
                _unlink(part)
        self._parts = []
        self.failed = {name: failed for name, failed in self.failed.items() if name in last.index}

    def _write(self, rows: pa.Table, predictions: Iterable[pa.Table], names: Iterable[str]) -> None:
        place = self._parts[-1].last + 1 if self._parts else 1
        part = Part(place, place, self.folder)
        _write_part(part, rows, predictions, names)
        self._parts.append(part)

    def _merge_parts(self) -> None:
        while len(self._parts) >= FAN_IN:
            merged = self._parts[-FAN_IN:]
            if len({part.level for part in merged}) > 1:
                return
            self._parts[-FAN_IN:] = [
                self._merge(merged, Part(merged[0].first, merged[-1].last, self.folder))
            ]

    def compact(self) -> None:
        """Make the two plain files of all parts, without rows that later ones replace.

        Trials, and with them their predictions, are put in the order of their keys, whenever and
        wherever they were run: but for what depends on the machine (`MEASURED`), equal studies
        leave equal files.
        """
        self.flush()
        if self._parts:
            self._merge(list_parts(self.folder), Part(0, 0, self.folder))
            self._parts = []

    def _merge(self, parts: Sequence[Part], into: Part, last: pd.Series | None = None) -> Part:
        """Make one part of several, of those trials that `last` has a place for; of all by default.

        See `last_places`.
        """
        if last is None and len(parts) > 1:
            last = last_places(parts)
        rows = _joined(
            [read_part(part, at, STUDY, None, None, last) for at, part in enumerate(parts)], parts
        )
        predictions = _stream_predictions(parts, last)
        if into.last == 0:
            rows = rows.sort_by([(name, "ascending") for name in (*KEY, "trial")]).combine_chunks()
            scratch = self.folder / PARTS
            predictions = in_order_of_trials(rows, predictions, scratch, ROW_GROUP)
        _write_part(into, rows, predictions, _prediction_names(parts))
        for part in parts:
            if part != into:
                _unlink(part)
        return into

    def close(self) -> None:
        """Let others write the folder. What waits is not written."""
        parts = self.folder / PARTS
        with contextlib.suppress(OSError):
            if not any(path.name != LOCK_OF_0_1_0 for path in parts.iterdir()):
                (parts / LOCK_OF_0_1_0).unlink(missing_ok=True)
                parts.rmdir()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
