"""Predictions put into the order of their trials, more of them than memory holds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from hwbench.arrays import IntArray
from hwbench.results.study_columns import KEY

SCRATCH = ".sorting"
"""The folders that predictions wait in begin so."""

_KEYS = ("trial", *KEY)
_RANK = "rank"


def in_order_of_trials(
    rows: pa.Table, tables: Iterable[pa.Table], scratch: Path, block: int
) -> Iterator[pa.Table]:
    """Predictions in the order of their trials' rows; those of a trial stay in their own order.

    They are dealt to files of a block each, and every block is sorted by itself: whatever the order
    they come in, and whatever pieces, what is given is the same, table for table.

    Parameters
    ----------
    rows : of the trials, as `STUDY_SCHEMA` has them; predictions of no trial of these are dropped.
    tables : predictions, some at a time.
    scratch : the folder that files are put in meanwhile; what is left there by a stop begins with
        `SCRATCH`.
    block : about so many predictions are given, and held in memory, at a time.
    """
    rank_of = pd.Series(np.arange(len(rows)), index=pd.Index(rows["trial"].to_pandas()))
    keys = pa.table({name: _short(rows[name]) for name in _KEYS})
    block_of = _blocks(rows, block)
    if not len(rows) or block_of[-1] == 0:
        whole = [_ranked(table, rank_of) for table in tables]
        yield from _sorted_block(whole, keys)
        return
    with tempfile.TemporaryDirectory(dir=scratch, prefix=SCRATCH) as folder:
        files = _dealt((_ranked(table, rank_of) for table in tables), block_of, Path(folder))
        for _, path in sorted(files.items()):
            with pa.OSFile(str(path)) as source:
                yield from _sorted_block(list(_read_pieces(source)), keys)
            path.unlink()


def _blocks(rows: pa.Table, block: int) -> IntArray:
    """The block of each trial, from what the trials before it have predicted."""
    scored = pc.is_null(rows["exception"]).to_numpy(zero_copy_only=False)
    sizes = np.where(scored, pc.fill_null(rows["test_size"], 0).to_numpy(), 0)
    return np.asarray((np.cumsum(sizes) - sizes) // block, dtype=np.int64)


def _short(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column with each of its texts once."""
    return column.dictionary_encode() if pa.types.is_string(column.type) else column


def _ranked(table: pa.Table, rank_of: pd.Series) -> pa.Table:
    """Predictions with the place of their trial among the trials, instead of its name and key."""
    trials = table["trial"].combine_chunks()
    if not pa.types.is_dictionary(trials.type):
        trials = trials.dictionary_encode()
    ranks = rank_of.reindex(trials.dictionary.to_pylist(), fill_value=-1).to_numpy()
    ranks = ranks[trials.indices.to_numpy()] if len(trials) else np.empty(0, dtype=np.int64)
    plain = {
        name: table[name].cast(pa.string())
        if pa.types.is_dictionary(table[name].type)
        else table[name]
        for name in table.column_names
        if name not in _KEYS
    }
    found = pa.table({_RANK: ranks, **plain})
    return found if (ranks >= 0).all() else found.filter(pa.array(ranks >= 0))


def _dealt(tables: Iterable[pa.Table], block_of: IntArray, folder: Path) -> dict[int, Path]:
    """A file for each block, of the pieces of tables that belong to it, in their order."""
    paths: dict[int, Path] = {}
    for table in tables:
        blocks = block_of[table[_RANK].to_numpy()]
        order = np.argsort(blocks, kind="stable")
        borders = np.flatnonzero(np.diff(blocks[order])) + 1
        for places in np.split(order, borders) if len(order) else ():
            number = int(blocks[places[0]])
            paths[number] = folder / str(number)
            with paths[number].open("ab") as file:
                piece = table.take(pa.array(places)).combine_chunks()
                with pa.ipc.new_stream(file, piece.schema) as writer:
                    writer.write_table(piece)
    return paths


def _read_pieces(source: pa.NativeFile) -> Iterator[pa.Table]:
    """The tables that stand one behind the other in a file."""
    while source.tell() < source.size():
        yield pa.ipc.open_stream(source).read_all()


def _sorted_block(pieces: list[pa.Table], keys: pa.Table) -> Iterator[pa.Table]:
    """The predictions of a block in order, with their keys; nothing where there are none."""
    if not pieces:
        return
    table = pa.concat_tables(pieces, promote_options="permissive")
    pieces.clear()
    table = table.take(pa.array(np.argsort(table[_RANK].to_numpy(), kind="stable")))
    if len(table):
        of_rows = keys.take(table[_RANK])
        columns = {name: of_rows[name] for name in keys.column_names}
        columns |= {name: table[name] for name in table.column_names if name != _RANK}
        yield pa.table(columns).combine_chunks()
