"""Reading pickles as plain data, whole or entry by entry; nothing in a file is ever run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hwbench.errors import HwbenchError
from hwbench.formats.pickle_entries import EntryTaker, OnItem
from hwbench.formats.pickle_globals import MAX_COPIES
from hwbench.formats.pickle_machine import MAX_OBJECTS, PickleMachine
from hwbench.formats.plain_data import check_plain
from hwbench.formats.streams import ByteStream, open_stream

MAX_BYTES = 1 << 28
MAX_STREAM_BYTES = 1 << 36


def load_pickle(
    source: Path | bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_objects: int = MAX_OBJECTS,
    stand_ins: bool = False,
) -> Any:
    """Read a pickle of plain data: numbers, text, containers and numpy arrays.

    Text of Python 2 is read as Latin-1. Bytes after the pickle's end are not looked at.

    Parameters
    ----------
    source : a file (plain, gzip or bzip2, told by its first bytes), or the bytes themselves.
    max_bytes : the largest size once unpacked; a packed file may hold no more than
        `streams.unpacked_limit` says either.
    max_objects : the largest number of small objects, of some 60 bytes each.
    stand_ins : put inert `StandIn` objects where classes or functions of other libraries are
        named, instead of refusing them.

    Returns
    -------
    What the pickle holds: what `pickle.load` gives, for plain data.

    Raises
    ------
    HwbenchError
        Where the file cannot be read, is damaged or too large, names anything but plain data, or
        is nested or repeated beyond what a reader could walk.
    """
    with open_stream(source, max_bytes=max_bytes) as stream:
        machine = PickleMachine(
            stream,
            max_objects=max_objects,
            max_copies=min(max_bytes, MAX_COPIES),
            stand_ins=stand_ins,
        )
        return load_checked(machine, stream)


def stream_pickle(
    source: Path | bytes,
    *,
    where: Sequence[Any],
    on_item: OnItem,
    max_bytes: int = MAX_STREAM_BYTES,
    max_objects: int = MAX_OBJECTS,
    stand_ins: bool = False,
) -> Any:
    """Read a huge pickle and hand over the entries of one of its dictionaries as they come.

    An entry is forgotten once it was handed over. Entries may share texts, short tuples of texts
    and integers, and dtypes with earlier ones; a file whose entries share lists, dictionaries or
    arrays across entries is refused.

    Parameters
    ----------
    source : a file (plain, gzip or bzip2), or the bytes themselves.
    where : the keys that lead to the dictionary, outermost first: `("arch2infos",)`. `ANY` stands
        for every key: `("data", ANY)` means each dictionary inside `data`; `()` is the outermost
        dictionary itself.
    on_item : called with the keys that lead to the dictionary (a tuple), the entry's key and its
        value. What it raises is passed on unchanged.
    max_bytes : the largest size once unpacked.
    max_objects : the largest number of small objects at one time.
    stand_ins : as in `load_pickle`.

    Returns
    -------
    What the pickle holds, the dictionaries under `where` emptied.

    Raises
    ------
    HwbenchError
        As `load_pickle`; and where `where` leads nowhere, or entries share what was forgotten.
    """
    with open_stream(source, max_bytes=max_bytes) as stream:
        taker = EntryTaker(where, on_item)
        machine = PickleMachine(
            stream,
            max_objects=max_objects,
            max_copies=max_bytes,
            stand_ins=stand_ins,
            watcher=taker,
        )
        return finish_entries(machine, taker, stream)


def load_checked(machine: PickleMachine, stream: ByteStream) -> Any:
    """Run a machine and check what it made.

    Raises
    ------
    HwbenchError
        As `load_pickle`.
    """
    value = machine.load()
    stream.drain()
    try:
        check_plain(value)
    except HwbenchError as error:
        raise HwbenchError(f"{stream.name}: {error}") from error
    return value


def finish_entries(machine: PickleMachine, taker: EntryTaker, stream: ByteStream) -> Any:
    """Run a machine whose entries are taken away, and check what is left.

    Raises
    ------
    HwbenchError
        As `stream_pickle`.
    """
    value = load_checked(machine, stream)
    try:
        taker.finish(value)
    except HwbenchError as error:
        if error in taker.errors:
            raise
        raise HwbenchError(f"{stream.name}: {error}") from error
    return value
