"""Batches that are as large as memory allows (LAUBE 4.3.4)."""

from __future__ import annotations

import math

MARGIN = 0.95
"""The share of the memory that may be expected to be used."""

MULTIPLE = 8


def next_batch(batch: int, usage: float, *, most: int = 128) -> int:
    """The batch size after some steps, from how much memory those took.

    What is used is taken to grow with the batch in proportion. It is never less than it was, a
    multiple of 8 where it has grown, and at most twice as large as it was.

    Parameters
    ----------
    batch : the size so far.
    usage : of the memory by steps of this size, a share above 0.
    most : the largest size.
    """
    grown = min(math.floor(MARGIN * batch / usage), most, 2 * batch)
    return max(batch, grown - grown % MULTIPLE)


def grown_batch(batch: int, candidates: float, memory: int, *, most: int = 128) -> int:
    """The size that a batch grows to, where memory is a number of images.

    Parameters
    ----------
    batch : the size to begin with.
    candidates : of a position, in the mean over all.
    memory : how many images times candidates fit.
    most : the largest size.
    """
    larger = next_batch(batch, batch * candidates / memory, most=most)
    while larger > batch:
        batch, larger = larger, next_batch(larger, larger * candidates / memory, most=most)
    return batch
