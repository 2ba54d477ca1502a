"""The results of a study on disk: append-only Parquet parts that any stop leaves whole.

A run folder holds `study.parquet` (a row a trial) and `predictions.parquet` (a row a test
architecture of a trial). While a study runs, the same columns stand in parts,
`parts/A-B.study.parquet` and `parts/A-B.predictions.parquet`, which hold what was flushed as A-th
to B-th. Of a part the predictions are written first: one whose `study` file is missing does not
count. Parts are merged as they become many; a part that lies within another's range is superseded
by it. Compacting makes the two plain files of all parts. Where a trial stands twice, the later row
counts: a failure that was tried again, or a crash between the steps of compacting.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hwbench.errors import HwbenchError
from hwbench.files import atomic_path, lock
from hwbench.study.columns import KEY, STUDY_SCHEMA, TEXT, prediction_schema

PARTS = "parts"
STUDY, PREDICTIONS = "study", "predictions"
FLUSH_SECONDS = 2.0
"""A result waits no longer than this for others to be written with it."""

FLUSH_TRIALS = 2000
"""Nor for more others than this."""

FAN_IN = 32
"""So many parts of one level are merged into one of the next."""

RETRIES = 5
"""A folder that is being written is read again at most so often."""

ROW_GROUP = 2**20
"""Rows of predictions that are read and written at once."""

_PART = re.compile(r"(\d{8})-(\d{8})\.study\.parquet")


@dataclass(frozen=True, order=True)
class Part:
    """A pair of result files: those flushed as `first` to `last`, or the compacted ones (0)."""

    first: int
    last: int
    folder: Path

    def path(self, kind: str) -> Path:
        """The file of a kind, "study" or "predictions"."""
        if self.last == 0:
            return self.folder / f"{kind}.parquet"
        return self.folder / PARTS / f"{self.first:08d}-{self.last:08d}.{kind}.parquet"

    @property
    def level(self) -> int:
        """How often it was merged."""
        width, level = self.last - self.first + 1, 0
        while width >= FAN_IN:
            width, level = width // FAN_IN, level + 1
        return level


def list_parts(folder: Path) -> list[Part]:
    """The parts that count, the compacted files first, then in the order of writing."""
    names = [path.name for path in (folder / PARTS).glob("*.study.parquet")]
    matches = [match for name in names if (match := _PART.fullmatch(name))]
    found = [Part(int(match[1]), int(match[2]), folder) for match in matches]
    parts: list[Part] = []
    for part in sorted(found, key=lambda part: (part.first, -part.last)):
        if not parts or part.last > parts[-1].last:
            parts.append(part)
    compacted = Part(0, 0, folder)
    return [compacted, *parts] if compacted.path(STUDY).exists() else parts


# ---------------------------------------------------------------------- reading

Result = TypeVar("Result")


def _beside_a_writer(read: Callable[[], Result]) -> Result:
    """Read a folder again if a part went into a larger one meanwhile."""
    for _ in range(RETRIES):
        try:
            return read()
        except HwbenchError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
    return read()


def read_trials(folder: Path | str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The trials of a run folder, finished or not, a row a trial.

    Parameters
    ----------
    folder : the run folder.
    columns : some of the columns; all by default.

    Returns
    -------
    The columns of `study.parquet`: `trial` (its identity), `target`, `predictor`, `title`,
    `family`, `encoding`, `training_size`, `seed`, `test_size`, the scores, what tuning did, times
    in seconds, `memory_mb` (MiB), and `exception` and `error`, None where the trial has scores.

    Raises
    ------
    HwbenchError
        Where the folder holds no results, a file is broken, or lacks a column.
    """
    return _frame_of(Path(folder), STUDY, columns, None)


def read_predictions(
    folder: Path | str,
    columns: Sequence[str] | None = None,
    *,
    filters: pc.Expression | None = None,
) -> pd.DataFrame:
    """The test predictions of a run folder, a row a test architecture of a trial.

    Parameters
    ----------
    folder : the run folder.
    columns : some of the columns; by default all but `trial`.
    filters : an Arrow expression; only what fits it is read, such as
        `pyarrow.compute.field("training_size") == 614`.

    Returns
    -------
    `target`, `predictor`, `encoding`, `training_size`, `seed`, the table's key column
    (`arch_index` or `arch`), `truth` and `prediction` in the target's unit. Rows of a trial stand
    together, in the order of its test set; trials stand in the order in which they ended.

    Raises
    ------
    HwbenchError
        Where the folder holds no results, a file is broken, or lacks a column.
    """
    return _frame_of(Path(folder), PREDICTIONS, columns, filters)


def _frame_of(
    folder: Path, kind: str, columns: Sequence[str] | None, filters: pc.Expression | None
) -> pd.DataFrame:
    if not folder.is_dir():
        raise HwbenchError(f"{folder}: no such run folder")
    table = read_results(folder, kind, columns, filters)
    if table is None:
        raise HwbenchError(f"{folder}: holds no results of a study; see `hwbench study run`")
    if columns is None and kind == PREDICTIONS and "trial" in table.column_names:
        table = table.drop_columns("trial")
    return as_frame(table)


def as_frame(table: pa.Table) -> pd.DataFrame:
    """Results as a frame of plain columns: texts are of dtype object."""
    frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas()
    for name, dtype in frame.dtypes.items():
        if isinstance(dtype, pd.CategoricalDtype):
            frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return frame


def read_results(
    folder: Path,
    kind: str,
    columns: Sequence[str] | None = None,
    filters: pc.Expression | None = None,
) -> pa.Table | None:
    """Rows of a run folder as an Arrow table, without those that later ones replace.

    Parameters
    ----------
    folder : the run folder.
    kind : "study" or "predictions".
    columns : some of the columns; all by default.
    filters : an Arrow expression that rows must fit.

    Returns
    -------
    None where there are none.

    Raises
    ------
    HwbenchError
        Where a file is broken, or lacks a column.
    """
    return _beside_a_writer(lambda: _read_parts(folder, kind, columns, filters))


def _read_parts(
    folder: Path, kind: str, columns: Sequence[str] | None, filters: pc.Expression | None
) -> pa.Table | None:
    parts = list_parts(folder)
    last = _last_places(parts) if len(parts) > 1 else None
    tables = []
    for place, part in enumerate(parts):
        if kind == PREDICTIONS and not part.path(kind).exists():
            _schema_names(part.path(STUDY))  # if that is there all its trials failed
            continue
        tables.append(_read_part(part, place, kind, columns, filters, last))
    if not tables:
        return None
    return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()


def result_columns(folder: Path, kind: str) -> set[str]:
    """Columns that all result files of a kind in a run folder have."""
    paths = [part.path(kind) for part in list_parts(folder)]
    names = [set(_schema_names(path)) for path in paths if path.exists()]
    return set.intersection(*names) if names else set()


def _read_part(
    part: Part,
    place: int,
    kind: str,
    columns: Sequence[str] | None,
    filters: pc.Expression | None,
    last: pd.Series | None,
) -> pa.Table:
    if last is None:
        return _read_file(part.path(kind), columns, filters)
    wanted = None if columns is None else list(dict.fromkeys([*columns, "trial"]))
    table = _of_place(_read_file(part.path(kind), wanted, filters), place, last)
    return table if columns is None else table.select(list(columns))


def _of_place(table: pa.Table, place: int, last: pd.Series) -> pa.Table:
    """Rows of those trials whose last part is the one at `place`."""
    if not len(table):
        return table
    trials = table.unify_dictionaries()["trial"].combine_chunks()
    own = last.reindex(trials.dictionary.to_pylist()).to_numpy() == place
    return table if own.all() else table.filter(pa.array(own[trials.indices.to_numpy()]))


def _last_places(parts: Sequence[Part]) -> pd.Series:
    """For each trial the place of the last part that holds it."""
    ids = [_read_file(part.path(STUDY), ["trial"], None)["trial"].to_pylist() for part in parts]
    places = np.repeat(np.arange(len(parts)), [len(each) for each in ids])
    every = pd.Series(places, index=pd.Index([name for each in ids for name in each]))
    return every[~every.index.duplicated(keep="last")]


def _read_file(
    path: Path, columns: Sequence[str] | None, filters: pc.Expression | None
) -> pa.Table:
    names = _schema_names(path)
    for name in columns or ():
        if name not in names:
            raise HwbenchError(f"{path}: column '{name}' is missing")
    with _explained(path):
        return pq.read_table(
            path,
            columns=None if columns is None else list(columns),
            filters=filters,
            read_dictionary=[name for name in TEXT if name in names],
            partitioning=None,
        )


def _schema_names(path: Path) -> list[str]:
    with _explained(path):
        names: list[str] = pq.read_schema(path).names
    return names


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say in one line which file cannot be read."""
    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise HwbenchError(f"{path}: cannot be read as Parquet ({reason}); run it again") from error


def trial_outcomes(folder: Path) -> dict[str, bool]:
    """For each trial of a run folder, by identity, whether it failed."""
    outcomes: dict[str, bool] = {}
    for part in list_parts(folder):
        outcomes.update(_outcomes_of(_read_file(part.path(STUDY), ["trial", "exception"], None)))
    return outcomes


def _outcomes_of(rows: pa.Table) -> dict[str, bool]:
    failed = pc.is_valid(rows["exception"]).to_pylist()
    return dict(zip(rows["trial"].to_pylist(), failed, strict=True))


# ---------------------------------------------------------------------- writing


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
        texts = [name for name in TEXT if name in _schema_names(path)]
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                yield table if last is None else _of_place(table, place, last)


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
    return {name for path in paths if path.exists() for name in _schema_names(path)}


def _joined(rows: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables([table.cast(STUDY_SCHEMA) for table in rows])


def _write_part(
    part: Part, rows: pa.Table, predictions: Iterable[pa.Table], names: Iterable[str]
) -> None:
    _write_predictions(part.path(PREDICTIONS), predictions, names)
    with atomic_path(part.path(STUDY), durable=True) as temporary:
        pq.write_table(rows, temporary, compression="zstd")


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
        try:
            (folder / PARTS).mkdir(parents=True, exist_ok=True)
            self._lock = (folder / PARTS / ".lock").open("w")
        except OSError as error:
            raise HwbenchError(f"{folder}: cannot be written ({error.strerror})") from error
        try:
            lock(self._lock, folder)
            self.broken = self._sweep()
            self.failed = trial_outcomes(folder)
            self._parts = [part for part in list_parts(folder) if part.last]
        except BaseException:
            self._lock.close()
            raise

    def _sweep(self) -> list[str]:
        """Remove what a crash left behind; set parts aside that cannot be read."""
        kinds = (STUDY, PREDICTIONS)
        kept = {part.path(kind) for part in list_parts(self.folder) for kind in kinds}
        begun = [path for kind in kinds for path in self.folder.glob(f".{kind}.parquet.*")]
        for path in [*begun, *(self.folder / PARTS).glob("*.parquet")]:
            if path not in kept:
                path.unlink()
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
            Where the disk is full or gone. What was flushed before is kept.
        """
        if self._rows:
            rows = pa.Table.from_pylist(list(self._rows.values()), schema=STUDY_SCHEMA)
            predicted = list(self._predictions.values())
            tables = [prediction_table(predicted)] if predicted else []
            self._write(rows, tables, tables[0].column_names if tables else ())
            self.failed.update(_outcomes_of(rows))
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
        last = _last_places(parts)
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
        rows = [_read_part(part, at, STUDY, None, None, last) for at, part in enumerate(parts)]
        self._write(_joined(rows), _stream_predictions(parts, last), _prediction_names(parts))
        self.failed.update((name, theirs[name]) for name in wanted)
        return len(wanted)

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

        Trials are put in the order of their keys.
        """
        self.flush()
        if self._parts:
            self._merge(list_parts(self.folder), Part(0, 0, self.folder))
            self._parts = []

    def _merge(self, parts: Sequence[Part], into: Part) -> Part:
        last = _last_places(parts) if len(parts) > 1 else None
        rows = _joined(
            [_read_part(part, at, STUDY, None, None, last) for at, part in enumerate(parts)]
        )
        if into.last == 0:
            rows = rows.sort_by([(name, "ascending") for name in KEY])
        _write_part(into, rows, _stream_predictions(parts, last), _prediction_names(parts))
        for part in parts:
            if part != into:
                part.path(STUDY).unlink()
                part.path(PREDICTIONS).unlink(missing_ok=True)
        return into

    def close(self) -> None:
        """Let others write the folder. What waits is not written."""
        self._lock.close()
        parts = self.folder / PARTS
        if not any(path.name != ".lock" for path in parts.iterdir()):
            with contextlib.suppress(OSError):
                (parts / ".lock").unlink()
                parts.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
