"""Many byte codes at once: the long runs of numbers that tables of learning curves consist of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

SHORTEST = 8

# A float is "G" and 8 bytes; keys are "K" and one byte, or "j" and the number of a memo entry.
_RUNS = re.compile(
    rb"((?:K.G.{8}){%d,})|((?:j.{4}G.{8}){%d,})|((?:G.{8}){%d,})" % ((SHORTEST,) * 3), re.DOTALL
)
_INTEGER_KEYS = np.dtype(
    {"names": ["key", "value"], "formats": ["u1", ">f8"], "offsets": [1, 3], "itemsize": 11}
)
_MEMO_KEYS = np.dtype(
    {"names": ["key", "value"], "formats": ["<u4", ">f8"], "offsets": [1, 6], "itemsize": 14}
)
_FLOATS = np.dtype({"names": ["value"], "formats": [">f8"], "offsets": [1], "itemsize": 9})


def take_run(
    buffer: bytes, start: int, stop: int, recall: Callable[[list[int]], list[Any]]
) -> tuple[list[Any], int]:
    """Read a run of floats, or of keys and floats in turn, if one begins here.

    Parameters
    ----------
    buffer : the bytes of the pickle.
    start, stop : where the run would begin, and the first byte that it may not touch.
    recall : gives the objects in the memo for a list of their numbers.

    Returns
    -------
    What the run pushes onto the stack, and the first byte after it; nothing and `start` where no
    run of at least `SHORTEST` begins.
    """
    found = _RUNS.match(buffer, start, stop)
    if found is None:
        return [], start
    run = found.group()
    if found.lastindex == 3:
        return np.frombuffer(run, _FLOATS)["value"].tolist(), found.end()
    pairs = np.frombuffer(run, _INTEGER_KEYS if found.lastindex == 1 else _MEMO_KEYS)
    keys = pairs["key"].tolist()
    values = [None] * (2 * len(keys))
    values[::2] = keys if found.lastindex == 1 else recall(keys)
    values[1::2] = pairs["value"].tolist()
    return values, found.end()
