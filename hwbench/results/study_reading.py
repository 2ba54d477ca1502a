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

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hwbench.errors import HwbenchError, one_line
from hwbench.formats.parquet_files import ParquetReader, check_parquet, text_columns
from hwbench.results.frames import readable
from hwbench.results.names import PARTS, PREDICTIONS, STUDY
from hwbench.results.study_columns import FAMILY_OF_0_1_0, OWN_TRAINING_SET, STUDY_SCHEMA

FAN_IN = 32
"""So many parts of one level are merged into one of the next."""


RETRIES = 5
"""A folder that is being written is read again at most so often."""


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


def beside_a_writer(read: Callable[[], Result]) -> Result:
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
    `family`, `own_training_set` (a flag: the predictor chooses what it is fitted to), `encoding`,
    `training_size`, `seed`, `test_size`, the scores, what tuning did, times in seconds, `memory_mb`
    (MiB), and `exception` and `error`, None where the trial has scores.

    Raises
    ------
    HwbenchError
        Where the folder holds no results, a file is broken, or lacks a column.
    """
    place = Path(folder)
    if not place.is_dir():
        raise HwbenchError(f"{place}: no such run folder")
    table = read_results(place, STUDY, columns)
    if table is None:
        raise HwbenchError(f"{place}: holds no results of a study; see `hwbench study run`")
    return as_frame(table)


def as_frame(table: pa.Table) -> pd.DataFrame:
    """Results as a frame of plain columns: texts are of dtype object."""
    return with_plain_texts(table.replace_schema_metadata(None).to_pandas())


def with_plain_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose texts are of dtype object, None where there is none, whatever the pandas."""
    for name, dtype in frame.dtypes.items():
        if isinstance(dtype, pd.CategoricalDtype | pd.StringDtype):  # the latter in pandas 3
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
    return beside_a_writer(lambda: _read_parts(folder, kind, columns, filters))


def _read_parts(
    folder: Path, kind: str, columns: Sequence[str] | None, filters: pc.Expression | None
) -> pa.Table | None:
    parts = list_parts(folder)
    if kind == STUDY and filters is None:
        return _read_latest(parts, columns)
    last = last_places(parts) if len(parts) > 1 else None
    tables = []
    for place, part in enumerate(parts):
        if kind == PREDICTIONS and not part.path(kind).exists():
            schema_names(part.path(STUDY))  # if that is there all its trials failed
            continue
        tables.append(read_part(part, place, kind, columns, filters, last))
    if not tables:
        return None
    return _together(tables, parts)


def _read_latest(parts: Sequence[Part], columns: Sequence[str] | None) -> pa.Table | None:
    """The trials of some parts, of one that stands in several the row of the last; one pass."""
    if not parts:
        return None
    several = len(parts) > 1
    wanted = columns
    if several and columns is not None:
        wanted = list(dict.fromkeys([*columns, "trial"]))
    tables = [_read_file(part.path(STUDY), wanted, None) for part in parts]
    table = _together(tables, parts)
    if several:
        names, codes, places = _placed(table["trial"], tables, parts)
        own = _last_place(names, codes, places)[codes] == places
        table = table if own.all() else table.filter(pa.array(own))
    return table if columns is None else table.select(list(columns))


def _together(tables: Sequence[pa.Table], parts: Sequence[Part]) -> pa.Table:
    """The rows of some parts one after another, equal texts as one."""
    try:
        return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries()
    except pa.ArrowException as error:  # a column is of one kind here, of another there
        raise HwbenchError(
            f"{parts[0].folder}: its parts do not fit together ({one_line(error, 200)})"
        ) from error


def result_columns(folder: Path, kind: str) -> set[str]:
    """Columns that all result files of a kind in a run folder have."""
    paths = [part.path(kind) for part in list_parts(folder)]
    names = [set(schema_names(path)) for path in paths if path.exists()]
    return set.intersection(*names) if names else set()


def read_part(
    part: Part,
    place: int,
    kind: str,
    columns: Sequence[str] | None,
    filters: pc.Expression | None,
    last: pd.Series | None,
) -> pa.Table:
    """Rows of a part, without those that parts after it replace, see `last_places`."""
    if last is None:
        return _read_file(part.path(kind), columns, filters)
    wanted = None if columns is None else list(dict.fromkeys([*columns, "trial"]))
    table = of_place(_read_file(part.path(kind), wanted, filters), place, last)
    return table if columns is None else table.select(list(columns))


def of_place(table: pa.Table, place: int, last: pd.Series) -> pa.Table:
    """Rows of those trials whose last part is the one at `place`."""
    if not len(table):
        return table
    trials = table.unify_dictionaries()["trial"].combine_chunks()
    own = last.reindex(trials.dictionary.to_pylist()).to_numpy() == place
    return table if own.all() else table.filter(pa.array(own[trials.indices.to_numpy()]))


def last_places(parts: Sequence[Part]) -> pd.Series:
    """For each trial the place of the last part that holds it."""
    tables = [_read_file(part.path(STUDY), ["trial"], None) for part in parts]
    names, codes, places = _placed(_together(tables, parts)["trial"], tables, parts)
    return pd.Series(_last_place(names, codes, places), index=pd.Index(names))


def _placed(
    trials: pa.ChunkedArray, tables: Sequence[pa.Table], parts: Sequence[Part]
) -> tuple[list[str], NDArray[Any], NDArray[np.int64]]:
    """Names of trials, and of each row of some parts' tables the name's number and the part's.

    Parameters
    ----------
    trials : of all rows.
    tables, parts : that they are of, in one order.

    Returns
    -------
    The names, and integers of shape (n_rows,) twice.
    """
    whole = trials.combine_chunks()
    if not pa.types.is_dictionary(whole.type) or whole.null_count:
        raise HwbenchError(f"{parts[0].folder}: column 'trial' of its parts is not all text")
    places = np.repeat(np.arange(len(parts)), [len(each) for each in tables])
    codes = whole.indices.to_numpy(zero_copy_only=False)
    return whole.dictionary.to_pylist(), codes, places


def _last_place(
    names: Sequence[str], codes: NDArray[Any], places: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Of each name the last place of its rows, int64 of shape (n_names,)."""
    last = np.full(len(names), -1, dtype=np.int64)
    np.maximum.at(last, codes, places)
    return last


def _read_file(
    path: Path, columns: Sequence[str] | None, filters: pc.Expression | None
) -> pa.Table:
    with readable(path):
        schema = check_parquet(path).schema
    names = schema.names
    wanted = None if columns is None else list(columns)
    derived = _lacks_own_training_set(names) and (wanted is None or OWN_TRAINING_SET in wanted)
    if derived and wanted is not None:
        wanted = list(dict.fromkeys("family" if n == OWN_TRAINING_SET else n for n in wanted))
    for name in wanted or ():
        if name not in names:
            raise HwbenchError(f"{path}: column '{name}' is missing")
    with readable(path):
        table = pq.read_table(
            path,
            columns=wanted,
            filters=filters,
            read_dictionary=text_columns(schema),
            partitioning=None,
        )
        table.validate(full=True)  # Arrow does not see by itself that an index is none
    if derived:
        table = _with_own_training_set(table)
    return table if columns is None or not derived else table.select(list(columns))


def _lacks_own_training_set(names: Sequence[str]) -> bool:
    """Whether a file of these columns holds trials of hwbench 0.1.0."""
    return "family" in names and OWN_TRAINING_SET not in names


def _with_own_training_set(table: pa.Table) -> pa.Table:
    """Trials of hwbench 0.1.0 with the column that says which predictors have such a set."""
    family = table["family"].cast(pa.string())
    place = STUDY_SCHEMA.names.index(OWN_TRAINING_SET)
    own = pc.fill_null(pc.equal(family, FAMILY_OF_0_1_0), False)
    return table.add_column(min(place, table.num_columns), OWN_TRAINING_SET, own)


def schema_names(path: Path) -> list[str]:
    """Columns of a result file."""
    with readable(path):
        names: list[str] = ParquetReader(path).schema.names
    return names


def trial_outcomes(folder: Path) -> dict[str, bool]:
    """For each trial of a run folder, by identity, whether it failed."""
    outcomes: dict[str, bool] = {}
    for part in list_parts(folder):
        outcomes.update(outcomes_of(_read_file(part.path(STUDY), ["trial", "exception"], None)))
    return outcomes


def outcomes_of(rows: pa.Table) -> dict[str, bool]:
    """For each trial of some rows, by identity, whether it failed."""
    failed = pc.is_valid(rows["exception"]).to_pylist()
    return dict(zip(rows["trial"].to_pylist(), failed, strict=True))
